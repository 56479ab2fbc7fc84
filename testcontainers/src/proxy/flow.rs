//! The bytes of one connection on their way in one direction.
//!
//! ```text
//!  read from one socket -> taken in -> waits until it is due -> written to the other socket
//! ```
//!
//! It decides when which bytes may leave, which bits are turned, and when the line is cut. It
//! touches no socket and reads no clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use weft_client::backoff::Random;

use super::impairment::Impairment;

/// What waits, the oldest first, and what the line has carried.
#[derive(Debug)]
pub(super) struct Flow {
    waiting: VecDeque<Piece>,
    waiting_bytes: usize,
    taken_in: u64,
    /// When the line has carried what was taken in, if it is narrow.
    free_at: Option<Instant>,
    /// Bytes until the next bit is turned, and how many there are between two on average.
    next_turn: Option<(u64, u64)>,
    random: Random,
    is_cut: bool,
}

#[derive(Debug)]
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
    /// How many of them are gone.
    gone: usize,
}

impl Flow {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            taken_in: 0,
            free_at: None,
            next_turn: None,
            random: Random::new(seed),
            is_cut: false,
        }
    }

    /// How many bytes may be taken in now. Zero holds the sender back.
    pub(super) fn room(&self, impairment: &Impairment) -> usize {
        if impairment.is_silent || self.is_cut {
            return 0;
        }
        WAITING_BYTES_MAX - self.waiting_bytes.min(WAITING_BYTES_MAX)
    }

    /// Takes in bytes that were read.
    pub(super) fn take_in(&mut self, now: Instant, impairment: &Impairment, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        if let Some(limit) = impairment.cut_after {
            let left = limit.saturating_sub(self.taken_in);
            if bytes.len() as u64 >= left {
                bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                self.is_cut = true;
            }
        }
        self.taken_in += bytes.len() as u64;
        self.corrupt(impairment, &mut bytes);
        self.waiting_bytes += bytes.len();
        let arrives = now + impairment.delay;
        match impairment.bytes_per_second {
            None => {
                self.free_at = None;
                self.wait_until(arrives, bytes);
            }
            Some(rate) => self.squeeze(arrives, rate, &bytes),
        }
    }

    /// The bytes that may leave now.
    pub(super) fn due(&self, now: Instant) -> Option<&[u8]> {
        let first = self.waiting.front().filter(|piece| piece.due <= now)?;
        Some(&first.bytes[first.gone..])
    }

    /// So many of them have left.
    pub(super) fn left(&mut self, bytes: usize) {
        if let Some(first) = self.waiting.front_mut() {
            first.gone += bytes;
            self.waiting_bytes -= bytes;
            if first.gone >= first.bytes.len() {
                self.waiting.pop_front();
            }
        }
    }

    /// When there is something that may leave.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|piece| piece.due)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the connection is to be cut once nothing waits.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How many bytes were taken in so far.
    pub(super) fn taken_in(&self) -> u64 {
        self.taken_in
    }

    fn wait_until(&mut self, due: Instant, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            // A shorter delay does not let later bytes overtake earlier ones.
            let due = self.waiting.back().map_or(due, |last| due.max(last.due));
            let gone = 0;
            self.waiting.push_back(Piece { due, bytes, gone });
        }
    }

    /// Cuts bytes into pieces that a narrow line carries in [`STEP`] each.
    fn squeeze(&mut self, arrives: Instant, rate: u64, bytes: &[u8]) {
        let step = (rate as f64 * STEP.as_secs_f64()).max(1.0) as usize;
        for piece in bytes.chunks(step) {
            let begins = self.free_at.map_or(arrives, |free_at| free_at.max(arrives));
            let takes = Duration::from_secs_f64(piece.len() as f64 / rate as f64);
            self.free_at = Some(begins + takes);
            self.wait_until(begins + takes, piece.to_vec());
        }
    }

    fn corrupt(&mut self, impairment: &Impairment, bytes: &mut [u8]) {
        let Some(every) = impairment.corrupt_every else {
            self.next_turn = None;
            return;
        };
        let mut at = match self.next_turn {
            Some((distance, of)) if of == every => distance,
            _ => self.distance(every),
        };
        let length = bytes.len() as u64;
        while at < length {
            let bit = self.random.next_u64() % 8;
            bytes[at as usize] ^= 1 << bit;
            at += 1 + self.distance(every);
        }
        self.next_turn = Some((at - length, every));
    }

    /// How far it is to the next turned bit: anything up to twice the average.
    fn distance(&mut self, every: u64) -> u64 {
        self.random.next_u64() % every.saturating_mul(2).saturating_sub(1).max(1)
    }
}

/// Bytes that may wait in one direction of one connection.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A narrow line passes on what it carries in this time at once.
const STEP: Duration = Duration::from_millis(20);

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests begin at some time")]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Takes out all that is due.
    fn drain(flow: &mut Flow, now: Instant) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(due) = flow.due(now) {
            all.extend_from_slice(due);
            let bytes = due.len();
            flow.left(bytes);
        }
        all
    }

    #[test]
    fn a_good_line_passes_everything_on_at_once() {
        let now = Instant::now();
        let mut flow = Flow::new(1);
        flow.take_in(now, &Impairment::none(), b"one ");
        flow.take_in(now, &Impairment::none(), b"two");
        assert_eq!(drain(&mut flow, now), b"one two");
        assert!(flow.is_empty() && flow.next_deadline().is_none());
    }

    #[test]
    fn delayed_bytes_keep_their_order_when_the_delay_ends() {
        let now = Instant::now();
        let mut flow = Flow::new(1);
        flow.take_in(now, &Impairment::none().delay(seconds(2)), b"slow ");
        flow.take_in(now, &Impairment::none(), b"quick");
        assert_eq!(drain(&mut flow, now + seconds(1)), b"");
        assert_eq!(flow.next_deadline(), Some(now + seconds(2)));
        assert_eq!(drain(&mut flow, now + seconds(2)), b"slow quick");
    }

    #[test]
    fn a_narrow_line_carries_what_it_says() {
        let now = Instant::now();
        let narrow = Impairment::none().bytes_per_second(1_000);
        let mut flow = Flow::new(1);
        flow.take_in(now, &narrow, &[7; 1_500]);
        flow.take_in(now, &narrow, &[7; 1_500]);
        assert_eq!(drain(&mut flow, now).len(), 0);
        assert_eq!(drain(&mut flow, now + seconds(1)).len(), 1_000);
        assert_eq!(drain(&mut flow, now + seconds(2)).len(), 1_000);
        let end = now + seconds(3) + Duration::from_millis(1);
        assert_eq!(drain(&mut flow, end).len(), 1_000);
    }

    #[test]
    fn the_sender_is_held_back_while_too_much_waits() {
        let now = Instant::now();
        let slow = Impairment::none().delay(seconds(9));
        let mut flow = Flow::new(1);
        flow.take_in(now, &slow, &vec![0; WAITING_BYTES_MAX - 10]);
        assert_eq!(flow.room(&slow), 10);
        flow.take_in(now, &slow, &[0; 10]);
        assert_eq!(flow.room(&slow), 0);
        drain(&mut flow, now + seconds(9));
        assert_eq!(flow.room(&slow), WAITING_BYTES_MAX);
        assert_eq!(flow.room(&Impairment::none().silent()), 0);
    }

    #[test]
    fn a_cut_comes_after_exactly_so_many_bytes() {
        let now = Instant::now();
        let cut = Impairment::none().cut_after(6);
        let mut flow = Flow::new(1);
        flow.take_in(now, &cut, b"1234");
        assert!(!flow.is_cut());
        flow.take_in(now, &cut, b"5678");
        assert!(flow.is_cut());
        assert_eq!(flow.room(&cut), 0);
        assert_eq!(drain(&mut flow, now), b"123456");
        assert_eq!(flow.taken_in(), 6);
    }

    #[test]
    fn bits_are_turned_as_often_as_asked_and_the_same_for_a_seed() {
        let now = Instant::now();
        let lying = Impairment::none().corrupt_every(1_000);
        let corrupted = |seed, pieces: usize| {
            let mut flow = Flow::new(seed);
            for piece in vec![0_u8; 100_000].chunks(100_000 / pieces) {
                flow.take_in(now, &lying, piece);
            }
            drain(&mut flow, now)
        };
        let one = corrupted(5, 1);
        let turned: u32 = one.iter().map(|byte| byte.count_ones()).sum();
        assert!((60..160).contains(&turned), "{turned} bits");
        assert!(one.iter().all(|byte| byte.count_ones() <= 1));
        assert_eq!(one, corrupted(5, 10), "however the bytes come");
        assert_ne!(one, corrupted(6, 1));
    }
}
