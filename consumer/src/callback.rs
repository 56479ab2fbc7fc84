//! What a rebalance callback may do with the consumer that calls it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weft_client::{Error, Offset, OffsetAndMetadata, TopicName, TopicPartition};

use crate::consumer::State;
use crate::lane::{GroupMetadata, Offsets};
use crate::partition_info::PartitionInfo;
use crate::position::OffsetAndTimestamp;

/// The consumer, as a callback of a rebalance sees it (Kafka's `RebalanceConsumer`).
///
/// It is valid for that callback only, which the compiler sees to where Java's throws. It stands
/// for the running call: calling the [`Consumer`](crate::Consumer) itself from a callback panics,
/// where Java lets the same thread in again. Methods do what those of the same name of the consumer
/// do; none of them polls, subscribes or closes.
#[derive(Debug)]
pub struct RebalanceConsumer<'a> {
    state: RefCell<&'a mut State>,
}

impl<'a> RebalanceConsumer<'a> {
    pub(crate) fn new(state: &'a mut State) -> Self {
        Self {
            state: RefCell::new(state),
        }
    }

    /// What the consumer owns. In a revocation the partitions to be given up are still among them,
    /// in an assignment the new ones are already.
    ///
    /// # Errors
    ///
    /// None so far; the signature is that of the consumer.
    pub fn assignment(&self) -> Result<BTreeSet<TopicPartition>, Error> {
        Ok(self.state.borrow().assignment())
    }

    /// The partitions that are paused.
    ///
    /// # Errors
    ///
    /// None so far; the signature is that of the consumer.
    pub fn paused(&self) -> Result<BTreeSet<TopicPartition>, Error> {
        Ok(self.state.borrow().paused())
    }

    /// Commits all positions and waits for the coordinator.
    ///
    /// # Errors
    ///
    /// As [`Consumer::commit_sync`](crate::Consumer::commit_sync).
    pub fn commit_sync(&self) -> Result<(), Error> {
        self.state.borrow_mut().commit_sync(None, None)
    }

    /// Commits all positions and waits for the coordinator, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Consumer::commit_sync`](crate::Consumer::commit_sync).
    pub fn commit_sync_within(&self, timeout: Duration) -> Result<(), Error> {
        self.state.borrow_mut().commit_sync(None, Some(timeout))
    }

    /// Commits these offsets and waits for the coordinator.
    ///
    /// # Errors
    ///
    /// As [`Consumer::commit_sync_offsets`](crate::Consumer::commit_sync_offsets).
    pub fn commit_sync_offsets(&self, offsets: &Offsets) -> Result<(), Error> {
        self.state.borrow_mut().commit_sync(Some(offsets), None)
    }

    /// Commits these offsets and waits for the coordinator, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Consumer::commit_sync_offsets`](crate::Consumer::commit_sync_offsets).
    pub fn commit_sync_offsets_within(
        &self,
        offsets: &Offsets,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.state
            .borrow_mut()
            .commit_sync(Some(offsets), Some(timeout))
    }

    /// Commits all positions without waiting. A failure is logged.
    ///
    /// # Errors
    ///
    /// As [`Consumer::commit_async`](crate::Consumer::commit_async).
    pub fn commit_async(&self) -> Result<(), Error> {
        self.state.borrow_mut().commit_async(None, None)
    }

    /// Commits all positions without waiting; `callback` is told what became of it.
    ///
    /// # Errors
    ///
    /// As [`Consumer::commit_async`](crate::Consumer::commit_async).
    pub fn commit_async_with(
        &self,
        callback: impl FnOnce(&Offsets, Result<(), Error>) + Send + 'static,
    ) -> Result<(), Error> {
        self.state
            .borrow_mut()
            .commit_async(None, Some(Box::new(callback)))
    }

    /// Commits these offsets without waiting.
    ///
    /// # Errors
    ///
    /// As [`Consumer::commit_async_offsets`](crate::Consumer::commit_async_offsets).
    pub fn commit_async_offsets(
        &self,
        offsets: Offsets,
        callback: impl FnOnce(&Offsets, Result<(), Error>) + Send + 'static,
    ) -> Result<(), Error> {
        self.state
            .borrow_mut()
            .commit_async(Some(offsets), Some(Box::new(callback)))
    }

    /// The offsets that the group has committed.
    ///
    /// # Errors
    ///
    /// As [`Consumer::committed`](crate::Consumer::committed).
    pub fn committed(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error> {
        self.state.borrow_mut().committed(partitions, None)
    }

    /// As [`committed`](Self::committed), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`Consumer::committed`](crate::Consumer::committed).
    pub fn committed_within(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error> {
        self.state.borrow_mut().committed(partitions, Some(timeout))
    }

    /// The offset of the next record of a partition.
    ///
    /// # Errors
    ///
    /// As [`Consumer::position`](crate::Consumer::position).
    pub fn position(&self, partition: &TopicPartition) -> Result<Offset, Error> {
        self.state.borrow_mut().position(partition, None)
    }

    /// As [`position`](Self::position), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`Consumer::position`](crate::Consumer::position).
    pub fn position_within(
        &self,
        partition: &TopicPartition,
        timeout: Duration,
    ) -> Result<Offset, Error> {
        self.state.borrow_mut().position(partition, Some(timeout))
    }

    /// Goes on at this offset.
    ///
    /// # Errors
    ///
    /// As [`Consumer::seek`](crate::Consumer::seek).
    pub fn seek(&self, partition: &TopicPartition, offset: Offset) -> Result<(), Error> {
        self.seek_to(partition, &OffsetAndMetadata::new(offset))
    }

    /// Goes on at this offset, with the leader epoch of the record before.
    ///
    /// # Errors
    ///
    /// As [`Consumer::seek`](crate::Consumer::seek).
    pub fn seek_to(&self, partition: &TopicPartition, to: &OffsetAndMetadata) -> Result<(), Error> {
        self.state.borrow_mut().seek(partition, to)
    }

    /// Goes on at the first record of these partitions; of all that are owned if there is none.
    ///
    /// # Errors
    ///
    /// As [`Consumer::seek_to_beginning`](crate::Consumer::seek_to_beginning).
    pub fn seek_to_beginning(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.state.borrow_mut().seek_to_beginning(partitions)
    }

    /// Goes on behind the last record of these partitions; of all that are owned if there is none.
    ///
    /// # Errors
    ///
    /// As [`Consumer::seek_to_end`](crate::Consumer::seek_to_end).
    pub fn seek_to_end(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.state.borrow_mut().seek_to_end(partitions)
    }

    /// Returns nothing of these partitions until they are resumed.
    ///
    /// # Errors
    ///
    /// As [`Consumer::pause`](crate::Consumer::pause).
    pub fn pause(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.state.borrow_mut().pause(partitions)
    }

    /// Ends a pause.
    ///
    /// # Errors
    ///
    /// As [`Consumer::resume`](crate::Consumer::resume).
    pub fn resume(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.state.borrow_mut().resume(partitions)
    }

    /// The partitions of a topic, with their leaders and replicas.
    ///
    /// # Errors
    ///
    /// As [`Consumer::partitions_for`](crate::Consumer::partitions_for).
    pub fn partitions_for(&self, topic: &TopicName) -> Result<Vec<PartitionInfo>, Error> {
        self.state.borrow_mut().partitions_for(topic, None)
    }

    /// As [`partitions_for`](Self::partitions_for), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`Consumer::partitions_for`](crate::Consumer::partitions_for).
    pub fn partitions_for_within(
        &self,
        topic: &TopicName,
        timeout: Duration,
    ) -> Result<Vec<PartitionInfo>, Error> {
        self.state.borrow_mut().partitions_for(topic, Some(timeout))
    }

    /// All topics that this client may see.
    ///
    /// # Errors
    ///
    /// As [`Consumer::list_topics`](crate::Consumer::list_topics).
    pub fn list_topics(&self) -> Result<BTreeMap<TopicName, Vec<PartitionInfo>>, Error> {
        self.state.borrow_mut().list_topics(None)
    }

    /// As [`list_topics`](Self::list_topics), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`Consumer::list_topics`](crate::Consumer::list_topics).
    pub fn list_topics_within(
        &self,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicName, Vec<PartitionInfo>>, Error> {
        self.state.borrow_mut().list_topics(Some(timeout))
    }

    /// The first offsets of these partitions, assigned or not.
    ///
    /// # Errors
    ///
    /// As [`Consumer::beginning_offsets`](crate::Consumer::beginning_offsets).
    pub fn beginning_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.state.borrow_mut().beginning_offsets(partitions, None)
    }

    /// As [`beginning_offsets`](Self::beginning_offsets), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`Consumer::beginning_offsets_within`](crate::Consumer::beginning_offsets_within).
    pub fn beginning_offsets_within(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.state
            .borrow_mut()
            .beginning_offsets(partitions, Some(timeout))
    }

    /// The offsets behind the last records of these partitions, assigned or not.
    ///
    /// # Errors
    ///
    /// As [`Consumer::end_offsets`](crate::Consumer::end_offsets).
    pub fn end_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.state.borrow_mut().end_offsets(partitions, None)
    }

    /// As [`end_offsets`](Self::end_offsets), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`Consumer::end_offsets_within`](crate::Consumer::end_offsets_within).
    pub fn end_offsets_within(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.state
            .borrow_mut()
            .end_offsets(partitions, Some(timeout))
    }

    /// The first offsets whose records are not older than these times, in milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// As [`Consumer::offsets_for_times`](crate::Consumer::offsets_for_times).
    pub fn offsets_for_times(
        &self,
        times: &BTreeMap<TopicPartition, i64>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error> {
        self.state.borrow_mut().offsets_for_times(times, None)
    }

    /// As [`offsets_for_times`](Self::offsets_for_times), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`Consumer::offsets_for_times_within`](crate::Consumer::offsets_for_times_within).
    pub fn offsets_for_times_within(
        &self,
        times: &BTreeMap<TopicPartition, i64>,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error> {
        self.state
            .borrow_mut()
            .offsets_for_times(times, Some(timeout))
    }

    /// The records between the position and the end; `None` if that is not known.
    ///
    /// # Errors
    ///
    /// As [`Consumer::current_lag`](crate::Consumer::current_lag).
    pub fn current_lag(&self, partition: &TopicPartition) -> Result<Option<u64>, Error> {
        self.state.borrow_mut().current_lag(partition)
    }

    /// Who this consumer is in its group.
    ///
    /// # Errors
    ///
    /// As [`Consumer::group_metadata`](crate::Consumer::group_metadata).
    pub fn group_metadata(&self) -> Result<GroupMetadata, Error> {
        self.state.borrow().group_metadata()
    }
}
