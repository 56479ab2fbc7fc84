//! Reads decisions off the front of an input: which API, how long a piece, what happens next.
//!
//! An input that has ended decides for zero, so that every input means something, and a shorter one
//! means less.

use weft_client::wire::{ApiKey, ours, specimen};

/// What is left of an input.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Reads from the front of `input`.
    pub const fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub const fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        byte
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// The next two bytes as a number.
    pub fn int16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next eight bytes as a number.
    pub fn int64(&mut self) -> i64 {
        let bytes: [u8; 8] = std::array::from_fn(|_| self.byte());
        i64::from_be_bytes(bytes)
    }

    /// Bytes behind a length of two bytes, cut off where the input ends.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.int16()).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        bytes
    }

    /// An API that Weft speaks: the one with this number, or any.
    pub fn api_key(&mut self) -> ApiKey {
        let byte = self.byte();
        let named = ApiKey::try_from(i16::from(byte)).ok();
        let spoken = |api_key: &ApiKey| !ours(*api_key).is_empty();
        named.filter(spoken).unwrap_or_else(|| {
            let all: Vec<ApiKey> = specimen::apis().filter(spoken).collect();
            all[usize::from(byte) % all.len()]
        })
    }

    /// An API that Weft speaks, and a version of it.
    pub fn api_and_version(&mut self) -> (ApiKey, i16) {
        let api_key = self.api_key();
        let versions: Vec<i16> = ours(api_key).collect();
        (api_key, versions[self.below(versions.len())])
    }
}
