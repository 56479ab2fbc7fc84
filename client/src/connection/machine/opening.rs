//! Opening and closing: look-up, addresses in turn, versions; and what happens to the requests when
//! it comes to nothing.

use core::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::error::{CloseReason, RequestError, Stage};
use super::super::event::NetworkEvent;
use super::super::in_flight::{Purpose, Sent};
use super::super::input::Output;
use super::super::negotiation::{self, Verdict};
use super::super::waiting::Waiter;
use super::{Connection, State, failed};
use crate::ids::CorrelationId;
use crate::wire::{ApiKey, Response};

impl Connection {
    pub(super) fn connect_if_needed(&mut self, now: Instant, out: &mut Vec<Output>) {
        let is_due = matches!(self.state, State::Closed)
            && !self.waiting.is_empty()
            && self.attempts.backing_off_until(now).is_none();
        if is_due {
            let attempt = self.attempts.begin(now);
            let timeout = self.attempts.setup_timeout(&self.settings);
            let give_up_at = now + timeout;
            self.state = State::Resolving {
                timeout,
                give_up_at,
            };
            out.push(Output::Resolve { attempt });
        }
    }

    pub(super) fn resolved(
        &mut self,
        now: Instant,
        attempt: u64,
        addresses: Result<Vec<SocketAddr>, Arc<str>>,
        out: &mut Vec<Output>,
    ) {
        let is_expected = matches!(self.state, State::Resolving { .. });
        if !is_expected || attempt != self.attempts.number() {
            return;
        }
        match addresses {
            Ok(found) => {
                self.attempts.resolved(found);
                let reason = CloseReason::Unresolved("the look-up found no address".into());
                self.try_next_address(now, reason, out);
            }
            Err(detail) => {
                self.attempts.connect_failed();
                self.fail(now, CloseReason::Unresolved(detail), out);
            }
        }
    }

    /// Connects to the next address in place of the last one, or gives up for `reason` where there
    /// is none.
    fn try_next_address(&mut self, now: Instant, reason: CloseReason, out: &mut Vec<Output>) {
        let Some(address) = self.attempts.next_address(now) else {
            return self.fail(now, reason, out);
        };
        if self.address().is_some() {
            out.push(Output::CloseSocket);
        }
        let timeout = self.attempts.setup_timeout(&self.settings);
        self.state = State::Connecting {
            address,
            timeout,
            give_up_at: now + timeout,
        };
        out.push(Output::Connect(address));
    }

    pub(super) fn connect_failed(&mut self, now: Instant, detail: Arc<str>, out: &mut Vec<Output>) {
        if let State::Connecting { address, .. } = self.state {
            let reason = CloseReason::Unreachable(address, detail);
            self.address_failed(now, reason, out);
        }
    }

    fn address_failed(&mut self, now: Instant, reason: CloseReason, out: &mut Vec<Output>) {
        self.attempts.connect_failed();
        self.try_next_address(now, reason, out);
    }

    pub(super) fn connected(&mut self, now: Instant, out: &mut Vec<Output>) {
        if let State::Connecting { address, .. } = self.state {
            self.attempts.connected();
            self.throttle.clear();
            self.state = State::Negotiating { address };
            self.ask_for_versions(now, address, negotiation::first_version(), out);
        }
    }

    fn ask_for_versions(
        &mut self,
        now: Instant,
        address: SocketAddr,
        version: i16,
        out: &mut Vec<Output>,
    ) {
        let timeout = self.settings.request_timeout;
        let sent = Sent {
            correlation_id: CorrelationId::new(self.next_correlation_id),
            api_key: ApiKey::ApiVersions,
            version,
            purpose: Purpose::Negotiation,
            sent_at: now,
            expires_at: now + timeout,
            timeout,
        };
        match self.encode(&sent, &negotiation::question()) {
            Ok(frame) => {
                self.in_flight.push_answered(sent, frame.len());
                out.push(Output::Transmit(frame));
            }
            Err(reason) => self.fail(now, CloseReason::Malformed(address, reason), out),
        }
    }

    pub(super) fn negotiated(
        &mut self,
        now: Instant,
        asked: i16,
        response: &Response,
        out: &mut Vec<Output>,
    ) {
        let (State::Negotiating { address }, Response::ApiVersions(answer)) =
            (&self.state, response)
        else {
            return;
        };
        let address = *address;
        match negotiation::judge(asked, answer) {
            Verdict::Agreed(versions) => {
                self.attempts.ready();
                self.last_failure = None;
                self.state = State::Ready {
                    address,
                    versions,
                    used_at: now,
                };
                out.push(Output::Event(NetworkEvent::ConnectionOpened {
                    broker: Arc::clone(&self.broker),
                    lane: self.lane,
                }));
            }
            Verdict::AskAgain(version) => self.ask_for_versions(now, address, version, out),
            Verdict::Refused(code) => {
                self.fail(now, CloseReason::VersionsRefused(address, code), out);
            }
        }
    }

    /// Gives up on what is overdue at `now`.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some(waiter) = self.waiting.pop_overdue(now) {
            let error = self.timed_out(waiter.request.request.api_key(), waiter.request.timeout);
            out.push(failed(waiter.request.token, error));
        }
        match self.state {
            State::Resolving {
                timeout,
                give_up_at,
            } if give_up_at <= now => {
                self.attempts.connect_failed();
                self.fail(now, CloseReason::SetupTimedOut(None, timeout), out);
            }
            State::Connecting {
                address,
                timeout,
                give_up_at,
            } if give_up_at <= now => {
                let reason = CloseReason::SetupTimedOut(Some(address), timeout);
                self.address_failed(now, reason, out);
            }
            State::Negotiating { address } | State::Ready { address, .. } => {
                self.expire_open(now, address, out);
            }
            _ => {}
        }
    }

    fn expire_open(&mut self, now: Instant, address: SocketAddr, out: &mut Vec<Output>) {
        if let Some(overdue) = self.in_flight.overdue(now) {
            let reason = CloseReason::RequestTimedOut(address, overdue.api_key, overdue.timeout);
            self.fail(now, reason, out);
        }
    }

    /// Closes a connection that nobody has used for long enough.
    pub(super) fn close_if_idle(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.idle_at().is_some_and(|idle_at| idle_at <= now) {
            out.push(Output::CloseSocket);
            self.state = State::Closed;
        }
    }

    /// Ends the connection, or the attempt to make one, and everything that depends on it.
    pub(super) fn fail(&mut self, now: Instant, reason: CloseReason, out: &mut Vec<Output>) {
        self.attempts.failed(now, &self.settings);
        self.last_failure = Some(reason.clone());
        self.close(Some(now), &reason, out);
        out.push(Output::Event(NetworkEvent::ConnectionClosed {
            broker: Arc::clone(&self.broker),
            lane: self.lane,
            error: reason,
        }));
    }

    /// Closes the socket and fails every request: as timed out where its time is over, as
    /// disconnected otherwise.
    pub(super) fn close(
        &mut self,
        now: Option<Instant>,
        reason: &CloseReason,
        out: &mut Vec<Output>,
    ) {
        if self.address().is_some() {
            out.push(Output::CloseSocket);
        }
        for sent in self.in_flight.drain() {
            let Purpose::Caller(token) = sent.purpose else {
                continue;
            };
            let error = if now.is_some_and(|now| sent.expires_at <= now) {
                self.timed_out_answering(&sent)
            } else {
                self.disconnected(sent.api_key, reason)
            };
            out.push(failed(token, error));
        }
        while let Some(Waiter { request, .. }) = self.waiting.pop() {
            let error = self.disconnected(request.request.api_key(), reason);
            out.push(failed(request.token, error));
        }
        self.state = State::Closed;
    }

    fn disconnected(&self, api_key: ApiKey, reason: &CloseReason) -> RequestError {
        RequestError::Disconnected {
            api_key,
            broker: Arc::clone(&self.broker),
            reason: reason.clone(),
        }
    }

    fn timed_out_answering(&self, sent: &Sent) -> RequestError {
        match self.address() {
            Some(address) => RequestError::TimedOut {
                api_key: sent.api_key,
                broker: Arc::clone(&self.broker),
                timeout: sent.timeout,
                stage: Stage::Answering(address),
            },
            None => self.timed_out(sent.api_key, sent.timeout),
        }
    }

    fn timed_out(&self, api_key: ApiKey, timeout: Duration) -> RequestError {
        let stage = match &self.state {
            State::Closed => Stage::Reconnecting(self.last_failure.clone()),
            State::Resolving { .. } => Stage::Resolving,
            State::Connecting { address, .. } => Stage::Connecting(*address),
            State::Negotiating { address } => Stage::Negotiating(*address),
            State::Ready { address, .. } => Stage::Queueing(*address),
        };
        RequestError::TimedOut {
            api_key,
            broker: Arc::clone(&self.broker),
            timeout,
            stage,
        }
    }
}
