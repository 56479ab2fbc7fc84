//! The end of an assignment: what is still finished, and what is discarded.

use crate::ledger::{AssignmentEpoch, Sequence};

use super::desk::LaneId;
use super::{Lanes, Remaining, Slot, Task};

impl<R: Clone> Lanes<R> {
    /// Keeps of an assignment only what is needed to leave no holes: records below the last one
    /// that was started, and below the first one that waits for another attempt.
    pub(crate) fn drain(&mut self, slot: Slot) {
        let mut limit = self.assignments[slot].started_until;
        for id in self.parked.iter().chain(self.blocked.iter().copied()) {
            let lane = &self.desks[id.poller as usize].lanes[id.index as usize];
            if let Some(head) = self.nodes.front(&lane.queue)
                && head.assignment == slot
            {
                limit = limit.min(head.sequence);
            }
        }
        self.drain_below(slot, limit);
    }

    /// Discards everything of an assignment that is in lanes. What is in hands is ignored when it
    /// comes back.
    pub(crate) fn fence(&mut self, slot: Slot) {
        self.assignments[slot].is_fenced = true;
        self.drain_below(slot, Sequence(0));
        self.assignments.close_if_done(slot);
    }

    pub(super) fn drain_below(&mut self, slot: Slot, limit: Sequence) {
        self.assignments[slot].limit = Some(limit);
        let mut discarded = Vec::new();
        let poller = self.assignments[slot].poller as usize;
        for lane in &mut self.desks[poller].lanes {
            let is_kept = |task: &Task| task.assignment != slot || task.sequence < limit;
            self.nodes.retain(&mut lane.queue, is_kept, &mut discarded);
        }
        self.queued -= discarded.len();
        // A lane whose first record waited goes on if that record is gone: the next one was never
        // tried.
        let (desks, nodes) = (&self.desks, &self.nodes);
        let is_free = |id: LaneId| {
            let lane = &desks[id.poller as usize].lanes[id.index as usize];
            nodes
                .front(&lane.queue)
                .is_none_or(|head| head.failures == 0)
        };
        let mut freed = self.parked.take_if(is_free);
        self.blocked.retain(|id| {
            let is_freed = is_free(*id);
            if is_freed {
                freed.push(*id);
            }
            !is_freed
        });
        for id in freed {
            self.make_ready(id);
        }
        for task in discarded {
            self.assignments[task.assignment].queued -= 1;
            self.forget(&task);
        }
    }

    /// The records of an assignment that are in lanes or hands; none once it is over.
    pub(crate) fn remaining(&self, slot: Slot, epoch: AssignmentEpoch) -> Remaining {
        self.assignments.remaining(slot, epoch)
    }
}
