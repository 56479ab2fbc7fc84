//! The calls of the user: how often they poll, and how long other calls take.

use std::time::{Duration, Instant};

use super::definition::CONSUMER;
use super::sampled::{Sampled, Windowing};
use super::snapshot::Sink;

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(super) struct Polling {
    last_began: Option<Instant>,
    last_ended: Option<Instant>,
    between: Sampled,
    idle: Sampled,
    commit_sync: Duration,
    committed: Duration,
}

impl Polling {
    /// Takes note of a poll that is over.
    pub(super) fn polled(&mut self, windowing: Windowing, began: Instant, ended: Instant) {
        // Kafka counts the first poll as zero after the one before.
        let previous = self.last_began.replace(began).unwrap_or(began);
        let between = milliseconds(began.saturating_duration_since(previous));
        self.between.record(windowing, began, between);
        let inside = ended.saturating_duration_since(began).as_secs_f64();
        let outside = self.last_ended.replace(ended).map_or(0.0, |last_ended| {
            began.saturating_duration_since(last_ended).as_secs_f64()
        });
        let whole = inside + outside;
        let ratio = if whole > 0.0 { inside / whole } else { 0.0 };
        self.idle.record(windowing, ended, ratio);
    }

    pub(super) fn committed_sync(&mut self, took: Duration) {
        self.commit_sync += took;
    }

    pub(super) fn asked_committed(&mut self, took: Duration) {
        self.committed += took;
    }

    /// `began` is when the last poll began, even if it is not over.
    pub(super) fn read(
        &self,
        windowing: Windowing,
        now: Instant,
        began: Option<Instant>,
        sink: &mut Sink,
    ) {
        let mut put = |name, value| sink.put(CONSUMER, name, value);
        put(
            "time-between-poll-avg",
            self.between.average(windowing, now),
        );
        put(
            "time-between-poll-max",
            self.between.maximum(windowing, now),
        );
        put("last-poll-seconds-ago", seconds_ago(now, began));
        put("poll-idle-ratio-avg", self.idle.average(windowing, now));
        put("commit-sync-time-ns-total", nanoseconds(self.commit_sync));
        put("committed-time-ns-total", nanoseconds(self.committed));
    }
}

pub(super) fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

pub(super) fn nanoseconds(span: Duration) -> f64 {
    span.as_nanos() as f64
}

/// Whole seconds since then; -1 if it never was.
pub(super) fn seconds_ago(now: Instant, then: Option<Instant>) -> f64 {
    then.map_or(-1.0, |then| {
        now.saturating_duration_since(then).as_secs() as f64
    })
}
