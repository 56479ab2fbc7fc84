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

/// Runs `step` and returns what it returns.
///
/// # Panics
///
/// If it allocated more than it may. Growing counts as a new allocation beside the old one, as it
/// is where memory cannot be extended in place.
#[track_caller]
pub fn within<T>(allowance: Allowance, step: impl FnOnce() -> T) -> T {
    let mut result = None;
    let used = allocation_counter::measure(|| result = Some(step()));
    let at = Location::caller();
    assert!(
        used.bytes_max <= allowance.peak as u64 && used.bytes_total <= allowance.total as u64,
        "{at}: {} bytes were allocated at once and {} in all, where {allowance:?} is allowed",
        used.bytes_max,
        used.bytes_total
    );
    result.expect("the step ran")
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
