//! The three clocks of a member: when to give a sign of life, when the coordinator must have given
//! one, and when the consumer must have polled (Kafka's `Heartbeat`).

use std::time::{Duration, Instant};

/// The lengths of the three clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intervals {
    pub(super) heartbeat: Duration,
    pub(super) session: Duration,
    pub(super) max_poll: Duration,
}

/// The clocks. A deadline beyond what an `Instant` can hold never comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timers {
    intervals: Intervals,
    heartbeat_at: Option<Instant>,
    heartbeat_failures: u32,
    /// Whether a heartbeat is unanswered. Unlike Kafka's client, no other one is sent meanwhile:
    /// the coordinator would read it only after the first.
    heartbeat_is_out: bool,
    session_ends_at: Option<Instant>,
    /// The last sign of life of the consumer other than a poll.
    seen_at: Instant,
}

impl Timers {
    pub(super) fn new(now: Instant, intervals: Intervals) -> Self {
        Self {
            intervals,
            heartbeat_at: now.checked_add(intervals.heartbeat),
            heartbeat_failures: 0,
            heartbeat_is_out: false,
            session_ends_at: now.checked_add(intervals.session),
            seen_at: now,
        }
    }

    /// The member came into a generation: the coordinator has just been heard.
    pub(super) fn joined(&mut self, now: Instant) {
        self.heartbeat_failures = 0;
        self.heartbeat_at = now.checked_add(self.intervals.heartbeat);
        self.coordinator_heard(now);
    }

    pub(super) fn coordinator_heard(&mut self, now: Instant) {
        self.session_ends_at = now.checked_add(self.intervals.session);
    }

    /// The consumer did something that only a living consumer does.
    pub(super) fn consumer_seen(&mut self, now: Instant) {
        self.seen_at = self.seen_at.max(now);
    }

    /// When the next heartbeat is due; `None` while one is unanswered.
    pub(super) fn heartbeat_at(&self) -> Option<Instant> {
        self.heartbeat_at.filter(|_| !self.heartbeat_is_out)
    }

    pub(super) fn heartbeat_sent(&mut self, now: Instant) {
        self.heartbeat_is_out = true;
        self.heartbeat_at = now.checked_add(self.intervals.heartbeat);
    }

    pub(super) fn heartbeat_succeeded(&mut self, now: Instant) {
        self.heartbeat_is_out = false;
        self.heartbeat_failures = 0;
        self.coordinator_heard(now);
    }

    /// The next one is due after the delay for so many failures.
    pub(super) fn heartbeat_failed(&mut self, now: Instant, delay: impl FnOnce(u32) -> Duration) {
        self.heartbeat_is_out = false;
        self.heartbeat_at = now.checked_add(delay(self.heartbeat_failures));
        self.heartbeat_failures = self.heartbeat_failures.saturating_add(1);
    }

    pub(super) fn session_ends_at(&self) -> Option<Instant> {
        self.session_ends_at
    }

    /// When the consumer must have polled again.
    pub(super) fn poll_ends_at(&self, last_poll: Option<Instant>) -> Option<Instant> {
        let seen_at = last_poll.map_or(self.seen_at, |poll| poll.max(self.seen_at));
        seen_at.checked_add(self.intervals.max_poll)
    }
}
