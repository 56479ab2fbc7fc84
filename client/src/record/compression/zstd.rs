//! Zstandard: RFC 8878 frames, one after the other. Why this crate: `docs/compression.md`.

use std::fmt;

use zrip::{DecompressContext, DecompressError};

use super::CodecError;
use super::scratch::Scratch;

/// The level of the C library and of Kafka.
const DEFAULT_LEVEL: i32 = 3;

/// Keeps the decoder's tables from batch to batch.
#[derive(Default)]
pub(super) struct Decoder(DecompressContext);

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decoder").finish()
    }
}

impl Decoder {
    /// The decoder never trusts the size that a frame announces beyond the limit it is given.
    pub(super) fn decompress(&mut self, input: &[u8], out: &mut Scratch) -> Result<(), CodecError> {
        let (bytes, left) = out.appendable();
        let decoded = self.0.decompress_into_with_limit(input, bytes, left);
        out.adopt();
        match decoded {
            Ok(_) => Ok(()),
            Err(DecompressError::OutputTooSmall) => Err(CodecError::TooLarge),
            Err(DecompressError::ChecksumMismatch { .. }) => {
                Err(CodecError::Corrupt("the checksum does not match"))
            }
            Err(_) => Err(CodecError::Corrupt("not a zstd frame")),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Encoder;

impl Encoder {
    pub(super) fn compress(&self, input: &[u8], out: &mut Vec<u8>) {
        let begin = out.len();
        out.resize(begin + zrip::compress_bound(input.len()), 0);
        let written = zrip::compress_into(input, &mut out[begin..], DEFAULT_LEVEL)
            .expect("the bound that the codec tells always suffices");
        out.truncate(begin + written);
    }
}
