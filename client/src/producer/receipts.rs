//! What callers hold of their records, and what the producer keeps for them: one shared promise for
//! the handles of a batch, and the callbacks.
//!
//! A promise is kept exactly once. Should the receipts of a batch be lost, with the thread that
//! held them, they keep it with an error, so that nobody waits for ever.

#![expect(
    clippy::disallowed_types,
    reason = "a caller's thread waits for the producer's; neither waits with the lock held"
)]

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::record::RecordMetadata;
use super::sender::Delivered;
use crate::error::{Error, ErrorKind};
use crate::ids::Offset;

type Outcome = Result<Delivered, Error>;
type Callback = Box<dyn FnOnce(Result<RecordMetadata, Error>) + Send>;

/// The outcome of one record that was sent, to be waited for. Dropping it changes nothing for the
/// record.
#[derive(Debug)]
#[must_use = "a record may fail, and only the handle tells; send_and_forget tells with flush"]
pub struct DeliveryHandle {
    promise: Arc<Promise>,
    index: usize,
    timestamp: i64,
}

impl DeliveryHandle {
    /// Waits until the record is stored or has failed, which takes at most `delivery.timeout.ms`.
    /// Must not be called from a callback, which runs on the thread that would be waited for.
    ///
    /// # Errors
    ///
    /// The kind that stands for the broker's refusal; [`ErrorKind::Timeout`] with the last failure
    /// in the text; [`ErrorKind::Closed`] if the producer was closed before.
    pub fn wait(self) -> Result<RecordMetadata, Error> {
        let outcome = self.promise.wait();
        metadata(&outcome, self.index, self.timestamp)
    }

    /// Whether [`wait`](Self::wait) would return at once.
    pub fn is_done(&self) -> bool {
        self.promise.lock().is_some()
    }
}

/// The outcome of a batch, once it is there.
#[derive(Debug, Default)]
struct Promise {
    outcome: Mutex<Option<Outcome>>,
    kept: Condvar,
}

impl Promise {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Outcome>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, outcome: &Outcome) {
        *self.lock() = Some(outcome.clone());
        self.kept.notify_all();
    }

    fn wait(&self) -> Outcome {
        let mut outcome = self.lock();
        loop {
            if let Some(outcome) = &*outcome {
                return outcome.clone();
            }
            let waited = self.kept.wait(outcome);
            outcome = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What is kept for the records of one batch.
#[derive(Default)]
pub(super) struct Receipts {
    promise: Option<Arc<Promise>>,
    callbacks: Vec<(usize, i64, Callback)>,
}

impl Receipts {
    /// A handle for the record at this place in the batch.
    pub(super) fn handle(&mut self, index: usize, timestamp: i64) -> DeliveryHandle {
        DeliveryHandle {
            promise: Arc::clone(self.promise.get_or_insert_default()),
            index,
            timestamp,
        }
    }

    /// Keeps a callback for the record at this place in the batch.
    pub(super) fn call(&mut self, index: usize, timestamp: i64, callback: Callback) {
        self.callbacks.push((index, timestamp, callback));
    }

    /// Tells everybody. Callbacks run here, and a panic in one does not reach the others.
    pub(super) fn hand_out(&mut self, outcome: &Outcome) {
        if let Some(promise) = self.promise.take() {
            promise.keep(outcome);
        }
        for (index, timestamp, callback) in self.callbacks.drain(..) {
            let told = metadata(outcome, index, timestamp);
            if catch_unwind(AssertUnwindSafe(|| callback(told))).is_err() {
                tracing::error!("a callback of a producer panicked");
            }
        }
    }
}

impl Drop for Receipts {
    fn drop(&mut self) {
        if self.promise.is_some() || !self.callbacks.is_empty() {
            let text = "the producer's thread ended before the record was sent";
            self.hand_out(&Err(Error::new(ErrorKind::Closed, text)));
        }
    }
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipts")
            .field("promise", &self.promise)
            .field("callbacks", &self.callbacks.len())
            .finish()
    }
}

fn metadata(outcome: &Outcome, index: usize, timestamp: i64) -> Result<RecordMetadata, Error> {
    let delivered = outcome.as_ref().map_err(Error::clone)?;
    let after = i64::try_from(index).unwrap_or(i64::MAX);
    let offset = |base: Offset| Offset::new(base.value().saturating_add(after));
    Ok(RecordMetadata {
        topic_partition: delivered.partition.clone(),
        offset: delivered.base_offset.map(offset),
        timestamp: delivered.log_append_time.unwrap_or(timestamp),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::ids::TopicPartition;

    fn delivered(log_append_time: Option<i64>) -> Outcome {
        Ok(Delivered {
            partition: TopicPartition::new("t", 3),
            base_offset: Some(Offset::new(40)),
            log_append_time,
        })
    }

    #[test]
    fn handles_and_callbacks_learn_the_place_of_their_record() {
        let seen = Arc::new(AtomicI64::new(0));
        let mut receipts = Receipts::default();
        let handle = receipts.handle(2, 1000);
        let told = Arc::clone(&seen);
        let callback = move |outcome: Result<RecordMetadata, Error>| {
            let offset = outcome.unwrap().offset.unwrap();
            told.store(offset.value(), Ordering::Relaxed);
        };
        receipts.call(5, 1000, Box::new(callback));
        assert!(!handle.is_done());
        receipts.hand_out(&delivered(None));
        assert!(handle.is_done());
        let stored = handle.wait().unwrap();
        assert_eq!(stored.offset, Some(Offset::new(42)));
        assert_eq!(stored.timestamp, 1000);
        assert_eq!(seen.load(Ordering::Relaxed), 45);
    }

    #[test]
    fn the_brokers_time_replaces_the_senders_where_the_topic_says_so() {
        let mut receipts = Receipts::default();
        let handle = receipts.handle(0, 1000);
        receipts.hand_out(&delivered(Some(2000)));
        assert_eq!(handle.wait().unwrap().timestamp, 2000);
    }

    #[test]
    fn a_callback_that_panics_does_not_reach_the_others() {
        let seen = Arc::new(AtomicI64::new(0));
        let mut receipts = Receipts::default();
        receipts.call(0, 0, Box::new(|_| panic!("a user's mistake")));
        let told = Arc::clone(&seen);
        receipts.call(1, 0, Box::new(move |_| told.store(1, Ordering::Relaxed)));
        receipts.hand_out(&delivered(None));
        assert_eq!(seen.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn receipts_that_are_lost_tell_so() {
        let mut receipts = Receipts::default();
        let handle = receipts.handle(0, 0);
        drop(receipts);
        assert_eq!(handle.wait().unwrap_err().kind(), ErrorKind::Closed);
    }
}
