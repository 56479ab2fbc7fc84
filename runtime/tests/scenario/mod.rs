//! What both patterns have to keep on any cluster: on the mock and on real Kafka.

mod cluster;
mod history;
mod process;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use weft_client::backoff::ExponentialBackoff;
use weft_client::{ErrorKind, Offset};
use weft_consumer::{ConsumerConfig, ConsumerRecord};
use weft_runtime::flow::Window;
use weft_runtime::retry::{FailurePolicy, Terminal};
use weft_runtime::route::Ordering;
use weft_runtime::worker_pool::Saturation;
use weft_runtime::{Context, Handler, HandlerError, Runtime, RuntimeHandle};

pub(crate) use cluster::Cluster;
use history::History;

const PARTITIONS: usize = 12;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    PerThread,
    WorkerPool(Ordering),
}

pub(crate) const PATTERNS: [Pattern; 4] = [
    Pattern::PerThread,
    Pattern::WorkerPool(Ordering::Key),
    Pattern::WorkerPool(Ordering::Partition),
    Pattern::WorkerPool(Ordering::None),
];

/// A topic and a group of its own for one test, and what handlers did with its records.
struct Bench {
    bootstrap: String,
    topic: String,
    group: String,
    properties: Vec<(&'static str, &'static str)>,
    policy: FailurePolicy,
    workers: usize,
    history: Arc<History>,
}

impl Bench {
    fn new(cluster: &Cluster<'_>, name: &str, partitions: usize, records: usize) -> Self {
        let topic = cluster.fill(name, partitions, records);
        Self {
            bootstrap: cluster.bootstrap.clone(),
            group: format!("{topic}-group"),
            topic,
            properties: Vec::new(),
            policy: FailurePolicy::default(),
            workers: 4,
            history: Arc::default(),
        }
    }

    fn config(&self) -> ConsumerConfig {
        let start = ConsumerConfig::builder()
            .set("bootstrap.servers", &self.bootstrap)
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        let properties = self.properties.iter();
        properties
            .fold(start, |builder, (key, value)| builder.set(key, value))
            .build()
            .unwrap()
    }

    fn start<H: Handler + 'static>(
        &self,
        pattern: Pattern,
        factory: impl Fn() -> H + Send + Sync + 'static,
    ) -> RuntimeHandle {
        let topics = [self.topic.as_str()];
        match pattern {
            Pattern::PerThread => Runtime::per_thread(self.config())
                .topics(topics)
                .threads(3)
                .failure_policy(self.policy)
                .start(factory),
            Pattern::WorkerPool(ordering) => Runtime::worker_pool(self.config())
                .topics(topics)
                .workers(self.workers)
                .ordering(ordering)
                .failure_policy(self.policy)
                .commit_interval(Duration::from_millis(200))
                .start(factory),
        }
        .unwrap()
    }

    /// A handler that takes its time and keeps the history.
    fn keeping(&self, delay: Duration) -> impl Fn() -> Keep + Send + Sync + 'static + use<> {
        let history = Arc::clone(&self.history);
        move || Keep {
            history: Arc::clone(&history),
            delay,
        }
    }

    fn wait_for(&self, runtime: &RuntimeHandle, records: usize) {
        let give_up_at = Instant::now() + PATIENCE;
        while self.history.distinct() < records {
            let handled = self.history.distinct();
            let stats = runtime.stats();
            assert!(!runtime.is_stopping(), "{stats:?} {:?}", runtime.join());
            assert!(
                Instant::now() < give_up_at,
                "{handled} of {records} records after {PATIENCE:?}: {stats:?}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let give_up_at = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(
            Instant::now() < give_up_at,
            "not within {PATIENCE:?}: {what}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

struct Keep {
    history: Arc<History>,
    delay: Duration,
}

impl Handler for Keep {
    fn handle(&mut self, record: &ConsumerRecord<'_>, _: &Context<'_>) -> Result<(), HandlerError> {
        let started = self.history.tick();
        if !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
        self.history.handled(record, started);
        Ok(())
    }
}

/// Every record once, all committed, nothing left.
pub(crate) fn every_record_is_handled_once(cluster: &Cluster<'_>, pattern: Pattern) {
    let records = 12_000;
    let bench = Bench::new(cluster, "once", PARTITIONS, records);
    let runtime = bench.start(pattern, bench.keeping(Duration::ZERO));
    bench.wait_for(&runtime, records);
    let report = runtime.shutdown().unwrap();
    let stats = runtime.stats();
    assert_eq!(stats.handled, records as u64, "{stats:?}");
    assert_eq!((stats.failed, stats.fenced), (0, 0), "{stats:?}");
    assert_eq!((report.abandoned, report.repeated), (0, 0), "{report:?}");
    bench.history.check_each_once(records);
    if pattern != Pattern::WorkerPool(Ordering::None) {
        bench.history.check_order();
    }
    assert_eq!(cluster.behind(&bench.config(), &bench.topic), 0);
}

/// A window of few polls: partitions are paused and resumed all the time, and no resume
/// is forgotten.
pub(crate) fn a_small_window_never_stalls(cluster: &Cluster<'_>) {
    for ordering in [Ordering::Key, Ordering::Partition, Ordering::None] {
        let records = 30_000;
        let mut bench = Bench::new(cluster, "window", PARTITIONS, records);
        bench.properties = vec![("max.poll.records", "40")];
        let runtime = Runtime::worker_pool(bench.config())
            .topics([bench.topic.as_str()])
            .workers(4)
            .ordering(ordering)
            .window(Window::of(120))
            .start(bench.keeping(Duration::ZERO))
            .unwrap();
        bench.wait_for(&runtime, records);
        runtime.shutdown().unwrap();
        bench.history.check_each_once(records);
        if ordering != Ordering::None {
            bench.history.check_order();
        }
    }
}

/// A second member comes and goes while the first works.
pub(crate) fn order_is_kept_and_nothing_repeated_while_members_come_and_go(
    cluster: &Cluster<'_>,
    pattern: Pattern,
) {
    let records = 9_000;
    let mut bench = Bench::new(cluster, "moving", PARTITIONS, records);
    bench.workers = 8;
    bench.properties = vec![("heartbeat.interval.ms", "200")];
    let first = bench.start(pattern, bench.keeping(Duration::from_millis(2)));
    bench.wait_for(&first, records / 10);
    let second = bench.start(pattern, bench.keeping(Duration::from_millis(2)));
    wait_until("the second member has its share", || {
        second.stats().handled >= 500
    });
    let report = second.shutdown().unwrap();
    assert_eq!((report.abandoned, report.repeated), (0, 0), "{report:?}");
    bench.wait_for(&first, records);
    first.shutdown().unwrap();
    assert!(first.stats().rebalances > 0, "{:?}", first.stats());
    bench.history.check_each_once(records);
    bench.history.check_order();
}

/// In all the handlers take far longer than `max.poll.interval.ms`, each record less.
pub(crate) fn slow_handlers_cost_no_membership(cluster: &Cluster<'_>, pattern: Pattern) {
    let records = 40;
    let mut bench = Bench::new(cluster, "slow", 1, records);
    bench.properties = vec![
        ("max.poll.interval.ms", "1500"),
        ("session.timeout.ms", "6000"),
    ];
    bench.workers = 1;
    let runtime = bench.start(pattern, bench.keeping(Duration::from_millis(150)));
    bench.wait_for(&runtime, records);
    let rebalances = runtime.stats().rebalances;
    runtime.shutdown().unwrap();
    // With three consumers and one partition some join late, which may move the partition.
    let allowed = if pattern == Pattern::PerThread { 2 } else { 0 };
    assert!(rebalances <= allowed, "{rebalances} rebalances");
    bench.history.check_each_once(records);
}

/// A record that fails for good stops the runtime and is the first one after a restart.
pub(crate) fn a_record_that_fails_for_good_is_not_lost(cluster: &Cluster<'_>, pattern: Pattern) {
    let records = 600;
    let mut bench = Bench::new(cluster, "failing", 3, records);
    bench.policy = FailurePolicy::attempts(NonZeroU32::new(2).unwrap())
        .backoff(ExponentialBackoff::new(
            Duration::from_millis(5),
            Duration::from_millis(5),
        ))
        .then(Terminal::Stop);
    let (bad_partition, bad_offset) = (1, Offset::new(100));
    let keep = bench.keeping(Duration::ZERO);
    let runtime = bench.start(pattern, move || {
        let mut keep = keep();
        Failing(move |record: &ConsumerRecord<'_>, context: &Context<'_>| {
            if (record.partition(), record.offset()) == (bad_partition, bad_offset) {
                return Err("cannot".into());
            }
            keep.handle(record, context)
        })
    });
    let error = runtime.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Callback, "{error:?}");
    assert!(error.to_string().contains("offset 100"), "{error}");
    let stats = runtime.stats();
    assert_eq!((stats.failed, stats.retried), (2, 1), "{stats:?}");
    let committed = cluster.committed(&bench.config(), &bench.topic, bad_partition);
    assert_eq!(
        committed,
        Some(bad_offset),
        "exactly the record that failed"
    );

    let before = bench.history.len();
    let again = bench.start(pattern, bench.keeping(Duration::ZERO));
    bench.wait_for(&again, records);
    again.shutdown().unwrap();
    let first = bench.history.first_offset_since(before, bad_partition);
    assert_eq!(first, Some(bad_offset));
    if pattern == Pattern::PerThread || pattern == Pattern::WorkerPool(Ordering::Partition) {
        bench.history.check_each_once(records);
    }
}

/// A handler from a closure that is given the context too.
struct Failing<F>(F);

impl<F> Handler for Failing<F>
where
    F: FnMut(&ConsumerRecord<'_>, &Context<'_>) -> Result<(), HandlerError>,
{
    fn handle(
        &mut self,
        record: &ConsumerRecord<'_>,
        context: &Context<'_>,
    ) -> Result<(), HandlerError> {
        (self.0)(record, context)
    }
}

/// Records whose first attempt panics or fails are tried again, in their place.
pub(crate) fn panics_and_failures_are_tried_again_in_order(
    cluster: &Cluster<'_>,
    pattern: Pattern,
) {
    let records = 1_000;
    let mut bench = Bench::new(cluster, "panics", 3, records);
    bench.policy = FailurePolicy::retry_forever().backoff(ExponentialBackoff::new(
        Duration::from_millis(1),
        Duration::from_millis(10),
    ));
    let keep = bench.keeping(Duration::ZERO);
    let made = Arc::new(AtomicU64::new(0));
    let runtime = bench.start(pattern, {
        let made = Arc::clone(&made);
        move || {
            made.fetch_add(1, Relaxed);
            let mut keep = keep();
            Failing(move |record: &ConsumerRecord<'_>, context: &Context<'_>| {
                let offset = record.offset().value();
                assert!(offset % 50 != 7 || context.attempt() > 1, "as planned");
                if offset % 50 == 23 && context.attempt() < 3 {
                    return Err("not yet".into());
                }
                keep.handle(record, context)
            })
        }
    });
    bench.wait_for(&runtime, records);
    runtime.shutdown().unwrap();
    let stats = runtime.stats();
    let each = (0..3).map(|partition| bench.history.in_partition(partition) as u64);
    let (panics, failures): (u64, u64) = each
        .map(|count| ((count + 42) / 50, (count + 26) / 50))
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(stats.panicked, panics, "{stats:?}");
    assert_eq!(stats.failed, panics + 2 * failures, "{stats:?}");
    assert!(
        made.load(Relaxed) >= panics,
        "a handler that panicked is made anew"
    );
    bench.history.check_each_once(records);
    if pattern != Pattern::WorkerPool(Ordering::None) {
        bench.history.check_order();
    }
}

/// A stop in the middle finishes and commits what was started: the next run has the rest.
pub(crate) fn a_shutdown_finishes_what_was_started(cluster: &Cluster<'_>, pattern: Pattern) {
    let records = 1_200;
    let bench = Bench::new(cluster, "shutdown", PARTITIONS, records);
    let runtime = bench.start(pattern, bench.keeping(Duration::from_millis(3)));
    bench.wait_for(&runtime, records / 4);
    let report = runtime.shutdown().unwrap();
    assert_eq!((report.abandoned, report.repeated), (0, 0), "{report:?}");
    let handled = bench.history.distinct();
    assert!(handled < records, "nothing was left to stop");
    let behind = cluster.behind(&bench.config(), &bench.topic);
    assert_eq!(behind, (records - handled) as u64);
    let rest = bench.start(pattern, bench.keeping(Duration::ZERO));
    bench.wait_for(&rest, records);
    rest.shutdown().unwrap();
    bench.history.check_each_once(records);
}

/// A handler that never returns does not keep the runtime from stopping, and is named.
pub(crate) fn a_stuck_handler_is_left_behind_and_named(cluster: &Cluster<'_>) {
    let bench = Bench::new(cluster, "stuck", 1, 20);
    let release = Arc::new(AtomicBool::new(false));
    let keep = bench.keeping(Duration::ZERO);
    let runtime = Runtime::worker_pool(bench.config())
        .topics([bench.topic.as_str()])
        .workers(2)
        .ordering(Ordering::None)
        .shutdown_timeout(Duration::from_secs(2))
        .start({
            let release = Arc::clone(&release);
            move || {
                let (mut keep, release) = (keep(), Arc::clone(&release));
                Failing(move |record: &ConsumerRecord<'_>, context: &Context<'_>| {
                    while record.offset() == Offset::new(5) && !release.load(Relaxed) {
                        thread::park_timeout(Duration::from_millis(5));
                    }
                    keep.handle(record, context)
                })
            }
        })
        .unwrap();
    bench.wait_for(&runtime, 19);
    let began_at = Instant::now();
    let report = runtime.shutdown().unwrap();
    assert!(began_at.elapsed() < Duration::from_secs(10));
    assert_eq!(report.stuck_threads.len(), 1, "{report:?}");
    assert_eq!((report.abandoned, report.repeated), (1, 14), "{report:?}");
    let committed = cluster.committed(&bench.config(), &bench.topic, 0);
    assert_eq!(committed, Some(Offset::new(5)));
    release.store(true, Relaxed);
}

/// What a worker has handled before it gets stuck is committed, although it took all of it at once.
pub(crate) fn what_was_handled_before_a_stuck_record_is_committed(cluster: &Cluster<'_>) {
    let bench = Bench::new(cluster, "before-stuck", 1, 2_000);
    let release = Arc::new(AtomicBool::new(false));
    let keep = bench.keeping(Duration::ZERO);
    let runtime = Runtime::worker_pool(bench.config())
        .topics([bench.topic.as_str()])
        .workers(1)
        .ordering(Ordering::Partition)
        .shutdown_timeout(Duration::from_secs(2))
        .start({
            let release = Arc::clone(&release);
            move || {
                let (mut keep, release) = (keep(), Arc::clone(&release));
                Failing(move |record: &ConsumerRecord<'_>, context: &Context<'_>| {
                    while record.offset() == Offset::new(1_500) && !release.load(Relaxed) {
                        thread::park_timeout(Duration::from_millis(5));
                    }
                    keep.handle(record, context)
                })
            }
        })
        .unwrap();
    bench.wait_for(&runtime, 1_500);
    let report = runtime.shutdown().unwrap();
    assert_eq!(report.repeated, 0, "{report:?}");
    let committed = cluster.committed(&bench.config(), &bench.topic, 0);
    assert_eq!(committed, Some(Offset::new(1_500)), "{report:?}");
    release.store(true, Relaxed);
}

/// A handler that ignores the drain does not hold up the group beyond the drain timeout, and what
/// it finishes later counts for nothing.
pub(crate) fn a_drain_gives_up_at_its_deadline(cluster: &Cluster<'_>) {
    let mut bench = Bench::new(cluster, "drain", 2, 40);
    bench.properties = vec![("heartbeat.interval.ms", "200")];
    let release = Arc::new(AtomicBool::new(false));
    let is_stuck = Arc::new(AtomicBool::new(false));
    let member = || {
        let (release, is_stuck) = (Arc::clone(&release), Arc::clone(&is_stuck));
        let keep = bench.keeping(Duration::ZERO);
        Runtime::worker_pool(bench.config())
            .topics([bench.topic.as_str()])
            .workers(2)
            .drain_timeout(Duration::from_millis(700))
            .shutdown_timeout(Duration::from_secs(2))
            .start(move || {
                let (mut keep, release) = (keep(), Arc::clone(&release));
                let is_stuck = Arc::clone(&is_stuck);
                Failing(move |record: &ConsumerRecord<'_>, context: &Context<'_>| {
                    if record.offset() == Offset::new(5) && !is_stuck.swap(true, Relaxed) {
                        while !release.load(Relaxed) {
                            thread::park_timeout(Duration::from_millis(5));
                        }
                        assert!(context.is_cancelled(), "the partition is gone");
                    }
                    keep.handle(record, context)
                })
            })
            .unwrap()
    };
    let first = member();
    bench.wait_for(&first, 30);
    let second = member();
    wait_until("the second member has partitions", || {
        second.stats().assigned > 0
    });
    // What is stuck keeps its key, even if this member has its partition again. The next owner
    // does not wait for it.
    let report = first.shutdown().unwrap();
    assert_eq!(report.stuck_threads.len(), 1, "{report:?}");
    bench.wait_for(&second, 40);
    release.store(true, Relaxed);
    wait_until("the late result counts for nothing", || {
        first.stats().fenced == 1
    });
    second.shutdown().unwrap();
    assert_eq!(cluster.behind(&bench.config(), &bench.topic), 0);
}

/// The naive pool's policy, for those who want it: the poller handles what the window cannot take.
pub(crate) fn a_full_window_can_make_the_caller_run(cluster: &Cluster<'_>) {
    let bench = Bench::new(cluster, "caller", 3, 600);
    let keep = bench.keeping(Duration::from_millis(1));
    let by_caller = Arc::new(AtomicU64::new(0));
    let runtime = Runtime::worker_pool(bench.config())
        .topics([bench.topic.as_str()])
        .workers(1)
        .ordering(Ordering::None)
        .window(Window::of(20))
        .saturation(Saturation::CallerRuns)
        .start({
            let by_caller = Arc::clone(&by_caller);
            move || {
                let (mut keep, by_caller) = (keep(), Arc::clone(&by_caller));
                Failing(move |record: &ConsumerRecord<'_>, context: &Context<'_>| {
                    let is_caller = thread::current().name() == Some("weft-poller-0");
                    by_caller.fetch_add(u64::from(is_caller), Relaxed);
                    keep.handle(record, context)
                })
            }
        })
        .unwrap();
    bench.wait_for(&runtime, 600);
    runtime.shutdown().unwrap();
    bench.history.check_each_once(600);
    let by_caller = by_caller.load(Relaxed);
    assert!((100..500).contains(&by_caller), "{by_caller} by the caller");
}

/// The example, killed at any moment and started again: nothing is lost, order is kept.
pub(crate) fn nothing_is_lost_when_the_process_is_killed(
    cluster: &Cluster<'_>,
    arguments: &[&str],
) {
    let records = 6_000;
    let topic = cluster.fill("killed", PARTITIONS, records);
    let log = process::run_killed(&cluster.bootstrap, &topic, arguments, 3);
    let history = History::from_log(&log);
    let distinct: BTreeSet<_> = history.identities();
    assert_eq!(distinct.len(), records, "records are lost");
    history.check_order_of_first_times();
}
