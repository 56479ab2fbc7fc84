//! Requests that are not on the wire yet: the connection is not ready, is throttled or full.
//!
//! It keeps their order and knows which have run out of time. It never sends.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::request::{OutboundRequest, RequestToken};

/// Requests that may wait for one connection; one more fails at once.
pub const WAITING_MAX: usize = 1000;

/// One request that waits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waiter {
    pub(super) request: OutboundRequest,
    pub(super) expires_at: Instant,
}

/// The queue in front of one connection, first in, first out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Waiting {
    queue: VecDeque<Waiter>,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= WAITING_MAX
    }

    /// Appends a request.
    pub(super) fn push(&mut self, now: Instant, request: OutboundRequest) {
        assert!(
            !self.is_full(),
            "the caller refuses requests when the queue is full"
        );
        let expires_at = now + request.timeout.min(TIMEOUT_MAX);
        self.queue.push_back(Waiter {
            request,
            expires_at,
        });
    }

    /// Takes the oldest.
    pub(super) fn pop(&mut self) -> Option<Waiter> {
        self.queue.pop_front()
    }

    /// Takes one that is overdue.
    pub(super) fn pop_overdue(&mut self, now: Instant) -> Option<Waiter> {
        let place = self.queue.iter().position(|w| w.expires_at <= now)?;
        self.queue.remove(place)
    }

    /// The earliest time at which one is overdue.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.queue.iter().map(|waiter| waiter.expires_at).min()
    }

    /// Gives every request more time.
    pub(super) fn extend_deadlines(&mut self, by: Duration) {
        for waiter in &mut self.queue {
            waiter.expires_at += by;
        }
    }

    /// Forgets a request; returns whether it was here.
    pub(super) fn cancel(&mut self, token: RequestToken) -> bool {
        let place = self.queue.iter().position(|w| w.request.token == token);
        place.is_some_and(|place| self.queue.remove(place).is_some())
    }
}

/// The longest time that a request can be given; keeps sums of times within their range.
const TIMEOUT_MAX: Duration = Duration::from_secs(365 * 24 * 3600);
