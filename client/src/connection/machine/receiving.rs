//! Answers on their way in: matched to the oldest request, decoded, delivered.

use core::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::super::error::{CloseReason, RequestError};
use super::super::event::NetworkEvent;
use super::super::in_flight::{Purpose, Sent};
use super::super::input::Output;
use super::super::throttle;
use super::{Connection, failed};
use crate::ids::CorrelationId;
use crate::wire::{self, Response};

impl Connection {
    pub(super) fn receive(&mut self, now: Instant, frame: Bytes, out: &mut Vec<Output>) {
        let Some(address) = self.address() else {
            return;
        };
        self.touch(now);
        if let Err(reason) = self.check_correlation(address, &frame) {
            return self.fail(now, reason, out);
        }
        let Some(sent) = self.in_flight.pop_oldest() else {
            return;
        };
        let bytes = frame.len();
        match wire::decode_response(sent.api_key, sent.version, frame) {
            Ok((_, response)) => self.deliver(now, &sent, response, bytes, out),
            Err(reason) => {
                if let Purpose::Caller(token) = sent.purpose {
                    let error = RequestError::Malformed {
                        api_key: sent.api_key,
                        broker: Arc::clone(&self.broker),
                        address,
                        reason: reason.clone(),
                    };
                    out.push(failed(token, error));
                }
                self.fail(now, CloseReason::Malformed(address, reason), out);
            }
        }
    }

    /// Whether the frame answers the oldest request. A frame too short to tell is left to the
    /// decoder, whose complaint names the API.
    fn check_correlation(&self, address: SocketAddr, frame: &[u8]) -> Result<(), CloseReason> {
        let Some(oldest) = self.in_flight.oldest() else {
            return Err(CloseReason::Unasked(address));
        };
        let Some(received) = frame.first_chunk() else {
            return Ok(());
        };
        let received = CorrelationId::new(i32::from_be_bytes(*received));
        if received == oldest.correlation_id {
            return Ok(());
        }
        Err(CloseReason::WrongCorrelation {
            address,
            expected: oldest.correlation_id,
            received,
        })
    }

    fn deliver(
        &mut self,
        now: Instant,
        sent: &Sent,
        response: Response,
        bytes: usize,
        out: &mut Vec<Output>,
    ) {
        let throttle = throttle::throttle_time(&response);
        if !throttle.is_zero() && throttle::is_client_side(sent.api_key, sent.version) {
            let gained = self.throttle.mute(now, throttle);
            self.waiting.extend_deadlines(gained);
            self.in_flight.extend_deadlines(gained);
        }
        match sent.purpose {
            Purpose::Negotiation => self.negotiated(now, sent.version, &response, out),
            Purpose::Caller(token) => out.push(Output::Event(NetworkEvent::Response {
                token,
                response,
                bytes,
                throttle,
                latency: now.saturating_duration_since(sent.sent_at),
            })),
            Purpose::Cancelled => {}
        }
    }
}
