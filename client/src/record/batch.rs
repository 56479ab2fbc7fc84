//! Cuts a `records` field into batches, and a batch into header and body.
//!
//! It decides where batches begin and end and whether their checksums hold; it never looks into
//! records. Brokers cut the last batch wherever the size limit of the fetch falls, so an
//! incomplete batch at the end is normal and ends the iteration silently.

use bytes::{Bytes, BytesMut};

use crate::ids::{LeaderEpoch, Offset};

use super::compression::{Compression, Decompressor};
use super::crc;
use super::cursor::{BatchContext, Records};
use super::error::RecordError;
use super::header::{
    ATTRIBUTES_AT, BATCH_HEADER_LENGTH, BatchHeader, LEAST_SIZE, LOG_OVERHEAD, MAGIC_AT,
};
use super::legacy;

/// The batches in the `records` field of one partition, in order. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
    failed: bool,
}

impl Batches {
    /// Iterates over a `records` field; each batch shares its memory.
    pub fn new(records: Bytes) -> Self {
        Self {
            rest: records,
            failed: false,
        }
    }

    /// The bytes not yet cut into batches. After the last batch: the incomplete one at the end.
    pub fn remainder(&self) -> &Bytes {
        &self.rest
    }

    fn read_next(&mut self) -> Result<Option<Batch>, RecordError> {
        let Some(overhead) = self.rest.first_chunk::<LOG_OVERHEAD>() else {
            return Ok(None);
        };
        let size = i32::from_be_bytes([overhead[8], overhead[9], overhead[10], overhead[11]]);
        if size < LEAST_SIZE {
            return Err(RecordError::ImpossibleSize { size });
        }
        let Some(&magic) = self.rest.get(MAGIC_AT) else {
            return Ok(None);
        };
        if magic > 2 {
            return Err(RecordError::UnknownMagic { magic: magic as i8 });
        }
        let length = size.unsigned_abs() as usize + LOG_OVERHEAD;
        if self.rest.len() < length {
            return Ok(None);
        }
        let bytes = self.rest.split_to(length);
        let header = BatchHeader::read(&bytes)?;
        Ok(Some(Batch { bytes, header }))
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read_next().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

/// One whole batch (or one message of magic 0 or 1): a checked header and an unchecked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    bytes: Bytes,
    header: BatchHeader,
}

impl Batch {
    /// The header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The batch as it was on the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Compares the checksum of the header with the bytes. For a compressed message of magic 0 or 1
    /// this covers the messages inside too, whose own checksums are not looked at.
    ///
    /// # Errors
    /// [`RecordError::Checksum`] if they differ.
    pub fn check_crc(&self) -> Result<(), RecordError> {
        let computed = if self.header.magic == 2 {
            crc::crc32c(&self.bytes[ATTRIBUTES_AT..])
        } else {
            crc::crc32(&self.bytes[MAGIC_AT..])
        };
        let announced = self.header.checksum;
        if computed == announced {
            Ok(())
        } else {
            Err(RecordError::Checksum {
                announced,
                computed,
            })
        }
    }

    /// The records of the batch, decompressed if need be but not checked yet.
    ///
    /// # Errors
    /// Whatever is wrong with the compression, and for magic 0 and 1 with the messages inside.
    pub fn records(&self, decompressor: &mut Decompressor) -> Result<Records, RecordError> {
        if self.header.magic < 2 {
            return legacy::records(&self.bytes, &self.header, decompressor);
        }
        let codec = self.header.compression()?;
        let payload = self.bytes.slice(BATCH_HEADER_LENGTH..);
        let body = if codec == Compression::None || payload.is_empty() {
            payload
        } else {
            decompressor.decompress(codec, &payload, self.header.magic)?
        };
        let context = BatchContext::of(&self.header);
        Ok(Records::new(body, context, self.header.record_count()))
    }

    /// A copy with another base offset and leader epoch, as a broker makes it when it appends the
    /// batch of a producer. Neither is covered by the checksum. Only for magic 2.
    ///
    /// # Panics
    /// If the batch is of magic 0 or 1, whose offsets are spread over the messages.
    pub fn rebased(&self, base_offset: Offset, leader_epoch: Option<LeaderEpoch>) -> Self {
        assert_eq!(
            self.header.magic, 2,
            "only batches of magic 2 can be given another offset"
        );
        let epoch = LeaderEpoch::to_wire(leader_epoch);
        let mut bytes = BytesMut::from(&self.bytes[..]);
        bytes[..8].copy_from_slice(&base_offset.value().to_be_bytes());
        bytes[LOG_OVERHEAD..MAGIC_AT].copy_from_slice(&epoch.to_be_bytes());
        let header = BatchHeader {
            base_offset: base_offset.value(),
            leader_epoch: epoch,
            ..self.header
        };
        Self {
            bytes: bytes.freeze(),
            header,
        }
    }
}
