//! What happened in one simulation: for the guarantees, for people, and as one number.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weft_client::Offset;

use super::world::Moment;
use super::{TOPICS, Violation};
use crate::guarantee::{CommitSeen, Handled, Instance, Lane, Tick};

/// See the module's text.
pub(super) struct History {
    /// Of everything that happened, in its order: equal for equal histories.
    pub(super) hash: u64,
    /// Lines for people, if somebody wants them.
    trace: Option<Vec<String>>,
    pub(super) complaints: Vec<Violation>,
    ticks: u64,
    pub(super) handled: Vec<Handled>,
    pub(super) commits: Vec<CommitSeen>,
    /// What is committed, by the number that stands for a partition.
    pub(super) committed: BTreeMap<i32, Offset>,
    /// The end of each partition.
    pub(super) ends: BTreeMap<i32, Offset>,
    /// Up to where each partition has no open transaction.
    pub(super) stable: BTreeMap<i32, Offset>,
    /// The offsets of markers and of records of aborted transactions, which nobody is given.
    pub(super) nothing: BTreeMap<i32, BTreeSet<Offset>>,
    /// The producers of the transactions that are open, by the event that began each.
    pub(super) open: BTreeMap<usize, i64>,
    /// Partitions whose first records were deleted.
    pub(super) shortened: BTreeSet<i32>,
    /// Partitions in which a program went back to what it took for committed.
    pub(super) rewound: BTreeSet<i32>,
    /// When the last new thing was handled or committed.
    pub(super) progressed_at: Moment,
}

impl History {
    pub(super) fn new(is_traced: bool) -> Self {
        Self {
            hash: FNV_BASIS,
            trace: is_traced.then(Vec::new),
            complaints: Vec::new(),
            ticks: 0,
            handled: Vec::new(),
            commits: Vec::new(),
            committed: BTreeMap::new(),
            ends: BTreeMap::new(),
            stable: BTreeMap::new(),
            nothing: BTreeMap::new(),
            open: BTreeMap::new(),
            shortened: BTreeSet::new(),
            rewound: BTreeSet::new(),
            progressed_at: Moment::ZERO,
        }
    }

    /// This moment, in the order of all moments.
    pub(super) fn tick(&mut self) -> Tick {
        self.ticks += 1;
        Tick(self.ticks)
    }

    /// Adds to the hash.
    pub(super) fn mark(&mut self, now: Moment, value: u64) {
        for number in [now.as_micros() as u64, value] {
            self.hash = (self.hash ^ number).wrapping_mul(FNV_PRIME);
        }
    }

    /// Writes down a line for people.
    pub(super) fn note(&mut self, now: Moment, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace
            && trace.len() < TRACE_LINES_MAX
        {
            trace.push(format!("{} {}", time(now), line()));
        }
    }

    pub(super) fn complain(&mut self, now: Moment, guarantee: &'static str, text: &str) {
        self.note(now, || format!("VIOLATION of {guarantee}: {text}"));
        if self.complaints.len() < COMPLAINTS_MAX {
            self.complaints.push(Violation {
                guarantee,
                text: text.to_owned(),
            });
        }
    }

    pub(super) fn take_trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }

    /// Whether everything that was written, and can be read, is committed.
    pub(super) fn is_all_committed(&self) -> bool {
        let mut ends = self.ends.iter();
        ends.all(|(partition, end)| {
            let committed = self.committed.get(partition);
            let committed = committed.copied().unwrap_or(Offset::ZERO);
            self.next_given(*partition, committed) == *end
        })
    }

    /// The first offset from this one on at which somebody is given a record, or will be.
    pub(super) fn next_given(&self, partition: i32, mut offset: Offset) -> Offset {
        let nothing = self.nothing.get(&partition);
        while nothing.is_some_and(|nothing| nothing.contains(&offset)) {
            offset = offset.next();
        }
        offset
    }

    /// What was handled, and as if handled at the very beginning what nobody is given.
    pub(super) fn handled_or_nothing(&self) -> Vec<Handled> {
        let nothing = self.nothing.iter().flat_map(|(partition, offsets)| {
            offsets.iter().map(|offset| Handled {
                instance: Instance(u32::MAX),
                partition: *partition,
                offset: *offset,
                lane: Lane(0),
                started: Tick(0),
                ended: Tick(0),
            })
        });
        self.handled.iter().copied().chain(nothing).collect()
    }
}

/// The number that stands for a partition of a topic.
pub(super) fn number_of(topic: &str, partition: i32) -> i32 {
    let topic = TOPICS.iter().position(|name| *name == topic);
    let topic = i32::try_from(topic.unwrap_or(TOPICS.len())).unwrap_or(i32::MAX);
    topic * PARTITIONS_MAX + partition
}

/// The topic and partition of a number.
pub(super) fn partition_of(number: i32) -> (&'static str, i32) {
    let topic = usize::try_from(number / PARTITIONS_MAX).unwrap_or_default();
    (TOPICS[topic], number % PARTITIONS_MAX)
}

/// A moment as people read it.
pub(super) fn time(moment: Duration) -> String {
    format!("{:>10.6}", moment.as_secs_f64())
}

const PARTITIONS_MAX: i32 = 100;
const COMPLAINTS_MAX: usize = 20;
const TRACE_LINES_MAX: usize = 200_000;
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
