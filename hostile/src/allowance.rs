//! What a step may allocate, held against what it did allocate.

use std::panic::Location;

/// How many bytes may be allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// At any one time.
    pub peak: usize,
    /// All in all, whatever was given back in between.
    pub total: usize,
}

impl Allowance {
    /// The same for both.
    pub const fn of(bytes: usize) -> Self {
        Self {
            peak: bytes,
            total: bytes,
        }
    }
}

/// What a step allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// At any one time, in bytes.
    pub peak: usize,
    /// All in all, whatever was given back in between.
    pub total: usize,
    /// What is left of it: below zero if more was given back.
    pub kept: i64,
}

/// Runs `step`, and says what it allocated.
pub fn measured<T>(step: impl FnOnce() -> T) -> (T, Used) {
    let mut result = None;
    let used = allocation_counter::measure(|| result = Some(step()));
    let used = Used {
        peak: used.bytes_max as usize,
        total: used.bytes_total as usize,
        kept: used.bytes_current,
    };
    (result.expect("the step ran"), used)
}

/// Runs `step` and returns what it returns.
///
/// # Panics
///
/// If it allocated more than it may. Growing counts as a new allocation beside the old one, as it
/// is where memory cannot be extended in place.
#[track_caller]
pub fn within<T>(allowance: Allowance, step: impl FnOnce() -> T) -> T {
    let (result, used) = measured(step);
    let at = Location::caller();
    assert!(
        used.peak <= allowance.peak && used.total <= allowance.total,
        "{at}: {} bytes were allocated at once and {} in all, where {allowance:?} is allowed",
        used.peak,
        used.total
    );
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_passes() {
        let allowance = Allowance {
            peak: 100,
            total: 200,
        };

        let last = within(allowance, || {
            drop(vec![0_u8; 100]);
            vec![1_u8; 100]
        });

        assert_eq!(last.len(), 100);
    }

    #[test]
    #[should_panic(expected = "101 bytes were allocated at once")]
    fn more_at_once_is_noticed() {
        within(Allowance::of(100), || vec![0_u8; 101]);
    }

    #[test]
    #[should_panic(expected = "and 300 in all")]
    fn more_in_all_is_noticed() {
        let allowance = Allowance {
            peak: 100,
            total: 299,
        };

        within(allowance, || {
            for _ in 0..3 {
                drop(std::hint::black_box(vec![0_u8; 100]));
            }
        });
    }
}
