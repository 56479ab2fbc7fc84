//! Runs one pattern from the start of a topic to its end.

#![expect(
    clippy::disallowed_methods,
    reason = "looks at the progress of other threads now and then"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use weft_client::admin::Admin;
use weft_client::{ClientConfig, Error, ErrorKind, GroupId, Offset, TopicPartition};
use weft_consumer::{ConsumerConfig, ConsumerRecord};
use weft_runtime::route::Ordering;
use weft_runtime::{HandlerError, Runtime, RuntimeHandle};

use crate::judge::{Judge, Unit};
use crate::options::Options;
use crate::table::progress_style;
use crate::topic::Topic;

/// One of the two ways of consuming with many threads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pattern {
    PerThread { threads: usize },
    WorkerPool { pollers: usize, workers: usize },
}

/// What a run came to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) pattern: &'static str,
    pub(crate) threads: String,
    pub(crate) records: u64,
    pub(crate) repeated: u64,
    pub(crate) seconds: f64,
    pub(crate) order: &'static str,
    pub(crate) out_of_order: u64,
    pub(crate) committed: u64,
    pub(crate) has_reached_the_end: bool,
}

impl Outcome {
    /// Whether everything was handled in order, and exactly that was committed.
    pub(crate) fn is_sound(&self) -> bool {
        self.out_of_order == 0 && self.committed == self.records && self.has_reached_the_end
    }
}

impl Pattern {
    pub(crate) fn both(options: &Options) -> [Self; 2] {
        let Options {
            threads,
            pollers,
            workers,
            ..
        } = *options;
        [
            Self::PerThread { threads },
            Self::WorkerPool { pollers, workers },
        ]
    }

    pub(crate) fn run(
        self,
        options: &Options,
        bootstrap: &str,
        topic: &Topic,
    ) -> Result<Outcome, Error> {
        let group = GroupId::new(format!("{}-{}", options.group(), self.name()));
        let judge = Arc::new(Judge::new(self.unit(), topic));
        let runtime = self.start(bootstrap, &group, topic, &judge)?;
        let mut admin = admin(options, bootstrap)?;
        let watched = self.watch(options, &mut admin, &group, topic, &judge, &runtime);
        let ended = runtime.shutdown();
        watched?;
        ended?;
        let committed = committed(&mut admin, &group, topic)?;
        Ok(Outcome {
            pattern: self.name(),
            threads: self.threads(),
            records: judge.fresh(),
            repeated: judge.repeated(),
            seconds: judge.seconds(),
            order: match self.unit() {
                Unit::Partition => "partition",
                Unit::Key => "key",
            },
            out_of_order: judge.out_of_order(),
            committed: judge.covered_by(&committed),
            has_reached_the_end: is_at_end(&committed, topic),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::PerThread { .. } => "per-thread",
            Self::WorkerPool { .. } => "worker-pool",
        }
    }

    fn threads(self) -> String {
        match self {
            Self::PerThread { threads } => threads.to_string(),
            Self::WorkerPool { pollers, workers } => format!("{pollers} + {workers}"),
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::PerThread { .. } => Unit::Partition,
            Self::WorkerPool { .. } => Unit::Key,
        }
    }

    fn start(
        self,
        bootstrap: &str,
        group: &GroupId,
        topic: &Topic,
        judge: &Arc<Judge>,
    ) -> Result<RuntimeHandle, Error> {
        let config = ConsumerConfig::builder()
            .bootstrap_servers(bootstrap)
            .group_id(group.clone())
            .enable_auto_commit(false)
            .set("auto.offset.reset", "earliest")
            .build()?;
        let judge = Arc::clone(judge);
        let handler = move || {
            let judge = Arc::clone(&judge);
            move |record: &ConsumerRecord<'_>| -> Result<(), HandlerError> {
                judge.see(record);
                Ok(())
            }
        };
        let name = topic.name.clone();
        match self {
            Self::PerThread { threads } => Runtime::per_thread(config)
                .topics([name])
                .threads(threads)
                .commit_interval(COMMIT_INTERVAL)
                .start(handler),
            Self::WorkerPool { pollers, workers } => Runtime::worker_pool(config)
                .topics([name])
                .pollers(pollers)
                .workers(workers)
                .ordering(Ordering::Key)
                .commit_interval(COMMIT_INTERVAL)
                .start(handler),
        }
    }

    /// Shows progress until the group has committed the end of every partition.
    fn watch(
        self,
        options: &Options,
        admin: &mut Admin,
        group: &GroupId,
        topic: &Topic,
        judge: &Judge,
        runtime: &RuntimeHandle,
    ) -> Result<(), Error> {
        let bar = ProgressBar::new(topic.offsets()).with_style(progress_style());
        bar.set_message(format!("{} ({})", self.name(), self.threads()));
        let mut moved_at = Instant::now();
        let mut last = (0, BTreeMap::new());
        loop {
            std::thread::sleep(LOOK_INTERVAL);
            bar.set_position(judge.fresh());
            if runtime.is_stopping() {
                bar.abandon();
                return runtime.join().map(drop);
            }
            let now = (judge.fresh(), committed(admin, group, topic)?);
            if is_at_end(&now.1, topic) {
                bar.finish();
                return Ok(());
            }
            if now != last {
                last = now;
                moved_at = Instant::now();
            } else if moved_at.elapsed() > options.timeout() {
                bar.abandon();
                let text = format!(
                    "group {group} made no progress for {} s after {} records",
                    options.timeout_s,
                    judge.fresh()
                );
                return Err(Error::new(ErrorKind::Timeout, text));
            }
        }
    }
}

fn admin(options: &Options, bootstrap: &str) -> Result<Admin, Error> {
    let config = ClientConfig::builder()
        .bootstrap_servers(bootstrap)
        .default_api_timeout(options.timeout())
        .build()?;
    Admin::new(config)
}

fn committed(
    admin: &mut Admin,
    group: &GroupId,
    topic: &Topic,
) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
    let partitions: Vec<TopicPartition> = topic.ranges.keys().cloned().collect();
    let committed = admin.committed_offsets(group, &partitions)?;
    Ok(committed
        .into_iter()
        .filter_map(|(partition, at)| Some((partition, at?.offset)))
        .collect())
}

fn is_at_end(committed: &BTreeMap<TopicPartition, Offset>, topic: &Topic) -> bool {
    topic.ranges.iter().all(|(partition, (begin, end))| {
        begin == end || committed.get(partition).is_some_and(|at| at >= end)
    })
}

const COMMIT_INTERVAL: Duration = Duration::from_millis(200);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
