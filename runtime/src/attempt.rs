//! Runs one handler, attempt by attempt, on the thread that owns it.
//!
//! It contains what a handler can do to its thread: a panic becomes an error, and the handler is
//! made anew. What follows on an error, the failure policy says and the caller does.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use weft_client::backoff::Random;
use weft_client::{Error, ErrorKind};
use weft_consumer::ConsumerRecord;

use crate::fence::Fence;
use crate::handler::{Context, Handler, HandlerError};
use crate::retry::{FailurePolicy, Terminal, Verdict};
use crate::stats::Counters;

/// Makes the handler of a thread, on that thread.
pub(crate) type HandlerFactory = Arc<dyn Fn() -> Box<dyn Handler> + Send + Sync>;

/// Makes a factory of one that makes handlers of a certain type.
pub(crate) fn boxed<H: Handler + 'static>(
    factory: impl Fn() -> H + Send + Sync + 'static,
) -> HandlerFactory {
    Arc::new(move || Box::new(factory()))
}

/// A thread's handler, and what it does about failures.
pub(crate) struct Attempts {
    factory: HandlerFactory,
    /// Made for the first record, and again after a panic.
    handler: Option<Box<dyn Handler>>,
    policy: FailurePolicy,
    random: Random,
    counters: Arc<Counters>,
}

/// What to do after an attempt.
#[derive(Debug)]
pub(crate) enum Next {
    /// The record is finished.
    Done,
    /// It is finished by giving it up.
    Skip,
    /// Another attempt, not before this time has passed.
    RetryAfter(std::time::Duration),
    /// The runtime stops with this error.
    Stop(Error),
    /// The partition is gone: the failure counts as nothing.
    Cancelled,
}

impl Attempts {
    pub(crate) fn new(
        factory: HandlerFactory,
        policy: FailurePolicy,
        seed: u64,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            factory,
            handler: None,
            policy,
            random: Random::new(seed),
            counters,
        }
    }

    /// Makes one attempt at a record that failed `failures` times before.
    #[inline]
    pub(crate) fn attempt(
        &mut self,
        record: &ConsumerRecord<'_>,
        failures: u32,
        fence: &Fence,
    ) -> Next {
        let attempt = failures.saturating_add(1);
        match self.run(record, &Context { attempt, fence }) {
            Ok(()) => Next::Done,
            Err(error) => self.after_failure(record, &error, attempt, fence),
        }
    }

    #[inline]
    fn run(
        &mut self,
        record: &ConsumerRecord<'_>,
        context: &Context<'_>,
    ) -> Result<(), HandlerError> {
        // A handler that panicked is dropped unseen, so whatever state it was in does not matter.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let handler = self.handler.get_or_insert_with(|| (self.factory)());
            handler.handle(record, context)
        }));
        result.unwrap_or_else(|panic| Err(self.after_panic(&*panic)))
    }

    #[cold]
    fn after_panic(&mut self, panic: &(dyn Any + Send)) -> HandlerError {
        self.counters.panicked.add(1);
        let handler = self.handler.take();
        if catch_unwind(AssertUnwindSafe(|| drop(handler))).is_err() {
            tracing::error!("a handler that panicked did so again when it was dropped");
        }
        HandlerError::transient(format!("the handler panicked: {}", panic_text(panic)))
    }

    #[cold]
    fn after_failure(
        &mut self,
        record: &ConsumerRecord<'_>,
        error: &HandlerError,
        attempt: u32,
        fence: &Fence,
    ) -> Next {
        if fence.is_closed() {
            return Next::Cancelled;
        }
        self.counters.failed.add(1);
        let verdict = self
            .policy
            .verdict(attempt, error.class(), self.random.fraction());
        let (partition, offset) = (record.topic_partition(), record.offset());
        match verdict {
            Verdict::RetryAfter(delay) => {
                self.counters.retried.add(1);
                tracing::warn!(
                    "attempt {attempt} at {partition} offset {offset} failed, the next one \
                     follows after {delay:?}: {error}"
                );
                Next::RetryAfter(delay)
            }
            Verdict::End(Terminal::Skip) => {
                self.counters.skipped.add(1);
                tracing::error!(
                    "{partition} offset {offset} is skipped after {attempt} attempt(s): {error}"
                );
                Next::Skip
            }
            Verdict::End(Terminal::Stop) => {
                let text =
                    format!("handling offset {offset} failed for good, attempt {attempt}: {error}");
                let error = Error::new(ErrorKind::Callback, text);
                Next::Stop(error.with_topic_partition(partition.clone()))
            }
        }
    }
}

/// What a panic said, as far as it can be known.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}
