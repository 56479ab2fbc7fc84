//! How many records a worker takes at once.
//!
//! Quick handlers are fed with many, so that the lock is taken seldom; slow ones with one, so that
//! none waits in the hand of a worker while others are idle.

use std::time::Duration;

/// A hand should not take longer than this.
const HAND_TIME: Duration = Duration::from_micros(200);
/// Records in one hand. Behind a record that takes unexpectedly long so many others may wait.
const RECORDS_MAX: usize = 32;
/// The weight of the last hand in the average.
const WEIGHT: f64 = 0.25;

/// The average time of a record on one worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    nanos_per_record: f64,
}

impl Default for Pace {
    /// A new worker expects slow records.
    fn default() -> Self {
        Self {
            nanos_per_record: HAND_TIME.as_nanos() as f64,
        }
    }
}

impl Pace {
    /// Takes note of a hand.
    pub(super) fn observe(&mut self, records: usize, took: Duration) {
        if records > 0 {
            let nanos = took.as_nanos() as f64 / records as f64;
            self.nanos_per_record += WEIGHT * (nanos - self.nanos_per_record);
        }
    }

    /// The records to take next.
    pub(super) fn limit(&self) -> usize {
        let records = HAND_TIME.as_nanos() as f64 / self.nanos_per_record.max(1.0);
        (records as usize).clamp(1, RECORDS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_grow_with_quick_records_and_shrink_at_once_with_slow_ones() {
        let mut pace = Pace::default();
        assert_eq!(pace.limit(), 1);
        for _ in 0..20 {
            pace.observe(pace.limit(), Duration::from_nanos(100));
        }
        assert_eq!(pace.limit(), RECORDS_MAX);
        pace.observe(RECORDS_MAX, Duration::from_millis(10) * RECORDS_MAX as u32);
        assert_eq!(pace.limit(), 1);
        pace.observe(0, Duration::ZERO);
        assert_eq!(pace.limit(), 1);
    }
}
