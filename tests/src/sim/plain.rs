//! A program that is a consumer and a loop: poll, handle, commit.

use std::cell::Cell;
use std::time::Duration;

use weft_client::{Error, ErrorKind, TopicPartition};
use weft_consumer::{
    CallbackError, Consumer, ConsumerRecords, RebalanceConsumer, RebalanceListener,
};

use super::history::number_of;
use super::plan::{Commits, Plan};
use super::process::{Handling, config, is_auto};
use super::world::with;
use super::{TOPICS, witness};
use crate::guarantee::Instance;

/// Runs until the process is to end.
pub(super) fn run(process: usize, plan: &Plan, member: usize, commits: Commits) {
    let mut lives = 0;
    while !with(|world| world.is_over(process)) {
        let program = Program {
            process,
            instance: Instance((process * LIVES_MAX + lives) as u32),
            commits,
            is_behind: Cell::new(false),
        };
        lives = (lives + 1) % LIVES_MAX;
        let consumer = Consumer::new(config(plan, member, is_auto(commits)));
        let consumer = consumer.expect("a simulated host refuses nothing");
        let wakeup = consumer.wakeup_handle();
        with(|world| world.inner.borrow_mut().processes[process].wakeup = Some(wakeup));
        let result = program.consume(&consumer, &TOPICS[..plan.members[member].topics]);
        with(|world| world.inner.borrow_mut().processes[process].wakeup = None);
        if !with(|world| world.is_alive(process)) {
            // Dropped, not closed: there is nobody left to close it.
            return;
        }
        if let Err(error) = result {
            with(|world| world.saw_error(process, "the loop", &error));
        }
        if let Err(error) = consumer.close() {
            with(|world| world.saw_error(process, "close", &error));
        }
        if !with(|world| world.is_over(process)) {
            with(|world| world.sleep(RESTART_AFTER));
        }
    }
}

struct Program {
    process: usize,
    instance: Instance,
    commits: Commits,
    /// Something was handled and not committed.
    is_behind: Cell<bool>,
}

impl Program {
    fn consume(&self, consumer: &Consumer, topics: &[&str]) -> Result<(), Error> {
        let listener = Listener {
            process: self.process,
            commits: self.commits,
        };
        consumer.subscribe_with_listener(topics.iter().copied(), listener)?;
        while !with(|world| world.is_over(self.process)) {
            let paused = witness::follow_wishes(self.process, consumer)?;
            match consumer.poll(POLL_TIMEOUT) {
                Ok(records) => {
                    witness::check_records(self.process, consumer, &records, &paused);
                    self.handle(&records);
                    self.commit(consumer, &records)?;
                    witness::look_up(self.process, consumer);
                }
                Err(error) => self.tolerate("poll", error)?,
            }
        }
        if self.commits == Commits::Async && with(|world| world.is_alive(self.process)) {
            consumer
                .commit_sync()
                .or_else(|error| self.tolerate("commit_sync", error))?;
        }
        Ok(())
    }

    /// Everything that was returned, whatever happens: the position is behind it.
    fn handle(&self, records: &ConsumerRecords) {
        for run in records.runs() {
            for record in run {
                let place = (self.process, self.instance);
                let partition = run.topic_partition();
                // It tries again for ever.
                while with(|world| {
                    let handling = world.handle(place, partition, record.offset(), record.key());
                    handling == Handling::Failed && world.is_alive(self.process)
                }) {}
                if !with(|world| world.is_alive(self.process)) {
                    return;
                }
            }
        }
    }

    fn commit(&self, consumer: &Consumer, records: &ConsumerRecords) -> Result<(), Error> {
        match self.commits {
            Commits::Sync => {
                // What a rebalance kept from being committed is committed after it.
                self.is_behind
                    .set(self.is_behind.get() || records.count() > 0);
                if !self.is_behind.get() {
                    return Ok(());
                }
                match consumer.commit_sync() {
                    Ok(()) => {
                        self.is_behind.set(false);
                        witness::check_acknowledged(self.process, records.next_offsets());
                        Ok(())
                    }
                    Err(error) => self.tolerate("commit_sync", error),
                }
            }
            Commits::Async => {
                let process = self.process;
                let sent = consumer.commit_async_with(move |offsets, result| match result {
                    Ok(()) => witness::check_acknowledged(process, offsets),
                    Err(error) => {
                        with(|world| world.saw_error(process, "commit_async", &error));
                    }
                });
                sent.or_else(|error| self.tolerate("commit_async", error))
            }
            Commits::OnRevocation => {
                let is_time = with(|world| world.inner.borrow_mut().random.below(6) == 0);
                if !is_time {
                    return Ok(());
                }
                consumer
                    .commit_sync()
                    .or_else(|error| self.tolerate("commit_sync", error))
            }
            Commits::Auto => Ok(()),
        }
    }

    /// What a careful program goes on after.
    fn tolerate(&self, call: &str, error: Error) -> Result<(), Error> {
        let is_normal = error.is_retriable()
            || matches!(
                error.kind(),
                ErrorKind::Wakeup
                    | ErrorKind::CommitFailed
                    | ErrorKind::RetriableCommitFailed
                    | ErrorKind::RebalanceInProgress
                    | ErrorKind::Timeout
                    | ErrorKind::Callback
            );
        if is_normal {
            with(|world| world.saw_error(self.process, call, &error));
            return Ok(());
        }
        Err(error)
    }
}

struct Listener {
    process: usize,
    commits: Commits,
}

impl Listener {
    fn note(&self, what: &str, partitions: &[TopicPartition]) {
        with(|world| {
            let mut inner = world.inner.borrow_mut();
            for partition in partitions {
                let number = number_of(partition.topic().as_str(), partition.partition());
                inner.processes[self.process].expected.remove(&number);
            }
            let (now, process) = (inner.now, self.process);
            inner.coverage.count("callback", what);
            inner
                .history
                .note(now, || format!("p{process} {what} {partitions:?}"));
        });
    }
}

impl RebalanceListener for Listener {
    fn on_partitions_revoked(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.note("revoked", partitions);
        if self.commits != Commits::Auto
            && let Err(error) = consumer.commit_sync_within(COMMIT_TIMEOUT)
        {
            with(|world| world.saw_error(self.process, "commit in a revocation", &error));
        }
        Ok(())
    }

    fn on_partitions_assigned(
        &mut self,
        _consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.note("assigned", partitions);
        Ok(())
    }

    fn on_partitions_lost(
        &mut self,
        _consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.note("lost", partitions);
        Ok(())
    }
}

const POLL_TIMEOUT: Duration = Duration::from_millis(500);
const COMMIT_TIMEOUT: Duration = Duration::from_secs(4);
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Consumers that one process may have, one after the other, before their numbers repeat.
pub(super) const LIVES_MAX: usize = 1_000;
