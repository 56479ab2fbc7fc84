//! Values over the last moments: averages, extremes and rates, as Kafka's sampled metrics take
//! them.
//!
//! Time is cut into windows, and the last few are kept. A window begins with the first value after
//! the one before it was over, so the windows of a quiet metric have gaps between them.

use std::time::{Duration, Instant};

/// How many windows are kept (`metrics.num.samples`), and how long one is
/// (`metrics.sample.window.ms`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windowing {
    pub(super) samples: usize,
    pub(super) window: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begin: Instant,
    sum: f64,
    count: u64,
    minimum: f64,
    maximum: f64,
}

/// Several values at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub(super) sum: f64,
    pub(super) count: u64,
    pub(super) minimum: f64,
    pub(super) maximum: f64,
}

impl Batch {
    pub(super) fn of(value: f64) -> Self {
        Self {
            sum: value,
            count: 1,
            minimum: value,
            maximum: value,
        }
    }
}

/// Values over the last windows, and their totals since the beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct Sampled {
    /// The oldest first; never more than `samples`.
    windows: Vec<Window>,
    sum_total: f64,
    count_total: u64,
}

impl Sampled {
    pub(super) fn record(&mut self, windowing: Windowing, now: Instant, value: f64) {
        self.record_batch(windowing, now, Batch::of(value));
    }

    pub(super) fn record_batch(&mut self, windowing: Windowing, now: Instant, batch: Batch) {
        self.sum_total += batch.sum;
        self.count_total += batch.count;
        let window = match self.windows.last_mut() {
            Some(last) if now.saturating_duration_since(last.begin) < windowing.window => last,
            _ => {
                if self.windows.len() >= windowing.samples.max(1) {
                    self.windows.remove(0);
                }
                self.windows.push(Window {
                    begin: now,
                    sum: 0.0,
                    count: 0,
                    minimum: f64::INFINITY,
                    maximum: f64::NEG_INFINITY,
                });
                let newest = self.windows.len() - 1;
                &mut self.windows[newest]
            }
        };
        window.sum += batch.sum;
        window.count += batch.count;
        window.minimum = window.minimum.min(batch.minimum);
        window.maximum = window.maximum.max(batch.maximum);
    }

    /// The mean of the values, NaN without any.
    pub(super) fn average(&self, windowing: Windowing, now: Instant) -> f64 {
        self.sum(windowing, now) / self.count(windowing, now)
    }

    /// The largest value, NaN without any.
    pub(super) fn maximum(&self, windowing: Windowing, now: Instant) -> f64 {
        let maxima = self.kept(windowing, now).map(|window| window.maximum);
        maxima.reduce(f64::max).unwrap_or(f64::NAN)
    }

    /// The smallest value, NaN without any.
    pub(super) fn minimum(&self, windowing: Windowing, now: Instant) -> f64 {
        let minima = self.kept(windowing, now).map(|window| window.minimum);
        minima.reduce(f64::min).unwrap_or(f64::NAN)
    }

    /// The sum of the values per second.
    pub(super) fn rate(&self, windowing: Windowing, now: Instant) -> f64 {
        self.sum(windowing, now) / self.covered_seconds(windowing, now)
    }

    /// How many values there were per second.
    pub(super) fn occurrence_rate(&self, windowing: Windowing, now: Instant) -> f64 {
        self.count(windowing, now) / self.covered_seconds(windowing, now)
    }

    /// The sum of all values ever.
    pub(super) fn sum_total(&self) -> f64 {
        self.sum_total
    }

    /// How many values there ever were.
    pub(super) fn count_total(&self) -> f64 {
        self.count_total as f64
    }

    fn kept(&self, windowing: Windowing, now: Instant) -> impl Iterator<Item = &Window> {
        let span = span_of(windowing);
        let windows = self.windows.iter();
        windows.filter(move |window| now.saturating_duration_since(window.begin) < span)
    }

    fn sum(&self, windowing: Windowing, now: Instant) -> f64 {
        self.kept(windowing, now).map(|window| window.sum).sum()
    }

    fn count(&self, windowing: Windowing, now: Instant) -> f64 {
        let counts = self.kept(windowing, now).map(|window| window.count);
        counts.sum::<u64>() as f64
    }

    /// The time that the kept windows cover. All but one of them count as full even if they are not
    /// there yet (Kafka's `Rate`): otherwise the first value after a silence would make a spike.
    fn covered_seconds(&self, windowing: Windowing, now: Instant) -> f64 {
        let oldest = self.kept(windowing, now).next();
        let elapsed = oldest.map_or(Duration::ZERO, |oldest| {
            now.saturating_duration_since(oldest.begin)
        });
        let window = windowing.window.as_secs_f64().max(SHORTEST_WINDOW_SECONDS);
        let elapsed = elapsed.as_secs_f64();
        let full = (elapsed / window).floor();
        let missing = (windowing.samples as f64 - 1.0 - full).max(0.0);
        (elapsed + missing * window).max(window)
    }
}

fn span_of(windowing: Windowing) -> Duration {
    let samples = u32::try_from(windowing.samples).unwrap_or(u32::MAX);
    windowing.window.saturating_mul(samples.max(1))
}

/// A window of zero length is allowed; rates are then taken over this long.
const SHORTEST_WINDOW_SECONDS: f64 = 0.001;

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    clippy::float_cmp,
    reason = "tests begin at some time, and their values are exact"
)]
mod tests {
    use super::*;

    const WINDOWING: Windowing = Windowing {
        samples: 2,
        window: Duration::from_secs(30),
    };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn without_values_averages_and_extremes_are_not_numbers_and_rates_are_zero() {
        let now = Instant::now();
        let sampled = Sampled::default();
        assert!(sampled.average(WINDOWING, now).is_nan());
        assert!(sampled.maximum(WINDOWING, now).is_nan());
        assert!(sampled.minimum(WINDOWING, now).is_nan());
        assert_eq!(sampled.rate(WINDOWING, now), 0.0);
        assert_eq!(sampled.count_total(), 0.0);
    }

    #[test]
    fn values_leave_with_their_window_and_stay_in_the_totals() {
        let start = Instant::now();
        let mut sampled = Sampled::default();
        sampled.record(WINDOWING, start, 10.0);
        sampled.record(WINDOWING, start + seconds(1), 2.0);
        sampled.record(WINDOWING, start + seconds(40), 6.0);
        let now = start + seconds(59);
        assert_eq!(sampled.average(WINDOWING, now), 6.0);
        assert_eq!(sampled.maximum(WINDOWING, now), 10.0);
        assert_eq!(sampled.minimum(WINDOWING, now), 2.0);
        let later = start + seconds(60);
        assert_eq!(sampled.average(WINDOWING, later), 6.0);
        assert_eq!(sampled.maximum(WINDOWING, later), 6.0);
        assert!(sampled.average(WINDOWING, start + seconds(100)).is_nan());
        assert_eq!(sampled.sum_total(), 18.0);
        assert_eq!(sampled.count_total(), 3.0);
    }

    #[test]
    fn a_third_window_takes_the_place_of_the_oldest() {
        let start = Instant::now();
        let mut sampled = Sampled::default();
        for (at, value) in [(0, 100.0), (30, 1.0), (60, 2.0)] {
            sampled.record(WINDOWING, start + seconds(at), value);
        }
        assert_eq!(sampled.maximum(WINDOWING, start + seconds(60)), 2.0);
        assert_eq!(sampled.windows.len(), 2);
    }

    #[test]
    fn a_rate_is_taken_over_all_windows_but_one_at_least() {
        let start = Instant::now();
        let mut sampled = Sampled::default();
        sampled.record(WINDOWING, start, 60.0);
        assert_eq!(sampled.rate(WINDOWING, start), 2.0);
        assert_eq!(sampled.rate(WINDOWING, start + seconds(10)), 1.5);
        assert_eq!(sampled.rate(WINDOWING, start + seconds(30)), 2.0);
        sampled.record(WINDOWING, start + seconds(30), 60.0);
        assert_eq!(sampled.rate(WINDOWING, start + seconds(40)), 3.0);
        assert_eq!(
            sampled.occurrence_rate(WINDOWING, start + seconds(40)),
            0.05
        );
    }

    #[test]
    fn windows_of_no_length_do_not_divide_by_zero() {
        let windowing = Windowing {
            samples: 1,
            window: Duration::ZERO,
        };
        let now = Instant::now();
        let mut sampled = Sampled::default();
        sampled.record(windowing, now, 1.0);
        assert!(sampled.rate(windowing, now).is_finite());
    }
}
