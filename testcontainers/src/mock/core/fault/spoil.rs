//! What becomes of the bytes of an answer: changed, cut in half, or not sent at all. And the
//! numbers that are drawn for it.

use bytes::{Bytes, BytesMut};

use super::fate::{Ending, Fate};

/// What leaves the broker in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Frame(Vec<Bytes>),
    /// The client expects no answer, and may ask the next thing.
    Nothing,
    /// The connection is closed, after these bytes.
    Cut(Vec<Bytes>),
    /// Nothing comes, ever.
    Lost,
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Draw {
    state: u64,
}

/// Does to an answer what the request's fate wants done to its bytes.
pub(crate) fn spoil(fate: &Fate, outgoing: Outgoing) -> Outgoing {
    let outgoing = match (fate.corruption, outgoing) {
        (Some((bytes, seed)), Outgoing::Frame(chunks)) => {
            Outgoing::Frame(vec![corrupt(&chunks, bytes, seed)])
        }
        (_, outgoing) => outgoing,
    };
    match (fate.ending, outgoing) {
        (None, outgoing) => outgoing,
        (Some(Ending::Lose), _) => Outgoing::Lost,
        (Some(Ending::Half), Outgoing::Frame(chunks)) => Outgoing::Cut(half(chunks)),
        (Some(Ending::Half | Ending::Cut), _) => Outgoing::Cut(Vec::new()),
    }
}

fn corrupt(chunks: &[Bytes], count: u32, seed: u64) -> Bytes {
    let mut frame = BytesMut::from(&chunks.concat()[..]);
    let body = frame.len().saturating_sub(LENGTH_PREFIX);
    if body > 0 {
        let mut draw = Draw::new(seed);
        for _ in 0..(count as usize).min(body) {
            let at = LENGTH_PREFIX + draw.below(body as u64) as usize;
            // Never zero, so that the byte becomes another one.
            frame[at] ^= 1 + draw.below(255) as u8;
        }
    }
    frame.freeze()
}

fn half(chunks: Vec<Bytes>) -> Vec<Bytes> {
    let mut left = chunks.iter().map(Bytes::len).sum::<usize>() / 2;
    let mut kept = Vec::new();
    for chunk in chunks {
        let taken = chunk.len().min(left);
        left -= taken;
        if taken > 0 {
            kept.push(chunk.slice(..taken));
        }
    }
    kept
}

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, evenly from 0 to `end` - 1; `end` is not 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The bytes in front of a frame that say how long it is. They are left alone: a client that waits
/// for more bytes than ever come is another fault.
const LENGTH_PREFIX: usize = 4;
