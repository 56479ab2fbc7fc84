//! When a thread has to poll, whatever else it does, to stay a member of its group.

use std::time::{Duration, Instant};

/// Watches the time between polls. A member that exceeds `max.poll.interval.ms` leaves its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeepAlive {
    polled_at: Instant,
    /// Half of the interval: the other half is for the record that is handled next.
    interval: Duration,
}

impl KeepAlive {
    pub(super) fn new(now: Instant, max_poll_interval: Duration) -> Self {
        Self {
            polled_at: now,
            interval: max_poll_interval / 2,
        }
    }

    /// Takes note of a poll.
    pub(super) fn polled(&mut self, now: Instant) {
        self.polled_at = now;
    }

    /// Whether the next record may not be begun without a poll.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.polled_at) >= self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an origin for times in tests")]
    fn a_poll_is_due_after_half_of_the_interval() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut keep_alive = KeepAlive::new(start, 10 * second);
        assert!(!keep_alive.is_due(start + 4 * second));
        assert!(keep_alive.is_due(start + 5 * second));
        keep_alive.polled(start + 5 * second);
        assert!(!keep_alive.is_due(start + 9 * second));
    }
}
