//! Lanes, hands and draining: first as people think of them, then at random.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weft_client::backoff::Random;
use weft_client::record::{BatchBuilder, Batches, Compression, Compressor, Decompressor};

use crate::route::PartitionIndex;

use super::*;

const EPOCH: AssignmentEpoch = AssignmentEpoch(1);

#[expect(clippy::disallowed_methods, reason = "an origin for times in tests")]
fn start() -> Instant {
    Instant::now()
}

/// Positions of records, which only a real batch has.
fn positions(count: usize) -> Vec<RecordPosition> {
    let mut builder = BatchBuilder::new();
    for _ in 0..count {
        builder.append(0, None, Some(b"v"), &[]).unwrap();
    }
    let bytes = builder
        .build(Compression::None, &mut Compressor::default())
        .unwrap();
    let batch = Batches::new(bytes).next().unwrap().unwrap();
    let records = batch.records(&mut Decompressor::default()).unwrap();
    let slice = records.validate_all().unwrap();
    slice.positions().map(|(position, _)| position).collect()
}

/// One poller, one assignment, and records whose lanes are given.
struct Pool {
    lanes: Lanes<u32>,
    slot: Slot,
    now: Instant,
}

fn pool(workers: usize, lane_of: &[Lane]) -> Pool {
    let mut lanes = Lanes::new(1, workers, 4);
    let slot = lanes.open(0, EPOCH);
    let items: Vec<Item> = positions(lane_of.len())
        .into_iter()
        .zip(lane_of)
        .zip(0..)
        .map(|((position, lane), sequence)| (*lane, position, Sequence(sequence)))
        .collect();
    lanes.push(slot, 0, &items);
    Pool {
        lanes,
        slot,
        now: start(),
    }
}

fn hashed(lanes: &[u32]) -> Vec<Lane> {
    lanes.iter().map(|lane| Lane::Hashed(*lane)).collect()
}

impl Pool {
    fn grab(&mut self, limit: usize) -> Hand<u32> {
        let mut hand = Hand::default();
        self.lanes.grab(0, self.now, limit, &mut hand);
        hand
    }

    /// Reports all of a hand with one outcome.
    fn report(&mut self, mut hand: Hand<u32>, outcome: Outcome) -> Wakes {
        for index in 0..hand.len() {
            hand.set(index, outcome);
        }
        let portions = hand.portions();
        self.lanes.report(0, &mut hand, portions)
    }

    fn finished(&mut self) -> Vec<u64> {
        let mut finished = Vec::new();
        self.lanes.take_finished(0, &mut finished);
        finished.iter().map(|done| done.sequence.0).collect()
    }

    fn remaining(&self) -> (usize, usize) {
        let remaining = self.lanes.remaining(self.slot, EPOCH);
        (remaining.queued, remaining.in_hand)
    }
}

fn sequences(hand: &Hand<u32>) -> Vec<u64> {
    (0..hand.len())
        .map(|index| hand.sequence(index).0)
        .collect()
}

#[test]
fn records_of_one_lane_are_in_one_hand_and_in_order() {
    let mut pool = pool(1, &hashed(&[0, 0, 1, 0, 1]));
    let first = pool.grab(2);
    assert_eq!(sequences(&first), [0, 1]);
    let second = pool.grab(9);
    assert_eq!(sequences(&second), [2, 4], "lane 0 is running");
    assert!(pool.grab(9).is_empty());
    pool.report(first, Outcome::Finished);
    assert_eq!(sequences(&pool.grab(9)), [3]);
    assert_eq!(pool.finished(), [0, 1]);
}

#[test]
fn the_oldest_record_goes_first_whatever_its_lane_held() {
    let mut pool = pool(1, &hashed(&[0, 0, 1, 2, 0, 3]));
    for expected in 0..6 {
        let hand = pool.grab(1);
        assert_eq!(sequences(&hand), [expected]);
        pool.report(hand, Outcome::Finished);
    }
}

#[test]
fn a_worker_leaves_a_share_to_the_others() {
    let mut pool = pool(2, &hashed(&[0, 1, 2, 3, 0, 1, 2, 3]));
    assert_eq!(pool.grab(9).len(), 2);
    assert_eq!(pool.grab(9).len(), 1);
    assert_eq!(pool.grab(9).len(), 1, "one at least");
}

#[test]
fn records_without_order_go_to_lanes_that_are_free() {
    let mut pool = pool(1, &[Lane::Any; 4]);
    let hands: Vec<_> = (0..4).map(|_| pool.grab(1)).collect();
    assert!(hands.iter().all(|hand| hand.len() == 1), "four lanes");
}

#[test]
fn partitions_have_lanes_of_their_own() {
    let of = |index| Lane::OfPartition(PartitionIndex(index));
    let mut pool = pool(1, &[of(0), of(9), of(0)]);
    let hand = pool.grab(1);
    assert_eq!(sequences(&hand), [0]);
    assert_eq!(sequences(&pool.grab(9)), [1]);
}

#[test]
fn a_failed_record_waits_with_its_lane_while_others_go_on() {
    let mut pool = pool(1, &hashed(&[0, 0, 1]));
    let mut hand = pool.grab(9);
    let at = pool.now + Duration::from_millis(100);
    hand.set(0, Outcome::RetryAt(at));
    hand.set(2, Outcome::Finished);
    pool.lanes.report(0, &mut hand, 2);
    assert_eq!(pool.finished(), [2]);
    assert!(pool.grab(9).is_empty());
    assert_eq!(pool.lanes.next_deadline(), Some(at));
    pool.now = at;
    let hand = pool.grab(9);
    assert_eq!(sequences(&hand), [0, 1]);
    assert_eq!([0, 1].map(|index| hand.record(index).failures), [1, 0]);
    pool.report(hand, Outcome::Finished);
    assert_eq!(pool.finished(), [0, 1]);
}

#[test]
fn a_record_that_failed_for_good_holds_its_lane_until_the_drain() {
    let mut pool = pool(1, &hashed(&[0, 0, 1, 1]));
    let blocked = pool.grab(1);
    let other = pool.grab(1);
    pool.report(blocked, Outcome::Blocked);
    pool.report(other, Outcome::Finished);
    pool.now += Duration::from_secs(3_600);
    assert_eq!(sequences(&pool.grab(1)), [3]);
    assert!(pool.grab(9).is_empty());
    pool.lanes.drain(pool.slot);
    assert_eq!(pool.remaining(), (0, 1), "only 3 is still running");
}

#[test]
fn draining_finishes_the_holes_and_discards_what_nobody_started() {
    // Lane 0 has 0 to 2; lane 1 has 3 and 5; lane 2 has 4 and 6.
    let mut pool = pool(1, &hashed(&[0, 0, 0, 1, 2, 1, 2]));
    let first = pool.grab(1);
    assert_eq!(sequences(&first), [0]);
    let second = pool.grab(1);
    assert_eq!(sequences(&second), [3]);
    pool.lanes.drain(pool.slot);
    assert_eq!(pool.remaining(), (2, 2), "1 and 2 are holes below 3");
    assert!(pool.report(first, Outcome::Finished).is_draining);
    pool.report(second, Outcome::Finished);
    for hole in [1, 2] {
        let hand = pool.grab(1);
        assert_eq!(sequences(&hand), [hole]);
        pool.report(hand, Outcome::Finished);
    }
    assert_eq!(pool.remaining(), (0, 0));
    assert_eq!(pool.finished(), [0, 3, 1, 2]);
}

#[test]
fn a_failure_while_draining_is_not_tried_again_and_ends_the_rest() {
    let mut pool = pool(1, &hashed(&[0, 0, 1, 1, 2]));
    let hands: Vec<_> = (0..3).map(|_| pool.grab(1)).collect();
    pool.lanes.drain(pool.slot);
    assert_eq!(pool.remaining(), (2, 3));
    let mut hands = hands.into_iter();
    let later = pool.now + Duration::from_secs(9);
    pool.report(hands.next().unwrap(), Outcome::RetryAt(later));
    assert_eq!(pool.remaining(), (0, 2), "nothing behind 0 needs finishing");
    for hand in hands {
        pool.report(hand, Outcome::Finished);
    }
    assert_eq!(pool.remaining(), (0, 0));
    assert_eq!(pool.lanes.next_deadline(), None);
}

#[test]
fn what_waits_for_another_attempt_is_not_waited_for_by_a_drain() {
    let mut pool = pool(1, &hashed(&[0, 1, 1]));
    let first = pool.grab(1);
    let later = pool.now + Duration::from_secs(9);
    pool.report(first, Outcome::RetryAt(later));
    let second = pool.grab(1);
    pool.lanes.drain(pool.slot);
    assert_eq!(pool.remaining(), (0, 1));
    pool.report(second, Outcome::Finished);
    assert_eq!(pool.lanes.unfinished(0), 0);
}

#[test]
fn after_the_fence_late_reports_are_told_with_their_old_epoch() {
    let mut pool = pool(1, &hashed(&[0, 0, 1]));
    let hand = pool.grab(1);
    pool.lanes.fence(pool.slot);
    assert_eq!(pool.remaining(), (0, 1));
    assert!(pool.grab(9).is_empty());
    let next = pool.lanes.open(0, AssignmentEpoch(2));
    assert_ne!(next, pool.slot, "the slot is still in use");
    pool.lanes
        .push(next, 1, &[(Lane::Hashed(0), positions(1)[0], Sequence(0))]);
    assert!(pool.grab(9).is_empty(), "the lane is still running");
    pool.report(hand, Outcome::Finished);
    assert_eq!(pool.remaining(), (0, 0));
    let late = [Finished {
        slot: pool.slot,
        epoch: EPOCH,
        sequence: Sequence(0),
    }];
    let mut finished = Vec::new();
    pool.lanes.take_finished(0, &mut finished);
    assert_eq!(finished, late);
    assert_eq!(*pool.grab(1).record(0).run, 1);
    assert_eq!(pool.lanes.open(0, AssignmentEpoch(3)), pool.slot, "reused");
}

#[test]
fn the_poller_is_woken_once_at_the_mark_it_asked_for() {
    let mut pool = pool(1, &hashed(&[0, 1, 2, 3]));
    assert!(!pool.lanes.wake_at(0, 2));
    let woken: Vec<_> = (0..4)
        .map(|_| {
            let hand = pool.grab(1);
            pool.report(hand, Outcome::Finished).pollers
        })
        .collect();
    assert_eq!(woken, [vec![], vec![0], vec![], vec![]]);
    assert!(pool.lanes.wake_at(0, 2), "at once");
}

#[test]
fn what_was_not_begun_is_put_back_in_its_place() {
    let mut pool = pool(1, &hashed(&[0, 1, 1, 2, 1]));
    let mut stuck = pool.grab(3);
    assert_eq!(sequences(&stuck), [0, 1, 2]);
    let span = Duration::from_millis(10);
    assert!(!pool.lanes.is_held_since(0, pool.now, span));
    assert!(pool.lanes.is_held_since(0, pool.now + span, span));
    pool.lanes.recall(0, 1..2);
    assert_eq!(pool.remaining(), (4, 1));
    let other = pool.grab(9);
    assert_eq!(sequences(&other), [1, 2, 4, 3], "lane by lane, in order");
    pool.report(other, Outcome::Finished);
    stuck.set(0, Outcome::Finished);
    pool.lanes.report(0, &mut stuck, 1);
    assert_eq!(pool.finished(), [1, 2, 4, 3, 0]);
    assert_eq!(pool.remaining(), (0, 0));
}

#[test]
fn what_was_finished_before_a_stuck_record_counts_without_a_report() {
    let mut pool = pool(1, &hashed(&[0, 0, 0, 1]));
    let mut stuck = pool.grab(9);
    assert_eq!(sequences(&stuck), [0, 1, 2, 3], "two lanes");
    pool.lanes.drain(pool.slot);
    assert!(pool.lanes.settle_finished(0, 1).is_draining);
    assert_eq!((pool.finished(), pool.remaining()), (vec![0], (0, 3)));
    pool.lanes.recall(0, 1..2);
    pool.lanes.settle_finished(0, 2);
    pool.lanes.settle_finished(0, 2);
    assert_eq!((pool.finished(), pool.remaining()), (vec![1], (1, 1)));
    for index in 0..3 {
        stuck.set(index, Outcome::Finished);
    }
    pool.lanes.report(0, &mut stuck, 1);
    assert_eq!((pool.finished(), pool.remaining()), (vec![2], (1, 0)));
    let other = pool.grab(9);
    pool.report(other, Outcome::Finished);
    assert_eq!(pool.finished(), [3]);
}

/// A random life of a pool, checked against what every user may rely on.
struct Life {
    random: Random,
    lanes: Lanes<u32>,
    now: Instant,
    positions: Vec<RecordPosition>,
    hands: Vec<Hand<u32>>,
    /// The next portion of each hand, and the end of what is left of it.
    claims: Vec<(usize, usize)>,
    /// Open assignments, with the next sequence of each.
    open: Vec<(Slot, AssignmentEpoch, u64)>,
    draining: Vec<(Slot, AssignmentEpoch)>,
    epochs: u64,
    /// The lane and the number in order of pushing of each record; `run` is the epoch.
    pushed: BTreeMap<(u32, u64), (u32, u64)>,
    pushes: u64,
    last_started: BTreeMap<u32, u64>,
    finished: BTreeMap<u64, BTreeSet<u64>>,
    failed: BTreeSet<u64>,
    fenced: BTreeSet<u64>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let workers = 1 + seed as usize % 4;
        Self {
            random: Random::new(seed),
            lanes: Lanes::new(1, workers, 8),
            now: start(),
            positions: positions(20),
            hands: vec![Hand::default(); workers],
            claims: vec![(0, 0); workers],
            open: Vec::new(),
            draining: Vec::new(),
            epochs: 0,
            pushed: BTreeMap::new(),
            pushes: 0,
            last_started: BTreeMap::new(),
            finished: BTreeMap::new(),
            failed: BTreeSet::new(),
            fenced: BTreeSet::new(),
        }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0 if self.open.len() < 3 => self.open_one(),
            1..=5 => self.push_some(),
            6 => self.drain_one(),
            7 => self.fence_one(),
            8..=10 => self.grab_one(),
            11 => self.recall_one(),
            12 => self.settle_one(),
            _ => {
                let worker = self.random.below(self.hands.len());
                self.work(worker, 6);
            }
        }
        self.now += Duration::from_millis(1);
        self.collect();
    }

    fn open_one(&mut self) {
        self.epochs += 1;
        let epoch = AssignmentEpoch(self.epochs);
        self.open.push((self.lanes.open(0, epoch), epoch, 0));
    }

    fn push_some(&mut self) {
        let at = self.random.below(3);
        let Some((slot, epoch, next)) = self.open.get_mut(at) else {
            return;
        };
        let count = 1 + self.random.below(self.positions.len());
        let mut items = Vec::new();
        for position in &self.positions[..count] {
            let lane = self.random.below(8) as u32;
            items.push((Lane::Hashed(lane), *position, Sequence(*next)));
            let key = (epoch.0 as u32, *next);
            self.pushes += 1;
            self.pushed.insert(key, (lane, self.pushes));
            *next += 1;
        }
        self.lanes.push(*slot, epoch.0 as u32, &items);
    }

    fn drain_one(&mut self) {
        if !self.open.is_empty() {
            let at = self.random.below(self.open.len());
            let (slot, epoch, _) = self.open.swap_remove(at);
            self.lanes.drain(slot);
            self.draining.push((slot, epoch));
        }
    }

    fn fence_one(&mut self) {
        if !self.draining.is_empty() {
            let at = self.random.below(self.draining.len());
            let (slot, epoch) = self.draining.swap_remove(at);
            if self.lanes.remaining(slot, epoch).is_none() {
                self.check_no_holes(epoch);
            }
            self.lanes.fence(slot);
            self.fenced.insert(epoch.0);
        }
    }

    /// A drain that ran to its end leaves nothing finished beyond something unfinished, unless
    /// something failed.
    fn check_no_holes(&mut self, epoch: AssignmentEpoch) {
        self.collect();
        if !self.failed.contains(&epoch.0) {
            let finished = self.finished.entry(epoch.0).or_default();
            let expected: BTreeSet<u64> = (0..finished.len() as u64).collect();
            assert_eq!(*finished, expected, "epoch {epoch:?}");
        }
    }

    fn grab_one(&mut self) {
        let worker = self.random.below(self.hands.len());
        if !self.hands[worker].is_empty() {
            return;
        }
        let limit = 1 + self.random.below(12);
        let mut hand = Hand::default();
        self.lanes.grab(worker, self.now, limit, &mut hand);
        let claims = (0, hand.portions());
        let lanes = self.lanes_in(&hand, claims.1);
        for (other, (_, end)) in self.hands.iter().zip(&self.claims) {
            let others = self.lanes_in(other, *end);
            assert!(others.is_disjoint(&lanes), "a lane in two hands");
        }
        for index in 0..hand.len() {
            let (epoch, _) = self.identity(&hand, index);
            assert!(!self.fenced.contains(&u64::from(epoch)), "behind the fence");
        }
        (self.hands[worker], self.claims[worker]) = (hand, claims);
    }

    fn lanes_in(&self, hand: &Hand<u32>, portions: usize) -> BTreeSet<u32> {
        (0..portions)
            .flat_map(|portion| hand.portion(portion))
            .map(|index| self.pushed[&self.identity(hand, index)].0)
            .collect()
    }

    /// Takes from a worker what it did not begin.
    fn recall_one(&mut self) {
        let worker = self.random.below(self.hands.len());
        let (next, end) = self.claims[worker];
        if next > 0 && next < end {
            self.claims[worker].1 = next;
            self.lanes.recall(worker, next..end);
        }
    }

    /// Counts what a worker has finished, as far as nothing before it failed.
    fn settle_one(&mut self) {
        let worker = self.random.below(self.hands.len());
        let (next, _) = self.claims[worker];
        let hand = &self.hands[worker];
        let begun = next.checked_sub(1).map_or(0, |last| hand.portion(last).end);
        let finished = (0..begun).take_while(|index| hand.is_finished(*index));
        self.lanes.settle_finished(worker, finished.count());
    }

    fn identity(&self, hand: &Hand<u32>, index: usize) -> (u32, u64) {
        (*hand.record(index).run, hand.sequence(index).0)
    }

    /// Handles the next portion of a hand in order, and lets one record in `one_in` fail; reports
    /// when nothing is left.
    fn work(&mut self, worker: usize, one_in: usize) {
        let mut hand = std::mem::take(&mut self.hands[worker]);
        let (portion, end) = self.claims[worker];
        if portion == end {
            self.lanes.report(worker, &mut hand, end);
            self.claims[worker] = (0, 0);
            self.hands[worker] = hand;
            return;
        }
        self.claims[worker].0 += 1;
        for index in hand.portion(portion) {
            let identity = self.identity(&hand, index);
            let (lane, number) = self.pushed[&identity];
            let last = self.last_started.insert(lane, number).unwrap_or(0);
            let is_again = hand.record(index).failures > 0;
            assert!(last < number || is_again && last == number, "out of order");
            if one_in > 0 && self.random.below(one_in) == 0 {
                self.failed.insert(u64::from(identity.0));
                let delay = Duration::from_millis(self.random.below(20) as u64);
                hand.set(index, Outcome::RetryAt(self.now + delay));
                break;
            }
            hand.set(index, Outcome::Finished);
        }
        self.hands[worker] = hand;
    }

    /// Handles all of a hand, and reports it.
    fn work_all(&mut self, worker: usize) {
        while self.claims[worker].0 < self.claims[worker].1 {
            self.work(worker, 0);
        }
        self.work(worker, 0);
    }

    fn collect(&mut self) {
        let mut finished = Vec::new();
        self.lanes.take_finished(0, &mut finished);
        for Finished {
            epoch, sequence, ..
        } in finished
        {
            let is_new = self.finished.entry(epoch.0).or_default().insert(sequence.0);
            assert!(is_new, "{epoch:?} {sequence:?} finished twice");
        }
    }

    /// Lets everything succeed from now on.
    fn finish(&mut self) {
        self.now += Duration::from_secs(1);
        while self.lanes.unfinished(0) > 0 {
            let before = self.lanes.unfinished(0);
            for worker in 0..self.hands.len() {
                self.work_all(worker);
                let hand = &mut self.hands[worker];
                self.lanes.grab(worker, self.now, 5, hand);
                self.claims[worker] = (0, hand.portions());
                self.work_all(worker);
            }
            assert!(self.lanes.unfinished(0) < before, "{before} records hang");
        }
        self.collect();
        for (_, epoch, pushed) in &self.open {
            let finished = self.finished.get(&epoch.0).map_or(0, BTreeSet::len);
            assert_eq!(finished as u64, *pushed, "of {epoch:?}");
        }
        for (slot, epoch) in std::mem::take(&mut self.draining) {
            assert!(self.lanes.remaining(slot, epoch).is_none());
            self.check_no_holes(epoch);
        }
        let has_left = self.lanes.runs.iter().any(Option::is_some);
        assert!(!has_left, "runs are kept without records");
        assert_eq!((self.lanes.queued, self.lanes.parked.len()), (0, 0));
    }
}

#[test]
fn random_lives_keep_order_lose_nothing_and_leave_no_holes() {
    for seed in 0..200 {
        println!("seed {seed}");
        let mut life = Life::new(seed);
        for _ in 0..400 {
            life.step();
        }
        life.finish();
    }
}
