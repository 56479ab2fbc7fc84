//! Watches what the handlers are given: what was new, what came again, and whether order was kept.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "measures time, and many threads write down what they saw"
)]

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use weft_client::{Offset, TopicPartition};
use weft_consumer::ConsumerRecord;

use crate::topic::Topic;

/// In which unit records have to be in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Partition,
    Key,
}

/// The last offset handled of each lane: partition and key.
type LastOffsets = HashMap<(i32, Vec<u8>), i64>;

/// What was seen so far. Shared by all handlers.
#[derive(Debug)]
pub(crate) struct Judge {
    unit: Unit,
    partitions: BTreeMap<TopicPartition, Seen>,
    lanes: Vec<Mutex<LastOffsets>>,
    hasher: RandomState,
    began_at: Instant,
    /// Microseconds from `began_at` to the first and to the last record that was new.
    first_us: AtomicU64,
    last_us: AtomicU64,
    fresh: AtomicU64,
    repeated: AtomicU64,
    out_of_order: AtomicU64,
}

/// One bit for each offset of a partition.
#[derive(Debug)]
struct Seen {
    begin: i64,
    end: i64,
    bits: Vec<AtomicU64>,
}

impl Judge {
    pub(crate) fn new(unit: Unit, topic: &Topic) -> Self {
        let seen = |(partition, (begin, end)): (&TopicPartition, &(Offset, Offset))| {
            let (begin, end) = (begin.value(), end.value());
            let words = usize::try_from((end - begin).max(0) / 64 + 1).unwrap_or(1);
            let bits = (0..words).map(|_| AtomicU64::new(0)).collect();
            (partition.clone(), Seen { begin, end, bits })
        };
        Self {
            unit,
            partitions: topic.ranges.iter().map(seen).collect(),
            lanes: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            began_at: Instant::now(),
            first_us: AtomicU64::new(u64::MAX),
            last_us: AtomicU64::new(0),
            fresh: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            out_of_order: AtomicU64::new(0),
        }
    }

    /// Takes note of a record that is being handled. Records behind the end are left out.
    pub(crate) fn see(&self, record: &ConsumerRecord<'_>) {
        let offset = record.offset().value();
        let Some(seen) = self.partitions.get(record.topic_partition()) else {
            return;
        };
        let Some(index) = seen.index(offset) else {
            return;
        };
        let bit = 1_u64 << (index % 64);
        if seen.bits[index / 64].fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            self.repeated.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let key = match self.unit {
            Unit::Partition => Vec::new(),
            Unit::Key => record.key().unwrap_or_default().to_vec(),
        };
        let lane = (record.partition(), key);
        let shard = self.hasher.hash_one(&lane) as usize % self.lanes.len();
        let mut lanes = self.lanes[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let last = lanes.entry(lane).or_insert(-1);
        if offset < *last {
            self.out_of_order.fetch_add(1, Ordering::Relaxed);
        }
        *last = offset.max(*last);
        drop(lanes);
        let now = u64::try_from(self.began_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.first_us.fetch_min(now, Ordering::Relaxed);
        self.last_us.fetch_max(now, Ordering::Relaxed);
        self.fresh.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that were handled, each counted once.
    pub(crate) fn fresh(&self) -> u64 {
        self.fresh.load(Ordering::Relaxed)
    }

    /// Records that came again.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Records that came after a later one of their unit.
    pub(crate) fn out_of_order(&self) -> u64 {
        self.out_of_order.load(Ordering::Relaxed)
    }

    /// Seconds from the first record to the last.
    pub(crate) fn seconds(&self) -> f64 {
        let first = self.first_us.load(Ordering::Relaxed);
        let last = self.last_us.load(Ordering::Relaxed);
        last.saturating_sub(first) as f64 / 1e6
    }

    /// Records that were handled and lie before what was committed.
    pub(crate) fn covered_by(&self, committed: &BTreeMap<TopicPartition, Offset>) -> u64 {
        let partitions = self.partitions.iter();
        partitions
            .map(|(partition, seen)| {
                let end = committed.get(partition).map_or(seen.begin, |at| at.value());
                seen.count_below(end)
            })
            .sum()
    }
}

impl Seen {
    fn index(&self, offset: i64) -> Option<usize> {
        let is_inside = (self.begin..self.end).contains(&offset);
        is_inside
            .then(|| usize::try_from(offset - self.begin).ok())
            .flatten()
    }

    fn count_below(&self, offset: i64) -> u64 {
        let offsets = self.begin..self.end.min(offset);
        let is_seen = |offset: &i64| {
            self.index(*offset).is_some_and(|index| {
                self.bits[index / 64].load(Ordering::Relaxed) >> (index % 64) & 1 == 1
            })
        };
        offsets.filter(is_seen).count() as u64
    }
}

/// Locks among which the lanes are spread.
const SHARDS: usize = 64;
