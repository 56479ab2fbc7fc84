//! What time it is for people: the core counts from an instant that means nothing to clients, and
//! markers and descriptions need milliseconds since 1970.

use std::time::Instant;

/// See the module's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// An instant, and the milliseconds since 1970 that it stands for.
    origin: Option<(Instant, i64)>,
}

impl Clock {
    /// A clock that stands still at [`DEFAULT`], so that every run of a simulation is the same.
    pub(crate) fn new() -> Self {
        Self { origin: None }
    }

    /// From now on `now` stands for this many milliseconds since 1970.
    pub(crate) fn set(&mut self, now: Instant, timestamp: i64) {
        self.origin = Some((now, timestamp));
    }

    /// Lets the clock begin at [`DEFAULT`], unless it goes already.
    pub(crate) fn start(&mut self, now: Instant) {
        self.origin.get_or_insert((now, DEFAULT));
    }

    /// The milliseconds since 1970 at this instant.
    pub(crate) fn timestamp(&self, at: Instant) -> i64 {
        let Some((origin, timestamp)) = self.origin else {
            return DEFAULT;
        };
        let later = at.saturating_duration_since(origin).as_millis();
        let earlier = origin.saturating_duration_since(at).as_millis();
        let milliseconds = |span| i64::try_from(span).unwrap_or(i64::MAX);
        timestamp
            .saturating_add(milliseconds(later))
            .saturating_sub(milliseconds(earlier))
    }
}

/// The beginning of 2026.
const DEFAULT: i64 = 1_767_225_600_000;
