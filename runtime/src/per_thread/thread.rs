//! The loop of one thread: poll, handle, commit.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this shell owns a consumer, and looks at the clock between records"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weft_client::host;
use weft_client::{Error, ErrorKind, OffsetAndMetadata, TopicName, TopicPartition};
use weft_consumer::{CloseOptions, Consumer, ConsumerRecords, PartitionRecords};

use crate::attempt::Attempts;
use crate::commit::CommitPlan;
use crate::commit_results::CommitResults;
use crate::crew::{Crew, Report};
use crate::fence::Fence;
use crate::last_commit::commit_and_wait;
use crate::ledger::AssignmentEpoch;
use crate::settings::{LAST_COMMIT_TIMEOUT, Settings};
use crate::stats::Counters;

use super::keep_alive::KeepAlive;
use super::listener::{Listener, Shared, lock};
use super::progress::Progress;
use super::stride::Stride;

/// How a thread ended.
pub(super) enum End {
    /// It was asked to.
    Stopped,
    /// Another consumer might do better.
    Failed { error: Error, had_records: bool },
    /// Nothing would help.
    FailedForGood(Error),
}

/// Why a thread does not go on with a run.
pub(super) enum Interruption {
    /// The runtime stops.
    Stopping,
    /// The partition of the run is gone.
    Gone,
    /// The consumer failed.
    Failed(Error),
    /// A record failed for good.
    FailedForGood(Error),
}

impl From<Error> for Interruption {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What one poll returned.
pub(super) struct Batch {
    pub(super) runs: VecDeque<(AssignmentEpoch, PartitionRecords)>,
    pub(super) next: Vec<(TopicPartition, AssignmentEpoch, OffsetAndMetadata)>,
}

pub(super) struct PollThread {
    index: usize,
    consumer: Consumer,
    topics: Vec<TopicName>,
    pub(super) shared: Arc<Mutex<Shared>>,
    results: CommitResults,
    pub(super) attempts: Attempts,
    pub(super) crew: Arc<Crew>,
    pub(super) counters: Arc<Counters>,
    pub(super) fence: Arc<Fence>,
    /// What was polled and not handled. More than one batch only after a poll that kept the member
    /// alive brought records of a partition that was just assigned.
    pub(super) backlog: VecDeque<Batch>,
    pub(super) keep_alive: KeepAlive,
    pub(super) stride: Stride,
    pub(super) handled: u64,
    /// Records of the run at which the thread ended.
    pub(super) unstarted: u64,
    shutdown_timeout: Duration,
}

/// The longest poll: so long a stop that arrives at an unlucky moment may go unnoticed.
const POLL_TIMEOUT: Duration = Duration::from_millis(500);
/// The wait after a poll that failed for a reason that may pass.
const POLL_BACKOFF: Duration = Duration::from_millis(100);

impl PollThread {
    pub(super) fn new(
        index: usize,
        consumer: Consumer,
        settings: &Settings,
        attempts: Attempts,
        crew: Arc<Crew>,
        counters: Arc<Counters>,
    ) -> Self {
        let now = host::now();
        let shared = Shared {
            progress: Progress::default(),
            plan: CommitPlan::new(now, settings.commit_interval),
            is_leaving: false,
        };
        Self {
            index,
            consumer,
            topics: settings.topics.clone(),
            shared: Arc::new(Mutex::new(shared)),
            results: CommitResults::default(),
            attempts,
            crew,
            counters,
            fence: Arc::default(),
            backlog: VecDeque::new(),
            keep_alive: KeepAlive::new(now, settings.config.max_poll_interval),
            stride: Stride::new(now),
            handled: 0,
            unstarted: 0,
            shutdown_timeout: settings.shutdown_timeout,
        }
    }

    /// Runs until the runtime stops or something fails, and leaves the group.
    pub(super) fn run(mut self) -> End {
        let listener = Listener {
            shared: Arc::clone(&self.shared),
            counters: Arc::clone(&self.counters),
            commit_timeout: LAST_COMMIT_TIMEOUT,
        };
        let wakeup = self.consumer.wakeup_handle();
        self.crew
            .register(self.index, wakeup, Some(Arc::clone(&self.fence)));
        let topics = self.topics.clone();
        let subscribed = self.consumer.subscribe_with_listener(topics, listener);
        let end = match subscribed
            .map_err(Interruption::from)
            .and_then(|()| self.consume())
        {
            Ok(()) | Err(Interruption::Stopping | Interruption::Gone) => End::Stopped,
            Err(Interruption::Failed(error)) => End::Failed {
                error,
                had_records: self.handled > 0,
            },
            Err(Interruption::FailedForGood(error)) => End::FailedForGood(error),
        };
        self.leave();
        end
    }

    fn consume(&mut self) -> Result<(), Interruption> {
        while !self.crew.is_stopping() {
            let now = host::now();
            self.commit_if_due(now)?;
            self.poll(self.poll_timeout(now))?;
            self.stride.restart(host::now());
            while let Some(batch) = self.backlog.pop_front() {
                self.handle(batch)?;
            }
        }
        Ok(())
    }

    /// How long to poll: until something has to be committed that is not yet.
    fn poll_timeout(&self, now: Instant) -> Duration {
        let shared = lock(&self.shared);
        let Shared { progress, plan, .. } = &*shared;
        let is_sent =
            |(partition, next): (_, OffsetAndMetadata)| plan.is_sent(&partition, next.offset);
        if progress.frontiers().all(is_sent) {
            return POLL_TIMEOUT;
        }
        plan.due_at()
            .saturating_duration_since(now)
            .min(POLL_TIMEOUT)
    }

    /// Polls, and puts what comes into the backlog.
    pub(super) fn poll(&mut self, timeout: Duration) -> Result<(), Error> {
        let polled = self.consumer.poll(timeout);
        self.keep_alive.polled(host::now());
        match polled {
            Ok(records) => self.take(records),
            Err(error) if error.kind() == ErrorKind::Wakeup => {}
            Err(error) if error.is_retriable() => {
                tracing::warn!("a poll failed and is tried again: {error}");
                self.crew.pause(POLL_BACKOFF);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn take(&mut self, records: ConsumerRecords) {
        if records.next_offsets().is_empty() {
            return;
        }
        self.counters.polled.add(records.count() as u64);
        let shared = lock(&self.shared);
        // A partition that is not owned was given up inside the poll that returned its records.
        let epoch = |partition: &TopicPartition| shared.progress.epoch(partition);
        let next_offsets = records.next_offsets().iter();
        let next = next_offsets
            .filter_map(|(partition, next)| {
                Some((partition.clone(), epoch(partition)?, next.clone()))
            })
            .collect();
        let runs = records.into_runs().into_iter();
        let runs = runs
            .filter_map(|run| Some((epoch(run.topic_partition())?, run)))
            .collect();
        self.backlog.push_back(Batch { runs, next });
    }

    /// Polls with all partitions paused until then, at least once.
    pub(super) fn stay_alive_until(&mut self, until: Instant) -> Result<(), Error> {
        self.consumer.pause(&self.consumer.assignment()?)?;
        loop {
            let left = until.saturating_duration_since(host::now());
            self.poll(left.min(POLL_TIMEOUT))?;
            if left.is_zero() || self.crew.is_stopping() {
                break;
            }
            // What was assigned meanwhile is not paused.
            self.consumer.pause(&self.consumer.assignment()?)?;
            self.commit_if_due(host::now())?;
        }
        self.consumer.resume(&self.consumer.assignment()?)
    }

    /// Commits what is handled, if it is time.
    pub(super) fn commit_if_due(&mut self, now: Instant) -> Result<(), Error> {
        let mut shared = lock(&self.shared);
        let Shared { progress, plan, .. } = &mut *shared;
        self.results.settle(plan, &self.counters)?;
        if !plan.is_due(now) {
            return Ok(());
        }
        let offsets = plan.take(now, progress.frontiers());
        drop(shared);
        self.results.send(&self.consumer, offsets)
    }

    /// Commits what was handled, and leaves the group.
    fn leave(&mut self) {
        let deadline = host::now() + self.shutdown_timeout;
        let left = self.backlog.iter().flat_map(|batch| &batch.runs);
        let left: u64 = left.map(|(_, run)| run.len() as u64).sum();
        let discarded = left + self.unstarted;
        self.counters.discarded.add(discarded);
        let offsets = {
            let mut shared = lock(&self.shared);
            shared.is_leaving = true;
            let Shared { progress, plan, .. } = &mut *shared;
            // A commit that failed for good has been reported; the last one is tried all the same.
            drop(self.results.settle(plan, &self.counters));
            plan.unacknowledged(progress.frontiers())
        };
        let commit_deadline = deadline.min(host::now() + LAST_COMMIT_TIMEOUT);
        let is_committed = commit_and_wait(
            &offsets,
            commit_deadline,
            &self.counters,
            |offsets, timeout| self.consumer.commit_sync_offsets_within(offsets, timeout),
        );
        lock(&self.shared).plan.finished(&offsets, is_committed);
        self.crew.add_leftovers(&Report {
            discarded,
            ..Report::default()
        });
        let timeout = deadline.saturating_duration_since(host::now());
        if let Err(error) = self
            .consumer
            .close_with(CloseOptions::new().timeout(timeout))
        {
            tracing::warn!("a consumer was not closed in order: {error}");
        }
    }
}
