//! The codecs of record batches behind one bounded decompressor and one compressor.
//!
//! It decides how much memory compressed bytes may turn into, and which crate does the work; the
//! framings that Kafka gives its codecs are in the files below. No length that the bytes announce
//! is believed: memory grows with what really comes out, up to the limit.

use std::fmt;

use bytes::Bytes;

use super::error::RecordError;

#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "lz4")]
mod lz4;
mod scratch;
#[cfg(feature = "snappy")]
mod snappy;
#[cfg(feature = "zstd")]
mod zstd;

use scratch::Scratch;

/// The default of the largest size to which one batch may decompress: 64 MiB. Brokers accept
/// batches of 1 MiB by default, so this is room for a compression of 64 to 1.
pub const DEFAULT_DECOMPRESSED_LIMIT: usize = 64 * 1024 * 1024;

/// How many bytes reading a batch of `batch_bytes` may hold at any one time, whatever is in it,
/// with a [`Decompressor`] of this limit: what came in and the tables of the codecs, and three
/// times the limit. A buffer that grows has the old one beside it for a moment, and what came out
/// is handed over as a copy.
///
/// ```
/// use weft_client::record::{DEFAULT_DECOMPRESSED_LIMIT, reading_bytes_max};
///
/// let most = reading_bytes_max(1024 * 1024, DEFAULT_DECOMPRESSED_LIMIT);
/// assert!(most < 200 * 1024 * 1024);
/// ```
pub const fn reading_bytes_max(batch_bytes: usize, limit: usize) -> usize {
    let decompressed = if limit < MOST_DECOMPRESSED {
        limit
    } else {
        MOST_DECOMPRESSED
    };
    decompressed
        .saturating_mul(3)
        .saturating_add(batch_bytes.saturating_mul(3))
        .saturating_add(CODEC_TABLES)
}

/// What the codecs need beside the bytes themselves, at most: windows, tables, one block of
/// literals.
const CODEC_TABLES: usize = 1024 * 1024;

/// The largest limit that can be set: positions in a body are 32 bits wide, as all lengths are.
const MOST_DECOMPRESSED: usize = i32::MAX as usize;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952; cargo feature `gzip`.
    Gzip,
    /// Snappy blocks in the framing of snappy-java; cargo feature `snappy`.
    Snappy,
    /// The LZ4 frame format with independent blocks; cargo feature `lz4`.
    Lz4,
    /// RFC 8878; cargo feature `zstd`. Only in batches of magic 2.
    Zstd,
}

impl Compression {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with this number in the attributes of a batch.
    ///
    /// # Errors
    /// [`RecordError::UnknownCodec`] for all but 0 to 4.
    pub fn from_id(id: u8) -> Result<Self, RecordError> {
        Self::ALL
            .get(usize::from(id))
            .copied()
            .ok_or(RecordError::UnknownCodec { id })
    }

    /// The number in the attributes of a batch.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The name in Kafka's `compression.type`, which is also the name of the cargo feature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Whether the codec was compiled in.
    pub const fn is_enabled(self) -> bool {
        match self {
            Self::None => true,
            Self::Gzip => cfg!(feature = "gzip"),
            Self::Snappy => cfg!(feature = "snappy"),
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a codec gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(
        feature = "gzip",
        feature = "snappy",
        feature = "lz4",
        feature = "zstd"
    )),
    expect(dead_code, reason = "without codecs nothing gives up")
)]
enum CodecError {
    /// The bytes are not what the codec expects.
    Corrupt(&'static str),
    /// More than the limit would come out.
    TooLarge,
}

/// Decompresses batches, one after the other, reusing its buffers. One per thread.
///
/// It holds up to the limit while it works, hands out a copy of exactly the size that came out,
/// and keeps at most 4 MiB (`RETAINED_SCRATCH`) in between.
#[derive(Debug)]
pub struct Decompressor {
    scratch: Scratch,
    #[cfg(feature = "gzip")]
    gzip: gzip::Decoder,
    #[cfg(feature = "snappy")]
    snappy: snappy::Decoder,
    #[cfg(feature = "zstd")]
    zstd: zstd::Decoder,
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new(DEFAULT_DECOMPRESSED_LIMIT)
    }
}

impl Decompressor {
    /// A decompressor that refuses batches of more than `limit` bytes, at most 2 GiB.
    pub fn new(limit: usize) -> Self {
        Self {
            scratch: Scratch::new(limit.min(MOST_DECOMPRESSED)),
            #[cfg(feature = "gzip")]
            gzip: gzip::Decoder::default(),
            #[cfg(feature = "snappy")]
            snappy: snappy::Decoder::default(),
            #[cfg(feature = "zstd")]
            zstd: zstd::Decoder::default(),
        }
    }

    /// The largest size to which a batch may decompress, in bytes.
    pub fn limit(&self) -> usize {
        self.scratch.limit()
    }

    /// Decompresses the body of a batch of the given magic, as
    /// [`Batch::records`](super::Batch::records) does where a batch is read.
    ///
    /// # Errors
    /// [`RecordError::CorruptCompression`], [`RecordError::DecompressedTooLarge`],
    /// [`RecordError::UnknownCodec`] for zstd in a magic below 2, and
    /// [`RecordError::CodecDisabled`].
    #[cfg_attr(
        not(any(
            feature = "gzip",
            feature = "snappy",
            feature = "lz4",
            feature = "zstd"
        )),
        expect(
            unreachable_code,
            unused_variables,
            reason = "without codecs nothing comes out"
        )
    )]
    pub fn decompress(
        &mut self,
        codec: Compression,
        payload: &[u8],
        magic: u8,
    ) -> Result<Bytes, RecordError> {
        if codec == Compression::Zstd && magic < 2 {
            return Err(RecordError::UnknownCodec { id: codec.id() });
        }
        self.scratch.clear();
        let outcome: Result<(), CodecError> = match codec {
            #[cfg(feature = "gzip")]
            Compression::Gzip => self.gzip.decompress(payload, &mut self.scratch),
            #[cfg(feature = "snappy")]
            Compression::Snappy => self.snappy.decompress(payload, &mut self.scratch),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => lz4::decompress(payload, magic, &mut self.scratch),
            #[cfg(feature = "zstd")]
            Compression::Zstd => self.zstd.decompress(payload, &mut self.scratch),
            Compression::None => return Ok(Bytes::copy_from_slice(payload)),
            #[cfg(not(all(
                feature = "gzip",
                feature = "snappy",
                feature = "lz4",
                feature = "zstd"
            )))]
            _ => return Err(RecordError::CodecDisabled { codec }),
        };
        let decompressed = match outcome {
            Ok(()) => Ok(Bytes::copy_from_slice(self.scratch.filled())),
            Err(CodecError::Corrupt(reason)) => {
                Err(RecordError::CorruptCompression { codec, reason })
            }
            Err(CodecError::TooLarge) => Err(RecordError::DecompressedTooLarge {
                codec,
                limit: self.limit(),
            }),
        };
        self.scratch.shrink();
        decompressed
    }
}

/// Compresses batches at the default level of each codec, reusing its buffers. One per thread.
#[derive(Debug, Default)]
pub struct Compressor {
    #[cfg(feature = "gzip")]
    gzip: gzip::Encoder,
    #[cfg(feature = "snappy")]
    snappy: snappy::Encoder,
    #[cfg(feature = "lz4")]
    lz4: lz4::Encoder,
    #[cfg(feature = "zstd")]
    zstd: zstd::Encoder,
}

impl Compressor {
    /// Appends `records`, compressed, to `out`.
    ///
    /// # Errors
    /// [`RecordError::CodecDisabled`] if the codec was not compiled in.
    pub fn compress(
        &mut self,
        codec: Compression,
        records: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        match codec {
            Compression::None => out.extend_from_slice(records),
            #[cfg(feature = "gzip")]
            Compression::Gzip => self.gzip.compress(records, out),
            #[cfg(feature = "snappy")]
            Compression::Snappy => self.snappy.compress(records, out),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => self.lz4.compress(records, out),
            #[cfg(feature = "zstd")]
            Compression::Zstd => self.zstd.compress(records, out),
            #[cfg(not(all(
                feature = "gzip",
                feature = "snappy",
                feature = "lz4",
                feature = "zstd"
            )))]
            _ => return Err(RecordError::CodecDisabled { codec }),
        }
        Ok(())
    }
}
