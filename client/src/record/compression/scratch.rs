//! The buffer into which codecs decompress: it grows with what comes out, up to a limit.

/// What a scratch buffer keeps between two batches, in bytes. Larger ones are given back.
const RETAINED_SCRATCH: usize = 4 * 1024 * 1024;

/// Zeroed once when it grows, then written over and over. Its length never exceeds the limit.
#[derive(Debug)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
    filled: usize,
    limit: usize,
}

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

    #[cfg(any(feature = "snappy", feature = "lz4", feature = "zstd"))]
    /// How much may still come.
    pub(super) fn left(&self) -> usize {
        self.limit - self.filled
    }

    #[cfg(any(feature = "gzip", feature = "snappy", feature = "lz4"))]
    /// All room there is behind what is filled, after growing to `wanted` bytes of it or to the
    /// limit, whichever is less.
    pub(super) fn room(&mut self, wanted: usize) -> &mut [u8] {
        let length = self.filled.saturating_add(wanted).min(self.limit);
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
        &mut self.bytes[self.filled..]
    }

    #[cfg(any(feature = "snappy", feature = "lz4"))]
    /// Exactly `wanted` bytes of room.
    pub(super) fn exact_room(&mut self, wanted: usize) -> Result<&mut [u8], super::CodecError> {
        if wanted > self.left() {
            return Err(super::CodecError::TooLarge);
        }
        Ok(&mut self.room(wanted)[..wanted])
    }

    #[cfg(any(feature = "gzip", feature = "snappy", feature = "lz4"))]
    /// Counts `written` bytes of the room as filled.
    pub(super) fn advance(&mut self, written: usize) {
        self.filled = self.filled.saturating_add(written).min(self.bytes.len());
    }

    #[cfg(feature = "zstd")]
    /// What is filled, as a vector to append to, and how much may be appended.
    /// [`adopt`](Self::adopt) has to follow.
    pub(super) fn appendable(&mut self) -> (&mut Vec<u8>, usize) {
        let left = self.left();
        self.bytes.truncate(self.filled);
        (&mut self.bytes, left)
    }

    #[cfg(feature = "zstd")]
    /// Counts everything that was appended as filled.
    pub(super) fn adopt(&mut self) {
        self.filled = self.bytes.len();
    }

    /// Gives memory back after an unusually large batch.
    pub(super) fn shrink(&mut self) {
        if self.bytes.len() > RETAINED_SCRATCH {
            self.bytes = Vec::new();
            self.filled = 0;
        }
    }
}
