//! Hands records to the user.
//!
//! A position moves only after everything that could fail has been done: an error is told by the
//! call that has no records to return, and what was sound before it is delivered first.

use std::collections::BTreeMap;

use weft_client::record::RecordError;
use weft_client::{Error, ErrorKind, LeaderEpoch, Offset, OffsetAndMetadata, TopicPartition};

use super::ConsumerCore;
use crate::config::IsolationLevel;
use crate::fetch::Step;
use crate::metrics::{Amount, Polled, Standing};
use crate::position::{Partition, Position};
use crate::record::{ConsumerRecords, PartitionRecords};

impl ConsumerCore {
    /// Whether [`collect`](Self::collect) has something to look at.
    #[inline]
    pub(crate) fn has_fetched(&self) -> bool {
        !self.buffer.is_empty() || !self.errors.is_empty()
    }

    /// The bytes that wait to be handed out.
    #[cfg(test)]
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.buffer.bytes()
    }

    /// Moves what there is to count since this was asked last.
    pub(crate) fn take_polled(&mut self, into: &mut Polled) {
        self.buffer.take_consumed(&mut into.consumed);
        into.standings.append(&mut self.standings);
    }

    /// Takes up to `max_records` records out of what was fetched, oldest first.
    ///
    /// # Errors
    ///
    /// The oldest failure that waits to be told, or that of the oldest data. Nothing has moved
    /// then.
    pub(crate) fn collect(&mut self, max_records: u32) -> Result<ConsumerRecords, Error> {
        if let Some(error) = self.take_error(0) {
            return Err(error);
        }
        let mut runs = Vec::new();
        let mut next_offsets = BTreeMap::new();
        let mut left = max_records;
        let mut index = 0;
        while left > 0 {
            let Some(completed) = self.buffer.get(index) else {
                break;
            };
            let owned = self.partitions.get(&completed.topic_partition);
            let Some(partition) = owned.filter(|p| p.stamp() == completed.stamp) else {
                self.remove(index);
                continue;
            };
            if !partition.may_deliver() {
                index += 1;
                continue;
            }
            match self.drain(index, &mut left, &mut runs, &mut next_offsets) {
                Ok(()) => {}
                Err(error) if runs.is_empty() && next_offsets.is_empty() => {
                    self.abandon(index);
                    return Err(error);
                }
                // The position has not moved past it, so the next call finds it again.
                Err(error) => {
                    self.abandon(index);
                    self.errors.push_front(error);
                    break;
                }
            }
        }
        Ok(ConsumerRecords::new(runs, next_offsets))
    }

    /// Takes records out of one answer until it or the budget is exhausted.
    fn drain(
        &mut self,
        index: usize,
        left: &mut u32,
        runs: &mut Vec<PartitionRecords>,
        next_offsets: &mut BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) -> Result<(), Error> {
        let check_crcs = self.options.check_crcs;
        let Some(completed) = self.buffer.entry(index) else {
            return Ok(());
        };
        let Some(partition) = self.partitions.get_mut(&completed.topic_partition) else {
            return Ok(());
        };
        let Some(start) = partition.offset() else {
            return Ok(());
        };
        let mut position = start;
        let mut epoch = None;
        let mut outcome = Ok(false);
        let mut amount = Amount::default();
        while *left > 0 {
            match completed.step(position, *left, check_crcs, &mut self.decompressor) {
                Ok(Step::Records {
                    slice,
                    next,
                    leader_epoch,
                }) => {
                    *left -= slice.len() as u32;
                    amount.records += slice.len() as u64;
                    amount.bytes += slice.size_in_bytes() as u64;
                    position = next;
                    epoch = leader_epoch;
                    let topic_partition = completed.topic_partition.clone();
                    runs.push(PartitionRecords::new(topic_partition, slice));
                }
                Ok(Step::Passed { next, leader_epoch }) => {
                    position = next;
                    epoch = leader_epoch;
                }
                Ok(Step::Drained) => {
                    outcome = Ok(true);
                    break;
                }
                Err(error) => {
                    outcome = Err(corrupt(&error, &completed.topic_partition, position));
                    break;
                }
            }
        }
        if position > start {
            partition.advance(position, epoch);
            let name = completed.topic_partition.clone();
            let isolation = self.options.isolation;
            let standing = standing(name.clone(), partition, position, isolation);
            self.standings.push(standing);
            next_offsets.insert(name, next_offset(position, epoch));
        }
        // The last record may have used up the budget: the next fetch need not wait for a call that
        // finds nothing here.
        let is_drained = completed.is_empty();
        self.buffer.count(index, amount);
        if outcome? || is_drained {
            self.remove(index);
        }
        Ok(())
    }

    fn remove(&mut self, index: usize) {
        self.buffer.remove(index);
        self.is_plan_stale = true;
    }

    /// Drops an answer that cannot be read, with all that was fetched behind it, and asks again
    /// from the position on.
    fn abandon(&mut self, index: usize) {
        let Some(completed) = self.buffer.get(index) else {
            return;
        };
        let name = completed.topic_partition.clone();
        let fresh = self.stamp();
        if let Some(partition) = self.partitions.get_mut(&name) {
            partition.refetch(fresh);
        }
        self.drop_stale();
        self.is_plan_stale = true;
    }

    /// The user knows; from now on it may be tried again.
    pub(super) fn told(&mut self, error: &Error) {
        if let Some(partition) = error
            .topic_partition()
            .and_then(|name| self.partitions.get_mut(name))
        {
            partition.has_failed = false;
            self.awaits_committed |= partition.position() == Position::AwaitingCommitted;
        }
        self.is_plan_stale = true;
    }
}

/// How far a partition is from both ends of its log, for the metrics.
fn standing(
    name: TopicPartition,
    partition: &Partition,
    position: Offset,
    isolation: IsolationLevel,
) -> Standing {
    let end = match isolation {
        IsolationLevel::ReadUncommitted => partition.high_watermark,
        IsolationLevel::ReadCommitted => partition.last_stable_offset,
    };
    let between = |from: Offset, to: Offset| to.value().saturating_sub(from.value()).max(0) as u64;
    Standing {
        topic_partition: name,
        lag: end.map(|end| between(position, end)),
        lead: partition
            .log_start_offset
            .map(|start| between(start, position)),
        replica: partition.preferred_replica.map(|replica| replica.node),
    }
}

fn next_offset(offset: Offset, leader_epoch: Option<LeaderEpoch>) -> OffsetAndMetadata {
    OffsetAndMetadata {
        leader_epoch,
        ..OffsetAndMetadata::new(offset)
    }
}

fn corrupt(error: &RecordError, partition: &TopicPartition, position: Offset) -> Error {
    let text =
        format!("the records from offset {position} on cannot be read; seek past them to go on");
    Error::new(ErrorKind::CorruptRecord, text)
        .with_source(error.clone())
        .with_topic_partition(partition.clone())
}
