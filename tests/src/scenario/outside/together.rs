//! Shell: several groups that live at the same time.

use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use crate::failure::Failure;

/// Does the same with each, at once, a thread each. Fails with all failures, in their order.
pub(super) fn together<T: Send, R: Send>(
    items: &mut [T],
    body: impl Fn(&mut T) -> Result<R, Failure> + Sync,
) -> Result<Vec<R>, Failure> {
    thread::scope(|scope| {
        let threads: Vec<_> = items
            .iter_mut()
            .map(|item| {
                let body = &body;
                scope.spawn(move || body(item))
            })
            .collect();
        let ended = threads.into_iter().map(ScopedJoinHandle::join);
        let results: Vec<_> = ended.collect();
        let mut done = Vec::with_capacity(results.len());
        let mut failures = Vec::new();
        for result in results {
            match result.unwrap_or_else(|panic| resume_unwind(panic)) {
                Ok(result) => done.push(result),
                Err(failure) => failures.push(failure.to_string()),
            }
        }
        if failures.is_empty() {
            Ok(done)
        } else {
            Err(Failure::because(failures.join("\n")))
        }
    })
}
