//! Which of a dense row of sequences are finished: one bit each, from the first unfinished word on.
//!
//! It decides where the first unfinished sequence is. What a sequence stands for it does not know.

use std::collections::VecDeque;

const WORD: u64 = u64::BITS as u64;

/// The bits between the first unfinished sequence (`head`) and the end (`tail`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct FinishedBits {
    words: VecDeque<u64>,
    /// The sequence of the first bit of the first word; a multiple of 64.
    base: u64,
    head: u64,
    tail: u64,
    unfinished: u64,
}

impl FinishedBits {
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    pub(super) fn tail(&self) -> u64 {
        self.tail
    }

    pub(super) fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// Adds an unfinished sequence at the end.
    #[inline]
    pub(super) fn push(&mut self) {
        if self.tail - self.base == self.words.len() as u64 * WORD {
            self.words.push_back(0);
        }
        self.tail += 1;
        self.unfinished += 1;
    }

    /// Sets a bit before the end; says whether it was clear.
    #[inline]
    pub(super) fn finish(&mut self, sequence: u64) -> bool {
        if sequence < self.head {
            return false;
        }
        let (word, bit) = self.place(sequence);
        if self.words[word] & bit != 0 {
            return false;
        }
        self.words[word] |= bit;
        self.unfinished -= 1;
        if sequence == self.head {
            self.advance();
        }
        true
    }

    /// Moves the head to the first clear bit, or to the end.
    fn advance(&mut self) {
        while self.head < self.tail {
            let (word, _) = self.place(self.head);
            let within = self.head % WORD;
            let ones = u64::from((self.words[word] >> within).trailing_ones());
            self.head += ones;
            if within + ones < WORD {
                break;
            }
        }
        while self.head - self.base >= WORD && self.words.pop_front().is_some() {
            self.base += WORD;
        }
    }

    fn place(&self, sequence: u64) -> (usize, u64) {
        let distance = sequence - self.base;
        ((distance / WORD) as usize, 1 << (distance % WORD))
    }

    /// The finished sequences behind the first unfinished one, ascending.
    pub(super) fn finished_beyond_head(&self) -> impl Iterator<Item = u64> {
        (self.head..self.tail).filter(|sequence| {
            let (word, bit) = self.place(*sequence);
            self.words[word] & bit != 0
        })
    }
}
