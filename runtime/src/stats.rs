//! What a runtime counts.
//!
//! Every thread counts for itself, and once per batch rather than per record, so that counting
//! moves no cache line between threads; [`Stats`] are sums, taken when somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that one thread raises and others read.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[doc = $text:literal])+ $name:ident,)*) => {
        /// The counters of one thread.
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter,)* }

        /// What a runtime did so far, over all its threads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct Stats { $($(#[doc = $text])+ pub $name: u64,)* }

        impl Stats {
            /// The sum over the counters of all threads.
            pub(crate) fn sum(threads: &[Arc<Counters>]) -> Self {
                let mut stats = Self::default();
                for counters in threads {
                    $(stats.$name += counters.$name.value();)*
                }
                stats
            }
        }
    };
}

counters! {
    /// Records that `poll` returned.
    polled,
    /// Records that a handler finished.
    handled,
    /// Attempts that ended with an error or a panic.
    failed,
    /// Failed attempts of which another one follows.
    retried,
    /// Records given up by [`Terminal::Skip`](crate::retry::Terminal::Skip).
    skipped,
    /// Attempts that ended with a panic; `failed` counts them too.
    panicked,
    /// Commits that the group's coordinator acknowledged.
    commits,
    /// Commits that failed; what they held is committed with a later one, or handled again.
    commit_failures,
    /// Records that were finished after their partition was gone: a new owner repeats them.
    fenced,
    /// Records that were given up unfinished at the end of an assignment; a new owner has them.
    discarded,
    /// Times that partitions were given up or lost.
    rebalances,
    /// Partitions that are owned at the moment.
    assigned,
    /// Partitions that are paused at the moment, because workers have enough.
    paused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_are_sums_over_threads() {
        let threads = [Arc::new(Counters::default()), Arc::new(Counters::default())];
        threads[0].handled.add(2);
        threads[1].handled.add(3);
        threads[1].paused.set(4);
        let stats = Stats::sum(&threads);
        assert_eq!((stats.handled, stats.paused, stats.failed), (5, 4, 0));
    }
}
