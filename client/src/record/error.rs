//! What can be wrong with record batches.

use std::fmt;

use super::Compression;

/// Why a batch, or a record in it, cannot be read or written. All of it is the peer's fault except
/// [`CodecDisabled`](Self::CodecDisabled) and [`BatchTooLarge`](Self::BatchTooLarge).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The magic byte names a format that does not exist.
    UnknownMagic {
        /// The magic byte.
        magic: i8,
    },
    /// The batch announces a size that its own header does not fit in.
    ImpossibleSize {
        /// The announced size in bytes, without the offset and the size field itself.
        size: i32,
    },
    /// A field of the batch header cannot hold its value.
    InvalidHeader {
        /// Which field, and what is wrong with it.
        reason: &'static str,
    },
    /// The checksum does not match the bytes.
    Checksum {
        /// The checksum in the header.
        announced: u32,
        /// The checksum of the bytes that came.
        computed: u32,
    },
    /// A record does not follow the format.
    CorruptRecord {
        /// Where in the uncompressed records of its batch, in bytes.
        position: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The attributes name a codec that does not exist, or that this format cannot carry.
    UnknownCodec {
        /// The codec's number, 0 to 7.
        id: u8,
    },
    /// The batch needs a codec that was not compiled in.
    CodecDisabled {
        /// The codec, and by its name the cargo feature of `weft-client`.
        codec: Compression,
    },
    /// The compressed bytes are not what the codec expects.
    CorruptCompression {
        /// The codec.
        codec: Compression,
        /// What is wrong.
        reason: &'static str,
    },
    /// The records decompress to more than the limit.
    DecompressedTooLarge {
        /// The codec.
        codec: Compression,
        /// The limit in bytes.
        limit: usize,
    },
    /// The batch to be written does not fit the 32-bit lengths of the format.
    BatchTooLarge,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMagic { magic } => {
                write!(f, "record batch has magic {magic}, known are 0 to 2")
            }
            Self::ImpossibleSize { size } => {
                write!(
                    f,
                    "record batch announces {size} bytes, less than its header takes"
                )
            }
            Self::InvalidHeader { reason } => write!(f, "invalid record batch header: {reason}"),
            Self::Checksum {
                announced,
                computed,
            } => write!(
                f,
                "record batch is corrupt: checksum {announced:08x} in the header, \
                 {computed:08x} of its bytes"
            ),
            Self::CorruptRecord { position, reason } => {
                write!(
                    f,
                    "invalid record at byte {position} of its batch: {reason}"
                )
            }
            Self::UnknownCodec { id } => write!(f, "unknown or misplaced compression codec {id}"),
            Self::CodecDisabled { codec } => write!(
                f,
                "records are compressed with {codec}, but weft-client was built without its \
                 feature \"{codec}\""
            ),
            Self::CorruptCompression { codec, reason } => {
                write!(f, "records cannot be decompressed with {codec}: {reason}")
            }
            Self::DecompressedTooLarge { codec, limit } => {
                write!(
                    f,
                    "records compressed with {codec} exceed the limit of {limit} bytes"
                )
            }
            Self::BatchTooLarge => f.write_str("record batch exceeds 2 GiB"),
        }
    }
}

impl std::error::Error for RecordError {}
