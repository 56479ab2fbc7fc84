//! `range`: gives every member a run of neighbouring partitions of each topic.
//!
//! Topics are divided one by one, so that partition 3 of two topics that are partitioned alike goes
//! to the same member. If racks matter, partitions first go to members that can read them nearby,
//! as far as that changes neither the size of anybody's share nor the alignment of topics that have
//! the same readers and the same number of partitions. The result is the one of Kafka's
//! `RangeAssignor`.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::ids::{MemberId, TopicName, TopicPartition};

use super::roster::{Reader, nothing_for, racks_matter, readers_by_topic};
use super::{
    AssignError, Assignor, ClusterTopics, MemberAssignment, MemberSubscription, ReplicaRacks,
};

/// Gives every member a run of neighbouring partitions of each topic; the first members get one
/// more where a topic does not divide evenly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeAssignor;

impl Assignor for RangeAssignor {
    fn name(&self) -> &str {
        "range"
    }

    fn assign(
        &self,
        topics: &ClusterTopics,
        members: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, AssignError> {
        let mut divisions: Vec<Division<'_>> = readers_by_topic(topics, members)
            .into_iter()
            .map(|(topic, readers)| {
                Division::new(topic, readers, topics.partitions(topic).unwrap_or_default())
            })
            .collect();
        if divisions.iter().any(|division| division.racks_matter) {
            divide_within_racks(&mut divisions);
        }
        let mut result = nothing_for(members);
        for mut division in divisions {
            division.deal_ranges(|_, _| true);
            division.hand_out(&mut result);
        }
        Ok(result)
    }
}

/// Gives partitions to members that can read them nearby. Topics with the same readers and the same
/// number of partitions are taken together, lest joins across them be torn apart.
fn divide_within_racks(divisions: &mut [Division<'_>]) {
    let mut alike: BTreeMap<(Vec<Reader<'_>>, usize), Vec<&mut Division<'_>>> = BTreeMap::new();
    for division in divisions {
        let key = (division.readers.clone(), division.unassigned.len());
        alike.entry(key).or_default().push(division);
    }
    for mut together in alike.into_values() {
        match together.as_mut_slice() {
            [alone] if alone.racks_matter => alone.deal_ranges(is_near),
            [_] => {}
            several => deal_together(several),
        }
    }
}

/// Gives each partition number, in all the topics at once, to the first reader that is near all of
/// these partitions and has room in all the topics. Leaves the numbers for which there is none.
fn deal_together(divisions: &mut [&mut Division<'_>]) {
    let Some(first) = divisions.first() else {
        return;
    };
    let readers = first.readers.len();
    let numbers: Vec<i32> = first.unassigned.keys().copied().collect();
    for number in numbers {
        let fits = |reader: &usize| divisions.iter().all(|one| one.can_give(*reader, number));
        if let Some(reader) = (0..readers).find(fits) {
            for division in divisions.iter_mut() {
                division.give(reader, number);
            }
        }
    }
}

/// Whether the reader reads the partition nearby; a reader without a rack is near everything.
fn is_near(reader: &Reader<'_>, racks: &ReplicaRacks) -> bool {
    reader.rack.is_none_or(|rack| racks.contains(rack))
}

/// One topic on its way to its readers.
struct Division<'a> {
    topic: &'a TopicName,
    readers: Vec<Reader<'a>>,
    racks_matter: bool,
    /// The partitions that nobody has got yet, by number.
    unassigned: BTreeMap<i32, &'a ReplicaRacks>,
    /// What each reader has got, in the order of `readers`.
    shares: Vec<BTreeSet<i32>>,
    /// What every reader gets at least.
    base: usize,
    /// How many readers may still get one more than `base`.
    extras: usize,
}

impl<'a> Division<'a> {
    fn new(topic: &'a TopicName, readers: Vec<Reader<'a>>, racks: &'a [ReplicaRacks]) -> Self {
        Self {
            topic,
            racks_matter: racks_matter(&readers, &racks.iter().collect::<Vec<_>>()),
            unassigned: (0..).zip(racks).collect(),
            shares: vec![BTreeSet::new(); readers.len()],
            base: racks.len() / readers.len(),
            extras: racks.len() % readers.len(),
            readers,
        }
    }

    /// How many more partitions the reader may get.
    fn room(&self, reader: usize) -> usize {
        let most = self.base + usize::from(self.extras > 0);
        most.saturating_sub(self.shares[reader].len())
    }

    fn can_give(&self, reader: usize, number: i32) -> bool {
        let racks = self.unassigned.get(&number);
        self.room(reader) > 0 && racks.is_some_and(|racks| is_near(&self.readers[reader], racks))
    }

    fn give(&mut self, reader: usize, number: i32) {
        self.unassigned.remove(&number);
        self.shares[reader].insert(number);
        if self.shares[reader].len() > self.base {
            self.extras -= 1;
        }
    }

    /// Serves each reader in turn with the lowest partitions that it may get.
    fn deal_ranges(&mut self, may_get: impl Fn(&Reader<'_>, &ReplicaRacks) -> bool) {
        for reader in 0..self.readers.len() {
            let candidates = self.unassigned.iter();
            let run: Vec<i32> = candidates
                .filter(|(_, racks)| may_get(&self.readers[reader], racks))
                .map(|(number, _)| *number)
                .take(self.room(reader))
                .collect();
            for number in run {
                self.give(reader, number);
            }
        }
    }

    fn hand_out(self, result: &mut BTreeMap<MemberId, MemberAssignment>) {
        for (reader, share) in self.readers.iter().zip(self.shares) {
            let assignment = result
                .get_mut(reader.id)
                .expect("every reader is a member, and every member has an entry");
            let named = share.into_iter();
            let named = named.map(|number| TopicPartition::new(self.topic.clone(), number));
            assignment.partitions.extend(named);
        }
    }
}
