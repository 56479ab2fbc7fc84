//! How a thread handles what it polled: record by record, run by run, as long as it may.

#![expect(
    clippy::disallowed_methods,
    reason = "this shell looks at the clock between records"
)]

use weft_client::host;
use weft_client::{LeaderEpoch, Offset, OffsetAndMetadata};
use weft_consumer::{ConsumerRecord, PartitionRecords};

use crate::attempt::Next;
use crate::ledger::AssignmentEpoch;

use super::listener::lock;
use super::thread::{Batch, Interruption, PollThread};

/// A place in a run: the partition's assignment, and what comes next.
type Place = (AssignmentEpoch, Option<(Offset, Option<LeaderEpoch>)>);

impl PollThread {
    /// Handles the records of one poll.
    pub(super) fn handle(&mut self, batch: Batch) -> Result<(), Interruption> {
        let mut runs = batch.runs;
        while let Some((epoch, run)) = runs.pop_front() {
            match self.handle_run(epoch, &run) {
                Ok(()) | Err(Interruption::Gone) => {}
                Err(end) => {
                    self.backlog.push_front(Batch {
                        runs,
                        next: Vec::new(),
                    });
                    return Err(end);
                }
            }
        }
        let mut shared = lock(&self.shared);
        for (partition, epoch, next) in batch.next {
            shared.progress.reach(&partition, epoch, next);
        }
        drop(shared);
        self.commit_if_due(host::now())?;
        Ok(())
    }

    /// Handles the records of a run in order, as long as its partition is owned.
    fn handle_run(
        &mut self,
        epoch: AssignmentEpoch,
        run: &PartitionRecords,
    ) -> Result<(), Interruption> {
        let mut place: Place = (epoch, None);
        let mut handled = 0;
        let result = self.handle_records(run, &mut place, &mut handled);
        self.save(run, place);
        self.handled += handled;
        self.counters.handled.add(handled);
        let left = run.len() as u64 - handled;
        match &result {
            Ok(()) => {}
            Err(Interruption::Gone) => self.counters.discarded.add(left),
            Err(_) => self.unstarted += left,
        }
        result
    }

    fn handle_records(
        &mut self,
        run: &PartitionRecords,
        place: &mut Place,
        handled: &mut u64,
    ) -> Result<(), Interruption> {
        if self.is_gone(run, place.0) {
            return Err(Interruption::Gone);
        }
        for record in run {
            if self.crew.is_stopping() {
                return Err(Interruption::Stopping);
            }
            self.handle_record(&record, run, *place)?;
            *handled += 1;
            place.1 = Some((record.offset().next(), record.leader_epoch()));
            if self.stride.step() {
                self.look_at_the_clock(run, *place)?;
            }
        }
        Ok(())
    }

    /// Makes attempts until the record is finished.
    #[inline]
    fn handle_record(
        &mut self,
        record: &ConsumerRecord<'_>,
        run: &PartitionRecords,
        place: Place,
    ) -> Result<(), Interruption> {
        let mut failures = 0;
        loop {
            match self.attempts.attempt(record, failures, &self.fence) {
                Next::Done | Next::Skip => return Ok(()),
                Next::Stop(error) => return Err(Interruption::FailedForGood(error)),
                Next::Cancelled => return Err(Interruption::Gone),
                Next::RetryAfter(delay) => {
                    failures += 1;
                    self.save(run, place);
                    self.stay_alive_until(host::now() + delay)?;
                    self.check_still_wanted(run, place.0)?;
                }
            }
        }
    }

    fn check_still_wanted(
        &self,
        run: &PartitionRecords,
        epoch: AssignmentEpoch,
    ) -> Result<(), Interruption> {
        if self.is_gone(run, epoch) {
            Err(Interruption::Gone)
        } else if self.crew.is_stopping() {
            Err(Interruption::Stopping)
        } else {
            Ok(())
        }
    }

    fn is_gone(&self, run: &PartitionRecords, epoch: AssignmentEpoch) -> bool {
        let owned = lock(&self.shared).progress.epoch(run.topic_partition());
        owned != Some(epoch)
    }

    /// Commits, and polls so that the member stays alive, if it is time for either.
    fn look_at_the_clock(
        &mut self,
        run: &PartitionRecords,
        place: Place,
    ) -> Result<(), Interruption> {
        let now = host::now();
        self.stride.look(now);
        if lock(&self.shared).plan.is_due(now) {
            self.save(run, place);
            self.commit_if_due(now)?;
        }
        if self.keep_alive.is_due(now) {
            self.save(run, place);
            self.stay_alive_until(now)?;
            self.check_still_wanted(run, place.0)?;
            self.stride.restart(host::now());
        }
        Ok(())
    }

    /// Notes how far a run was handled.
    fn save(&self, run: &PartitionRecords, (epoch, next): Place) {
        if let Some((offset, leader_epoch)) = next {
            let next = OffsetAndMetadata {
                offset,
                leader_epoch,
                metadata: String::new(),
            };
            let partition = run.topic_partition();
            lock(&self.shared).progress.reach(partition, epoch, next);
        }
    }
}
