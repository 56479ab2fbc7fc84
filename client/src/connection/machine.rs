//! The life of the connection to one broker on one lane.
//!
//! ```text
//!            request waits, backoff over
//!   Closed ------------------------------> Resolving --> Connecting --> Negotiating --> Ready
//!     ^                                        |          |      ^           |            |
//!     |                                        |          +------+           |            |
//!     |                                        |        next address         |            |
//!     +----------------------------------------+----------+------------------+------------+
//!           failure: everything that waits or is on the wire fails, backoff begins
//! ```
//!
//! TLS and SASL take their places between `Connecting` and `Ready`.
//!
//! It decides when to connect, what to write, whose answer a frame is, and when to give up. It
//! never retries a request: a failed one goes back to its caller. The surprising part: one overdue
//! answer ends the whole connection, because everything behind it is stuck as well.

mod opening;
mod receiving;
mod sending;

#[cfg(test)]
mod tests;

use core::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::attempts::Attempts;
use super::error::{CloseReason, RequestError};
use super::event::{NetworkEvent, NodeState};
use super::in_flight::InFlight;
use super::input::{Input, Output};
use super::request::{Lane, RequestToken};
use super::settings::ConnectionSettings;
use super::throttle::Throttle;
use super::waiting::Waiting;
use crate::ids::Broker;
use crate::wire::BrokerVersions;

/// The connection to one broker on one lane, from the first request to the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    broker: Arc<Broker>,
    lane: Lane,
    settings: Arc<ConnectionSettings>,
    state: State,
    waiting: Waiting,
    in_flight: InFlight,
    throttle: Throttle,
    attempts: Attempts,
    last_failure: Option<CloseReason>,
    next_correlation_id: i32,
    encoded: BytesMut,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Closed,
    Resolving {
        timeout: Duration,
        give_up_at: Instant,
    },
    Connecting {
        address: SocketAddr,
        timeout: Duration,
        give_up_at: Instant,
    },
    Negotiating {
        address: SocketAddr,
    },
    Ready {
        address: SocketAddr,
        versions: BrokerVersions,
        used_at: Instant,
    },
}

impl Connection {
    /// A connection that is closed until the first request. `seed` spreads its backoff.
    pub fn new(
        broker: Arc<Broker>,
        lane: Lane,
        settings: Arc<ConnectionSettings>,
        seed: u64,
    ) -> Self {
        Self {
            broker,
            lane,
            settings,
            state: State::Closed,
            waiting: Waiting::default(),
            in_flight: InFlight::default(),
            throttle: Throttle::default(),
            attempts: Attempts::new(seed),
            last_failure: None,
            next_correlation_id: 0,
            encoded: BytesMut::new(),
        }
    }

    /// Takes in what happened, and appends what has to be done to `out`.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Send(request) => self.accept(now, request, out),
            Input::Cancel(token) => self.cancel(token),
            Input::Disconnect => self.close(None, &CloseReason::Requested, out),
            Input::Resolved { attempt, addresses } => self.resolved(now, attempt, addresses, out),
            Input::Connected => self.connected(now, out),
            Input::ConnectFailed(detail) => self.connect_failed(now, detail, out),
            Input::Written(bytes) => self.written(now, bytes, out),
            Input::Frame(frame) => self.receive(now, frame, out),
            Input::Lost(reason) => {
                if self.address().is_some() {
                    self.fail(now, reason, out);
                }
            }
            Input::Tick => {}
        }
        self.expire(now, out);
        self.connect_if_needed(now, out);
        self.transmit(now, out);
        // Last: a request that cannot be sent to this broker leaves the connection as idle as it
        // was.
        self.close_if_idle(now, out);
    }

    /// Closes the connection because the broker is to be found elsewhere: whatever waits or is on
    /// the wire fails. The shell drops the machine afterwards.
    pub fn abandon(&mut self, out: &mut Vec<Output>) {
        self.close(None, &CloseReason::Moved, out);
    }

    /// The earliest time at which it wants [`Input::Tick`].
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let own = match &self.state {
            State::Closed if self.waiting.is_empty() => None,
            State::Closed => Some(self.attempts.backing_off_until(now).unwrap_or(now)),
            State::Resolving { give_up_at, .. } | State::Connecting { give_up_at, .. } => {
                Some(*give_up_at)
            }
            State::Negotiating { .. } => None,
            State::Ready { .. } if !self.waiting.is_empty() => self.throttle.muted_until(now),
            State::Ready { .. } => self.idle_at(),
        };
        let requests = [self.waiting.next_expiry(), self.in_flight.next_expiry()];
        own.into_iter().chain(requests.into_iter().flatten()).min()
    }

    /// The other end.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// Which of the connections to it.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// How ready it is at `now`.
    pub fn state(&self, now: Instant) -> NodeState {
        match &self.state {
            State::Closed => match self.attempts.backing_off_until(now) {
                Some(until) => NodeState::BackingOff { until },
                None => NodeState::Disconnected,
            },
            State::Resolving { .. } | State::Connecting { .. } | State::Negotiating { .. } => {
                NodeState::Connecting
            }
            State::Ready { .. } => match self.throttle.muted_until(now) {
                Some(until) => NodeState::Throttled { until },
                None => NodeState::Ready,
            },
        }
    }

    /// Requests that wait or are on the wire.
    pub fn pending(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }

    /// When the last attempt to connect began.
    pub fn last_attempt(&self) -> Option<Instant> {
        self.attempts.last_attempt()
    }

    /// The broker's versions, while the connection is ready.
    pub fn versions(&self) -> Option<&BrokerVersions> {
        match &self.state {
            State::Ready { versions, .. } => Some(versions),
            _ => None,
        }
    }

    /// The address of the other end, from the attempt to connect on.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Closed | State::Resolving { .. } => None,
            State::Connecting { address, .. }
            | State::Negotiating { address }
            | State::Ready { address, .. } => Some(*address),
        }
    }

    /// Whether dropping the machine loses nothing: closed, nothing waits, no backoff to keep.
    pub fn is_forgettable(&self, now: Instant) -> bool {
        matches!(self.state, State::Closed)
            && self.waiting.is_empty()
            && self.attempts.backing_off_until(now).is_none()
    }

    /// When an unused connection is to be closed; `None` while it is in use.
    fn idle_at(&self) -> Option<Instant> {
        match &self.state {
            State::Ready { used_at, .. } if self.pending() == 0 => {
                self.settings.idle_timeout.map(|timeout| *used_at + timeout)
            }
            _ => None,
        }
    }

    /// Notes that the connection was used.
    fn touch(&mut self, now: Instant) {
        if let State::Ready { used_at, .. } = &mut self.state {
            *used_at = now;
        }
    }
}

fn failed(token: RequestToken, error: RequestError) -> Output {
    Output::Event(NetworkEvent::Failed { token, error })
}
