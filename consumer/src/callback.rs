//! What a rebalance callback may do with the consumer that calls it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weft_client::{Error, Offset, OffsetAndMetadata, TopicPartition};

use crate::consumer::State;
use crate::lane::{GroupMetadata, Offsets};

/// The consumer, as a callback of a rebalance sees it (Kafka's `RebalanceConsumer`).
///
/// It is valid for that callback only, and stands for the running call: calling the
/// [`Consumer`](crate::Consumer) itself from a callback panics. Methods do what those of the same
/// name of the consumer do; none of them polls, subscribes or closes.
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

    /// The offset of the next record of a partition.
    ///
    /// # Errors
    ///
    /// As [`Consumer::position`](crate::Consumer::position).
    pub fn position(&self, partition: &TopicPartition) -> Result<Offset, Error> {
        self.state.borrow_mut().position(partition, None)
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

    /// Who this consumer is in its group.
    ///
    /// # Errors
    ///
    /// As [`Consumer::group_metadata`](crate::Consumer::group_metadata).
    pub fn group_metadata(&self) -> Result<GroupMetadata, Error> {
        self.state.borrow().group_metadata()
    }
}
