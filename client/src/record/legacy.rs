//! Messages of magic 0 and 1, which brokers before 0.11 wrote and later ones may still serve.
//!
//! It turns a message, or the messages inside a compressed one, into the layout of magic 2 once,
//! so that nobody else knows of two layouts. That copies, which is fine for what is rare; the copy
//! is never larger than the original, since a message costs at least 26 bytes beyond its key and
//! value and a record at most 31.
//!
//! ```text
//! int64 offset | int32 size | int32 crc | int8 magic | int8 attributes | [int64 timestamp]
//! int32 key length, key | int32 value length, value
//! ```
//!
//! Inside a compressed message of magic 1 offsets are relative and end at the offset of the
//! wrapper; those of magic 0 are absolute.

use bytes::Bytes;

use super::builder::write_record;
use super::compression::{Compression, Decompressor};
use super::cursor::{BatchContext, Records};
use super::error::RecordError;
use super::header::{BatchHeader, LEAST_SIZE, LOG_OVERHEAD, TimestampType};
use super::varint::ByteReader;

/// Checksum, magic and attributes behind the size field.
const CHECKSUM_LENGTH: usize = 4;
const CODEC_BITS: u8 = 0b0000_0111;

/// The records of the message that fills `batch`.
pub(crate) fn records(
    batch: &Bytes,
    header: &BatchHeader,
    decompressor: &mut Decompressor,
) -> Result<Records, RecordError> {
    let outer = Message::read(&mut ByteReader::new(batch))?.ok_or(RecordError::ImpossibleSize {
        size: batch.len() as i32,
    })?;
    let codec = header.compression()?;
    if codec == Compression::None {
        return convert([Ok(outer)], header, 0, batch.len());
    }
    let payload = outer
        .value
        .ok_or_else(|| corrupt("a compressed message without a value"))?;
    let body = decompressor.decompress(codec, payload, header.magic)?;
    let mut last = None;
    for message in inner_messages(&body, header.magic) {
        last = Some(message?.offset);
    }
    let last = last.ok_or_else(|| corrupt("a compressed message without messages inside"))?;
    // Wrappers at offset 0 come from producers that left their offset unset (librdkafka).
    let base = if header.magic == 0 || outer.offset == 0 {
        Some(0)
    } else {
        outer.offset.checked_sub(last).filter(|base| *base >= 0)
    };
    let base =
        base.ok_or_else(|| corrupt("a compressed message ends before its messages inside"))?;
    convert(
        inner_messages(&body, header.magic),
        header,
        base,
        body.len(),
    )
}

fn corrupt(reason: &'static str) -> RecordError {
    RecordError::CorruptRecord {
        position: 0,
        reason,
    }
}

struct Message<'a> {
    offset: i64,
    magic: u8,
    attributes: u8,
    timestamp: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Reads the message at the front; `None` if it is cut off.
    fn read(reader: &mut ByteReader<'a>) -> Result<Option<Self>, RecordError> {
        let Some((&overhead, _)) = reader.rest().split_first_chunk::<LOG_OVERHEAD>() else {
            return Ok(None);
        };
        let [o0, o1, o2, o3, o4, o5, o6, o7, s0, s1, s2, s3] = overhead;
        let size = i32::from_be_bytes([s0, s1, s2, s3]);
        if size < LEAST_SIZE {
            return Err(RecordError::ImpossibleSize { size });
        }
        let length = LOG_OVERHEAD + size.unsigned_abs() as usize;
        let Some(message) = reader.take(length) else {
            return Ok(None);
        };
        let offset = i64::from_be_bytes([o0, o1, o2, o3, o4, o5, o6, o7]);
        Self::read_fields(offset, &message[LOG_OVERHEAD + CHECKSUM_LENGTH..])
            .ok_or_else(|| corrupt("the lengths inside a message do not fit it"))
            .map(Some)
    }

    fn read_fields(offset: i64, bytes: &'a [u8]) -> Option<Self> {
        let mut reader = ByteReader::new(bytes);
        let magic = reader.byte()?;
        let attributes = reader.byte()?;
        let timestamp = if magic == 0 {
            -1
        } else {
            i64::from_be_bytes(*reader.take(8)?.first_chunk()?)
        };
        let key = sized(&mut reader)?;
        let value = sized(&mut reader)?;
        let message = Self {
            offset,
            magic,
            attributes,
            timestamp,
            key,
            value,
        };
        reader.rest().is_empty().then_some(message)
    }
}

/// Bytes behind an `int32` length, of which any negative one means null.
fn sized<'a>(reader: &mut ByteReader<'a>) -> Option<Option<&'a [u8]>> {
    let length = i32::from_be_bytes(*reader.take(4)?.first_chunk()?);
    match usize::try_from(length) {
        Ok(length) => reader.take(length).map(Some),
        Err(_) => Some(None),
    }
}

/// The messages of a decompressed set, read anew by everyone who asks: a list of them would take
/// more than twice the memory of the set. One that is cut off at the end is ignored, as in Java.
fn inner_messages(
    body: &[u8],
    magic: u8,
) -> impl Iterator<Item = Result<Message<'_>, RecordError>> {
    let mut reader = ByteReader::new(body);
    std::iter::from_fn(move || Message::read(&mut reader).transpose()).map(move |message| {
        let message = message?;
        if message.magic != magic {
            return Err(corrupt(
                "a message inside a compressed one has another magic",
            ));
        }
        if message.attributes & CODEC_BITS != 0 {
            return Err(corrupt("a compressed message inside a compressed one"));
        }
        Ok(message)
    })
}

/// `size` is that of all messages together, which the records do not exceed by more than a few
/// bytes each.
fn convert<'a>(
    messages: impl IntoIterator<Item = Result<Message<'a>, RecordError>>,
    header: &BatchHeader,
    base: i64,
    size: usize,
) -> Result<Records, RecordError> {
    let mut first = None;
    let mut body = Vec::with_capacity(size);
    let mut last_offset_delta = 0;
    let mut count = 0;
    for message in messages {
        let message = message?;
        let (first_offset, first_timestamp) =
            *first.get_or_insert((message.offset, message.timestamp));
        let delta = message.offset.checked_sub(first_offset);
        let offset_delta = delta
            .and_then(|delta| i32::try_from(delta).ok())
            .filter(|delta| *delta >= 0)
            .ok_or_else(|| corrupt("the offsets inside a message are too far apart"))?;
        last_offset_delta = last_offset_delta.max(offset_delta);
        let timestamp_delta = message.timestamp.wrapping_sub(first_timestamp);
        let data = (message.key, message.value);
        write_record(&mut body, (timestamp_delta, offset_delta), data, &[])?;
        count += 1;
    }
    let (first_offset, first_timestamp) = first.unwrap_or((0, -1));
    let base_offset = base.saturating_add(first_offset);
    if base_offset.saturating_add(last_offset_delta.into()) == i64::MAX {
        return Err(corrupt("no offset comes after the message"));
    }
    let context = BatchContext {
        base_offset,
        last_offset_delta,
        base_timestamp: first_timestamp,
        max_timestamp: header.max_timestamp,
        timestamp_type: if header.magic == 0 {
            TimestampType::None
        } else {
            header.timestamp_type()
        },
        leader_epoch: -1,
    };
    Ok(Records::new(Bytes::from(body), context, count))
}
