//! Gzip: RFC 1952 members, one after the other.

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use super::CodecError;
use super::scratch::Scratch;

const MEMBER_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The exponent of the largest window of deflate, 32 KiB.
const WINDOW_BITS: u8 = 15;
/// The first guess at the output is this many times the input.
const FIRST_GUESS: usize = 4;
const LEAST_ROOM: usize = 4 * 1024;

#[derive(Debug)]
pub(super) struct Decoder(Decompress);

impl Default for Decoder {
    fn default() -> Self {
        Self(Decompress::new_gzip(WINDOW_BITS))
    }
}

impl Decoder {
    /// What follows the last member is ignored, as Java's `GZIPInputStream` does.
    pub(super) fn decompress(
        &mut self,
        mut input: &[u8],
        out: &mut Scratch,
    ) -> Result<(), CodecError> {
        loop {
            let used = self.member(input, out)?;
            input = &input[used..];
            if !input.starts_with(&MEMBER_MAGIC) {
                return Ok(());
            }
        }
    }

    /// Decompresses one member and tells how many bytes it took.
    fn member(&mut self, input: &[u8], out: &mut Scratch) -> Result<usize, CodecError> {
        self.0.reset(true);
        let mut guess = input.len().saturating_mul(FIRST_GUESS).max(LEAST_ROOM);
        loop {
            let read = self.0.total_in() as usize;
            let written = self.0.total_out();
            let rest = input.get(read..).unwrap_or_default();
            let room = out.room(guess);
            let had_room = !room.is_empty();
            let status = self
                .0
                .decompress(rest, room, FlushDecompress::None)
                .map_err(|_| CodecError::Corrupt("not a gzip stream"))?;
            let progress = (self.0.total_out() - written) as usize;
            out.advance(progress);
            let read_now = self.0.total_in() as usize;
            if status == Status::StreamEnd {
                return Ok(read_now);
            }
            if progress == 0 && read_now == read {
                return Err(if had_room {
                    CodecError::Corrupt("the gzip stream is cut off")
                } else {
                    CodecError::TooLarge
                });
            }
            guess = out.filled().len().max(LEAST_ROOM);
        }
    }
}

#[derive(Debug)]
pub(super) struct Encoder(Compress);

impl Default for Encoder {
    fn default() -> Self {
        Self(Compress::new_gzip(
            flate2::Compression::default(),
            WINDOW_BITS,
        ))
    }
}

impl Encoder {
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.0.reset();
        let mut status = Status::Ok;
        while status != Status::StreamEnd {
            let rest = &input[self.0.total_in() as usize..];
            out.reserve(rest.len() / 2 + LEAST_ROOM);
            status = self
                .0
                .compress_vec(rest, out, FlushCompress::Finish)
                .expect("deflate without a dictionary has no failing state");
        }
    }
}
