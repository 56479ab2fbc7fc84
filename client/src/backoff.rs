//! How long to wait before the next attempt (KIP-580), and the small generator whose numbers keep
//! clients from trying in step.
//!
//! It never waits and never counts attempts: callers own both.

use std::time::Duration;

/// The share by which a delay is moved up or down at random.
const JITTER: f64 = 0.2;

/// Delays that double with every failed attempt, up to a limit, each moved by up to 20 % at random.
///
/// Where the first delay is not below the limit, every delay is the limit itself, without jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExponentialBackoff {
    /// The delay after the first failed attempt, before jitter.
    pub initial: Duration,
    /// The longest delay; jitter never goes beyond it.
    pub max: Duration,
}

impl ExponentialBackoff {
    /// Delays from `initial` up to `max`.
    pub const fn new(initial: Duration, max: Duration) -> Self {
        Self { initial, max }
    }

    /// The delay after `attempts` failures, counted from 0 for the first one. `random` lies in
    /// `0.0..1.0` (what lies outside is moved inside) and picks the place within the jitter.
    pub fn delay(&self, attempts: u32, random: f64) -> Duration {
        if self.initial >= self.max {
            return self.max;
        }
        let max = self.max.as_secs_f64();
        // Java counts in milliseconds and takes a first delay of zero for one of 1 ms when it
        // looks for the exponent; the product stays zero.
        let first = self.initial.max(Duration::from_millis(1)).as_secs_f64();
        let exponent_max = (max / first).log2().max(0.0);
        let exponent = f64::from(attempts).min(exponent_max);
        let factor = 1.0 + JITTER * (2.0 * random.clamp(0.0, 1.0) - 1.0);
        let seconds = self.initial.as_secs_f64() * exponent.exp2() * factor;
        Duration::try_from_secs_f64(seconds).map_or(self.max, |delay| delay.min(self.max))
    }
}

/// A seeded generator (`SplitMix64`) that a machine can own: same seed, same numbers. It is for
/// spreading load, not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator whose numbers follow from `seed` alone.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, all 64 bits of it.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0.0..1.0`.
    pub fn fraction(&mut self) -> f64 {
        // 53 bits are what a double can hold.
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `0..bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let scaled = (u128::from(self.next_u64()) * bound as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(initial_ms: u64, max_ms: u64, random: f64) -> Vec<u128> {
        let backoff = ExponentialBackoff::new(
            Duration::from_millis(initial_ms),
            Duration::from_millis(max_ms),
        );
        (0..6)
            .map(|attempts| backoff.delay(attempts, random).as_millis())
            .collect()
    }

    #[test]
    fn delays_double_up_to_the_limit() {
        assert_eq!(delays(100, 1000, 0.5), [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn jitter_moves_a_delay_by_a_fifth_and_never_over_the_limit() {
        assert_eq!(delays(100, 1000, 0.0), [80, 160, 320, 640, 800, 800]);
        assert_eq!(delays(100, 1000, 1.0), [120, 240, 480, 960, 1000, 1000]);
    }

    #[test]
    fn an_initial_delay_at_or_above_the_limit_gives_the_limit_without_jitter() {
        assert_eq!(delays(1000, 1000, 0.1), [1000; 6]);
        assert_eq!(delays(2000, 1000, 0.9), [1000; 6]);
        assert_eq!(delays(0, 0, 0.9), [0; 6]);
    }

    #[test]
    fn an_initial_delay_of_zero_stays_zero() {
        assert_eq!(delays(0, 1000, 0.9), [0; 6]);
    }

    #[test]
    fn many_attempts_and_huge_limits_do_not_overflow() {
        let backoff = ExponentialBackoff::new(Duration::from_millis(1), Duration::MAX);
        assert!(backoff.delay(u32::MAX, 1.0) > Duration::from_secs(1 << 40));
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_spread_over_the_range() {
        let mut random = Random::new(7);
        let mut again = random.clone();
        let mut seen = [0; 10];
        for _ in 0..1000 {
            let bucket = random.below(10);
            seen[bucket] += 1;
            assert_eq!(bucket, again.below(10));
        }
        assert!(
            seen.iter().all(|count| (50..150).contains(count)),
            "{seen:?}"
        );
        assert!((0..1000).all(|_| (0.0..1.0).contains(&random.fraction())));
        assert_eq!(random.below(0), 0);
    }
}
