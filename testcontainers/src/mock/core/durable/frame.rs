//! Frames of the journal: how a reader knows what was written whole.
//!
//! ```text
//!   length: u32 | checksum of the length: u32 | payload | checksum of the payload: u32
//! ```
//!
//! Numbers are big-endian, checksums CRC-32C. What happens together stands in one frame, so that it
//! is there or is not. The length has a checksum of its own: a frame that announces more than there
//! is was cut by a death, unless the length itself is wrong, which is damage.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::fact::Fact;

/// What the file begins with: its name, and its version.
pub(crate) const HEADER: &[u8; 16] = b"weft-mock-log\0\0\x01";

/// How long what stands before a payload is.
pub(crate) const FRAME_HEAD_LENGTH: usize = 8;

/// How long the checksum behind a payload is.
const CHECKSUM_LENGTH: usize = 4;

/// What the head of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameHead {
    /// So many bytes follow, the checksum included.
    Follows(usize),
    /// It is no head of a frame.
    Damaged,
}

/// Frames as they are to be appended to the file.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: BytesMut,
}

impl Frames {
    /// Writes these facts as one frame, or as several if one would be very long.
    pub(crate) fn push(&mut self, facts: &[Fact]) {
        let mut rest = facts.iter().peekable();
        while rest.peek().is_some() {
            let start = self.bytes.len();
            self.bytes.put_bytes(0, FRAME_HEAD_LENGTH);
            let payload = start + FRAME_HEAD_LENGTH;
            for fact in rest.by_ref() {
                fact.write(&mut self.bytes);
                if self.bytes.len() - payload >= PAYLOAD_BYTES_SOFT_MAX {
                    break;
                }
            }
            let length = ((self.bytes.len() - payload) as u32).to_be_bytes();
            let checksum = crc32c::crc32c(&self.bytes[payload..]);
            self.bytes.put_u32(checksum);
            let head = &mut self.bytes[start..payload];
            head[..4].copy_from_slice(&length);
            head[4..].copy_from_slice(&crc32c::crc32c(&length).to_be_bytes());
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > BYTES_KEPT_MAX {
            self.bytes = BytesMut::new();
        }
    }
}

/// Reads what stands before a payload.
pub(crate) fn read_head(head: [u8; FRAME_HEAD_LENGTH]) -> FrameHead {
    let [a, b, c, d, checksum @ ..] = head;
    let length = [a, b, c, d];
    if u32::from_be_bytes(checksum) == crc32c::crc32c(&length) && u32::from_be_bytes(length) > 0 {
        FrameHead::Follows(u32::from_be_bytes(length) as usize + CHECKSUM_LENGTH)
    } else {
        FrameHead::Damaged
    }
}

/// The payload, without the checksum behind it, if that is right.
pub(crate) fn check_payload(mut payload: Bytes) -> Option<Bytes> {
    let length = payload.len().checked_sub(CHECKSUM_LENGTH)?;
    let checksum = payload.split_off(length);
    (checksum[..] == crc32c::crc32c(&payload).to_be_bytes()).then_some(payload)
}

/// A frame that is this long gets no further fact. A single fact is shorter than a request.
const PAYLOAD_BYTES_SOFT_MAX: usize = 64 * 1024 * 1024;

/// How much memory is kept for the next frames.
const BYTES_KEPT_MAX: usize = 1024 * 1024;
