//! Sets up pattern 2, and starts its threads.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use weft_client::Error;
use weft_client::config::Problems;
use weft_consumer::ConsumerConfig;

use crate::attempt::{Attempts, HandlerFactory, boxed};
use crate::commit::CommitPlan;
use crate::crew::{Crew, Role};
use crate::flow::{Flow, Shares, Window};
use crate::handle::RuntimeHandle;
use crate::handler::Handler;
use crate::now::now;
use crate::route::{LANES_MAX, NullKeys, Ordering, Router};
use crate::seed::random_seed;
use crate::settings::{Settings, check_threads, settings_methods};
use crate::stats::Counters;

use super::core::PollerCore;
use super::intake::Intake;
use super::poller::Poller;
use super::pool::Pool;
use super::worker::Worker;

/// What a poller does while the window is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Saturation {
    /// It pauses its partitions and goes on polling.
    #[default]
    Pause,
    /// It handles records itself, like the usual thread pool with its caller-runs policy. It then
    /// does not poll, and a slow handler makes the member leave its group. Only without an order.
    CallerRuns,
}

/// The number of lanes for keys, if they are few workers.
const HASHED_LANES: u32 = 4_096;
const HASHED_LANES_PER_WORKER: u32 = 64;
/// The largest window.
const WINDOW_MAX: usize = 1 << 24;
/// Each worker finds so many records waiting, if there are as many.
const RECORDS_PER_WORKER: usize = 32;
/// What was finished since the last commit is repeated after a crash, and a commit is one small
/// request.
const COMMIT_INTERVAL: Duration = Duration::from_millis(200);
/// What was started is finished within this time when partitions are revoked.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Sets up pollers and workers; see [`Runtime::worker_pool`](crate::Runtime::worker_pool).
#[must_use]
pub struct WorkerPoolBuilder {
    settings: Settings,
    pollers: usize,
    workers: usize,
    ordering: Ordering,
    null_keys: NullKeys,
    window: Option<Window>,
    saturation: Saturation,
    drain_timeout: Option<Duration>,
}

impl WorkerPoolBuilder {
    settings_methods!();

    pub(crate) fn new(config: ConsumerConfig) -> Self {
        Self {
            settings: Settings::new(config, COMMIT_INTERVAL),
            pollers: 1,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            ordering: Ordering::default(),
            null_keys: NullKeys::default(),
            window: None,
            saturation: Saturation::default(),
            drain_timeout: None,
        }
    }

    /// The number of pollers, each with a consumer of its own. By default 1, which feeds many
    /// workers.
    pub fn pollers(mut self, pollers: usize) -> Self {
        self.pollers = pollers;
        self
    }

    /// The number of workers, shared by all pollers. By default as many as there are processors.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Which records are handled one after the other. By default those with the same key.
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.ordering = ordering;
        self
    }

    /// What order by key means for records without a key. By default those of one partition keep
    /// their order.
    pub fn null_keys(mut self, null_keys: NullKeys) -> Self {
        self.null_keys = null_keys;
        self
    }

    /// How much each poller may have with the workers. By default 1000 records, or 32 for each
    /// worker if that is more.
    pub fn window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// What a poller does while the window is full. By default it pauses.
    pub fn saturation(mut self, saturation: Saturation) -> Self {
        self.saturation = saturation;
        self
    }

    /// How long what was started may take to finish when partitions are revoked; the group waits
    /// meanwhile. By default 10 s, and at most half of `max.poll.interval.ms`.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = Some(timeout);
        self
    }

    fn check(&self) -> Result<(), Error> {
        let mut problems = Problems::default();
        self.settings.check(&mut problems);
        check_threads(&mut problems, "pollers", self.pollers);
        check_threads(&mut problems, "workers", self.workers);
        let window = self.chosen_window();
        if window.records == 0 || window.span == 0 {
            problems.add("window", "must have room for a record");
        }
        if window.records > WINDOW_MAX {
            problems.add("window", format!("must be at most {WINDOW_MAX} records"));
        }
        if window.resume_at >= window.records.max(1) {
            problems.add("window", "must be resumed at fewer records than fill it");
        }
        if self.saturation == Saturation::CallerRuns && self.ordering != Ordering::None {
            problems.add(
                "saturation",
                "caller-runs needs order none: it overtakes what is queued",
            );
        }
        let drain_max = self.drain_timeout_max();
        if self
            .drain_timeout
            .is_some_and(|timeout| timeout > drain_max)
        {
            problems.add(
                "drain timeout",
                format!("must be at most {drain_max:?}, half of max.poll.interval.ms"),
            );
        }
        problems.into_result()
    }

    fn chosen_window(&self) -> Window {
        self.window.unwrap_or_else(|| {
            let records = Window::default()
                .records
                .max(RECORDS_PER_WORKER * self.workers);
            Window::of(records)
        })
    }

    fn shares(&self) -> Shares {
        if self.ordering == Ordering::Partition {
            Shares::Equal
        } else {
            Shares::None
        }
    }

    fn drain_timeout_max(&self) -> Duration {
        self.settings.config.max_poll_interval / 2
    }

    fn router(&self) -> Router {
        let lanes = match self.ordering {
            Ordering::Partition => 1,
            Ordering::Key => HASHED_LANES.max(HASHED_LANES_PER_WORKER * self.workers as u32),
            Ordering::None => {
                // So many that a free one is found at once.
                let most =
                    self.chosen_window().records + self.settings.config.max_poll_records as usize;
                u32::try_from(4 * most).map_or(LANES_MAX, |lanes| lanes.max(HASHED_LANES))
            }
        };
        Router::new(self.ordering, self.null_keys, lanes, random_seed())
    }

    /// Starts the threads. Each worker makes its handler with `factory`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the options, at once; or why a consumer or a thread could not
    /// be made.
    pub fn start<H: Handler + 'static>(
        self,
        factory: impl Fn() -> H + Send + Sync + 'static,
    ) -> Result<RuntimeHandle, Error> {
        self.check()?;
        let router = self.router();
        let crew = Arc::new(Crew::default());
        let start = Start {
            pool: Arc::new(Pool::new(self.pollers, self.workers, router.hashed_lanes())),
            crew: Arc::clone(&crew),
            factory: boxed(factory),
            counters: Vec::new(),
            builder: self,
        };
        let shutdown_timeout = start.builder.settings.shutdown_timeout;
        let pool = Arc::clone(&start.pool);
        let counters = start.threads(router).inspect_err(|_| {
            crew.request_stop();
            pool.close();
        })?;
        Ok(RuntimeHandle::new(crew, counters, shutdown_timeout))
    }
}

/// A pool that is being started.
struct Start {
    builder: WorkerPoolBuilder,
    pool: Arc<Pool>,
    crew: Arc<Crew>,
    factory: HandlerFactory,
    counters: Vec<Arc<Counters>>,
}

impl Start {
    fn threads(mut self, router: Router) -> Result<Vec<Arc<Counters>>, Error> {
        let (pollers, workers) = (self.builder.pollers, self.builder.workers);
        let epochs = Arc::default();
        let running = Arc::new(AtomicUsize::new(pollers));
        let consumers: Vec<_> = (0..pollers)
            .map(|index| self.builder.settings.consumer(index, pollers))
            .collect::<Result<_, _>>()?;
        for index in 0..workers {
            let worker = self.worker(index);
            self.crew
                .spawn(&format!("weft-worker-{index}"), Role::Worker, move || {
                    worker().run();
                    Ok(())
                })?;
        }
        for (index, consumer) in consumers.into_iter().enumerate() {
            let counters = self.new_counters();
            let builder = &self.builder;
            let plan = CommitPlan::new(now(), builder.settings.commit_interval);
            let intake = Intake::new(
                router,
                Flow::new(builder.chosen_window(), builder.shares()),
                plan,
            );
            let pool = Arc::clone(&self.pool);
            let core = PollerCore::new(index, pool, counters, intake, Arc::clone(&epochs));
            let drain_timeout = builder
                .drain_timeout
                .unwrap_or_else(|| DRAIN_TIMEOUT.min(builder.drain_timeout_max()));
            let settings = builder.settings.clone();
            let is_caller = builder.saturation == Saturation::CallerRuns;
            let caller = is_caller.then(|| self.worker(workers + index));
            let crew = Arc::clone(&self.crew);
            let last = LastPoller {
                running: Arc::clone(&running),
                pool: Arc::clone(&self.pool),
            };
            self.crew
                .spawn(&format!("weft-poller-{index}"), Role::Poller, move || {
                    let _last = last;
                    let caller = caller.map(|worker| worker());
                    let core = Arc::new(core);
                    Poller::new(consumer, core, crew, caller, &settings, drain_timeout).run()
                })?;
        }
        Ok(self.counters)
    }

    fn new_counters(&mut self) -> Arc<Counters> {
        let counters = Arc::default();
        self.counters.push(Arc::clone(&counters));
        counters
    }

    /// A worker, to be made on its thread: its handler never leaves it.
    fn worker(&mut self, index: usize) -> impl FnOnce() -> Worker + Send + 'static {
        let counters = self.new_counters();
        let factory = Arc::clone(&self.factory);
        let policy = self.builder.settings.failure_policy;
        let (pool, crew) = (Arc::clone(&self.pool), Arc::clone(&self.crew));
        move || {
            let attempts = Attempts::new(factory, policy, random_seed(), Arc::clone(&counters));
            Worker::new(index, pool, crew, attempts, counters)
        }
    }
}

/// Closes the pool when the last poller has ended, however it ended.
struct LastPoller {
    running: Arc<AtomicUsize>,
    pool: Arc<Pool>,
}

impl Drop for LastPoller {
    fn drop(&mut self) {
        if self
            .running
            .fetch_sub(1, std::sync::atomic::Ordering::AcqRel)
            == 1
        {
            self.pool.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_consumer::ConsumerRecord;

    use super::*;

    fn builder(properties: &[(&str, &str)]) -> WorkerPoolBuilder {
        let start = ConsumerConfig::builder().set("bootstrap.servers", "a:1");
        let config = properties
            .iter()
            .fold(start, |builder, (key, value)| builder.set(key, value))
            .build();
        WorkerPoolBuilder::new(config.unwrap())
    }

    fn refusal(builder: WorkerPoolBuilder) -> String {
        let started = builder.start(|| |_: &ConsumerRecord<'_>| Ok::<(), &str>(()));
        started.err().unwrap().to_string()
    }

    const GROUP: (&str, &str) = ("group.id", "g");
    const NO_AUTO_COMMIT: (&str, &str) = ("enable.auto.commit", "false");

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = refusal(
            builder(&[GROUP])
                .workers(0)
                .pollers(5_000)
                .window(Window {
                    records: 10,
                    resume_at: 10,
                    span: 0,
                })
                .drain_timeout(Duration::from_secs(151)),
        );
        for part in [
            "topics: name at least one",
            "enable.auto.commit: must be false",
            "workers: 0 is not allowed",
            "pollers: 5000 is not allowed",
            "window: must have room",
            "window: must be resumed",
            "drain timeout: must be at most 150s",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
    }

    #[test]
    fn a_pool_without_a_group_is_refused() {
        let text = refusal(builder(&[NO_AUTO_COMMIT]).topics(["t"]));
        assert!(text.starts_with("group.id: is needed"), "{text}");
    }

    #[test]
    fn a_caller_that_handles_records_cannot_keep_an_order() {
        for ordering in [Ordering::Key, Ordering::Partition] {
            let pool = builder(&[GROUP, NO_AUTO_COMMIT]).topics(["t"]);
            let text = refusal(pool.ordering(ordering).saturation(Saturation::CallerRuns));
            assert!(
                text.starts_with("saturation: caller-runs needs order none"),
                "{text}"
            );
        }
    }
}
