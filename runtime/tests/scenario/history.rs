//! What handlers did with which record, and what may be asked about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use weft_client::Offset;
use weft_consumer::ConsumerRecord;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Handled {
    started: u64,
    ended: u64,
    partition: i32,
    offset: i64,
    key: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct History {
    clock: AtomicU64,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    handled: Vec<Handled>,
    distinct: BTreeSet<(i32, i64)>,
}

impl History {
    /// A moment; they are ordered as they happened.
    pub(crate) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn handled(&self, record: &ConsumerRecord<'_>, started: u64) {
        self.add(Handled {
            started,
            ended: self.tick(),
            partition: record.partition(),
            offset: record.offset().value(),
            key: record.key().unwrap_or_default().to_vec(),
        });
    }

    fn add(&self, handled: Handled) {
        let mut all = self.all();
        all.distinct.insert((handled.partition, handled.offset));
        all.handled.push(handled);
    }

    /// The lines of a log: start, end, partition, offset, key.
    pub(crate) fn from_log(log: &str) -> Self {
        let history = Self::default();
        for line in log.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let [started, ended, partition, offset, key] = fields[..] else {
                panic!("not a line of the log: {line:?}");
            };
            history.add(Handled {
                started: started.parse().unwrap(),
                ended: ended.parse().unwrap(),
                partition: partition.parse().unwrap(),
                offset: offset.parse().unwrap(),
                key: key.as_bytes().to_vec(),
            });
        }
        history
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap()
    }

    pub(crate) fn len(&self) -> usize {
        self.all().handled.len()
    }

    pub(crate) fn distinct(&self) -> usize {
        self.all().distinct.len()
    }

    pub(crate) fn identities(&self) -> BTreeSet<(i32, i64)> {
        self.all().distinct.clone()
    }

    pub(crate) fn in_partition(&self, partition: i32) -> usize {
        let all = self.all();
        all.distinct
            .iter()
            .filter(|(of, _)| *of == partition)
            .count()
    }

    /// The lowest offset of a partition handled after so many records.
    pub(crate) fn first_offset_since(&self, before: usize, partition: i32) -> Option<Offset> {
        let all = self.all();
        let of = all.handled[before..]
            .iter()
            .filter(|one| one.partition == partition);
        of.map(|one| Offset::new(one.offset)).min()
    }

    pub(crate) fn check_each_once(&self, records: usize) {
        let all = self.all();
        assert_eq!(all.distinct.len(), records, "records are missing");
        assert_eq!(all.handled.len(), records, "records were handled again");
    }

    /// In each partition the records of a key are handled one after the other, in order.
    pub(crate) fn check_order(&self) {
        for ((partition, key), mut records) in self.lanes() {
            records.sort();
            for pair in records.windows(2) {
                let [before, after] = pair else { continue };
                let key = String::from_utf8_lossy(&key);
                assert!(
                    before.ended < after.started,
                    "two at once in {partition}, key {key}: {before:?} {after:?}"
                );
                assert!(
                    before.offset < after.offset,
                    "out of order in {partition}, key {key}: {before:?} {after:?}"
                );
            }
        }
    }

    /// As `check_order`, for a history in which records are repeated: when one is handled for the
    /// first time, all before it of its key have been handled.
    pub(crate) fn check_order_of_first_times(&self) {
        for ((partition, key), mut records) in self.lanes() {
            records.sort();
            let mut highest = -1;
            let mut seen = BTreeSet::new();
            let offsets: BTreeSet<i64> = records.iter().map(|one| one.offset).collect();
            for record in &records {
                if seen.insert(record.offset) {
                    assert!(
                        record.offset > highest,
                        "{record:?} comes after {highest} in {partition}, {key:?}"
                    );
                    highest = record.offset;
                }
            }
            assert_eq!(seen, offsets);
        }
    }

    fn lanes(&self) -> BTreeMap<(i32, Vec<u8>), Vec<Handled>> {
        let mut lanes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for handled in &self.all().handled {
            let lane = (handled.partition, handled.key.clone());
            lanes.entry(lane).or_default().push(handled.clone());
        }
        lanes
    }
}
