//! One record, as slices of its batch, and its headers, read when asked for.
//!
//! It decides what the bytes of one record mean; which records are read is the cursor's business.
//! Headers keep their order, their duplicates and their nulls, and keys that are not UTF-8.

use std::borrow::Cow;

use bytes::Bytes;

use crate::ids::{LeaderEpoch, Offset};

use super::header::TimestampType;
use super::slice::RecordSlice;
use super::varint::ByteReader;

/// The fields of a record as the wire has them. `headers` is not looked into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawRecord<'a> {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: &'a [u8],
}

impl<'a> RawRecord<'a> {
    /// Reads the record at the front of `bytes`; returns it with what comes behind it.
    #[inline(always)]
    pub(crate) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = ByteReader::new(bytes);
        let length = usize::try_from(reader.varint()?).ok()?;
        let end = reader.position().checked_add(length)?;
        let (whole, rest) = bytes.split_at_checked(end)?;
        reader.byte()?;
        let timestamp_delta = reader.varlong()?;
        let offset_delta = reader.varint()?;
        let key = reader.nullable_bytes()?;
        let value = reader.nullable_bytes()?;
        // The fields were read without regard to where the record ends, which is asked once, here:
        // a record whose value ends beyond its own end has no headers.
        let headers = whole.get(reader.position()..)?;
        let record = Self {
            timestamp_delta,
            offset_delta,
            key,
            value,
            headers,
        };
        Some((record, rest))
    }

    /// Whether the headers are exactly as many as they say and fill the record.
    #[inline(always)]
    pub(crate) fn has_sound_headers(&self) -> bool {
        matches!(self.headers, [0]) || headers_are_sound(self.headers)
    }

    /// Why the record at the front of `bytes` is not accepted; `None` if it is.
    pub(crate) fn explain(bytes: &'a [u8], last_offset_delta: i32) -> Option<&'static str> {
        let mut outer = ByteReader::new(bytes);
        let Some(length) = outer.varint() else {
            return Some("its length is cut off or too long");
        };
        if usize::try_from(length)
            .ok()
            .and_then(|length| outer.take(length))
            .is_none()
        {
            return Some("its length is negative or exceeds the batch");
        }
        match Self::read(bytes) {
            None => Some("a field exceeds the record"),
            Some((record, _)) if !record.has_sound_headers() => {
                Some("its headers do not fill the record exactly")
            }
            Some((record, _)) if record.offset_delta as u32 > last_offset_delta as u32 => {
                Some("its offset lies outside the batch")
            }
            Some(_) => None,
        }
    }
}

fn headers_are_sound(bytes: &[u8]) -> bool {
    let mut reader = ByteReader::new(bytes);
    let Some(count) = reader
        .varint()
        .and_then(|count| usize::try_from(count).ok())
    else {
        return false;
    };
    // A header takes two bytes at least, so this loop is bounded by the record.
    count <= reader.rest().len()
        && (0..count).all(|_| read_header(&mut reader).is_some())
        && reader.rest().is_empty()
}

#[inline]
fn read_header<'a>(reader: &mut ByteReader<'a>) -> Option<Header<'a>> {
    let key = reader.nullable_bytes()??;
    let value = reader.nullable_bytes()?;
    Some(Header { key, value })
}

/// One record of a [`RecordSlice`]. Borrowed, small, and free of allocations.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    slice: &'a RecordSlice,
    raw: RawRecord<'a>,
}

impl<'a> Record<'a> {
    #[inline(always)]
    pub(crate) fn new(slice: &'a RecordSlice, raw: RawRecord<'a>) -> Self {
        Self { slice, raw }
    }

    /// Its place in the partition.
    #[inline]
    pub fn offset(&self) -> Offset {
        Offset::new(self.slice.context().offset(self.raw.offset_delta))
    }

    /// Milliseconds since 1970; -1 if there is none. What it stands for is
    /// [`timestamp_type`](Self::timestamp_type).
    #[inline]
    pub fn timestamp(&self) -> i64 {
        self.slice.context().timestamp(self.raw.timestamp_delta)
    }

    /// Whether the producer or the broker chose the timestamp.
    #[inline]
    pub fn timestamp_type(&self) -> TimestampType {
        self.slice.timestamp_type()
    }

    /// The epoch of the leader that appended the record.
    #[inline]
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.slice.leader_epoch()
    }

    /// The key; `None` is null, which differs from empty.
    #[inline]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.raw.key
    }

    /// The value; `None` is null, a tombstone in compacted topics.
    #[inline]
    pub fn value(&self) -> Option<&'a [u8]> {
        self.raw.value
    }

    /// The key, sharing the memory of the batch instead of borrowing it.
    pub fn key_bytes(&self) -> Option<Bytes> {
        self.raw.key.map(|key| self.slice.share(key))
    }

    /// The value, sharing the memory of the batch instead of borrowing it.
    pub fn value_bytes(&self) -> Option<Bytes> {
        self.raw.value.map(|value| self.slice.share(value))
    }

    /// The headers.
    #[inline]
    pub fn headers(&self) -> Headers<'a> {
        Headers::new(self.raw.headers)
    }
}

/// The headers of one record, in order, repeated keys included.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl<'a> Headers<'a> {
    #[inline]
    fn new(bytes: &'a [u8]) -> Self {
        let mut reader = ByteReader::new(bytes);
        let count = reader.varint().unwrap_or(0);
        Self {
            bytes: reader.rest(),
            count: u32::try_from(count).unwrap_or(0),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The headers in order.
    pub fn iter(&self) -> HeaderIter<'a> {
        HeaderIter {
            reader: ByteReader::new(self.bytes),
            left: self.count,
        }
    }

    /// The last header with this key, which is the one that counts where keys are overwritten.
    pub fn last(&self, key: impl AsRef<[u8]>) -> Option<Header<'a>> {
        self.iter()
            .filter(|header| header.key == key.as_ref())
            .last()
    }
}

impl<'a> IntoIterator for Headers<'a> {
    type Item = Header<'a>;
    type IntoIter = HeaderIter<'a>;

    fn into_iter(self) -> HeaderIter<'a> {
        self.iter()
    }
}

/// The headers of one record, in order.
#[derive(Clone, Debug)]
pub struct HeaderIter<'a> {
    reader: ByteReader<'a>,
    left: u32,
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        read_header(&mut self.reader)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for HeaderIter<'_> {}

/// One header: a key, which need not be UTF-8 on the wire, and a value or null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    key: &'a [u8],
    value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// A header to be written. Kafka's own clients read keys as UTF-8.
    pub fn new(key: &'a (impl AsRef<[u8]> + ?Sized), value: Option<&'a [u8]>) -> Self {
        Self {
            key: key.as_ref(),
            value,
        }
    }

    /// The key as it is on the wire.
    pub fn key(&self) -> &'a [u8] {
        self.key
    }

    /// The key as text, with replacement characters for what is not UTF-8, as Java shows it.
    pub fn key_str(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.key)
    }

    /// The value; `None` is null.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.value
    }
}
