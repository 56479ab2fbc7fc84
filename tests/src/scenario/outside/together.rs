//! Shell: several groups that live at the same time.

use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use crate::failure::Failure;

/// Does the same with each, at once, a thread each. Fails with the first failure, in their order.
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
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}
