//! Requests on their way out: accepted, held back while the connection cannot carry them, encoded
//! in the version agreed on.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::super::error::RequestError;
use super::super::event::NetworkEvent;
use super::super::in_flight::{Purpose, Sent};
use super::super::input::Output;
use super::super::request::{OutboundRequest, RequestToken};
use super::super::waiting::{WAITING_MAX, Waiter};
use super::{Connection, State, failed};
use crate::ids::CorrelationId;
use crate::wire::{self, Request, RequestHead, WireError};

impl Connection {
    pub(super) fn accept(&mut self, now: Instant, request: OutboundRequest, out: &mut Vec<Output>) {
        if self.waiting.is_full() {
            let error = RequestError::QueueFull {
                api_key: request.request.api_key(),
                broker: Arc::clone(&self.broker),
                limit: WAITING_MAX,
            };
            out.push(failed(request.token, error));
        } else {
            self.waiting.push(now, request);
        }
    }

    pub(super) fn cancel(&mut self, token: RequestToken) {
        if !self.waiting.cancel(token) {
            self.in_flight.cancel(token);
        }
    }

    /// Puts what waits on the wire, as far as the connection can carry it.
    pub(super) fn transmit(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.throttle.muted_until(now).is_some() {
            return;
        }
        while let State::Ready { versions, .. } = &self.state
            && self.in_flight.has_room()
            && let Some(waiter) = self.waiting.pop()
        {
            let token = waiter.request.token;
            let api_key = waiter.request.request.api_key();
            let outcome = versions
                .negotiate(&waiter.request.request)
                .and_then(|version| self.transmit_one(now, &waiter, version, out));
            if let Err(reason) = outcome {
                let error = RequestError::Unsupported {
                    api_key,
                    broker: Arc::clone(&self.broker),
                    reason,
                };
                out.push(failed(token, error));
            }
        }
    }

    fn transmit_one(
        &mut self,
        now: Instant,
        waiter: &Waiter,
        version: i16,
        out: &mut Vec<Output>,
    ) -> Result<(), WireError> {
        let Waiter {
            request,
            expires_at,
        } = waiter;
        let sent = Sent {
            correlation_id: CorrelationId::new(self.next_correlation_id),
            api_key: request.request.api_key(),
            version,
            purpose: Purpose::Caller(request.token),
            sent_at: now,
            expires_at: *expires_at,
            timeout: request.timeout,
        };
        let frame = self.encode(&sent, &request.request)?;
        if request.is_answered() {
            self.in_flight.push_answered(sent, frame.len());
        } else {
            self.in_flight.push_unanswered(sent, frame.len());
        }
        self.touch(now);
        out.push(Output::Transmit(frame));
        Ok(())
    }

    /// Encodes a request and moves on to the next correlation id.
    pub(super) fn encode(&mut self, sent: &Sent, request: &Request) -> Result<Bytes, WireError> {
        let head = RequestHead {
            api_key: sent.api_key,
            api_version: sent.version,
            correlation_id: sent.correlation_id,
            client_id: self.settings.client_id.clone(),
        };
        wire::encode_request(&head, request, &mut self.encoded)?;
        self.next_correlation_id = match self.next_correlation_id {
            CORRELATION_ID_MAX => 0,
            id => id + 1,
        };
        Ok(self.encoded.split().freeze())
    }

    pub(super) fn written(&mut self, now: Instant, bytes: usize, out: &mut Vec<Output>) {
        self.in_flight.written(bytes);
        self.touch(now);
        while let Some(sent) = self.in_flight.pop_written() {
            if let Purpose::Caller(token) = sent.purpose {
                out.push(Output::Event(NetworkEvent::Sent { token }));
            }
        }
    }
}

/// The last number before those that Kafka's clients keep for SASL.
const CORRELATION_ID_MAX: i32 = i32::MAX - 8;
