//! The lock around the lanes, and who sleeps beside it: workers without work, pollers that drain.
//!
//! The lock is held for the moment in which records move between lanes and hands. No handler runs
//! under it and nothing waits under it.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this shell is where workers wait for work"
)]

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use weft_client::host::{self, Condvar};
use weft_consumer::{PartitionRecords, WakeupHandle};

use crate::fence::Fence;
use crate::ledger::AssignmentEpoch;

use super::claim::Claim;
use super::lanes::{Finished, Hand, Item, Lanes, Slot, Wakes};

/// A run of records, with what workers have to know of its assignment.
pub(super) struct HandedRun {
    pub(super) records: PartitionRecords,
    pub(super) fence: Arc<Fence>,
}

/// What workers hold.
pub(super) type WorkerHand = Hand<Arc<HandedRun>>;

/// A run on its way into the pool: its assignment, and the end of its items in their list.
pub(super) type StagedRun = (Slot, Arc<HandedRun>, usize);

struct State {
    lanes: Lanes<Arc<HandedRun>>,
    sleeping: usize,
    is_closed: bool,
}

/// A worker that has not begun all it holds after this time is stuck in what it began. A hand is
/// meant to take much less.
const RECALL_AFTER: Duration = Duration::from_millis(10);

/// The lanes of all pollers, shared with all workers.
pub(super) struct Pool {
    state: Mutex<State>,
    /// There is something to take, or the pool is closed.
    work: Condvar,
    /// Something of a draining assignment was reported.
    drained: Condvar,
    wakeups: Vec<OnceLock<WakeupHandle>>,
    /// Of each worker's hand; pollers that work have places behind the workers.
    claims: Vec<Claim>,
}

impl Pool {
    pub(super) fn new(pollers: usize, workers: usize, hashed_lanes: u32) -> Self {
        Self {
            state: Mutex::new(State {
                lanes: Lanes::new(pollers, workers, hashed_lanes),
                sleeping: 0,
                is_closed: false,
            }),
            work: Condvar::new(),
            drained: Condvar::new(),
            wakeups: (0..pollers).map(|_| OnceLock::new()).collect(),
            claims: (0..workers + pollers).map(|_| Claim::default()).collect(),
        }
    }

    /// Tells how to wake a poller.
    pub(super) fn register(&self, poller: usize, wakeup: WakeupHandle) {
        self.wakeups[poller].get_or_init(|| wakeup);
    }

    /// Begins an assignment.
    pub(super) fn open(&self, poller: usize, epoch: AssignmentEpoch) -> Slot {
        self.state().lanes.open(poller, epoch)
    }

    /// Hands over records.
    pub(super) fn push(&self, runs: Vec<StagedRun>, items: &[Item]) {
        let mut state = self.state();
        let mut begin = 0;
        for (slot, run, end) in runs {
            state.lanes.push(slot, run, &items[begin..end]);
            begin = end;
        }
        self.wake_a_worker(state);
    }

    /// Unlocks, and wakes one worker if there is work for it. It wakes the next one if it leaves
    /// something, so that a poller pays for one wake only.
    fn wake_a_worker(&self, state: MutexGuard<'_, State>) {
        let is_worthwhile = state.sleeping > 0 && state.lanes.has_ready();
        drop(state);
        if is_worthwhile {
            self.work.notify_one();
        }
    }

    /// Reports a hand and fills it again, waiting for something to take; says whether to go on.
    pub(super) fn exchange(&self, worker: usize, hand: &mut WorkerHand, limit: usize) -> bool {
        let mut state = self.report(worker, hand);
        loop {
            if state.is_closed {
                return false;
            }
            let now = host::now();
            self.grab(&mut state, worker, now, limit, hand);
            if hand.is_empty() && self.recall(&mut state, now) {
                self.grab(&mut state, worker, now, limit, hand);
            }
            if !hand.is_empty() {
                self.wake_a_worker(state);
                return true;
            }
            state.sleeping += 1;
            let deadline = state.lanes.next_deadline();
            state = match deadline.map(|at| at.saturating_duration_since(now)) {
                Some(left) => self.work.wait_timeout(&self.state, state, left),
                None => self.work.wait(&self.state, state),
            };
            state.sleeping -= 1;
        }
    }

    /// As [`exchange`](Self::exchange), without waiting.
    pub(super) fn try_exchange(&self, worker: usize, hand: &mut WorkerHand, limit: usize) -> bool {
        let mut state = self.report(worker, hand);
        self.grab(&mut state, worker, host::now(), limit, hand);
        !hand.is_empty()
    }

    fn grab(
        &self,
        state: &mut State,
        worker: usize,
        now: Instant,
        limit: usize,
        hand: &mut WorkerHand,
    ) {
        state.lanes.grab(worker, now, limit, hand);
        self.claims[worker].begin(hand.portions());
    }

    /// Claims the next portion of a worker's hand.
    #[inline]
    pub(super) fn claim(&self, worker: usize) -> Option<usize> {
        self.claims[worker].next()
    }

    /// Puts what workers hold and did not begin in time back into its lanes; says whether there was
    /// something.
    fn recall(&self, state: &mut State, now: Instant) -> bool {
        let mut is_some = false;
        for (worker, claim) in self.claims.iter().enumerate() {
            if claim.has_unclaimed()
                && state.lanes.is_held_since(worker, now, RECALL_AFTER)
                && let Some(portions) = claim.shorten()
            {
                state.lanes.recall(worker, portions);
                is_some = true;
            }
        }
        is_some
    }

    /// Does what idle workers cannot do asleep: puts back into lanes what others hold too long.
    /// Says whether somebody has to look again soon.
    pub(super) fn look_after(&self, now: Instant) -> bool {
        let mut state = self.state();
        if state.sleeping == 0 {
            return false;
        }
        self.recall(&mut state, now);
        self.wake_a_worker(state);
        self.claims.iter().any(Claim::has_unclaimed)
    }

    /// Takes back a hand, and wakes who waits for that.
    fn report(&self, worker: usize, hand: &mut WorkerHand) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let first_due = state.lanes.next_deadline();
        let end = self.claims[worker].end();
        let wakes = state.lanes.report(worker, hand, end);
        // Who sleeps until the first lane is due has to know of an earlier one.
        let is_earlier = state.sleeping > 0
            && state
                .lanes
                .next_deadline()
                .is_some_and(|due| first_due.is_none_or(|first| due < first));
        if wakes == Wakes::default() && !is_earlier {
            return state;
        }
        drop(state);
        if is_earlier {
            self.work.notify_one();
        }
        self.wake(wakes);
        self.state()
    }

    /// Wakes who waits for what was settled. The lock is not held.
    fn wake(&self, wakes: Wakes) {
        if wakes.is_draining {
            self.drained.notify_all();
        }
        for poller in wakes.pollers {
            if let Some(wakeup) = self.wakeups[poller].get() {
                wakeup.wakeup();
            }
        }
    }

    /// Tells of a record of a worker's hand, all before which are finished, that it is as well.
    #[inline]
    pub(super) fn finish(&self, worker: usize, index: usize) {
        self.claims[worker].finish(index + 1);
    }

    /// Counts what workers have finished and not reported.
    fn settle_finished(&self, state: &mut State) -> Wakes {
        let mut all = Wakes::default();
        for (worker, claim) in self.claims.iter().enumerate() {
            let wakes = state.lanes.settle_finished(worker, claim.finished());
            all.is_draining |= wakes.is_draining;
            all.pollers.extend(wakes.pollers);
        }
        all
    }

    /// Discards what an assignment need not finish any more.
    pub(super) fn drain(&self, slot: Slot) {
        let mut state = self.state();
        state.lanes.drain(slot);
        self.wake_a_worker(state);
    }

    /// Waits until nothing of these assignments is left, or the deadline has come.
    pub(super) fn wait_drained(&self, assignments: &[(Slot, AssignmentEpoch)], deadline: Instant) {
        let mut state = self.state();
        loop {
            let is_drained = assignments
                .iter()
                .all(|(slot, epoch)| state.lanes.remaining(*slot, *epoch).is_none());
            let left = deadline.saturating_duration_since(host::now());
            if left.is_zero() || is_drained {
                return;
            }
            let left = left.min(RECALL_AFTER);
            state = self.drained.wait_timeout(&self.state, state, left);
            let wakes = self.settle_finished(&mut state);
            if self.recall(&mut state, host::now()) || wakes != Wakes::default() {
                self.wake_a_worker(state);
                self.wake(wakes);
                state = self.state();
            }
        }
    }

    /// Discards all that is left of an assignment; says how many records workers have in hand at
    /// that moment, whose end counts for nothing.
    pub(super) fn fence(&self, slot: Slot, epoch: AssignmentEpoch) -> usize {
        let mut state = self.state();
        let wakes = self.settle_finished(&mut state);
        let in_hand = state.lanes.remaining(slot, epoch).in_hand;
        state.lanes.fence(slot);
        self.wake_a_worker(state);
        self.wake(wakes);
        in_hand
    }

    /// Moves out what was finished of a poller's records; says how many of its records are not.
    pub(super) fn take_finished(&self, poller: usize, into: &mut Vec<Finished>) -> usize {
        let mut state = self.state();
        state.lanes.take_finished(poller, into);
        state.lanes.unfinished(poller)
    }

    /// The number of a poller's records that are not finished.
    pub(super) fn unfinished(&self, poller: usize) -> usize {
        self.state().lanes.unfinished(poller)
    }

    /// Has a poller woken once so few of its records are unfinished; says whether that is so now.
    pub(super) fn wake_at(&self, poller: usize, unfinished: usize) -> bool {
        self.state().lanes.wake_at(poller, unfinished)
    }

    /// Has the pollers of assignments woken once so few of their records are unfinished; says
    /// whether that is so now for any.
    pub(super) fn wake_at_marks(&self, marks: &[(Slot, usize)]) -> bool {
        if marks.is_empty() {
            return false;
        }
        let mut state = self.state();
        let mut is_now = false;
        for (slot, unfinished) in marks {
            is_now |= state.lanes.wake_at_mark(*slot, *unfinished);
        }
        is_now
    }

    /// Ends the workers, each after its hand.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.work.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
