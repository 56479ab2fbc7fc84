//! A run of records that were checked: read without errors, again and from any thread.
//!
//! It trusts [`Records::validate`](super::Records::validate), which alone makes one.

use std::fmt;

use bytes::Bytes;

use crate::ids::{LeaderEpoch, Offset};

use super::cursor::{BatchContext, RecordCursor, RecordPosition};
use super::header::TimestampType;
use super::record_view::{RawRecord, Record};

/// A run of records that was found sound, with ascending offsets. Cheap to clone and to send to
/// another thread; it keeps the memory of its whole batch (uncompressed: of its whole fetch).
#[derive(Clone, PartialEq, Eq)]
pub struct RecordSlice {
    pub(super) body: Bytes,
    pub(super) context: BatchContext,
    pub(super) begin: u32,
    pub(super) count: u32,
    pub(super) first_offset: Offset,
    pub(super) last_offset: Offset,
    pub(super) end: RecordCursor,
}

impl RecordSlice {
    /// The number of records.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The offset of the first record, `None` if there is none.
    pub fn first_offset(&self) -> Option<Offset> {
        (self.count > 0).then_some(self.first_offset)
    }

    /// The offset of the last record, `None` if there is none.
    pub fn last_offset(&self) -> Option<Offset> {
        (self.count > 0).then_some(self.last_offset)
    }

    /// Where the slice ends in its batch: the place to validate from next.
    pub fn end(&self) -> RecordCursor {
        self.end
    }

    /// The bytes the records take, lengths and headers included.
    pub fn size_in_bytes(&self) -> usize {
        (self.end.position.value() - self.begin) as usize
    }

    /// The epoch of the leader that appended the batch of these records.
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        LeaderEpoch::from_wire(self.context.leader_epoch)
    }

    /// Where the timestamps of these records come from.
    pub fn timestamp_type(&self) -> TimestampType {
        self.context.timestamp_type
    }

    /// The records in order.
    #[inline]
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter {
            slice: self,
            rest: &self.body[self.begin as usize..],
            left: self.count,
        }
    }

    /// The records in order, each with the position under which
    /// [`record_at`](Self::record_at) finds it again.
    pub fn positions(&self) -> impl Iterator<Item = (RecordPosition, Record<'_>)> {
        let mut records = self.iter();
        std::iter::from_fn(move || {
            let position = records.position();
            records.next().map(|record| (position, record))
        })
    }

    /// Decodes the record that begins at `position`, one of those that
    /// [`positions`](Self::positions) told.
    ///
    /// # Panics
    /// If `position` lies outside this slice, or if no record can be read there. Take positions
    /// from the same slice or a clone of it; in between records the result is nonsense.
    #[inline]
    pub fn record_at(&self, position: RecordPosition) -> Record<'_> {
        let is_inside = (self.begin..self.end.position.value()).contains(&position.value());
        match self
            .body
            .get(position.value() as usize..)
            .and_then(RawRecord::read)
        {
            Some((raw, _)) if is_inside => Record::new(self, raw),
            _ => panic!(
                "no record begins at byte {}: use positions of this slice",
                position.value()
            ),
        }
    }

    pub(crate) fn context(&self) -> &BatchContext {
        &self.context
    }

    /// The part of the body that `bytes`, a slice of it, refers to.
    pub(crate) fn share(&self, bytes: &[u8]) -> Bytes {
        self.body.slice_ref(bytes)
    }
}

impl fmt::Debug for RecordSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordSlice")
            .field("len", &self.count)
            .field("first_offset", &self.first_offset())
            .field("last_offset", &self.last_offset())
            .finish()
    }
}

impl<'a> IntoIterator for &'a RecordSlice {
    type Item = Record<'a>;
    type IntoIter = RecordIter<'a>;

    fn into_iter(self) -> RecordIter<'a> {
        self.iter()
    }
}

/// The records of a [`RecordSlice`], in order.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    slice: &'a RecordSlice,
    rest: &'a [u8],
    left: u32,
}

impl RecordIter<'_> {
    /// Where the record begins that comes next; behind the last one: the end of the slice.
    #[inline]
    pub fn position(&self) -> RecordPosition {
        RecordPosition::new((self.slice.body.len() - self.rest.len()) as u32)
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (raw, rest) = RawRecord::read(self.rest)?;
        self.rest = rest;
        Some(Record::new(self.slice, raw))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for RecordIter<'_> {}
