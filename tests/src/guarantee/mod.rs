//! What a consuming program promises, as pure judgements over what was seen of it.
//!
//! A scenario writes down what happened: [`Handled`] for each time that a record was handled,
//! [`CommitSeen`] for each look at what a group has committed. Afterwards it asks the functions
//! here whether such a history is legal. They know no clock: a [`Tick`] is the place of a moment in
//! the one order of all moments that the history speaks of.

mod commits;
mod delivery;
mod offset_set;
mod order;
mod overlap;
mod ownership;

use std::fmt;

use weft_client::Offset;

pub use commits::{committed_is_finished, committed_is_not_replayed, no_regress};
pub use delivery::{Delivery, at_least_once};
pub use offset_set::OffsetSet;
pub use order::{first_times_in_order, order_per_lane};
pub use overlap::{Window, no_overlap};
pub use ownership::{Claim, one_owner_per_generation};

/// A moment: its place in the order of all moments of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

/// One consuming instance, such as one runtime: whatever comes and goes as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(pub u32);

/// What must be handled in order: records of one partition that have the same number here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u64);

impl Lane {
    /// The lane of a whole partition.
    pub const PARTITION: Self = Self(u64::MAX);
}

/// One record was handled once, from `started` to `ended`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handled {
    /// Who handled it.
    pub instance: Instance,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: Offset,
    /// Its unit of order.
    pub lane: Lane,
    /// When its handler was entered.
    pub started: Tick,
    /// When its handler returned.
    pub ended: Tick,
}

/// Somebody asked the coordinator what is committed for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitSeen {
    /// The partition.
    pub partition: i32,
    /// What the coordinator told.
    pub committed: Offset,
    /// When the question was sent.
    pub asked: Tick,
    /// When the answer had come.
    pub answered: Tick,
}

/// Why a history is not legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal(String);

impl Illegal {
    fn because(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Illegal {}

/// Short ways to write histories down.
#[cfg(test)]
mod notation {
    use super::*;

    /// Instance `instance` handled `offset` of partition 0 in lane 0 during `[started, ended]`.
    pub(super) fn handled(instance: u32, offset: i64, started: u64, ended: u64) -> Handled {
        Handled {
            instance: Instance(instance),
            partition: 0,
            offset: Offset::new(offset),
            lane: Lane(0),
            started: Tick(started),
            ended: Tick(ended),
        }
    }

    /// One instance handled these offsets of partition 0 one after the other, from tick 0 on: the
    /// record at index `i` during `[2 i, 2 i + 1]`.
    pub(super) fn one_by_one(offsets: &[i64]) -> Vec<Handled> {
        let starts = (0..).step_by(2);
        let pairs = offsets.iter().zip(starts);
        pairs
            .map(|(offset, start)| handled(1, *offset, start, start + 1))
            .collect()
    }

    /// The coordinator told `committed` for partition 0 between the two ticks.
    pub(super) fn seen(committed: i64, asked: u64, answered: u64) -> CommitSeen {
        CommitSeen {
            partition: 0,
            committed: Offset::new(committed),
            asked: Tick(asked),
            answered: Tick(answered),
        }
    }

    /// The complaint of a judgement, for comparing.
    pub(super) fn complaint<T: fmt::Debug>(judgement: Result<T, Illegal>) -> String {
        judgement.expect_err("the history is illegal").to_string()
    }
}
