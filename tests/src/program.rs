//! Shell: the runtime's two patterns behind one face, for scenarios that hold for both.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use weft_consumer::ConsumerRecord;
use weft_runtime::retry::FailurePolicy;
use weft_runtime::route::Ordering;
use weft_runtime::{Runtime, RuntimeHandle, Stats};

use crate::cluster::{Cluster, lane_of_key};
use crate::ensure;
use crate::failure::Failure;
use crate::guarantee::{Instance, Lane};
use crate::member::config;
use crate::recorder::Recorder;
use crate::wait::{self, Look};

/// How the threads of a program are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// One consumer per thread.
    PerThread {
        /// How many of both.
        threads: usize,
    },
    /// Pollers that feed workers.
    Pool {
        /// How many threads poll, each with a consumer of its own.
        pollers: usize,
        /// How many threads handle records.
        workers: usize,
        /// What is kept in order.
        order: Order,
    },
}

/// What is kept in order by a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing.
    Nothing,
    /// Each partition.
    Partition,
    /// The records of each key.
    Key,
}

impl From<Order> for Ordering {
    fn from(order: Order) -> Self {
        match order {
            Order::Nothing => Self::None,
            Order::Partition => Self::Partition,
            Order::Key => Self::Key,
        }
    }
}

impl Pattern {
    /// The lane of a record, where the pattern keeps any order.
    pub fn lane(self, record: &ConsumerRecord<'_>) -> Lane {
        match self {
            Self::Pool {
                order: Order::Key, ..
            } => lane_of_key(record.key()).unwrap_or(Lane::PARTITION),
            // Without order each record is a lane of its own.
            Self::Pool {
                order: Order::Nothing,
                ..
            } => Lane(record.offset().value().unsigned_abs()),
            Self::PerThread { .. } | Self::Pool { .. } => Lane::PARTITION,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerThread { threads } => write!(f, "{threads} threads"),
            Self::Pool {
                pollers, workers, ..
            } => {
                write!(f, "{pollers} pollers and {workers} workers")
            }
        }
    }
}

/// What a handler says of a record.
pub type Verdict = Result<(), String>;

/// Handles a record.
pub type Handle = Arc<dyn Fn(&ConsumerRecord<'_>) -> Verdict + Send + Sync>;

/// How a program is to run.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// Its group.
    pub group: &'a str,
    /// Its topic.
    pub topic: &'a str,
    /// The `client.id` of its consumers begins with this.
    pub client_id: &'a str,
    /// Its threads.
    pub pattern: Pattern,
    /// Further consumer options.
    pub properties: &'a [(&'a str, &'a str)],
}

/// A running program.
pub struct Program(RuntimeHandle);

impl Program {
    /// Starts the program. A record that fails is not tried again, and ends it.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start(
        cluster: &Cluster,
        settings: &Settings<'_>,
        handle: Handle,
    ) -> Result<Self, Failure> {
        let mut properties = vec![
            ("group.id", settings.group),
            ("client.id", settings.client_id),
        ];
        properties.extend(settings.properties);
        let config = config(cluster, &properties)?;
        let topics = [settings.topic];
        let once = FailurePolicy::attempts(NonZeroU32::MIN);
        let factory = move || {
            let handle = Arc::clone(&handle);
            move |record: &ConsumerRecord<'_>| handle(record)
        };
        let started = match settings.pattern {
            Pattern::PerThread { threads } => Runtime::per_thread(config)
                .topics(topics)
                .threads(threads)
                .failure_policy(once)
                .commit_interval(COMMIT_INTERVAL)
                .start(factory),
            Pattern::Pool {
                pollers,
                workers,
                order,
            } => Runtime::worker_pool(config)
                .topics(topics)
                .pollers(pollers)
                .workers(workers)
                .ordering(order.into())
                .failure_policy(once)
                .commit_interval(COMMIT_INTERVAL)
                .start(factory),
        };
        Ok(Self(started?))
    }

    /// Lets it finish what was started, commit and leave; returns what it counted.
    ///
    /// # Errors
    ///
    /// What ended it before, and threads that do not end.
    pub fn stop(self) -> Result<Stats, Failure> {
        let report = self.0.shutdown()?;
        ensure!(report.stuck_threads.is_empty(), "{report:?}");
        Ok(self.0.stats())
    }

    /// Waits for a program that ends by itself, and returns why.
    ///
    /// # Errors
    ///
    /// If it does not end within `timeout`, or ends without an error.
    pub fn wait_for_failure(self, timeout: Duration) -> Result<String, Failure> {
        wait::until("the end of the program", timeout, || {
            let stats = self.0.stats();
            Ok(Look::at(self.0.is_stopping(), || format!("{stats:?}")))
        })?;
        match self.0.join() {
            Ok(report) => Err(Failure::because(format!("it ended well: {report:?}"))),
            Err(error) => Ok(format!("{error:?}")),
        }
    }

    /// What it counted so far, for the text of a failure.
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }
}

/// A handler that writes down what it was given, after `work` agreed.
pub fn recording(
    recorder: &Arc<Recorder>,
    instance: Instance,
    pattern: Pattern,
    work: impl Fn(&ConsumerRecord<'_>) -> Verdict + Send + Sync + 'static,
) -> Handle {
    let recorder = Arc::clone(recorder);
    Arc::new(move |record| {
        let started = recorder.tick();
        work(record)?;
        let place = (record.partition(), record.offset());
        recorder.finish(instance, place, pattern.lane(record), started);
        Ok(())
    })
}

/// How often finished records are committed: often, so that many commits are seen.
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
