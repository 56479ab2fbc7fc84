//! The commit before partitions are given up: waited for, in spite of wakeups.

#![expect(clippy::disallowed_methods, reason = "this shell watches a deadline")]

use std::time::{Duration, Instant};

use weft_client::host;
use weft_client::{Error, ErrorKind};
use weft_consumer::Offsets;

use crate::stats::Counters;

/// A wakeup is meant for `poll`. One that ends a commit instead makes it start again, so often at
/// most.
const WAKEUPS_MAX: u32 = 8;

/// Commits and waits for the answer, until `deadline`. `commit` is given the time that is left.
/// Says whether the coordinator acknowledged; a failure is counted and logged, since the next owner
/// of the partitions will only handle some records again.
pub(crate) fn commit_and_wait(
    offsets: &Offsets,
    deadline: Instant,
    counters: &Counters,
    commit: impl Fn(&Offsets, Duration) -> Result<(), Error>,
) -> bool {
    if offsets.is_empty() {
        return true;
    }
    let attempt = || commit(offsets, deadline.saturating_duration_since(host::now()));
    let mut result = attempt();
    for _ in 0..WAKEUPS_MAX {
        match &result {
            Err(error) if error.kind() == ErrorKind::Wakeup => result = attempt(),
            _ => break,
        }
    }
    match result {
        Ok(()) => {
            counters.commits.add(1);
            true
        }
        Err(error) => {
            counters.commit_failures.add(1);
            tracing::warn!(
                "the last commit of {} partition(s) failed: {error}",
                offsets.len()
            );
            false
        }
    }
}
