//! The answer for one partition, read batch by batch when the user asks for records.
//!
//! Checksums are compared, batches decompressed and records checked as late as possible: right
//! before the records are handed out, while their bytes are in the cache. What is handed out was
//! checked as a whole, so that nothing can fail after the position moved.

use std::collections::VecDeque;

use bytes::Bytes;
use weft_client::record::{
    Batch, Batches, ControlRecord, Decompressor, RecordCursor, RecordError, RecordSlice, Records,
};
use weft_client::{LeaderEpoch, NodeId, Offset, TopicPartition};

use super::aborted::AbortedTransactions;
use crate::position::Stamp;

/// What one call of [`CompletedFetch::step`] came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// Records for the user.
    Records {
        slice: RecordSlice,
        next: Offset,
        leader_epoch: Option<LeaderEpoch>,
    },
    /// Nothing for the user, but the position moves: markers, or records that compaction removed.
    Passed {
        next: Offset,
        leader_epoch: Option<LeaderEpoch>,
    },
    /// Nothing is left.
    Drained,
}

/// Records that wait to be handed out, all of one partition and one answer.
#[derive(Clone, Debug)]
pub(crate) struct CompletedFetch {
    pub(crate) topic_partition: TopicPartition,
    pub(crate) stamp: Stamp,
    pub(crate) node: NodeId,
    /// Tells the answers of one node apart.
    pub(crate) answer: u64,
    pub(crate) bytes: usize,
    batches: VecDeque<Batch>,
    /// What is wrong behind the last whole batch.
    failure: Option<RecordError>,
    current: Option<Current>,
    /// Whose records are left out; `None` if nobody's are.
    aborted: Option<AbortedTransactions>,
}

/// The batch that is being handed out.
#[derive(Clone, Debug)]
struct Current {
    records: Records,
    cursor: RecordCursor,
    next: Offset,
    leader_epoch: Option<LeaderEpoch>,
}

/// Where an answer came from, and for which life of a position.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) topic_partition: TopicPartition,
    pub(crate) stamp: Stamp,
    pub(crate) node: NodeId,
    pub(crate) answer: u64,
}

impl CompletedFetch {
    /// Cuts `records`, which were asked for from `offset` on, into batches. Also returns the offset
    /// to ask for next, which is `offset` itself if nothing of it arrived whole.
    pub(crate) fn new(origin: Origin, records: Bytes, offset: Offset) -> (Self, Offset) {
        let bytes = records.len();
        let mut batches = VecDeque::new();
        let mut failure = None;
        let mut next = offset;
        for batch in Batches::new(records) {
            match batch {
                Ok(batch) => {
                    next = next.max(batch.header().next_offset());
                    batches.push_back(batch);
                }
                Err(error) => failure = Some(error),
            }
        }
        let completed = Self {
            topic_partition: origin.topic_partition,
            stamp: origin.stamp,
            node: origin.node,
            answer: origin.answer,
            bytes,
            batches,
            failure,
            current: None,
            aborted: None,
        };
        (completed, next)
    }

    /// Leaves out the records of these transactions.
    pub(crate) fn without(mut self, aborted: AbortedTransactions) -> Self {
        self.aborted = Some(aborted);
        self
    }

    /// Whether there is neither a batch nor an error to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.failure.is_none() && self.current.is_none()
    }

    /// Whether something is wrong behind its last whole batch.
    pub(crate) fn has_failure(&self) -> bool {
        self.failure.is_some()
    }

    /// Goes on from `position`: up to `max_records` records, which is not zero, or less.
    ///
    /// # Errors
    ///
    /// What is wrong with the batch at `position`. The fetch is of no use after that.
    #[inline]
    pub(crate) fn step(
        &mut self,
        position: Offset,
        max_records: u32,
        check_crcs: bool,
        decompressor: &mut Decompressor,
    ) -> Result<Step, RecordError> {
        if self.current.is_none()
            && let Some(step) = self.open_batch(position, check_crcs, decompressor)?
        {
            return Ok(step);
        }
        let Some(current) = &mut self.current else {
            return Ok(Step::Drained);
        };
        let slice = current
            .records
            .validate(current.cursor, position, max_records)?;
        let leader_epoch = current.leader_epoch;
        let end_of_batch = current.next;
        let Some(last) = slice.last_offset() else {
            self.current = None;
            let next = end_of_batch.max(position);
            return Ok(Step::Passed { next, leader_epoch });
        };
        current.cursor = slice.end();
        let next = if current.records.is_at_end(current.cursor) {
            self.current = None;
            // Records behind the last one may have been compacted away.
            end_of_batch.max(last.next())
        } else {
            last.next()
        };
        Ok(Step::Records {
            slice,
            next,
            leader_epoch,
        })
    }

    /// Makes the next batch that is not behind `position` the current one, or says what there is
    /// instead.
    fn open_batch(
        &mut self,
        position: Offset,
        check_crcs: bool,
        decompressor: &mut Decompressor,
    ) -> Result<Option<Step>, RecordError> {
        while let Some(batch) = self.batches.pop_front() {
            let header = batch.header();
            let next = header.next_offset();
            if next <= position {
                continue;
            }
            if check_crcs {
                batch.check_crc()?;
            }
            let leader_epoch = header.leader_epoch();
            let is_aborted = self.is_aborted(&batch, decompressor)?;
            if is_aborted || header.is_control() {
                return Ok(Some(Step::Passed { next, leader_epoch }));
            }
            self.current = Some(Current {
                records: batch.records(decompressor)?,
                cursor: RecordCursor::START,
                next,
                leader_epoch,
            });
            return Ok(None);
        }
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(Some(Step::Drained)),
        }
    }

    /// Whether the batch belongs to a transaction that was aborted; takes note of markers, which
    /// end transactions.
    fn is_aborted(
        &mut self,
        batch: &Batch,
        decompressor: &mut Decompressor,
    ) -> Result<bool, RecordError> {
        let header = batch.header();
        let (Some(aborted), Some(producer)) = (&mut self.aborted, header.producer()) else {
            return Ok(false);
        };
        aborted.begin_until(header.last_offset());
        if !header.is_control() {
            return Ok(header.is_transactional() && aborted.is_open(producer.id));
        }
        // A marker is alone in its batch, which is empty once the cleaner has removed it.
        let slice =
            batch
                .records(decompressor)?
                .validate(RecordCursor::START, header.base_offset(), 1)?;
        if let Some(marker) = slice.iter().next()
            && ControlRecord::read(&marker)? == ControlRecord::Abort
        {
            aborted.end(producer.id);
        }
        Ok(false)
    }
}
