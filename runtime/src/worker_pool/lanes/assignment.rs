//! What the lanes know of an assignment: how much of it is where, and how far it may still go.

use std::ops::{Index, IndexMut};

use crate::ledger::{AssignmentEpoch, Sequence};

/// The place of an assignment in the table. It is taken again once the assignment is fenced and
/// nothing of it is left in lanes or hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

impl Slot {
    /// The slot as an index: slots are dense and few.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// How many records of an assignment are still in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Remaining {
    /// In lanes.
    pub(crate) queued: usize,
    /// With workers.
    pub(crate) in_hand: usize,
}

impl Remaining {
    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) epoch: AssignmentEpoch,
    pub(super) poller: u32,
    pub(super) queued: usize,
    pub(super) in_hand: usize,
    /// One more than the last sequence that a worker took.
    pub(super) started_until: Sequence,
    /// While it drains: what lies below is finished, what does not is discarded.
    pub(super) limit: Option<Sequence>,
    pub(super) is_fenced: bool,
    /// Its poller is woken once so few of its records are unfinished.
    pub(super) wake_at: Option<usize>,
}

impl Assignment {
    /// A worker takes a record out of its lane.
    #[inline]
    pub(super) fn take(&mut self, sequence: Sequence) {
        self.queued -= 1;
        self.in_hand += 1;
        self.started_until = self.started_until.max(Sequence(sequence.0 + 1));
    }

    /// The number of its records in lanes and hands.
    pub(super) fn unfinished(&self) -> usize {
        self.queued + self.in_hand
    }

    /// Whether a record that is not finished stays in its lane.
    pub(super) fn keeps(&self, sequence: Sequence) -> bool {
        self.limit.is_none_or(|limit| sequence < limit)
    }
}

/// All assignments, by slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Assignments {
    slots: Vec<Option<Assignment>>,
    free: Vec<Slot>,
}

impl Assignments {
    pub(super) fn open(&mut self, poller: u32, epoch: AssignmentEpoch) -> Slot {
        let assignment = Some(Assignment {
            epoch,
            poller,
            queued: 0,
            in_hand: 0,
            started_until: Sequence(0),
            limit: None,
            is_fenced: false,
            wake_at: None,
        });
        if let Some(slot) = self.free.pop() {
            self.slots[slot.0 as usize] = assignment;
            slot
        } else {
            self.slots.push(assignment);
            Slot(self.slots.len() as u32 - 1)
        }
    }

    /// Frees the slot of an assignment that is fenced and of which nothing is left.
    pub(super) fn close_if_done(&mut self, slot: Slot) {
        let is_done =
            |assignment: &Assignment| assignment.is_fenced && assignment.unfinished() == 0;
        if self.slots[slot.0 as usize]
            .take_if(|a| is_done(a))
            .is_some()
        {
            self.free.push(slot);
        }
    }

    pub(super) fn remaining(&self, slot: Slot, epoch: AssignmentEpoch) -> Remaining {
        match &self.slots[slot.0 as usize] {
            Some(assignment) if assignment.epoch == epoch => Remaining {
                queued: assignment.queued,
                in_hand: assignment.in_hand,
            },
            _ => Remaining::default(),
        }
    }
}

impl Index<Slot> for Assignments {
    type Output = Assignment;

    fn index(&self, slot: Slot) -> &Assignment {
        self.slots[slot.0 as usize]
            .as_ref()
            .expect("a slot is not freed while something refers to it")
    }
}

impl IndexMut<Slot> for Assignments {
    fn index_mut(&mut self, slot: Slot) -> &mut Assignment {
        self.slots[slot.0 as usize]
            .as_mut()
            .expect("a slot is not freed while something refers to it")
    }
}
