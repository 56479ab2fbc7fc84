//! Zstandard: RFC 8878 frames, one after the other. Why this crate: `docs/compression.md`.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use zstd_pure_rs::common::error::{ERR_getErrorCode, ErrorCode};
use zstd_pure_rs::common::xxhash::XXH64_state_t;
use zstd_pure_rs::decompress::zstd_decompress_block::{
    ZSTD_buildDefaultSeqTables, ZSTD_decoder_entropy_rep,
};
use zstd_pure_rs::prelude::{
    ERR_isError, ZSTD_CCtx, ZSTD_DCtx, ZSTD_compressBound, ZSTD_compressCCtx, ZSTD_createCCtx,
    ZSTD_decompressDCtx,
};

use super::CodecError;
use super::scratch::Scratch;

/// The level of the C library and of Kafka.
const DEFAULT_LEVEL: i32 = 3;
/// The first guess at the output is this many times the input; the next are four times the last.
const FIRST_GUESS: usize = 8;
const LEAST_ROOM: usize = 64 * 1024;

/// The context is made anew after an error, so that no batch leaves traces in the next.
#[derive(Default)]
pub(super) struct Decoder(Option<Box<Context>>);

struct Context {
    decompression: ZSTD_DCtx,
    entropy: ZSTD_decoder_entropy_rep,
    checksum: XXH64_state_t,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decoder").field(&self.0.is_some()).finish()
    }
}

impl Decoder {
    /// Decodes into one slice, which spares the decoder a window of its own, and starts again with
    /// a larger one if that was too small: in all at most 4/3 of the work that the limit allows.
    pub(super) fn decompress(&mut self, input: &[u8], out: &mut Scratch) -> Result<(), CodecError> {
        let mut guess = input.len().saturating_mul(FIRST_GUESS).max(LEAST_ROOM);
        loop {
            let room = out.room(guess);
            let size = room.len();
            match self.frames(input, room) {
                Ok(written) => {
                    out.advance(written);
                    return Ok(());
                }
                Err(CodecError::TooLarge) if size < out.limit() => {
                    guess = size.saturating_mul(4);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The crate is young. No panic was found by fuzzing, but one must not end the consumer's
    /// thread, and it could only have come from the bytes: a panic is a corrupt frame.
    fn frames(&mut self, input: &[u8], room: &mut [u8]) -> Result<usize, CodecError> {
        let mut context = self.0.take().unwrap_or_else(Context::new);
        let decoded = catch_unwind(AssertUnwindSafe(|| context.decode(input, room)));
        let code = match decoded {
            Ok(Ok(written)) => {
                self.0 = Some(context);
                return Ok(written);
            }
            Ok(Err(code)) => code,
            Err(_) => ErrorCode::Generic,
        };
        Err(match code {
            ErrorCode::DstSizeTooSmall => CodecError::TooLarge,
            ErrorCode::ChecksumWrong => CodecError::Corrupt("the checksum does not match"),
            _ => CodecError::Corrupt("not a zstd frame"),
        })
    }
}

impl Context {
    fn new() -> Box<Self> {
        let mut context = Box::new(Self {
            decompression: ZSTD_DCtx::new(),
            entropy: ZSTD_decoder_entropy_rep::default(),
            checksum: XXH64_state_t::default(),
        });
        ZSTD_buildDefaultSeqTables(&mut context.decompression);
        context
    }

    fn decode(&mut self, input: &[u8], room: &mut [u8]) -> Result<usize, ErrorCode> {
        let size = room.len();
        let Self {
            decompression,
            entropy,
            checksum,
        } = self;
        let written = ZSTD_decompressDCtx(decompression, entropy, checksum, room, input);
        if ERR_isError(written) || written > size {
            return Err(ERR_getErrorCode(written));
        }
        Ok(written)
    }
}

#[derive(Default)]
pub(super) struct Encoder(Option<Box<ZSTD_CCtx>>);

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Encoder").field(&self.0.is_some()).finish()
    }
}

impl Encoder {
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let context = self.0.get_or_insert_with(|| {
            ZSTD_createCCtx().expect("a context of the default allocator is always made")
        });
        let begin = out.len();
        out.resize(begin + ZSTD_compressBound(input.len()), 0);
        let written = ZSTD_compressCCtx(context, &mut out[begin..], input, DEFAULT_LEVEL);
        assert!(
            !ERR_isError(written),
            "the bound that zstd tells always suffices"
        );
        out.truncate(begin + written);
    }
}
