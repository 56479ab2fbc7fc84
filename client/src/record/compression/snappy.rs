//! Snappy: the stream of snappy-java (often called xerial), or a bare block as some clients
//! write it.
//!
//! ```text
//! 82 "SNAPPY" 00 | int32 version | int32 compatible version | { int32 length, block }*
//! ```

use super::CodecError;
use super::scratch::Scratch;

const STREAM_MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// Magic and two versions.
const STREAM_HEADER_LENGTH: usize = 16;
/// The block size of snappy-java.
const BLOCK_SIZE: usize = 32 * 1024;
/// No element of a block makes more than 64 bytes, and the ones that do take three. A block that
/// announces more than this multiple of itself lies.
const MOST_EXPANSION: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Decoder(snap::raw::Decoder);

impl Decoder {
    pub(super) fn decompress(&mut self, input: &[u8], out: &mut Scratch) -> Result<(), CodecError> {
        if !input.starts_with(&STREAM_MAGIC) {
            return self.block(input, out);
        }
        let mut rest = input
            .get(STREAM_HEADER_LENGTH..)
            .ok_or(CodecError::Corrupt("the stream header is cut off"))?;
        while !rest.is_empty() {
            let (&length, behind) = rest
                .split_first_chunk()
                .ok_or(CodecError::Corrupt("a block length is cut off"))?;
            let length = u32::from_be_bytes(length) as usize;
            let (block, behind) = behind
                .split_at_checked(length)
                .ok_or(CodecError::Corrupt("a block is cut off"))?;
            self.block(block, out)?;
            rest = behind;
        }
        Ok(())
    }

    fn block(&mut self, block: &[u8], out: &mut Scratch) -> Result<(), CodecError> {
        let corrupt = |_| CodecError::Corrupt("not a snappy block");
        let announced = snap::raw::decompress_len(block).map_err(corrupt)?;
        if announced > block.len().saturating_mul(MOST_EXPANSION) {
            return Err(CodecError::Corrupt(
                "a snappy block announces more than it can hold",
            ));
        }
        let room = out.exact_room(announced)?;
        let written = self.0.decompress(block, room).map_err(corrupt)?;
        out.advance(written);
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Encoder(snap::raw::Encoder);

impl Default for Encoder {
    fn default() -> Self {
        Self(snap::raw::Encoder::new())
    }
}

impl Encoder {
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&STREAM_MAGIC);
        out.extend_from_slice(&1_u32.to_be_bytes());
        out.extend_from_slice(&1_u32.to_be_bytes());
        for chunk in input.chunks(BLOCK_SIZE) {
            let length_at = out.len();
            let block_at = length_at + size_of::<u32>();
            out.resize(block_at + snap::raw::max_compress_len(chunk.len()), 0);
            let written = self
                .0
                .compress(chunk, &mut out[block_at..])
                .expect("a block of 32 KiB fits into the room that snappy asks for");
            out[length_at..block_at].copy_from_slice(&(written as u32).to_be_bytes());
            out.truncate(block_at + written);
        }
    }
}
