//! The header of a batch: one view for magic 0, 1 and 2.
//!
//! It decides whether the fields can be believed at all, and nothing about the records. A message
//! of magic 0 or 1 is a batch of one record, or of an unknown number if it is compressed; what
//! such a message does not say reads as "none".

use crate::ids::{LeaderEpoch, Offset};

use super::compression::Compression;
use super::error::RecordError;

/// Bytes before the records of a batch of magic 2.
pub const BATCH_HEADER_LENGTH: usize = 61;
/// Bytes of the offset and the size field that start every batch; the size counts what follows.
pub(crate) const LOG_OVERHEAD: usize = 12;
/// The size field must at least cover checksum, magic, attributes and two lengths.
pub(crate) const LEAST_SIZE: i32 = 14;
/// Where the magic byte is, in every format.
pub(crate) const MAGIC_AT: usize = 16;
/// Where the bytes begin that the checksum of magic 2 covers.
pub(crate) const ATTRIBUTES_AT: usize = 21;

const CODEC_BITS: u8 = 0b0000_0111;
const LOG_APPEND_BIT: u8 = 0b0000_1000;
const TRANSACTIONAL_BIT: u8 = 0b0001_0000;
const CONTROL_BIT: u8 = 0b0010_0000;
const DELETE_HORIZON_BIT: u8 = 0b0100_0000;

/// Where the timestamps of a batch come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// Messages of magic 0 carry none.
    None,
    /// The producer chose them.
    CreateTime,
    /// The broker stamped the whole batch when it appended it.
    LogAppendTime,
}

/// The producer that wrote a batch, for deduplication and transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchProducer {
    /// The producer's id; never negative in a batch that was read.
    pub id: i64,
    /// The epoch that fences older instances of the same producer.
    pub epoch: i16,
    /// The sequence number of the first record; -1 in control batches.
    pub base_sequence: i32,
}

/// The fields of a batch header, checked for what can be checked without the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    pub(crate) base_offset: i64,
    pub(crate) size: u32,
    pub(crate) leader_epoch: i32,
    pub(crate) magic: u8,
    pub(crate) checksum: u32,
    pub(crate) attributes: u8,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) record_count: i32,
}

impl BatchHeader {
    /// Reads the header of the batch that fills `batch`, which has passed the size checks of
    /// [`Batches`](super::Batches).
    pub(crate) fn read(batch: &[u8]) -> Result<Self, RecordError> {
        let header = match batch.get(MAGIC_AT) {
            Some(2) => Self::read_current(batch)?,
            Some(0 | 1) => Self::read_legacy(batch)?,
            Some(&magic) => return Err(RecordError::UnknownMagic { magic: magic as i8 }),
            None => {
                return Err(RecordError::ImpossibleSize {
                    size: batch.len() as i32,
                });
            }
        };
        if header.last_offset() >= Offset::new(i64::MAX) {
            // Records at the end of all offsets would be handed out again and again.
            return Err(RecordError::InvalidHeader {
                reason: "no offset comes after the batch",
            });
        }
        Ok(header)
    }

    fn read_current(batch: &[u8]) -> Result<Self, RecordError> {
        let size = (batch.len() - LOG_OVERHEAD) as u32;
        let Some(bytes) = batch.first_chunk::<BATCH_HEADER_LENGTH>() else {
            return Err(RecordError::ImpossibleSize { size: size as i32 });
        };
        let header = Self {
            base_offset: i64::from_be_bytes(field(bytes, 0)),
            size,
            leader_epoch: i32::from_be_bytes(field(bytes, 12)),
            magic: bytes[MAGIC_AT],
            checksum: u32::from_be_bytes(field(bytes, 17)),
            // Two bytes wide, but Kafka gives meaning to the low one only.
            attributes: bytes[ATTRIBUTES_AT + 1],
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)),
            max_timestamp: i64::from_be_bytes(field(bytes, 35)),
            producer_id: i64::from_be_bytes(field(bytes, 43)),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            record_count: i32::from_be_bytes(field(bytes, 57)),
        };
        if header.last_offset_delta < 0 {
            // The next offset would lie before the batch, and a reader would go round for ever.
            return Err(RecordError::InvalidHeader {
                reason: "negative last offset delta",
            });
        }
        if header.record_count < 0 {
            return Err(RecordError::InvalidHeader {
                reason: "negative record count",
            });
        }
        Ok(header)
    }

    fn read_legacy(batch: &[u8]) -> Result<Self, RecordError> {
        let size = (batch.len() - LOG_OVERHEAD) as u32;
        let magic = batch[MAGIC_AT];
        let (Some(bytes), Some(&attributes)) = (batch.first_chunk::<17>(), batch.get(17)) else {
            return Err(RecordError::ImpossibleSize { size: size as i32 });
        };
        let (attributes, timestamp) = match (magic, batch.get(18..26)) {
            (0, _) => (attributes & !LOG_APPEND_BIT, -1),
            (_, Some(stamp)) => {
                let mut buffer = [0; 8];
                buffer.copy_from_slice(stamp);
                (attributes, i64::from_be_bytes(buffer))
            }
            (_, None) => return Err(RecordError::ImpossibleSize { size: size as i32 }),
        };
        Ok(Self {
            base_offset: i64::from_be_bytes(field(bytes, 0)),
            size,
            leader_epoch: -1,
            magic,
            checksum: u32::from_be_bytes(field(bytes, 12)),
            // The bits of later features mean nothing here.
            attributes: attributes & (CODEC_BITS | LOG_APPEND_BIT),
            last_offset_delta: 0,
            base_timestamp: timestamp,
            max_timestamp: timestamp,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: 1,
        })
    }

    /// The format: 2, or 0 and 1 for what brokers before 0.11 wrote.
    pub fn magic(&self) -> u8 {
        self.magic
    }

    /// The whole batch in bytes, header and compressed records together.
    pub fn size_in_bytes(&self) -> usize {
        self.size as usize + LOG_OVERHEAD
    }

    /// The lowest offset a record of the batch may have; it may have been compacted away. In a
    /// compressed message of magic 0 or 1 this is the *last* offset: only the records tell more.
    pub fn base_offset(&self) -> Offset {
        Offset::new(self.base_offset)
    }

    /// The offset the last record of the batch had when it was written, be it still there or not.
    pub fn last_offset(&self) -> Offset {
        Offset::new(
            self.base_offset
                .saturating_add(i64::from(self.last_offset_delta)),
        )
    }

    /// Where to go on after the batch, also when it is empty.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().next()
    }

    /// The epoch of the leader that appended the batch.
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        LeaderEpoch::from_wire(self.leader_epoch)
    }

    /// How the records are compressed.
    ///
    /// # Errors
    /// The number of an unknown codec.
    pub fn compression(&self) -> Result<Compression, RecordError> {
        Compression::from_id(self.attributes & CODEC_BITS)
    }

    /// Where the timestamps come from.
    pub fn timestamp_type(&self) -> TimestampType {
        if self.magic == 0 {
            TimestampType::None
        } else if self.attributes & LOG_APPEND_BIT != 0 {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }

    /// The largest timestamp in the batch in milliseconds since 1970, -1 if there is none.
    pub fn max_timestamp(&self) -> i64 {
        self.max_timestamp
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_BIT != 0
    }

    /// Whether the batch carries markers for the log instead of records for users.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL_BIT != 0
    }

    /// When the cleaner may drop the tombstones and markers of the batch, milliseconds since 1970.
    pub fn delete_horizon(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON_BIT != 0).then_some(self.base_timestamp)
    }

    /// The idempotent or transactional producer that wrote the batch.
    pub fn producer(&self) -> Option<BatchProducer> {
        (self.producer_id >= 0).then_some(BatchProducer {
            id: self.producer_id,
            epoch: self.producer_epoch,
            base_sequence: self.base_sequence,
        })
    }

    /// How many records the batch announces; 1 for a message of magic 0 or 1, which may hold more.
    pub fn record_count(&self) -> u32 {
        self.record_count.unsigned_abs()
    }

    /// The checksum the header announces.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// The header as 61 bytes of magic 2. The size and the checksum are written as they are.
    pub(crate) fn to_bytes(self) -> [u8; BATCH_HEADER_LENGTH] {
        let mut bytes = [0; BATCH_HEADER_LENGTH];
        bytes[..8].copy_from_slice(&self.base_offset.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.size.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.leader_epoch.to_be_bytes());
        bytes[MAGIC_AT] = self.magic;
        bytes[17..21].copy_from_slice(&self.checksum.to_be_bytes());
        bytes[ATTRIBUTES_AT..23].copy_from_slice(&u16::from(self.attributes).to_be_bytes());
        bytes[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        bytes[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        bytes[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        bytes[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        bytes[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        bytes[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        bytes[57..61].copy_from_slice(&self.record_count.to_be_bytes());
        bytes
    }
}

/// The attribute bits of a batch to be written.
pub(crate) fn attribute_bits(
    codec: Compression,
    timestamp_type: TimestampType,
    kind: super::BatchKind,
) -> u8 {
    let stamp = if timestamp_type == TimestampType::LogAppendTime {
        LOG_APPEND_BIT
    } else {
        0
    };
    let kind = match kind {
        super::BatchKind::Plain => 0,
        super::BatchKind::Transactional => TRANSACTIONAL_BIT,
        super::BatchKind::TransactionMarker => TRANSACTIONAL_BIT | CONTROL_BIT,
        super::BatchKind::Control => CONTROL_BIT,
    };
    codec.id() | stamp | kind
}

/// `LENGTH` bytes at a place that lies inside `bytes` for every caller in this file.
#[inline]
fn field<const LENGTH: usize>(bytes: &[u8], at: usize) -> [u8; LENGTH] {
    let mut value = [0; LENGTH];
    value.copy_from_slice(&bytes[at..at + LENGTH]);
    value
}
