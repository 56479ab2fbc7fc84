//! What one poller has in the pool: its lanes, and what is finished of its records.

use crate::route::Lane;

use super::Finished;
use super::queue::Queue;

/// One lane of one poller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneId {
    pub(super) poller: u32,
    pub(super) index: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneState {
    Idle,
    Ready,
    Running,
    Parked,
}

#[derive(Clone, Debug)]
pub(super) struct LaneRecords {
    pub(super) state: LaneState,
    pub(super) queue: Queue,
}

impl LaneRecords {
    const NEW: Self = Self {
        state: LaneState::Idle,
        queue: Queue::EMPTY,
    };
}

/// What one poller has in the pool.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) lanes: Vec<LaneRecords>,
    hashed_lanes: u32,
    /// Where to look for a free lane next.
    free_lane: u32,
    pub(super) unfinished: usize,
    pub(super) wake_at: Option<usize>,
    pub(super) finished: Vec<Finished>,
}

/// With no free lane among so many, a record without order waits behind another one.
const PROBES_MAX: u32 = 16;

impl Desk {
    pub(super) fn new(hashed_lanes: u32) -> Self {
        Self {
            lanes: vec![LaneRecords::NEW; hashed_lanes as usize],
            hashed_lanes,
            free_lane: 0,
            unfinished: 0,
            wake_at: None,
            finished: Vec::new(),
        }
    }

    /// The place of a lane in its desk, which grows when a partition is new.
    pub(super) fn lane_index(&mut self, lane: Lane) -> u32 {
        match lane {
            Lane::Hashed(index) => index,
            Lane::OfPartition(partition) => {
                let index = self.hashed_lanes + partition.0;
                if index as usize >= self.lanes.len() {
                    self.lanes.resize(index as usize + 1, LaneRecords::NEW);
                }
                index
            }
            Lane::Any => {
                for _ in 0..PROBES_MAX {
                    self.free_lane = (self.free_lane + 1) % self.hashed_lanes;
                    if self.lanes[self.free_lane as usize].state == LaneState::Idle {
                        break;
                    }
                }
                self.free_lane
            }
        }
    }
}
