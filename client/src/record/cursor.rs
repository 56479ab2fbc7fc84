//! Walks the records of one decompressed batch, in the layout of magic 2.
//!
//! It decides which records are sound and which run of them is handed out; it never copies one.
//! [`Records::validate`] checks a run, and the [`RecordSlice`] it returns is trusted from then on:
//! its readers ask every length again (the compiler would not let them skip that), but can no
//! longer fail. The surprising part: a run also ends before a record whose offset does not exceed
//! the one before it, so offsets within a slice always ascend. Java's consumer drops such records;
//! here the next call skips them because they lie below its start offset.

use std::fmt;

use bytes::Bytes;

use crate::ids::Offset;

use super::error::RecordError;
use super::header::{BatchHeader, TimestampType};
use super::record_view::RawRecord;
use super::slice::RecordSlice;

/// Where a record begins: bytes from the start of the uncompressed records of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RecordPosition(u32);

impl RecordPosition {
    pub(super) const fn new(bytes: u32) -> Self {
        Self(bytes)
    }

    /// The number of bytes before the record.
    pub const fn value(self) -> u32 {
        self.0
    }
}

/// A place between two records of a batch: where [`Records::validate`] begins or went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RecordCursor {
    pub(super) position: RecordPosition,
    passed: u32,
}

impl RecordCursor {
    /// Before the first record.
    pub const START: Self = Self {
        position: RecordPosition(0),
        passed: 0,
    };
}

/// What a record needs to know of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchContext {
    pub(crate) base_offset: i64,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) leader_epoch: i32,
}

impl BatchContext {
    pub(crate) fn of(header: &BatchHeader) -> Self {
        Self {
            base_offset: header.base_offset,
            last_offset_delta: header.last_offset_delta,
            base_timestamp: header.base_timestamp,
            max_timestamp: header.max_timestamp,
            timestamp_type: header.timestamp_type(),
            leader_epoch: header.leader_epoch,
        }
    }

    #[inline]
    pub(crate) fn offset(&self, delta: i32) -> i64 {
        self.base_offset.saturating_add(i64::from(delta))
    }

    /// The timestamp of a record. Wraps as Java's does, since a peer may send any two numbers.
    #[inline]
    pub(crate) fn timestamp(&self, delta: i64) -> i64 {
        match self.timestamp_type {
            TimestampType::CreateTime => self.base_timestamp.wrapping_add(delta),
            TimestampType::LogAppendTime => self.max_timestamp,
            TimestampType::None => -1,
        }
    }
}

/// The uncompressed records of one batch, not checked yet. Clones share the memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Records {
    body: Bytes,
    context: BatchContext,
    count: u32,
}

impl Records {
    /// `body` is shorter than 4 GiB: batches and decompressed bodies are limited to 2 GiB.
    pub(crate) fn new(body: Bytes, context: BatchContext, count: u32) -> Self {
        Self {
            body,
            context,
            count,
        }
    }

    /// How many records the batch announces.
    pub fn record_count(&self) -> u32 {
        self.count
    }

    /// The size of the uncompressed records in bytes.
    pub fn size_in_bytes(&self) -> usize {
        self.body.len()
    }

    /// Whether nothing is left behind `cursor`. Not true of a batch whose count and bytes
    /// disagree: [`validate`](Self::validate) then says so.
    pub fn is_at_end(&self, cursor: RecordCursor) -> bool {
        cursor.passed == self.count && cursor.position.0 as usize == self.body.len()
    }

    /// Walks up to `max_records` records from `from` on and checks them, after skipping the
    /// records below `start_offset` that come first. [`RecordSlice::end`] tells where it stopped.
    ///
    /// If a record behind the first accepted one is corrupt, the slice ends before it, and the
    /// error comes from the next call: what is sound is delivered first. An empty slice means
    /// that the batch has no more records to give, provided that `max_records` is not zero.
    ///
    /// # Errors
    /// [`RecordError::CorruptRecord`] if the first record to be accepted is corrupt, or if the
    /// batch holds more or fewer records than it announces.
    pub fn validate(
        &self,
        from: RecordCursor,
        start_offset: Offset,
        max_records: u32,
    ) -> Result<RecordSlice, RecordError> {
        let mut walk = Walk::new(self, from);
        let mut lowest = start_offset.value();
        if let Err(error) = walk.skip_below(lowest) {
            return Err(self.explain(error));
        }
        let begin = walk.cursor();
        let (mut first_offset, mut last_offset, mut failure) = (None, start_offset, None);
        let mut accepted = 0;
        while accepted < max_records {
            match walk.step(lowest) {
                Ok(Step::Accepted(offset)) => {
                    first_offset.get_or_insert(offset);
                    last_offset = Offset::new(offset);
                    lowest = offset.saturating_add(1);
                    accepted += 1;
                }
                Ok(Step::Below | Step::End) => break,
                Err(at) => {
                    failure = Some(at);
                    break;
                }
            }
        }
        if let (0, Some(at)) = (accepted, failure) {
            return Err(self.explain(at));
        }
        Ok(RecordSlice {
            body: self.body.clone(),
            context: self.context,
            begin: begin.position.0,
            count: accepted,
            first_offset: first_offset.map_or(start_offset, Offset::new),
            last_offset,
            end: walk.cursor(),
        })
    }

    /// All records of the batch as one slice.
    ///
    /// # Errors
    /// [`RecordError::CorruptRecord`] if any record is corrupt or out of order, or if the count
    /// is not exact.
    pub fn validate_all(&self) -> Result<RecordSlice, RecordError> {
        let all = self.validate(RecordCursor::START, Offset::new(i64::MIN), u32::MAX)?;
        if self.is_at_end(all.end) {
            Ok(all)
        } else {
            Err(self.explain(all.end))
        }
    }

    #[cold]
    fn explain(&self, at: RecordCursor) -> RecordError {
        let RecordCursor { position, passed } = at;
        let rest = self.body.get(position.0 as usize..).unwrap_or_default();
        let reason = if passed == self.count {
            "bytes are left over behind the last record"
        } else if rest.is_empty() {
            "fewer records than the batch announces"
        } else {
            RawRecord::explain(rest, self.context.last_offset_delta)
                .unwrap_or("bytes are left over behind the last record, or it is out of order")
        };
        RecordError::CorruptRecord {
            position: position.0,
            reason,
        }
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("base_offset", &self.context.base_offset)
            .field("count", &self.count)
            .field("bytes", &self.body.len())
            .finish()
    }
}

enum Step {
    Accepted(i64),
    Below,
    End,
}

/// The state of one walk over a body. Errors are the cursor at which the trouble is.
struct Walk<'a> {
    body: &'a [u8],
    rest: &'a [u8],
    context: &'a BatchContext,
    passed: u32,
    count: u32,
}

impl<'a> Walk<'a> {
    fn new(records: &'a Records, from: RecordCursor) -> Self {
        Self {
            body: &records.body,
            rest: records
                .body
                .get(from.position.0 as usize..)
                .unwrap_or_default(),
            context: &records.context,
            passed: from.passed,
            count: records.count,
        }
    }

    fn cursor(&self) -> RecordCursor {
        RecordCursor {
            position: RecordPosition((self.body.len() - self.rest.len()) as u32),
            passed: self.passed,
        }
    }

    /// Passes the records below `lowest`, checking them on the way.
    fn skip_below(&mut self, lowest: i64) -> Result<(), RecordCursor> {
        if self.context.base_offset >= lowest {
            return Ok(());
        }
        loop {
            let before = (self.rest, self.passed);
            match self.step(i64::MIN)? {
                Step::Accepted(offset) if offset < lowest => {}
                Step::Accepted(_) => {
                    (self.rest, self.passed) = before;
                    return Ok(());
                }
                Step::Below | Step::End => return Ok(()),
            }
        }
    }

    /// Passes one record, unless it lies below `lowest`.
    #[inline(always)]
    fn step(&mut self, lowest: i64) -> Result<Step, RecordCursor> {
        if self.passed == self.count {
            return if self.rest.is_empty() {
                Ok(Step::End)
            } else {
                Err(self.cursor())
            };
        }
        let Some((record, rest)) = RawRecord::read(self.rest) else {
            return Err(self.cursor());
        };
        let is_sound = record.offset_delta as u32 <= self.context.last_offset_delta as u32
            && record.has_sound_headers()
            && (self.passed + 1 < self.count || rest.is_empty());
        if !is_sound {
            return Err(self.cursor());
        }
        let offset = self.context.offset(record.offset_delta);
        if offset < lowest {
            return Ok(Step::Below);
        }
        self.rest = rest;
        self.passed += 1;
        Ok(Step::Accepted(offset))
    }
}
