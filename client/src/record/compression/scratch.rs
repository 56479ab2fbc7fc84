//! The buffer into which codecs decompress: it grows with what comes out, up to a limit.

use super::CodecError;

/// What a scratch buffer keeps between two batches, in bytes. Larger ones are given back.
const RETAINED_SCRATCH: usize = 4 * 1024 * 1024;

/// Zeroed once when it grows, then written over and over. Its length never exceeds the limit.
#[derive(Debug)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
    filled: usize,
    limit: usize,
}

#[cfg_attr(
    not(any(
        feature = "gzip",
        feature = "snappy",
        feature = "lz4",
        feature = "zstd"
    )),
    expect(dead_code, reason = "without codecs nothing writes")
)]
impl Scratch {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            filled: 0,
            limit,
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// How much may still come.
    pub(super) fn left(&self) -> usize {
        self.limit - self.filled
    }

    /// All room there is behind what is filled, after growing to `wanted` bytes of it or to the
    /// limit, whichever is less.
    pub(super) fn room(&mut self, wanted: usize) -> &mut [u8] {
        let length = self.filled.saturating_add(wanted).min(self.limit);
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// Exactly `wanted` bytes of room.
    pub(super) fn exact_room(&mut self, wanted: usize) -> Result<&mut [u8], CodecError> {
        if wanted > self.left() {
            return Err(CodecError::TooLarge);
        }
        Ok(&mut self.room(wanted)[..wanted])
    }

    /// Counts `written` bytes of the room as filled.
    pub(super) fn advance(&mut self, written: usize) {
        self.filled = self.filled.saturating_add(written).min(self.bytes.len());
    }

    /// Gives memory back after an unusually large batch.
    pub(super) fn shrink(&mut self) {
        if self.bytes.len() > RETAINED_SCRATCH {
            self.bytes = Vec::new();
            self.filled = 0;
        }
    }
}
