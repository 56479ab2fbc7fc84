//! Which record which worker takes next: lanes of records, the queue of lanes that are ready, and
//! what workers hold in their hands.
//!
//! It decides order, exclusion and draining, for all pollers and workers of one pool. It never runs
//! a handler, never waits, and knows the time only as an argument; one lock around it makes a pool.
//!
//! ```text
//!            push                grab                  report: all done
//!  Idle ─────────────► Ready ─────────────► Running ─────────────────────► Idle
//!                        ▲  ▲                 │  │
//!                        │  └─────────────────┘  │ report: a failure
//!                        │    report: has more   ▼
//!                        └────────────────── Parked (until a time, or for good)
//! ```
//!
//! - A lane is in the ready queue once, however many records it holds, and in one hand at most:
//!   its records are never handled at once, nor out of order.
//! - The oldest record goes first, among those that may go.
//! - A worker takes several lanes with one call and reports with the next, so that the lock is
//!   taken once for many records.
//! - An assignment that is *drained* keeps only the records below the last one that was started:
//!   they are the holes in what its ledger calls finished, and without them the finished ones
//!   would be repeated elsewhere. One that is *fenced* keeps nothing. What is in hands comes back
//!   with the next report, and a slot is not reused before.

mod assignment;
mod desk;
mod drain;
mod hand;
mod queue;
mod recall;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Instant;

use weft_client::record::RecordPosition;

use crate::ledger::{AssignmentEpoch, Sequence};
use crate::retry::Parked;
use crate::route::Lane;

use assignment::Assignments;
use desk::{Desk, LaneId, LaneRecords, LaneState};
use queue::Nodes;
use recall::Held;

pub(crate) use assignment::{Remaining, Slot};
pub(crate) use hand::{Hand, Outcome};

/// A record on its way through the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    run: u32,
    assignment: Slot,
    position: RecordPosition,
    sequence: Sequence,
    /// Its number among all records that ever came into the pool.
    age: u64,
    failures: u32,
}

/// Records that arrived together, and the number of them that are still in the pool.
#[derive(Clone, Debug)]
struct Run<R> {
    records: R,
    left: u32,
}

/// A record that is finished, told to the poller that brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) slot: Slot,
    pub(crate) epoch: AssignmentEpoch,
    pub(crate) sequence: Sequence,
}

/// Whom to wake after a report.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Wakes {
    /// These pollers asked to be told that they may take records again.
    pub(crate) pollers: Vec<usize>,
    /// Whether something that is being drained made progress.
    pub(crate) is_draining: bool,
}

/// A record to be pushed: its lane, where it lies in its run, and its number.
pub(crate) type Item = (Lane, RecordPosition, Sequence);

/// The lanes of one pool. `R` stands for a run of records and is cloned when a worker takes some.
#[derive(Clone, Debug)]
pub(crate) struct Lanes<R> {
    desks: Vec<Desk>,
    /// Lanes that became ready with a new record: the oldest first record in front.
    ready: VecDeque<LaneId>,
    /// Lanes that are ready again, by the age of their first record.
    ready_again: BinaryHeap<Reverse<(u64, LaneId)>>,
    parked: Parked<LaneId>,
    /// Lanes whose first record failed for good. They move again when it is drained or fenced.
    blocked: Vec<LaneId>,
    nodes: Nodes,
    runs: Vec<Option<Run<R>>>,
    free_runs: Vec<u32>,
    assignments: Assignments,
    /// Records that ever came.
    pushed: u64,
    /// Records in lanes, parked ones included.
    queued: usize,
    workers: usize,
    /// What each worker took last; pollers that work have places behind the workers.
    held: Vec<Held>,
}

impl<R: Clone> Lanes<R> {
    /// A pool of `workers`, fed by `pollers`, each with so many lanes for keys.
    pub(crate) fn new(pollers: usize, workers: usize, hashed_lanes: u32) -> Self {
        Self {
            desks: vec![Desk::new(hashed_lanes); pollers],
            ready: VecDeque::new(),
            ready_again: BinaryHeap::new(),
            pushed: 0,
            parked: Parked::default(),
            blocked: Vec::new(),
            nodes: Nodes::default(),
            runs: Vec::new(),
            free_runs: Vec::new(),
            assignments: Assignments::default(),
            queued: 0,
            workers,
            held: vec![Held::default(); workers + pollers],
        }
    }

    /// Begins an assignment.
    pub(crate) fn open(&mut self, poller: usize, epoch: AssignmentEpoch) -> Slot {
        self.assignments.open(poller as u32, epoch)
    }

    /// Puts the records of one run into their lanes.
    pub(crate) fn push(&mut self, slot: Slot, records: R, items: &[Item]) {
        let poller = self.assignments[slot].poller;
        let run = self.keep_run(records, items.len() as u32);
        for (lane, position, sequence) in items {
            let index = self.desks[poller as usize].lane_index(*lane);
            let lane = &mut self.desks[poller as usize].lanes[index as usize];
            let task = Task {
                run,
                assignment: slot,
                position: *position,
                sequence: *sequence,
                age: self.pushed,
                failures: 0,
            };
            self.pushed += 1;
            self.nodes.push_back(&mut lane.queue, task);
            if lane.state == LaneState::Idle {
                lane.state = LaneState::Ready;
                self.ready.push_back(LaneId { poller, index });
            }
        }
        self.desks[poller as usize].unfinished += items.len();
        self.assignments[slot].queued += items.len();
        self.queued += items.len();
    }

    fn keep_run(&mut self, records: R, left: u32) -> u32 {
        let run = Some(Run { records, left });
        if let Some(free) = self.free_runs.pop() {
            self.runs[free as usize] = run;
            free
        } else {
            self.runs.push(run);
            self.runs.len() as u32 - 1
        }
    }

    /// Fills the empty hand of a worker with up to `limit` records: fewer if the others could then
    /// have none.
    pub(crate) fn grab(&mut self, worker: usize, now: Instant, limit: usize, hand: &mut Hand<R>) {
        while let Some(lane) = self.parked.take_due(now) {
            self.make_ready(lane);
        }
        let limit = match self.workers {
            1 => limit,
            workers => limit.min(self.queued / (2 * workers)).max(1),
        };
        while hand.len() < limit
            && let Some(id) = self.next_ready()
        {
            let lane = &mut self.desks[id.poller as usize].lanes[id.index as usize];
            lane.state = if lane.queue.is_empty() {
                LaneState::Idle
            } else {
                LaneState::Running
            };
            while hand.len() < limit
                && let Some(task) = self.nodes.pop_front(&mut lane.queue)
            {
                self.queued -= 1;
                self.assignments[task.assignment].take(task.sequence);
                hand.add(task, || {
                    let run = self.runs[task.run as usize].as_ref();
                    run.expect("a run stays while it has records")
                        .records
                        .clone()
                });
            }
            hand.end_portion(id);
        }
        self.held[worker].copy_of(hand, now);
    }

    /// Puts a lane that is neither running nor ready back in motion.
    fn make_ready(&mut self, id: LaneId) {
        let lane = self.lane_mut(id);
        let is_empty = lane.queue.is_empty();
        lane.state = if is_empty {
            LaneState::Idle
        } else {
            LaneState::Ready
        };
        if let Some(head) = self.head(id) {
            self.ready_again.push(Reverse((head.age, id)));
        }
    }

    /// Takes out the ready lane whose first record is the oldest. So what is finished stays close
    /// to what is not, and little is repeated after a crash.
    fn next_ready(&mut self) -> Option<LaneId> {
        let first = self.ready.front().and_then(|id| self.head(*id));
        let again = self.ready_again.peek().map(|Reverse((age, _))| *age);
        if again.is_some_and(|age| first.is_none_or(|head| age < head.age)) {
            self.ready_again.pop().map(|Reverse((_, id))| id)
        } else {
            self.ready.pop_front()
        }
    }

    /// The first record of a lane.
    fn head(&self, id: LaneId) -> Option<&Task> {
        let lane = &self.desks[id.poller as usize].lanes[id.index as usize];
        self.nodes.front(&lane.queue)
    }

    fn lane_mut(&mut self, id: LaneId) -> &mut LaneRecords {
        &mut self.desks[id.poller as usize].lanes[id.index as usize]
    }

    /// Takes back the first so many portions of a hand with their outcomes, and empties it. The
    /// others were recalled.
    pub(crate) fn report(&mut self, worker: usize, hand: &mut Hand<R>, left: usize) -> Wakes {
        let mut wakes = Wakes::default();
        let settled = self.held[worker].clear();
        let (tasks, portions) = hand.take_parts();
        let mut begin = 0;
        for (id, end) in &portions[..left] {
            let first = begin.max(settled).min(*end);
            self.take_back(*id, &tasks[first..*end], &mut wakes);
            begin = *end;
            self.note_wake(id.poller as usize, &mut wakes);
        }
        hand.put_back_parts((tasks, portions));
        wakes
    }

    fn take_back(&mut self, id: LaneId, portion: &[(Task, Outcome)], wakes: &mut Wakes) {
        let is_finished = |(_, outcome): &&(Task, Outcome)| *outcome == Outcome::Finished;
        let (finished, rest) = portion.split_at(portion.iter().take_while(is_finished).count());
        for (task, outcome) in finished {
            self.settle(task, *outcome, wakes);
        }
        let mut parked_until = None;
        // From the last to the first, so that what goes back to the front keeps its order.
        for (task, outcome) in rest.iter().rev() {
            let Some(task) = self.settle(task, *outcome, wakes) else {
                continue;
            };
            let lane = &mut self.desks[id.poller as usize].lanes[id.index as usize];
            self.nodes.push_front(&mut lane.queue, task);
            match outcome {
                Outcome::RetryAt(at) => parked_until = Some(Some(*at)),
                Outcome::Blocked => parked_until = Some(None),
                Outcome::NotStarted | Outcome::Finished => {}
            }
        }
        let Some(until) = parked_until else {
            return self.make_ready(id);
        };
        self.lane_mut(id).state = LaneState::Parked;
        match until {
            Some(at) => self.parked.park(id, at),
            None => self.blocked.push(id),
        }
    }

    fn note_wake(&mut self, poller: usize, wakes: &mut Wakes) {
        let desk = &mut self.desks[poller];
        if desk.wake_at.is_some_and(|at| desk.unfinished <= at) {
            desk.wake_at = None;
            wakes.pollers.push(poller);
        }
    }

    /// Enters the outcome of one record; returns it if it stays in its lane.
    fn settle(&mut self, task: &Task, outcome: Outcome, wakes: &mut Wakes) -> Option<Task> {
        let assignment = &mut self.assignments[task.assignment];
        assignment.in_hand -= 1;
        wakes.is_draining |= assignment.limit.is_some();
        if outcome == Outcome::Finished {
            let finished = Finished {
                slot: task.assignment,
                epoch: assignment.epoch,
                sequence: task.sequence,
            };
            let poller = assignment.poller as usize;
            if assignment
                .wake_at
                .is_some_and(|at| assignment.unfinished() <= at)
            {
                assignment.wake_at = None;
                wakes.pollers.push(poller);
            }
            self.desks[poller].finished.push(finished);
            self.forget(task);
            return None;
        }
        let is_failure = outcome != Outcome::NotStarted;
        if is_failure && assignment.limit.is_some_and(|l| task.sequence < l) {
            // Nothing is tried again while its assignment drains, and what lies behind the hole
            // that remains need not be finished any more.
            self.drain_below(task.assignment, task.sequence);
        }
        let assignment = &mut self.assignments[task.assignment];
        if assignment.keeps(task.sequence) {
            assignment.queued += 1;
            self.queued += 1;
            Some(Task {
                failures: task.failures + u32::from(is_failure),
                ..*task
            })
        } else {
            self.forget(task);
            None
        }
    }

    /// Forgets a record that is in no lane and no hand any more.
    fn forget(&mut self, task: &Task) {
        let slot = &mut self.runs[task.run as usize];
        let run = slot.as_mut().expect("a run stays while it has records");
        run.left -= 1;
        if run.left == 0 {
            *slot = None;
            self.free_runs.push(task.run);
        }
        let poller = self.assignments[task.assignment].poller as usize;
        self.desks[poller].unfinished -= 1;
        self.assignments.close_if_done(task.assignment);
    }

    /// Moves out what was finished of a poller's records, into an empty vector.
    pub(crate) fn take_finished(&mut self, poller: usize, into: &mut Vec<Finished>) {
        std::mem::swap(&mut self.desks[poller].finished, into);
    }

    /// The number of a poller's records that are in lanes or hands.
    pub(crate) fn unfinished(&self, poller: usize) -> usize {
        self.desks[poller].unfinished
    }

    /// Asks for a wake once so few records of a poller are unfinished; says whether that is so now.
    pub(crate) fn wake_at(&mut self, poller: usize, unfinished: usize) -> bool {
        let desk = &mut self.desks[poller];
        let is_now = desk.unfinished <= unfinished;
        desk.wake_at = (!is_now).then_some(unfinished);
        is_now
    }

    /// As [`wake_at`](Self::wake_at), for the records of one assignment.
    pub(crate) fn wake_at_mark(&mut self, slot: Slot, unfinished: usize) -> bool {
        let assignment = &mut self.assignments[slot];
        let is_now = assignment.unfinished() <= unfinished;
        assignment.wake_at = (!is_now).then_some(unfinished);
        is_now
    }

    /// Whether a grab would find something.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty() || !self.ready_again.is_empty()
    }

    /// When the next parked lane is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.parked.next_deadline()
    }
}

#[cfg(test)]
mod tests;
