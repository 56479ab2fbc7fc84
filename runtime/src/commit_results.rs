//! How asynchronous commits ended, kept until the thread that sent them looks.
//!
//! A consumer tells it inside any call that waits, also inside one made from a callback. So the
//! callback only puts it here.

#![expect(
    clippy::disallowed_types,
    reason = "a box that callbacks fill; the lock is held for a push or a swap"
)]

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use weft_client::{Error, ErrorKind};
use weft_consumer::{Consumer, Offsets};

use crate::commit::CommitPlan;
use crate::stats::Counters;

type Results = Vec<(Offsets, Result<(), Error>)>;

/// The ends of asynchronous commits of one consumer.
#[derive(Clone, Default)]
pub(crate) struct CommitResults(Arc<Mutex<Results>>);

impl CommitResults {
    /// Sends a commit, whose end will be found here.
    ///
    /// # Errors
    ///
    /// If no later commit can succeed either.
    pub(crate) fn send(&self, consumer: &Consumer, offsets: Offsets) -> Result<(), Error> {
        if offsets.is_empty() {
            return Ok(());
        }
        let results = self.clone();
        let sent = offsets.clone();
        let told = consumer.commit_async_offsets(offsets, move |offsets, result| {
            results.add(offsets.clone(), result);
        });
        match told {
            Err(error) if is_lasting(&error) => Err(error),
            Err(error) => {
                self.add(sent, Err(error));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn add(&self, offsets: Offsets, result: Result<(), Error>) {
        let mut results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        results.push((offsets, result));
    }

    /// Tells the plan how commits ended.
    ///
    /// # Errors
    ///
    /// If no later commit can succeed either.
    pub(crate) fn settle(&self, plan: &mut CommitPlan, counters: &Counters) -> Result<(), Error> {
        let results = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (offsets, result) in results {
            plan.finished(&offsets, result.is_ok());
            match result {
                Ok(()) => counters.commits.add(1),
                Err(error) => {
                    counters.commit_failures.add(1);
                    tracing::warn!("a commit of {} partition(s) failed: {error}", offsets.len());
                    if is_lasting(&error) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether going on would only handle records that can never be committed.
fn is_lasting(error: &Error) -> bool {
    let is_forbidden = matches!(
        error.kind(),
        ErrorKind::GroupAuthorization | ErrorKind::TopicAuthorization | ErrorKind::InvalidGroupId
    );
    is_forbidden || error.is_fatal()
}
