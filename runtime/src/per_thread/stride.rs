//! How many records to handle before looking at the clock again.
//!
//! Reading the clock costs as much as handling a small record. Quick handlers are therefore timed
//! in strides; slow ones record by record.

use std::time::{Duration, Instant};

/// Strides grow while they take less than this.
const SHORT: Duration = Duration::from_millis(1);
/// A stride that takes longer than this ends strides.
const LONG: Duration = Duration::from_millis(10);
const RECORDS_MAX: u32 = 128;

/// Says when to look at the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stride {
    length: u32,
    left: u32,
    began_at: Instant,
}

impl Stride {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            length: 1,
            left: 1,
            began_at: now,
        }
    }

    /// Counts a record; says whether it is time to look.
    #[inline]
    pub(super) fn step(&mut self) -> bool {
        self.left -= 1;
        self.left == 0
    }

    /// Begins the next stride, as long as the last one suggests.
    pub(super) fn look(&mut self, now: Instant) {
        let took = now.saturating_duration_since(self.began_at);
        if took < SHORT {
            self.length = (self.length * 2).min(RECORDS_MAX);
        } else if took > LONG {
            self.length = 1;
        }
        self.restart(now);
    }

    /// Begins a stride after time that was not spent on records.
    pub(super) fn restart(&mut self, now: Instant) {
        self.left = self.length;
        self.began_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an origin for times in tests")]
    fn quick_records_are_timed_in_growing_strides_and_slow_ones_each() {
        let mut now = Instant::now();
        let mut stride = Stride::new(now);
        let mut looks = |records: u32, each: Duration| {
            (0..records)
                .filter(|_| {
                    now += each;
                    let is_time = stride.step();
                    if is_time {
                        stride.look(now);
                    }
                    is_time
                })
                .count()
        };
        let quick = looks(1_000, Duration::from_micros(1));
        assert!((10..20).contains(&quick), "{quick} looks");
        let slow = looks(200, Duration::from_millis(20));
        assert!(slow > 70, "{slow} looks, the first after a stride at most");
    }
}
