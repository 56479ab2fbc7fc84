//! What is to be divided among whom, in a form that is quick to look up.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::ids::{MemberId, TopicName};

use crate::assign::roster::{Reader, racks_matter};
use crate::assign::{ClusterTopics, MemberSubscription, ReplicaRacks};

/// A partition: topic and number, in this order.
pub(in crate::assign) type Partition<'a> = (&'a TopicName, i32);

/// What one member gets, in the order in which it will be told.
pub(in crate::assign) type Share<'a> = Vec<Partition<'a>>;

/// A member by its place in [`Problem::members`].
pub(in crate::assign) type Place = usize;

pub(in crate::assign) struct Problem<'a> {
    /// All members, by id. Static members have no precedence here: stickiness serves them better.
    pub(in crate::assign) members: Vec<Reader<'a>>,
    /// Whether all members want the same topics.
    pub(in crate::assign) all_want_the_same: bool,
    /// Whether heeding racks can gain anything.
    pub(in crate::assign) racks_matter: bool,
    /// Whether members may keep what they own although they read it from afar.
    pub(in crate::assign) keeps_what_is_far: bool,
    topics: BTreeMap<&'a TopicName, Topic<'a>>,
}

struct Topic<'a> {
    partitions: BTreeMap<i32, &'a ReplicaRacks>,
    readers: Vec<Place>,
}

impl<'a> Problem<'a> {
    pub(in crate::assign) fn new(
        known: &'a ClusterTopics,
        subscriptions: &'a BTreeMap<MemberId, MemberSubscription>,
    ) -> Self {
        let mut topics: BTreeMap<&TopicName, Topic<'_>> = BTreeMap::new();
        let mut members = Vec::new();
        let mut wishes: BTreeSet<BTreeSet<&TopicName>> = BTreeSet::new();
        for (place, (id, subscription)) in subscriptions.iter().enumerate() {
            let rack = subscription.rack.as_deref();
            let rack = rack.filter(|rack| !rack.is_empty());
            members.push(Reader { id, rack });
            let wanted: BTreeSet<&TopicName> = subscription.topics.iter().collect();
            for topic in &wanted {
                if let Some(racks) = known.partitions(topic) {
                    let new = || Topic::new(racks);
                    topics.entry(topic).or_insert_with(new).readers.push(place);
                }
            }
            wishes.insert(wanted);
        }
        let all = topics.values().flat_map(|topic| topic.partitions.values());
        let all: Vec<&ReplicaRacks> = all.copied().collect();
        Self {
            racks_matter: racks_matter(&members, &all),
            keeps_what_is_far: false,
            all_want_the_same: wishes.len() == 1,
            members,
            topics,
        }
    }

    /// All partitions that somebody wants, by topic and number.
    pub(in crate::assign) fn partitions(&self) -> impl Iterator<Item = Partition<'a>> {
        let topics = self.topics.iter();
        topics.flat_map(|(name, topic)| topic.partitions.keys().map(|number| (*name, *number)))
    }

    /// The same partition with a name that lives as long as the problem; `None` if nobody wants it
    /// or it does not exist.
    pub(super) fn find(&self, topic: &TopicName, number: i32) -> Option<Partition<'a>> {
        let (name, topic) = self.topics.get_key_value(topic)?;
        let exists = topic.partitions.contains_key(&number);
        exists.then_some((*name, number))
    }

    /// The members that want the topic, by id.
    pub(super) fn readers(&self, topic: &TopicName) -> &[Place] {
        self.topics.get(topic).map_or(&[], |topic| &topic.readers)
    }

    /// Whether the member's rack holds a replica. A member without a rack is nowhere.
    pub(super) fn is_in_rack(&self, member: Place, partition: Partition<'_>) -> bool {
        let rack = self.members[member].rack;
        rack.is_some_and(|rack| {
            self.racks(partition)
                .is_some_and(|racks| racks.contains(rack))
        })
    }

    /// Whether nothing is lost if the member reads the partition: racks do not matter, the member
    /// has none, or its rack holds a replica.
    pub(super) fn suits(&self, member: Place, partition: Partition<'_>) -> bool {
        !self.racks_matter
            || self.members[member].rack.is_none()
            || self.is_in_rack(member, partition)
    }

    /// Whether the member may keep the partition, if it owns it.
    pub(super) fn may_keep(&self, member: Place, partition: Partition<'_>) -> bool {
        self.keeps_what_is_far || self.suits(member, partition)
    }

    /// How many partitions of these shares are read in a rack that holds a replica.
    pub(in crate::assign) fn read_nearby(&self, shares: &[Share<'_>]) -> usize {
        let is_near = |place, share: &Share<'_>| {
            let partitions = share.iter();
            partitions
                .filter(|one| self.is_in_rack(place, **one))
                .count()
        };
        let shares = shares.iter().enumerate();
        shares.map(|(place, share)| is_near(place, share)).sum()
    }

    /// How many members are in racks that hold a replica.
    pub(super) fn members_in_rack(&self, partition: Partition<'_>) -> usize {
        let racks = self.racks(partition);
        let members = self.members.iter().filter_map(|member| member.rack);
        members
            .filter(|rack| racks.is_some_and(|racks| racks.contains(*rack)))
            .count()
    }

    fn racks(&self, (topic, number): Partition<'_>) -> Option<&'a ReplicaRacks> {
        self.topics.get(topic)?.partitions.get(&number).copied()
    }
}

impl<'a> Topic<'a> {
    fn new(racks: &'a [ReplicaRacks]) -> Self {
        Self {
            partitions: (0..).zip(racks).collect(),
            readers: Vec::new(),
        }
    }
}
