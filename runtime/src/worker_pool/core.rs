//! One poller's half of the pool, shared by its loop and its rebalance callbacks: beginning and
//! ending assignments.
//!
//! Both run on the poller's thread, so that nobody ever waits for its lock.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this shell waits for workers until a deadline"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weft_client::host;
use weft_client::{Error, TopicPartition};
use weft_consumer::{ConsumerRecords, Offsets};

use crate::crew::Report;
use crate::last_commit::commit_and_wait;
use crate::ledger::AssignmentEpoch;
use crate::stats::Counters;

use super::intake::Intake;
use super::lanes::{Finished, Item};
use super::pool::{HandedRun, Pool};

pub(super) struct PollerCore {
    pub(super) index: usize,
    pub(super) pool: Arc<Pool>,
    pub(super) counters: Arc<Counters>,
    intake: Mutex<Intake>,
    /// Epochs of the whole runtime.
    epochs: Arc<AtomicU64>,
}

/// What became of partitions that were given up.
pub(super) struct GivenUp {
    pub(super) report: Report,
    pub(super) is_committed: bool,
}

impl PollerCore {
    pub(super) fn new(
        index: usize,
        pool: Arc<Pool>,
        counters: Arc<Counters>,
        intake: Intake,
        epochs: Arc<AtomicU64>,
    ) -> Self {
        Self {
            index,
            pool,
            counters,
            intake: Mutex::new(intake),
            epochs,
        }
    }

    pub(super) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins assignments.
    pub(super) fn assigned(&self, partitions: &[TopicPartition]) {
        let mut intake = self.intake();
        for partition in partitions {
            self.begin(&mut intake, partition);
        }
        self.count_partitions(&intake);
    }

    fn begin(&self, intake: &mut Intake, partition: &TopicPartition) {
        let epoch = AssignmentEpoch(self.epochs.fetch_add(1, Ordering::Relaxed));
        let slot = self.pool.open(self.index, epoch);
        intake.assigned(partition, epoch, slot);
    }

    fn count_partitions(&self, intake: &Intake) {
        self.counters.assigned.set(intake.len() as u64);
        self.counters.paused.set(intake.paused() as u64);
    }

    /// Takes in what a poll returned.
    pub(super) fn dispatch(&self, records: ConsumerRecords, items: &mut Vec<Item>) {
        self.counters.polled.add(records.count() as u64);
        let mut intake = self.intake();
        let mut staged = Vec::with_capacity(records.runs().len());
        let next_offsets = records.next_offsets().clone();
        items.clear();
        for run in records.into_runs() {
            if intake.goes_back(&run) {
                let partition = run.topic_partition().clone();
                tracing::warn!("the position of {partition} went back: its work is given up");
                self.fence(&mut intake, std::slice::from_ref(&partition));
                self.begin(&mut intake, &partition);
            }
            // What is not owned was given up inside the poll that returned it.
            if let Some((slot, fence)) = intake.route(&run, items) {
                let records = run;
                staged.push((slot, Arc::new(HandedRun { records, fence }), items.len()));
            }
        }
        intake.reach(&next_offsets);
        drop(intake);
        if !staged.is_empty() {
            self.pool.push(staged, items);
        }
    }

    /// Takes note of what workers finished; says how many records are unfinished.
    pub(super) fn collect(&self, intake: &mut Intake, buffer: &mut Vec<Finished>) -> usize {
        buffer.clear();
        let unfinished = self.pool.take_finished(self.index, buffer);
        intake.finished(buffer);
        unfinished
    }

    /// Gives partitions up: finishes what was started, until `drain_until`, then commits, until
    /// `commit_until`.
    pub(super) fn give_up(
        &self,
        partitions: &[TopicPartition],
        drain_until: Instant,
        commit_timeout: Duration,
        commit: impl Fn(&Offsets, Duration) -> Result<(), Error>,
    ) -> GivenUp {
        let assignments = self.intake().assignments(partitions);
        for assignment in &assignments {
            assignment.fence.drain();
            self.pool.drain(assignment.slot);
        }
        let ids: Vec<_> = assignments.iter().map(|of| (of.slot, of.epoch)).collect();
        self.pool.wait_drained(&ids, drain_until);

        let mut intake = self.intake();
        let mut abandoned = 0;
        for assignment in &assignments {
            assignment.fence.close();
            abandoned += self.pool.fence(assignment.slot, assignment.epoch) as u64;
        }
        // What was finished before the fence counts; what is finished behind it comes with an epoch
        // that no ledger has.
        self.collect(&mut intake, &mut Vec::new());
        let offsets = intake.last_commit(partitions);
        let mut report = Report {
            abandoned,
            ..Report::default()
        };
        for (checkpoint, unfinished) in intake.checkpoints(partitions) {
            report.repeated += checkpoint.finished_beyond_count;
            report.discarded += unfinished;
        }
        report.discarded = report.discarded.saturating_sub(abandoned);
        self.remove(&mut intake, partitions);
        drop(intake);

        let commit_until = host::now() + commit_timeout;
        let is_committed = commit_and_wait(&offsets, commit_until, &self.counters, commit);
        GivenUp {
            report,
            is_committed,
        }
    }

    /// Gives up partitions that are gone already: nothing is waited for, nothing committed.
    pub(super) fn lose(&self, partitions: &[TopicPartition]) {
        let mut intake = self.intake();
        self.fence(&mut intake, partitions);
        self.remove(&mut intake, partitions);
    }

    fn fence(&self, intake: &mut Intake, partitions: &[TopicPartition]) {
        for assignment in intake.assignments(partitions) {
            assignment.fence.close();
            self.pool.fence(assignment.slot, assignment.epoch);
        }
    }

    /// Whether any of these partitions is owned; counts a rebalance if so.
    pub(super) fn count_rebalance(&self, partitions: &[TopicPartition]) -> bool {
        let is_owned = !self.intake().assignments(partitions).is_empty();
        self.counters.rebalances.add(u64::from(is_owned));
        is_owned
    }

    fn remove(&self, intake: &mut Intake, partitions: &[TopicPartition]) {
        let checkpoints = intake.checkpoints(partitions);
        let unfinished = checkpoints.iter().map(|(_, unfinished)| unfinished).sum();
        self.counters.discarded.add(unfinished);
        for partition in partitions {
            intake.removed(partition);
        }
        self.count_partitions(intake);
    }
}
