//! The log of one partition: whole batches in the order of their offsets, and the epochs in which
//! they were written.
//!
//! It decides which bytes a fetch gets and which offsets exist. It never looks into records, except
//! to find one by its timestamp, and never copies a batch to hand it out.

use bytes::Bytes;
use weft_client::record::{Batch, Decompressor};
use weft_client::{LeaderEpoch, Offset};

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
        self.end = batch.header().next_offset().value();
        self.batches.push(batch);
        base
    }

    /// Appends the bytes from the batch with `offset` on to `out` and returns how many they are. As
    /// on a real broker the last batch is cut where the limit falls.
    pub(crate) fn read(
        &self,
        offset: Offset,
        bytes_max: usize,
        at_least: AtLeast,
        out: &mut Vec<Bytes>,
    ) -> Result<usize, OutOfRange> {
        if offset.value() < self.start || offset.value() > self.end {
            return Err(OutOfRange);
        }
        let rest = &self.batches[self.index_of(offset)..];
        let Some(first) = rest.first() else {
            return Ok(0);
        };
        let limit = match at_least {
            AtLeast::OneBatch => bytes_max.max(first.bytes().len()),
            AtLeast::Nothing if first.bytes().len() > bytes_max => return Ok(0),
            AtLeast::Nothing => bytes_max,
        };
        let mut read = 0;
        for batch in rest {
            let taken = batch.bytes().len().min(limit - read);
            if taken == 0 {
                break;
            }
            out.push(batch.bytes().slice(..taken));
            read += taken;
        }
        Ok(read)
    }

    /// The number of bytes from `offset` on, as far as `bytes_max`; nothing for an offset that does
    /// not exist.
    pub(crate) fn available(&self, offset: Offset, bytes_max: usize) -> usize {
        let mut bytes = 0;
        for batch in &self.batches[self.index_of(offset)..] {
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
        let above = self.epochs.partition_point(|(known, _)| *known <= epoch);
        let end = self
            .epochs
            .get(above)
            .map_or_else(|| self.end_offset(), |(_, start)| *start);
        let at_most = above.checked_sub(1).map_or(epoch, |at| self.epochs[at].0);
        Some((at_most, end))
    }

    /// Forgets the records before `offset`, as retention does; batches go when all of them may.
    pub(crate) fn delete_before(&mut self, offset: Offset) -> Result<(), OutOfRange> {
        if offset.value() > self.end {
            return Err(OutOfRange);
        }
        self.start = self.start.max(offset.value());
        let gone = self.index_of(self.start_offset());
        self.batches.drain(..gone);
        Ok(())
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
mod tests {
    use weft_client::record::{BatchBuilder, Batches, Compression, Compressor};

    use super::*;

    /// A batch of records with these timestamps.
    fn batch(timestamps: &[i64]) -> Batch {
        let mut builder = BatchBuilder::new();
        for timestamp in timestamps {
            builder
                .append(*timestamp, None, Some(b"value"), &[])
                .unwrap();
        }
        let bytes = builder
            .build(Compression::None, &mut Compressor::default())
            .unwrap();
        Batches::new(bytes).next().unwrap().unwrap()
    }

    /// Three batches with the offsets 0 and 1, 2, 3 to 5.
    fn log() -> Log {
        let mut log = Log::default();
        log.begin_epoch(LeaderEpoch::new(0));
        for timestamps in [&[10, 20][..], &[5], &[30, 40, 40]] {
            log.append(batch(timestamps));
        }
        log
    }

    fn read(log: &Log, offset: i64, bytes_max: usize, at_least: AtLeast) -> Vec<usize> {
        let mut out = Vec::new();
        let bytes = log
            .read(Offset::new(offset), bytes_max, at_least, &mut out)
            .unwrap();
        let sizes: Vec<usize> = out.iter().map(Bytes::len).collect();
        assert_eq!(bytes, sizes.iter().sum::<usize>());
        sizes
    }

    fn sizes() -> [usize; 3] {
        [&[1, 2][..], &[1], &[1, 2, 3]].map(|timestamps| batch(timestamps).bytes().len())
    }

    #[test]
    fn a_read_begins_with_the_whole_batch_that_holds_the_offset() {
        let [first, second, third] = sizes();
        let all = usize::MAX;

        assert_eq!(
            read(&log(), 0, all, AtLeast::Nothing),
            [first, second, third]
        );
        assert_eq!(
            read(&log(), 1, all, AtLeast::Nothing),
            [first, second, third]
        );
        assert_eq!(read(&log(), 2, all, AtLeast::Nothing), [second, third]);
        assert_eq!(read(&log(), 5, all, AtLeast::Nothing), [third]);
        assert_eq!(read(&log(), 6, all, AtLeast::OneBatch), []);
    }

    #[test]
    fn batches_carry_the_offsets_and_the_epoch_that_the_log_gave_them() {
        let mut out = Vec::new();
        let log = log();
        log.read(Offset::ZERO, usize::MAX, AtLeast::Nothing, &mut out)
            .unwrap();

        let offsets: Vec<_> = out
            .into_iter()
            .flat_map(|bytes| Batches::new(bytes).map(Result::unwrap))
            .map(|batch| {
                batch.check_crc().unwrap();
                let header = batch.header();
                (header.base_offset().value(), header.leader_epoch())
            })
            .collect();

        let epoch = Some(LeaderEpoch::new(0));
        assert_eq!(offsets, [(0, epoch), (2, epoch), (3, epoch)]);
    }

    #[test]
    fn the_limit_cuts_the_last_batch_but_never_the_first() {
        let [first, second, _] = sizes();

        assert_eq!(
            read(&log(), 0, first + 7, AtLeast::Nothing),
            [first, 7],
            "the second is cut"
        );
        assert_eq!(read(&log(), 0, first - 1, AtLeast::Nothing), []);
        assert_eq!(read(&log(), 0, 1, AtLeast::OneBatch), [first]);
        assert_eq!(read(&log(), 2, 0, AtLeast::OneBatch), [second]);
    }

    #[test]
    fn offsets_outside_of_the_log_are_out_of_range() {
        let mut log = log();
        let mut out = Vec::new();
        log.delete_before(Offset::new(4)).unwrap();

        for offset in [-1, 0, 3, 7] {
            let read = log.read(Offset::new(offset), 100, AtLeast::OneBatch, &mut out);
            assert_eq!(read, Err(OutOfRange), "{offset}");
        }
        assert_eq!(
            read(&log, 4, usize::MAX, AtLeast::Nothing),
            [sizes()[2]],
            "a batch stays until all of it may go"
        );
        assert_eq!(log.delete_before(Offset::new(7)), Err(OutOfRange));
    }

    #[test]
    fn what_is_available_is_what_a_read_without_limit_would_return() {
        let [first, second, third] = sizes();

        assert_eq!(
            log().available(Offset::ZERO, usize::MAX),
            first + second + third
        );
        assert_eq!(log().available(Offset::new(3), usize::MAX), third);
        assert_eq!(log().available(Offset::new(3), 10), 10);
        assert_eq!(log().available(Offset::new(6), 10), 0);
    }

    #[test]
    fn a_record_is_found_by_its_time_even_where_times_go_back() {
        let mut decompressor = Decompressor::default();
        let mut find = |timestamp| {
            log()
                .find_time(timestamp, &mut decompressor)
                .map(|found| (found.timestamp, found.offset.value()))
        };

        assert_eq!(find(0), Some((10, 0)));
        assert_eq!(find(11), Some((20, 1)));
        assert_eq!(find(21), Some((30, 3)));
        assert_eq!(find(41), None);
        assert_eq!(
            log()
                .find_max_time(&mut decompressor)
                .map(|found| (found.timestamp, found.offset.value())),
            Some((40, 4)),
            "the first of two"
        );
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epoch = LeaderEpoch::new;
        let mut log = Log::default();
        log.begin_epoch(epoch(2));
        log.append(batch(&[1, 2]));
        log.begin_epoch(epoch(5));
        log.append(batch(&[3]));
        let end = |asked| {
            log.end_of_epoch(epoch(asked))
                .map(|(epoch, offset)| (epoch.value(), offset.value()))
        };

        assert_eq!(end(1), Some((1, 0)), "before everything");
        assert_eq!(end(2), Some((2, 2)));
        assert_eq!(end(4), Some((2, 2)));
        assert_eq!(end(5), Some((5, 3)));
        assert_eq!(end(6), None);
    }
}
