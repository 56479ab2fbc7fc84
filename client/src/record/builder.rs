//! Writes batches of magic 2.
//!
//! It decides the layout and nothing else: when a batch is full, and who its producer is, the
//! caller says. Every field of the header can be set, because brokers in tests need that.

use bytes::Bytes;

use crate::ids::{LeaderEpoch, Offset};

use super::compression::{Compression, Compressor};
use super::crc;
use super::error::RecordError;
use super::header::{
    ATTRIBUTES_AT, BATCH_HEADER_LENGTH, BatchHeader, BatchProducer, LOG_OVERHEAD, TimestampType,
    attribute_bits,
};
use super::record_view::Header;
use super::varint::{varlong_len, write_varint, write_varlong};

/// Length, two deltas, key and value length and header count at their longest, and attributes.
const MOST_RECORD_OVERHEAD: usize = 5 + 1 + 10 + 5 + 5 + 5 + 5;
/// Key and value length of a header at their longest.
const MOST_HEADER_OVERHEAD: usize = 5 + 5;

/// What a batch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BatchKind {
    /// Records outside of transactions.
    #[default]
    Plain,
    /// Records of a transaction.
    Transactional,
    /// The marker that ends a transaction: transactional and control.
    TransactionMarker,
    /// Control records outside of transactions.
    Control,
}

/// Collects records and encodes them as one batch. Records are encoded when appended.
///
/// ```
/// use weft_client::record::{BatchBuilder, Batches, Compression, Compressor, Decompressor};
///
/// let mut builder = BatchBuilder::new();
/// builder.append(1_700_000_000_000, Some(b"key"), Some(b"value"), &[])?;
/// let bytes = builder.build(Compression::None, &mut Compressor::default())?;
///
/// let batch = Batches::new(bytes).next().expect("one batch")?;
/// let records = batch.records(&mut Decompressor::default())?.validate_all()?;
/// assert_eq!(records.iter().next().and_then(|record| record.value()), Some(&b"value"[..]));
/// # Ok::<(), weft_client::record::RecordError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    base_offset: Offset,
    leader_epoch: Option<LeaderEpoch>,
    kind: BatchKind,
    producer: BatchProducer,
    log_append_time: Option<i64>,
    last_offset: Option<Offset>,
    base_timestamp: Option<i64>,
    max_timestamp: i64,
    record_count: i32,
    /// Room for the header, then the records.
    bytes: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// A batch at offset 0, as producers send it; brokers assign the real offset.
    pub fn new() -> Self {
        Self {
            base_offset: Offset::ZERO,
            leader_epoch: None,
            kind: BatchKind::Plain,
            producer: BatchProducer {
                id: -1,
                epoch: -1,
                base_sequence: -1,
            },
            log_append_time: None,
            last_offset: None,
            base_timestamp: None,
            max_timestamp: -1,
            record_count: 0,
            bytes: vec![0; BATCH_HEADER_LENGTH],
        }
    }

    /// A batch at a given offset, as a broker stores it.
    pub fn at(base_offset: Offset) -> Self {
        Self {
            base_offset,
            ..Self::new()
        }
    }

    /// Sets the leader epoch that the header carries.
    pub fn set_leader_epoch(&mut self, epoch: Option<LeaderEpoch>) {
        self.leader_epoch = epoch;
    }

    /// Sets what the batch is for.
    pub fn set_kind(&mut self, kind: BatchKind) {
        self.kind = kind;
    }

    /// Sets the idempotent producer; may be called until the batch is built.
    pub fn set_producer(&mut self, producer: BatchProducer) {
        self.producer = producer;
    }

    /// Stamps all records with the time of the broker, in milliseconds since 1970.
    pub fn set_log_append_time(&mut self, timestamp: i64) {
        self.log_append_time = Some(timestamp);
    }

    /// Makes the batch reach to `offset` even if its last records are missing, as compaction
    /// leaves it. Never moves the end back.
    pub fn set_last_offset(&mut self, offset: Offset) {
        self.last_offset = self.last_offset.max(Some(offset));
    }

    /// How many records were appended.
    pub fn len(&self) -> usize {
        self.record_count.unsigned_abs() as usize
    }

    /// Whether no record was appended.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// The size of the batch so far in bytes, header included, before compression.
    pub fn size_in_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// A number of bytes that a record of this shape never exceeds.
    pub fn most_record_size(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> usize {
        let headers = headers.iter().map(|header| {
            MOST_HEADER_OVERHEAD + header.key().len() + header.value().map_or(0, <[u8]>::len)
        });
        let ends = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        MOST_RECORD_OVERHEAD + ends + headers.sum::<usize>()
    }

    /// Appends a record at the offset after the last one. `timestamp` is in milliseconds since
    /// 1970; `None` is null.
    ///
    /// # Errors
    /// [`RecordError::BatchTooLarge`] if a length exceeds the format; the batch is as before.
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), RecordError> {
        let offset = self.last_offset.map_or(self.base_offset, Offset::next);
        self.write(offset, timestamp, (key, value), headers)
    }

    /// Leaves a hole in the offsets, so that the next record gets `offset`.
    ///
    /// # Panics
    /// If `offset` is not beyond the last record, or lies before the base offset.
    pub fn skip_to(&mut self, offset: Offset) {
        assert!(
            offset >= self.base_offset,
            "an offset cannot lie before its batch"
        );
        assert!(self.last_offset < Some(offset), "offsets in a batch ascend");
        if offset > self.base_offset {
            self.last_offset = Some(Offset::new(offset.value() - 1));
        }
    }

    /// Encodes the batch. Without compression the records are not copied again.
    ///
    /// # Errors
    /// [`RecordError::BatchTooLarge`] beyond 2 GiB, and [`RecordError::CodecDisabled`].
    pub fn build(
        mut self,
        codec: Compression,
        compressor: &mut Compressor,
    ) -> Result<Bytes, RecordError> {
        if codec != Compression::None {
            let mut compressed = vec![0; BATCH_HEADER_LENGTH];
            compressor.compress(codec, &self.bytes[BATCH_HEADER_LENGTH..], &mut compressed)?;
            self.bytes = compressed;
        }
        let size = i32::try_from(self.bytes.len() - LOG_OVERHEAD)
            .map_err(|_| RecordError::BatchTooLarge)?;
        let mut header = self.header(codec)?;
        header.size = size.unsigned_abs();
        self.bytes[..BATCH_HEADER_LENGTH].copy_from_slice(&header.to_bytes());
        header.checksum = crc::crc32c(&self.bytes[ATTRIBUTES_AT..]);
        self.bytes[..BATCH_HEADER_LENGTH].copy_from_slice(&header.to_bytes());
        Ok(Bytes::from(self.bytes))
    }

    fn header(&self, codec: Compression) -> Result<BatchHeader, RecordError> {
        let (timestamp_type, max_timestamp) = match self.log_append_time {
            Some(stamp) => (TimestampType::LogAppendTime, stamp),
            None => (TimestampType::CreateTime, self.max_timestamp),
        };
        Ok(BatchHeader {
            base_offset: self.base_offset.value(),
            size: 0,
            leader_epoch: LeaderEpoch::to_wire(self.leader_epoch),
            magic: 2,
            checksum: 0,
            attributes: attribute_bits(codec, timestamp_type, self.kind),
            last_offset_delta: match self.last_offset {
                Some(last) => self.offset_delta(last)?,
                None => 0,
            },
            base_timestamp: self.base_timestamp.unwrap_or(-1),
            max_timestamp,
            producer_id: self.producer.id,
            producer_epoch: self.producer.epoch,
            base_sequence: self.producer.base_sequence,
            record_count: self.record_count,
        })
    }

    fn offset_delta(&self, offset: Offset) -> Result<i32, RecordError> {
        let delta = offset.value().wrapping_sub(self.base_offset.value());
        i32::try_from(delta).map_err(|_| RecordError::BatchTooLarge)
    }

    fn write(
        &mut self,
        offset: Offset,
        timestamp: i64,
        data: (Option<&[u8]>, Option<&[u8]>),
        headers: &[Header<'_>],
    ) -> Result<(), RecordError> {
        let base_timestamp = self.base_timestamp.unwrap_or(timestamp);
        let deltas = (
            timestamp.wrapping_sub(base_timestamp),
            self.offset_delta(offset)?,
        );
        let count = self
            .record_count
            .checked_add(1)
            .ok_or(RecordError::BatchTooLarge)?;
        write_record(&mut self.bytes, deltas, data, headers)?;
        self.record_count = count;
        self.last_offset = Some(offset);
        self.base_timestamp = Some(base_timestamp);
        self.max_timestamp = self.max_timestamp.max(timestamp);
        Ok(())
    }
}

/// Appends a record of magic 2; `out` is unchanged on error.
pub(crate) fn write_record(
    out: &mut Vec<u8>,
    (timestamp_delta, offset_delta): (i64, i32),
    (key, value): (Option<&[u8]>, Option<&[u8]>),
    headers: &[Header<'_>],
) -> Result<(), RecordError> {
    let header_count = length(headers.len())?;
    let header_sizes = headers
        .iter()
        .map(|header| nullable_size(Some(header.key())) + nullable_size(header.value()));
    let size = 1
        + varlong_len(timestamp_delta)
        + varlong_len(i64::from(offset_delta))
        + nullable_size(key)
        + nullable_size(value)
        + varlong_len(i64::from(header_count))
        + header_sizes.sum::<usize>();
    // Every length inside is smaller than the record's, so they all fit if this one does.
    let size = length(size)?;
    write_varint(size, out);
    out.push(0);
    write_varlong(timestamp_delta, out);
    write_varint(offset_delta, out);
    write_nullable(key, out);
    write_nullable(value, out);
    write_varint(header_count, out);
    for header in headers {
        write_nullable(Some(header.key()), out);
        write_nullable(header.value(), out);
    }
    Ok(())
}

fn length(length: usize) -> Result<i32, RecordError> {
    i32::try_from(length).map_err(|_| RecordError::BatchTooLarge)
}

fn nullable_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varlong_len(bytes.len() as i64) + bytes.len())
}

fn write_nullable(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    write_varlong(bytes.map_or(-1, |bytes| bytes.len() as i64), out);
    out.extend_from_slice(bytes.unwrap_or_default());
}
