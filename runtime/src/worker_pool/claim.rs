//! Which portions of a worker's hand it has begun, shared with those who want back the others.
//!
//! The worker claims portion after portion, without a lock. Somebody else may shorten the hand to
//! what is claimed, at any time; then the rest is theirs. Beside that the worker says how many
//! records it has finished, so that they count even if it gets stuck behind them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The claims on one hand. Workers write to theirs all the time, so that none shares its line of
/// the cache.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Claim {
    /// The next portion in the upper half, the end in the lower one.
    portions: AtomicU64,
    finished: AtomicUsize,
}

fn pack(next: usize, end: usize) -> u64 {
    (next as u64) << 32 | end as u64
}

fn unpack(packed: u64) -> (usize, usize) {
    ((packed >> 32) as usize, (packed & 0xffff_ffff) as usize)
}

impl Claim {
    /// Begins a hand of so many portions.
    pub(super) fn begin(&self, portions: usize) {
        self.finished.store(0, Ordering::Release);
        self.portions.store(pack(0, portions), Ordering::Release);
    }

    /// Claims the next portion, if there is one.
    pub(super) fn next(&self) -> Option<usize> {
        let take = |packed| {
            let (next, end) = unpack(packed);
            (next < end).then(|| pack(next + 1, end))
        };
        let before = self
            .portions
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        before.ok().map(|packed| unpack(packed).0)
    }

    /// Takes away what is not claimed: the portions from here to the former end.
    pub(super) fn shorten(&self) -> Option<std::ops::Range<usize>> {
        let cut = |packed| {
            let (next, end) = unpack(packed);
            (next < end).then(|| pack(next, next))
        };
        let before = self
            .portions
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, cut);
        let (next, end) = unpack(before.ok()?);
        Some(next..end)
    }

    /// The worker has finished so many records, from the first of its hand on.
    #[inline]
    pub(super) fn finish(&self, records: usize) {
        self.finished.store(records, Ordering::Release);
    }

    /// How many records the worker has finished, from the first of its hand on.
    pub(super) fn finished(&self) -> usize {
        self.finished.load(Ordering::Acquire)
    }

    /// Whether something is not claimed.
    pub(super) fn has_unclaimed(&self) -> bool {
        let (next, end) = unpack(self.portions.load(Ordering::Acquire));
        next < end
    }

    /// The number of portions that are left to the worker.
    pub(super) fn end(&self) -> usize {
        unpack(self.portions.load(Ordering::Acquire)).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_is_never_claimed() {
        let claim = Claim::default();
        assert_eq!(claim.next(), None);
        claim.begin(3);
        assert!(claim.has_unclaimed());
        assert_eq!(claim.next(), Some(0));
        assert_eq!(claim.shorten(), Some(1..3));
        assert_eq!((claim.next(), claim.shorten()), (None, None));
        assert_eq!((claim.end(), claim.has_unclaimed()), (1, false));
        claim.finish(2);
        assert_eq!(claim.finished(), 2);
        claim.begin(1);
        assert_eq!(claim.finished(), 0);
        assert_eq!(claim.next(), Some(0));
        assert_eq!(claim.shorten(), None, "all is claimed");
        assert_eq!(claim.end(), 1);
    }
}
