//! LZ4: the frame format as Kafka uses it, around the block codec of `lz4_flex`.
//!
//! ```text
//! 04 22 4d 18 | FLG | BD | [content size 8] | HC | { u32 le length, block, [checksum] }* | 0 ..
//! ```
//!
//! Our own framing for three reasons: blocks go straight into the caller's buffer, output is
//! bounded before it is made, and messages of magic 0 carry a wrong header checksum that must be
//! ignored (old clients hashed the frame's magic too). Blocks must be independent, as in Java. The
//! checksum of the whole content is not verified: the batch has its own.

use lz4_flex::block::{self, CompressTable};
use twox_hash::XxHash32;

use super::CodecError;
use super::scratch::Scratch;

const FRAME_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const VERSION_MASK: u8 = 0b1100_0000;
const VERSION: u8 = 0b0100_0000;
const INDEPENDENT_BLOCKS: u8 = 0b0010_0000;
const BLOCK_CHECKSUMS: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;
const RESERVED_FLAGS: u8 = 0b0000_0010;
const DICTIONARY: u8 = 0b0000_0001;
/// The code of 64 KiB in the block size byte; each following code is four times larger.
const LEAST_BLOCK_CODE: u8 = 4;
const LEAST_BLOCK_SIZE: usize = 64 * 1024;
/// Set in a block length if the block is stored as it is.
const STORED: u32 = 1 << 31;
/// One byte of a block adds at most 255 bytes to a match.
const MOST_EXPANSION: usize = 256;

/// Decompresses one frame; what follows it is ignored, as Java does.
pub(super) fn decompress(input: &[u8], magic: u8, out: &mut Scratch) -> Result<(), CodecError> {
    let (frame, mut rest) = FrameDescriptor::read(input, magic)?;
    loop {
        let length = u32::from_le_bytes(*take(&mut rest)?);
        if length == 0 {
            return Ok(());
        }
        let (block, behind) = rest
            .split_at_checked((length & !STORED) as usize)
            .ok_or(CodecError::Corrupt("a block is cut off"))?;
        rest = behind;
        if frame.has_block_checksums {
            let announced = u32::from_le_bytes(*take(&mut rest)?);
            if XxHash32::oneshot(0, block) != announced {
                return Err(CodecError::Corrupt("a block checksum does not match"));
            }
        }
        if length & STORED != 0 {
            if block.len() > frame.block_size {
                return Err(CodecError::Corrupt("a block exceeds the block size"));
            }
            out.exact_room(block.len())?.copy_from_slice(block);
            out.advance(block.len());
        } else {
            decompress_block(block, frame.block_size, out)?;
        }
    }
}

fn decompress_block(block: &[u8], block_size: usize, out: &mut Scratch) -> Result<(), CodecError> {
    let most = block_size.min(block.len().saturating_mul(MOST_EXPANSION));
    let room = out.room(most);
    let is_short = room.len() < most;
    let room_end = room.len().min(most);
    let written =
        block::decompress_into(block, &mut room[..room_end]).map_err(|error| match error {
            block::DecompressError::OutputTooSmall { .. } if is_short => CodecError::TooLarge,
            _ => CodecError::Corrupt("not an lz4 block"),
        })?;
    out.advance(written);
    Ok(())
}

struct FrameDescriptor {
    has_block_checksums: bool,
    block_size: usize,
}

impl FrameDescriptor {
    fn read(input: &[u8], magic: u8) -> Result<(Self, &[u8]), CodecError> {
        let cut_off = CodecError::Corrupt("the frame header is cut off");
        let Some(descriptor) = input.strip_prefix(&FRAME_MAGIC) else {
            return Err(CodecError::Corrupt("not an lz4 frame"));
        };
        let &[flags, block_descriptor, ..] = descriptor else {
            return Err(cut_off);
        };
        if flags & VERSION_MASK != VERSION || flags & RESERVED_FLAGS != 0 {
            return Err(CodecError::Corrupt(
                "unknown version of the lz4 frame format",
            ));
        }
        if flags & INDEPENDENT_BLOCKS == 0 || flags & DICTIONARY != 0 {
            return Err(CodecError::Corrupt(
                "lz4 blocks that depend on others are not supported",
            ));
        }
        let block_code = block_descriptor >> 4;
        if !(LEAST_BLOCK_CODE..=7).contains(&block_code) || block_descriptor & 0x0f != 0 {
            return Err(CodecError::Corrupt("unknown lz4 block size"));
        }
        let length = if flags & CONTENT_SIZE != 0 { 10 } else { 2 };
        let (hashed, rest) = descriptor.split_at_checked(length).ok_or(cut_off)?;
        let (&checksum, rest) = rest.split_first().ok_or(cut_off)?;
        if magic > 0 && checksum != descriptor_checksum(hashed) {
            return Err(CodecError::Corrupt(
                "the frame header checksum does not match",
            ));
        }
        let frame = Self {
            has_block_checksums: flags & BLOCK_CHECKSUMS != 0,
            block_size: LEAST_BLOCK_SIZE << (2 * (block_code - LEAST_BLOCK_CODE)),
        };
        Ok((frame, rest))
    }
}

/// The second byte of the hash over flags, block size and content size.
fn descriptor_checksum(hashed: &[u8]) -> u8 {
    (XxHash32::oneshot(0, hashed) >> 8) as u8
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8; 4], CodecError> {
    let cut_off = CodecError::Corrupt("the lz4 frame is cut off");
    let (taken, behind) = rest.split_first_chunk().ok_or(cut_off)?;
    *rest = behind;
    Ok(taken)
}

pub(super) struct Encoder(CompressTable);

impl Default for Encoder {
    fn default() -> Self {
        Self(CompressTable::large())
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

impl Encoder {
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let descriptor = [VERSION | INDEPENDENT_BLOCKS, LEAST_BLOCK_CODE << 4];
        out.extend_from_slice(&FRAME_MAGIC);
        out.extend_from_slice(&descriptor);
        out.push(descriptor_checksum(&descriptor));
        for chunk in input.chunks(LEAST_BLOCK_SIZE) {
            let length_at = out.len();
            let block_at = length_at + size_of::<u32>();
            out.resize(block_at + block::get_maximum_output_size(chunk.len()), 0);
            let written = block::compress_into_with_table(chunk, &mut out[block_at..], &mut self.0)
                .expect("a block fits into the room that lz4 asks for");
            let length = if written < chunk.len() {
                out.truncate(block_at + written);
                written as u32
            } else {
                out.truncate(block_at);
                out.extend_from_slice(chunk);
                chunk.len() as u32 | STORED
            };
            out[length_at..block_at].copy_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(&0_u32.to_le_bytes());
    }
}
