//! What was written and is not settled: requests whose answers are due, in the order in which they
//! have to come, and requests without an answer whose bytes are not gone yet.
//!
//! It decides which request an answer belongs to and which is overdue. It never retries.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::request::RequestToken;
use crate::ids::CorrelationId;
use crate::wire::ApiKey;

/// Requests that may wait for an answer on one connection. Brokers work through a connection one
/// by one, so a longer queue gains nothing.
pub const IN_FLIGHT_MAX: usize = 100;

/// Bytes that may wait to be written on one connection before further requests stay unencoded. One
/// request may go beyond it.
pub(super) const UNWRITTEN_MAX: usize = 256 * 1024;

/// On whose behalf a request is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The connection's own, to learn the broker's versions.
    Negotiation,
    /// A caller's.
    Caller(RequestToken),
    /// A caller's who does not care any more.
    Cancelled,
}

/// One request on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) correlation_id: CorrelationId,
    pub(super) api_key: ApiKey,
    pub(super) version: i16,
    pub(super) purpose: Purpose,
    pub(super) sent_at: Instant,
    pub(super) expires_at: Instant,
    pub(super) timeout: Duration,
}

/// The requests on the wire of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InFlight {
    /// Oldest first.
    answers: VecDeque<Sent>,
    /// Requests without an answer, and up to which byte the stream has to be written for each.
    writes: VecDeque<(u64, Sent)>,
    encoded_bytes: u64,
    written_bytes: u64,
}

impl InFlight {
    /// Whether there is room for one more.
    pub(super) fn has_room(&self) -> bool {
        self.answers.len() + self.writes.len() < IN_FLIGHT_MAX
            && self.unwritten_bytes() < UNWRITTEN_MAX
    }

    /// How many requests are unsettled.
    pub(super) fn len(&self) -> usize {
        self.answers.len() + self.writes.len()
    }

    /// Bytes that were given to the shell and not reported as written.
    pub(super) fn unwritten_bytes(&self) -> usize {
        usize::try_from(self.encoded_bytes - self.written_bytes).unwrap_or(usize::MAX)
    }

    /// Adds a request of `bytes` bytes that will be answered.
    pub(super) fn push_answered(&mut self, sent: Sent, bytes: usize) {
        self.encoded_bytes += bytes as u64;
        self.answers.push_back(sent);
    }

    /// Adds a request of `bytes` bytes that will not be answered.
    pub(super) fn push_unanswered(&mut self, sent: Sent, bytes: usize) {
        self.encoded_bytes += bytes as u64;
        self.writes.push_back((self.encoded_bytes, sent));
    }

    /// Notes that `bytes` more bytes are gone. More than were encoded count as all.
    pub(super) fn written(&mut self, bytes: usize) {
        self.written_bytes = self
            .written_bytes
            .saturating_add(bytes as u64)
            .min(self.encoded_bytes);
    }

    /// Takes the oldest request without an answer, if all its bytes are gone.
    pub(super) fn pop_written(&mut self) -> Option<Sent> {
        let (end, _) = self.writes.front()?;
        if *end > self.written_bytes {
            return None;
        }
        self.writes.pop_front().map(|(_, sent)| sent)
    }

    /// The request that the next answer has to belong to.
    pub(super) fn oldest(&self) -> Option<&Sent> {
        self.answers.front()
    }

    /// Takes it.
    pub(super) fn pop_oldest(&mut self) -> Option<Sent> {
        self.answers.pop_front()
    }

    /// Lets go of a caller's request; returns whether it was here.
    pub(super) fn cancel(&mut self, token: RequestToken) -> bool {
        for sent in self.iter_mut() {
            if sent.purpose == Purpose::Caller(token) {
                sent.purpose = Purpose::Cancelled;
                return true;
            }
        }
        false
    }

    /// Gives every request more time.
    pub(super) fn extend_deadlines(&mut self, by: Duration) {
        for sent in self.iter_mut() {
            sent.expires_at += by;
        }
    }

    /// The earliest time at which one is overdue.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.iter().map(|sent| sent.expires_at).min()
    }

    /// The request that is overdue at `now` for the longest time.
    pub(super) fn overdue(&self, now: Instant) -> Option<&Sent> {
        self.iter()
            .filter(|sent| sent.expires_at <= now)
            .min_by_key(|sent| sent.expires_at)
    }

    /// Empties the queue for a new connection; oldest first.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Sent> + use<> {
        let Self {
            answers, writes, ..
        } = std::mem::take(self);
        answers
            .into_iter()
            .chain(writes.into_iter().map(|(_, sent)| sent))
    }

    fn iter(&self) -> impl Iterator<Item = &Sent> {
        let unanswered = self.writes.iter().map(|(_, sent)| sent);
        self.answers.iter().chain(unanswered)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Sent> {
        let unanswered = self.writes.iter_mut().map(|(_, sent)| sent);
        self.answers.iter_mut().chain(unanswered)
    }
}
