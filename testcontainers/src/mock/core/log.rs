//! The log of one partition: whole batches in the order of their offsets, and the epochs in which
//! they were written.
//!
//! It decides which bytes a fetch gets and which offsets exist, and up to where they are stable. It
//! never looks into records, except to find one by its timestamp and to understand the markers of
//! transactions, and never copies a batch to hand it out.

mod marker;
mod producers;

use bytes::Bytes;
use weft_client::record::{Batch, Decompressor};
use weft_client::{LeaderEpoch, Offset};

pub(crate) use marker::Marker;
pub(crate) use producers::{Aborted, Admission, Producers};

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    batches: Vec<Batch>,
    /// The first offset that still exists.
    start: i64,
    /// The offset of the next record.
    end: i64,
    /// The first offset of each epoch, ascending in both.
    epochs: Vec<(LeaderEpoch, Offset)>,
    /// How many bytes all batches have.
    bytes: usize,
    producers: Producers,
}

/// Which records a reader is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Those of open transactions as well.
    ReadUncommitted,
    /// Nothing behind the beginning of the first open transaction.
    ReadCommitted,
}

/// How much was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) bytes: usize,
    /// The offset behind the last batch of which something was read.
    pub(crate) end: Offset,
}

/// Whether a read may exceed its limit to return a whole batch (KIP-74).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtLeast {
    OneBatch,
    Nothing,
}

/// The offset to read from does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfRange;

/// A record found by its timestamp, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) timestamp: i64,
    pub(crate) offset: Offset,
    pub(crate) epoch: Option<LeaderEpoch>,
}

impl Log {
    pub(crate) fn start_offset(&self) -> Offset {
        Offset::new(self.start)
    }

    pub(crate) fn end_offset(&self) -> Offset {
        Offset::new(self.end)
    }

    /// Up to here all transactions have ended.
    pub(crate) fn last_stable_offset(&self) -> Offset {
        let open = self.producers.first_open();
        let stable = open.unwrap_or_else(|| self.end_offset());
        stable.max(self.start_offset())
    }

    /// Up to where such a reader may read.
    pub(crate) fn readable_end(&self, isolation: Isolation) -> Offset {
        match isolation {
            Isolation::ReadUncommitted => self.end_offset(),
            Isolation::ReadCommitted => self.last_stable_offset(),
        }
    }

    pub(crate) fn producers(&self) -> &Producers {
        &self.producers
    }

    /// From here on batches belong to `epoch`; epochs that do not exceed the last are ignored.
    pub(crate) fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        if self.epochs.last().is_none_or(|(last, _)| *last < epoch) {
            self.epochs.push((epoch, self.end_offset()));
        }
    }

    /// Appends a batch of magic 2 and returns the offset of its first record. The batch is copied
    /// unless it carries the right offset and epoch already.
    pub(crate) fn append(&mut self, batch: Batch) -> Offset {
        let base = self.end_offset();
        let epoch = self.epochs.last().map(|(epoch, _)| *epoch);
        let header = batch.header();
        let batch = if header.base_offset() == base && header.leader_epoch() == epoch {
            batch
        } else {
            batch.rebased(base, epoch)
        };
        self.restore(batch);
        base
    }

    /// Appends a batch with the offsets and the epoch that it carries.
    pub(super) fn restore(&mut self, batch: Batch) {
        self.end = batch.header().next_offset().value();
        self.bytes += batch.bytes().len();
        self.producers.note(&batch);
        self.batches.push(batch);
    }

    /// The log has no offsets before `start`, and the next record none before `end`.
    pub(super) fn restore_bounds(&mut self, start: Offset, end: Offset) {
        self.end = self.end.max(end.value()).max(start.value());
        // It is not behind the end.
        let _ = self.delete_before(start);
    }

    pub(super) fn restore_epoch(&mut self, epoch: LeaderEpoch, offset: Offset) {
        self.epochs.push((epoch, offset));
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The epochs with their first offsets, ascending in both.
    pub(super) fn epochs(&self) -> &[(LeaderEpoch, Offset)] {
        &self.epochs
    }

    /// The batch with `offset` and all behind it.
    pub(super) fn batches_from(&self, offset: Offset) -> &[Batch] {
        &self.batches[self.index_of(offset)..]
    }

    /// Appends the bytes from the batch with `offset` on to `out` and returns how many they are. As
    /// on a real broker the last batch is cut where the limit falls.
    pub(crate) fn read(
        &self,
        offset: Offset,
        isolation: Isolation,
        bytes_max: usize,
        at_least: AtLeast,
        out: &mut Vec<Bytes>,
    ) -> Result<Read, OutOfRange> {
        if offset.value() < self.start || offset.value() > self.end {
            return Err(OutOfRange);
        }
        let nothing = Read {
            bytes: 0,
            end: offset,
        };
        let rest = self.readable(offset, isolation);
        let Some(first) = rest.first() else {
            return Ok(nothing);
        };
        let limit = match at_least {
            AtLeast::OneBatch => bytes_max.max(first.bytes().len()),
            AtLeast::Nothing if first.bytes().len() > bytes_max => return Ok(nothing),
            AtLeast::Nothing => bytes_max,
        };
        let mut read = nothing;
        for batch in rest {
            let taken = batch.bytes().len().min(limit - read.bytes);
            if taken == 0 {
                break;
            }
            out.push(batch.bytes().slice(..taken));
            read.bytes += taken;
            read.end = batch.header().next_offset();
        }
        Ok(read)
    }

    /// The number of bytes from `offset` on, as far as `bytes_max`; nothing for an offset that does
    /// not exist.
    pub(crate) fn available(
        &self,
        offset: Offset,
        isolation: Isolation,
        bytes_max: usize,
    ) -> usize {
        let mut bytes = 0;
        for batch in self.readable(offset, isolation) {
            bytes += batch.bytes().len();
            if bytes >= bytes_max {
                return bytes_max;
            }
        }
        bytes
    }

    /// The first record with this timestamp or a later one.
    pub(crate) fn find_time(
        &self,
        timestamp: i64,
        decompressor: &mut Decompressor,
    ) -> Option<Found> {
        self.batches
            .iter()
            .filter(|batch| batch.header().max_timestamp() >= timestamp)
            .find_map(|batch| self.first_in(batch, timestamp, decompressor))
    }

    /// The first record with the largest timestamp (KIP-734).
    pub(crate) fn find_max_time(&self, decompressor: &mut Decompressor) -> Option<Found> {
        let largest = self
            .batches
            .iter()
            .map(|batch| batch.header().max_timestamp())
            .max()?;
        self.find_time(largest, decompressor)
    }

    /// Where `epoch` ends: the largest epoch that is not above it, and the offset behind its last
    /// record (KIP-279). `None` for an epoch that the log does not know yet.
    pub(crate) fn end_of_epoch(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        if self.epochs.last().is_none_or(|(last, _)| epoch > *last) {
            return None;
        }
        if self.epochs.last().is_some_and(|(last, _)| epoch == *last) {
            return Some((epoch, self.end_offset()));
        }
        let above = self.epochs.partition_point(|(known, _)| *known <= epoch);
        let (_, end) = *self.epochs.get(above)?;
        // An epoch in which nothing was written is as good as none.
        let mut below = self.epochs[..above].iter().rev();
        let at_most = below.find(|(_, start)| *start < end);
        Some((at_most.map_or(epoch, |(known, _)| *known), end))
    }

    /// The epoch in which the record at `offset` was written, or would be.
    pub(crate) fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let mut begun = self.epochs.iter().rev();
        let begun = begun.find(|(_, start)| *start <= offset);
        begun.map(|(epoch, _)| *epoch)
    }

    /// Loses everything from `offset` on: also the whole batch that holds it, as on a real broker,
    /// which leaves a gap if that one begins before.
    pub(crate) fn truncate(&mut self, offset: Offset) -> Result<(), OutOfRange> {
        if !(self.start..=self.end).contains(&offset.value()) {
            return Err(OutOfRange);
        }
        let kept = self.index_of(offset);
        self.batches.truncate(kept);
        self.bytes = self.batches.iter().map(|batch| batch.bytes().len()).sum();
        self.end = offset.value();
        self.epochs.retain(|(_, start)| *start < offset);
        self.producers = Producers::default();
        for batch in &self.batches {
            self.producers.note(batch);
        }
        Ok(())
    }

    /// Forgets the records before `offset`, as retention does; batches go when all of them may.
    pub(crate) fn delete_before(&mut self, offset: Offset) -> Result<(), OutOfRange> {
        if offset.value() > self.end {
            return Err(OutOfRange);
        }
        self.start = self.start.max(offset.value());
        let gone = self.index_of(self.start_offset());
        let gone = self.batches.drain(..gone);
        self.bytes -= gone.map(|batch| batch.bytes().len()).sum::<usize>();
        self.producers.delete_before(self.start_offset());
        Ok(())
    }

    /// The batches from `offset` on that such a reader may see.
    fn readable(&self, offset: Offset, isolation: Isolation) -> &[Batch] {
        let from = self.index_of(offset);
        // A transaction begins with a batch, so that none is cut here.
        let until = self.index_of(self.readable_end(isolation));
        &self.batches[from.min(until)..until]
    }

    /// Which batch holds `offset`, or comes next.
    fn index_of(&self, offset: Offset) -> usize {
        self.batches
            .partition_point(|batch| batch.header().last_offset() < offset)
    }

    fn first_in(
        &self,
        batch: &Batch,
        timestamp: i64,
        decompressor: &mut Decompressor,
    ) -> Option<Found> {
        // Batches from the network were read when they came; those that a test appended itself may
        // hold anything, and are passed over if they cannot be read.
        let records = batch.records(decompressor).ok()?.validate_all().ok()?;
        let record = records.iter().find(|record| {
            record.timestamp() >= timestamp && record.offset() >= self.start_offset()
        })?;
        Some(Found {
            timestamp: record.timestamp(),
            offset: record.offset(),
            epoch: batch.header().leader_epoch(),
        })
    }
}

#[cfg(test)]
mod tests;
