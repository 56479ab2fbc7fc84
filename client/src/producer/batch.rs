//! One batch on its way: open while records are appended, then encoded, perhaps several times sent.

use std::time::Instant;

use bytes::Bytes;

use crate::error::{Error, ErrorKind};
use crate::ids::TopicPartition;
use crate::record::{BatchBuilder, Compression, Compressor, RecordError};

/// A batch with the receipts `R` of its records, which are the shell's affair.
#[derive(Debug)]
pub(super) struct Batch<R> {
    /// Grows from batch to batch, in the order in which they are begun.
    pub(super) number: u64,
    /// The place of its partition in the accumulator.
    pub(super) queue: usize,
    pub(super) partition: TopicPartition,
    pub(super) receipts: R,
    pub(super) content: Content,
    pub(super) records: usize,
    /// The bytes that it takes up in `buffer.memory`.
    pub(super) reserved: usize,
    /// It is sent at this time even if it is not full.
    pub(super) lingers_until: Instant,
    pub(super) expires_at: Instant,
    /// Attempts that failed.
    pub(super) failures: u32,
    pub(super) last_error: Option<Error>,
}

/// The records of a batch.
#[derive(Debug)]
pub(super) enum Content {
    Open(BatchBuilder),
    /// Open, but no record is to be added.
    Full(BatchBuilder),
    Encoded(Bytes),
}

impl<R> Batch<R> {
    /// The builder, while records may be added.
    pub(super) fn open(&mut self) -> Option<&mut BatchBuilder> {
        match &mut self.content {
            Content::Open(builder) => Some(builder),
            Content::Full(_) | Content::Encoded(_) => None,
        }
    }

    /// Whether a record of this size still fits.
    pub(super) fn has_room(&self, bytes: usize, batch_size: usize) -> bool {
        !self.is_full() && self.size() + bytes <= batch_size
    }

    /// Whether nothing more is waited for before it is sent.
    pub(super) fn is_full(&self) -> bool {
        !matches!(self.content, Content::Open(_))
    }

    /// Lets nothing more in.
    pub(super) fn fill(&mut self) {
        let nothing = Content::Encoded(Bytes::new());
        self.content = match std::mem::replace(&mut self.content, nothing) {
            Content::Open(builder) => Content::Full(builder),
            content => content,
        };
    }

    /// The size in bytes, before compression until it is encoded.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::Open(builder) | Content::Full(builder) => builder.size_in_bytes(),
            Content::Encoded(bytes) => bytes.len(),
        }
    }

    /// Encodes it, once; later calls return the same bytes.
    pub(super) fn encode(
        &mut self,
        codec: Compression,
        compressor: &mut Compressor,
    ) -> Result<Bytes, RecordError> {
        let nothing = Content::Encoded(Bytes::new());
        let bytes = match std::mem::replace(&mut self.content, nothing) {
            Content::Encoded(bytes) => bytes,
            Content::Open(builder) | Content::Full(builder) => builder.build(codec, compressor)?,
        };
        self.content = Content::Encoded(bytes.clone());
        Ok(bytes)
    }

    /// The error of a batch that ran out of time or attempts, after `last` or whatever failed last.
    pub(super) fn undelivered(&mut self, why: &str, last: Option<&Error>) -> Error {
        let last = self.last_error.take().or_else(|| last.cloned());
        let text = format!("{} records were not delivered {why}", self.records);
        let error = match last {
            Some(last) => {
                let text = format!("{text}; the last failure: {}", last.text());
                Error::new(ErrorKind::Timeout, text).with_source(last)
            }
            None => Error::new(ErrorKind::Timeout, text),
        };
        error.with_topic_partition(self.partition.clone())
    }
}
