//! Sets up pattern 1, and starts and supervises its threads.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use weft_client::Error;
use weft_client::backoff::{ExponentialBackoff, Random};
use weft_client::config::Problems;
use weft_consumer::{Consumer, ConsumerConfig};

use crate::attempt::{Attempts, HandlerFactory, boxed};
use crate::crew::{Crew, Role};
use crate::handle::RuntimeHandle;
use crate::handler::Handler;
use crate::seed::random_seed;
use crate::settings::{Settings, check_threads, settings_methods};
use crate::stats::Counters;

use super::thread::{End, PollThread};

/// What happens when the consumer of a thread fails, for a reason that may pass. Handlers have a
/// policy of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ThreadFailure {
    /// The runtime stops with the error.
    #[default]
    Stop,
    /// The thread begins anew with another consumer, after growing delays, until so many attempts
    /// in a row failed; then the runtime stops. An attempt that took in records ends the row.
    Restart {
        /// The most attempts in a row that may fail.
        attempts: NonZeroU32,
    },
}

/// The delays before a thread begins anew.
const RESTART_BACKOFF: ExponentialBackoff =
    ExponentialBackoff::new(Duration::from_millis(200), Duration::from_secs(10));
/// By default what is handled is committed as soon as a poll's records are, but not more often.
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);

/// Sets up threads with a consumer each; see [`Runtime::per_thread`](crate::Runtime::per_thread).
#[must_use]
pub struct PerThreadBuilder {
    settings: Settings,
    threads: usize,
    thread_failure: ThreadFailure,
}

impl PerThreadBuilder {
    settings_methods!();

    pub(crate) fn new(config: ConsumerConfig) -> Self {
        Self {
            settings: Settings::new(config, COMMIT_INTERVAL),
            threads: 1,
            thread_failure: ThreadFailure::default(),
        }
    }

    /// The number of threads, and of consumers. By default 1; more than there are partitions are
    /// idle.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// What to do when the consumer of a thread fails. By default the runtime stops.
    pub fn thread_failure(mut self, thread_failure: ThreadFailure) -> Self {
        self.thread_failure = thread_failure;
        self
    }

    /// Starts the threads. Each makes its handler with `factory`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the options, at once; or why a consumer or a thread could not
    /// be made.
    pub fn start<H: Handler + 'static>(
        self,
        factory: impl Fn() -> H + Send + Sync + 'static,
    ) -> Result<RuntimeHandle, Error> {
        let mut problems = Problems::default();
        self.settings.check(&mut problems);
        check_threads(&mut problems, "threads", self.threads);
        problems.into_result()?;

        let factory = boxed(factory);
        let crew = Arc::new(Crew::default());
        let mut counters = Vec::new();
        let shutdown_timeout = self.settings.shutdown_timeout;
        let consumers: Vec<_> = (0..self.threads)
            .map(|index| self.settings.consumer(index, self.threads))
            .collect::<Result<_, _>>()?;
        for (index, consumer) in consumers.into_iter().enumerate() {
            let supervised = Supervised {
                index,
                threads: self.threads,
                settings: self.settings.clone(),
                thread_failure: self.thread_failure,
                factory: Arc::clone(&factory),
                crew: Arc::clone(&crew),
                counters: Arc::default(),
            };
            counters.push(Arc::clone(&supervised.counters));
            crew.spawn(&format!("weft-thread-{index}"), Role::Poller, move || {
                supervised.run(consumer)
            })
            .inspect_err(|_| crew.request_stop())?;
        }
        Ok(RuntimeHandle::new(crew, counters, shutdown_timeout))
    }
}

/// One thread, through all its consumers.
struct Supervised {
    index: usize,
    threads: usize,
    settings: Settings,
    thread_failure: ThreadFailure,
    factory: HandlerFactory,
    crew: Arc<Crew>,
    counters: Arc<Counters>,
}

impl Supervised {
    fn run(&self, consumer: Consumer) -> Result<(), Error> {
        let mut random = Random::new(random_seed());
        let mut consumer = Some(consumer);
        let mut failures = 0;
        loop {
            let end = match consumer.take().map_or_else(|| self.consumer(), Ok) {
                Ok(consumer) => self.thread(consumer, random.next_u64()).run(),
                Err(error) => End::Failed {
                    error,
                    had_records: false,
                },
            };
            let (error, had_records) = match end {
                End::Stopped => return Ok(()),
                End::FailedForGood(error) => return Err(error),
                End::Failed { error, had_records } => (error, had_records),
            };
            failures = if had_records { 1 } else { failures + 1 };
            match self.thread_failure {
                ThreadFailure::Restart { attempts }
                    if failures < attempts.get() && !error.is_fatal() =>
                {
                    let delay = RESTART_BACKOFF.delay(failures - 1, random.fraction());
                    tracing::warn!("thread {} begins anew after {delay:?}: {error}", self.index);
                    if self.crew.pause(delay) {
                        return Ok(());
                    }
                }
                _ => return Err(error),
            }
        }
    }

    fn consumer(&self) -> Result<Consumer, Error> {
        self.settings.consumer(self.index, self.threads)
    }

    fn thread(&self, consumer: Consumer, seed: u64) -> PollThread {
        let attempts = Attempts::new(
            Arc::clone(&self.factory),
            self.settings.failure_policy,
            seed,
            Arc::clone(&self.counters),
        );
        PollThread::new(
            self.index,
            consumer,
            &self.settings,
            attempts,
            Arc::clone(&self.crew),
            Arc::clone(&self.counters),
        )
    }
}

#[cfg(test)]
mod tests {
    use weft_consumer::ConsumerRecord;

    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let config = ConsumerConfig::builder()
            .set("bootstrap.servers", "a:1")
            .set("group.id", "g")
            .build()
            .unwrap();
        let builder = PerThreadBuilder::new(config).threads(0);
        let started = builder.start(|| |_: &ConsumerRecord<'_>| Ok::<(), &str>(()));
        let text = started.err().unwrap().to_string();
        for part in [
            "topics: name at least one",
            "enable.auto.commit: must be false",
            "threads: 0 is not allowed",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
    }
}
