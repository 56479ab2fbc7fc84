//! The public methods about positions, pauses, and what brokers know of offsets and topics.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weft_client::{Error, Offset, OffsetAndMetadata, TopicPartition};

use super::Consumer;
use crate::access::Call;
use crate::position::OffsetAndTimestamp;

impl Consumer {
    /// The offset of the next record of a partition that this consumer reads. Waits for it to be
    /// known.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`](weft_client::ErrorKind::IllegalState) if the partition is not
    /// assigned; [`ErrorKind::Timeout`](weft_client::ErrorKind::Timeout) after
    /// `default.api.timeout.ms`;
    /// [`ErrorKind::NoOffsetForPartition`](weft_client::ErrorKind::NoOffsetForPartition);
    /// [`ErrorKind::Wakeup`](weft_client::ErrorKind::Wakeup).
    pub fn position(&self, partition: &TopicPartition) -> Result<Offset, Error> {
        self.enter(Call::Position)?.position(partition, None)
    }

    /// As [`position`](Self::position), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`position`](Self::position).
    pub fn position_within(
        &self,
        partition: &TopicPartition,
        timeout: Duration,
    ) -> Result<Offset, Error> {
        self.enter(Call::Position)?
            .position(partition, Some(timeout))
    }

    /// Goes on at this offset in the next [`poll`](Self::poll). What was fetched is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`](weft_client::ErrorKind::IllegalState) if the partition is not
    /// assigned; [`ErrorKind::IllegalArgument`](weft_client::ErrorKind::IllegalArgument) for a
    /// negative offset.
    pub fn seek(&self, partition: &TopicPartition, offset: Offset) -> Result<(), Error> {
        self.seek_to(partition, &OffsetAndMetadata::new(offset))
    }

    /// As [`seek`](Self::seek), with the leader epoch of the record before.
    ///
    /// # Errors
    ///
    /// As [`seek`](Self::seek).
    pub fn seek_to(&self, partition: &TopicPartition, to: &OffsetAndMetadata) -> Result<(), Error> {
        self.enter(Call::Seek)?.seek(partition, to)
    }

    /// Goes on at the first record. No partition at all stands for all that are assigned. The
    /// offset is looked up when it is needed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`](weft_client::ErrorKind::IllegalState) if a partition is not
    /// assigned.
    pub fn seek_to_beginning(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.enter(Call::Seek)?.seek_to_beginning(partitions)
    }

    /// Goes on behind the last record. No partition at all stands for all that are assigned.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`](weft_client::ErrorKind::IllegalState) if a partition is not
    /// assigned.
    pub fn seek_to_end(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.enter(Call::Seek)?.seek_to_end(partitions)
    }

    /// Returns nothing of these partitions until they are resumed. What was fetched is kept, and
    /// the group does not notice.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`](weft_client::ErrorKind::IllegalState) if a partition is not
    /// assigned; then none is paused.
    pub fn pause(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.enter(Call::Pause)?.pause(partitions)
    }

    /// Ends a pause.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`](weft_client::ErrorKind::IllegalState) if a partition is not
    /// assigned; then none is resumed.
    pub fn resume(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.enter(Call::Resume)?.resume(partitions)
    }

    /// The partitions that are paused.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](weft_client::ErrorKind::Closed) after [`close`](Self::close).
    pub fn paused(&self) -> Result<BTreeSet<TopicPartition>, Error> {
        Ok(self.enter(Call::Paused)?.paused())
    }

    /// The records between the position and the end (read_committed: the last stable offset), as
    /// far as is known here; `None` if one of the two is not known. Does not wait: if the end is
    /// not known yet, the leader is asked, and a call after a later [`poll`](Self::poll) knows it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`](weft_client::ErrorKind::IllegalState) if the partition is not
    /// assigned.
    pub fn current_lag(&self, partition: &TopicPartition) -> Result<Option<u64>, Error> {
        self.enter(Call::CurrentLag)?.current_lag(partition)
    }

    /// The first offsets of these partitions, assigned or not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`](weft_client::ErrorKind::Timeout) after `default.api.timeout.ms`,
    /// naming what is missing; [`ErrorKind::Wakeup`](weft_client::ErrorKind::Wakeup); refusals by
    /// brokers.
    pub fn beginning_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.enter(Call::LookUp)?
            .beginning_offsets(partitions, None)
    }

    /// As [`beginning_offsets`](Self::beginning_offsets), with a time limit of its own. No time at
    /// all is answered at once with an empty map.
    ///
    /// # Errors
    ///
    /// As [`beginning_offsets`](Self::beginning_offsets).
    pub fn beginning_offsets_within(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.enter(Call::LookUp)?
            .beginning_offsets(partitions, Some(timeout))
    }

    /// The offsets behind the last records of these partitions, assigned or not; under
    /// read_committed their last stable offsets.
    ///
    /// # Errors
    ///
    /// As [`beginning_offsets`](Self::beginning_offsets).
    pub fn end_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.enter(Call::LookUp)?.end_offsets(partitions, None)
    }

    /// As [`end_offsets`](Self::end_offsets), with a time limit of its own. No time at all is
    /// answered at once with an empty map.
    ///
    /// # Errors
    ///
    /// As [`beginning_offsets`](Self::beginning_offsets).
    pub fn end_offsets_within(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.enter(Call::LookUp)?
            .end_offsets(partitions, Some(timeout))
    }

    /// The first offsets whose records are not older than these times, in milliseconds since 1970;
    /// `None` where there is no such record.
    ///
    /// # Errors
    ///
    /// As [`beginning_offsets`](Self::beginning_offsets), and
    /// [`ErrorKind::IllegalArgument`](weft_client::ErrorKind::IllegalArgument) for a negative time.
    pub fn offsets_for_times(
        &self,
        times: &BTreeMap<TopicPartition, i64>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error> {
        self.enter(Call::LookUp)?.offsets_for_times(times, None)
    }

    /// As [`offsets_for_times`](Self::offsets_for_times), with a time limit of its own. No time at
    /// all is answered at once with `None` for each partition.
    ///
    /// # Errors
    ///
    /// As [`offsets_for_times`](Self::offsets_for_times).
    pub fn offsets_for_times_within(
        &self,
        times: &BTreeMap<TopicPartition, i64>,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error> {
        self.enter(Call::LookUp)?
            .offsets_for_times(times, Some(timeout))
    }
}
