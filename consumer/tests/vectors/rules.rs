//! What sticky assignors promise, over claims that no honest group would make.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::ids::{GenerationId, MemberId, TopicName, TopicPartition};
use weft_consumer::assign::{
    Assignor, ClusterTopics, CooperativeStickyAssignor, LastAssignment, MemberAssignment,
    MemberSubscription, ReplicaRacks, StickyAssignor,
};

use crate::Xorshift;

pub(crate) type Members = BTreeMap<MemberId, MemberSubscription>;
pub(crate) type Assigned = BTreeMap<MemberId, MemberAssignment>;

const CASES: u32 = 500;

/// How many rebalances a cooperative group may take for what an eager one does in one.
const ROUNDS_MAX: u32 = 6;

/// A group, and the topics that exist.
pub(crate) struct Case {
    partitions: BTreeSet<TopicPartition>,
    cluster: ClusterTopics,
    members: Members,
}

impl Case {
    pub(crate) fn of(cluster: ClusterTopics, members: Members) -> Self {
        let wanted: BTreeSet<_> = members.values().flat_map(|one| &one.topics).collect();
        let partitions = wanted.into_iter().flat_map(|topic| {
            let count = cluster.partitions(topic).map_or(0, <[_]>::len);
            let numbers = (0..).take(count);
            numbers.map(|number| TopicPartition::new(topic.clone(), number))
        });
        Self {
            partitions: partitions.collect(),
            cluster,
            members,
        }
    }

    fn empty() -> Self {
        Self {
            partitions: BTreeSet::new(),
            cluster: ClusterTopics::new(),
            members: Members::new(),
        }
    }

    /// Up to seven members that claim whatever they like, and the topics `t0` to `t3`, of which
    /// some do not exist.
    fn new(random: &mut Xorshift, assignor: &dyn Assignor) -> Self {
        let mut case = Self::empty();
        for topic in (0..4).map(|number| format!("t{number}")) {
            let racks: Vec<_> = (0..random.below(8)).map(|_| replicas(random)).collect();
            let numbers = (0..).take(racks.len());
            let named = numbers.map(|number| TopicPartition::new(topic.as_str(), number));
            case.partitions.extend(named);
            case.cluster.insert(topic.into(), racks);
        }
        let want_the_same = random.below(2) == 0;
        for number in 0..=random.below(7) {
            let member = case.member(random, assignor, want_the_same);
            case.members
                .insert(format!("m{number}").as_str().into(), member);
        }
        case
    }

    fn member(
        &self,
        random: &mut Xorshift,
        assignor: &dyn Assignor,
        want_the_same: bool,
    ) -> MemberSubscription {
        let names = (0..4).map(|number| TopicName::new(format!("t{number}")));
        let wanted = names.filter(|_| want_the_same || random.below(3) > 0);
        let topics: Vec<TopicName> = wanted.collect();
        let owned_partitions = (0..random.below(9)).map(|_| claim(random)).collect();
        let generation = GenerationId::new([1, 2, 2, 2][random.below(4)]);
        let last = LastAssignment {
            partitions: owned_partitions,
            generation,
        };
        MemberSubscription {
            user_data: assignor.subscription_user_data(&BTreeSet::new(), Some(&last)),
            topics,
            owned_partitions: last.partitions,
            generation: (random.below(5) > 0).then_some(generation),
            rack: ["", "a", "b"]
                .get(random.below(9))
                .map(|rack| (*rack).into()),
            group_instance_id: None,
        }
    }

    pub(crate) fn assign(&self, assignor: &dyn Assignor) -> Assigned {
        let assigned = assignor.assign(&self.cluster, &self.members).unwrap();
        assert!(assigned.keys().eq(self.members.keys()));
        assigned
    }

    fn wants(&self, member: &MemberId, partition: &TopicPartition) -> bool {
        self.members[member].topics.contains(partition.topic())
    }

    /// Everything that somebody wants has one reader, who wants it.
    pub(crate) fn check_complete(&self, assigned: &Assigned) {
        let mut given = BTreeSet::new();
        for (member, assignment) in assigned {
            for partition in &assignment.partitions {
                assert!(
                    self.wants(member, partition),
                    "{member} does not want {partition}"
                );
                assert!(
                    given.insert(partition.clone()),
                    "{partition} is given twice"
                );
            }
        }
        let wanted = |partition: &&TopicPartition| {
            self.members
                .keys()
                .any(|member| self.wants(member, partition))
        };
        let wanted: BTreeSet<_> = self.partitions.iter().filter(wanted).cloned().collect();
        assert_eq!(given, wanted);
    }

    /// No partition could move to a reader that has at least two fewer.
    pub(crate) fn check_balanced(&self, assigned: &Assigned) {
        for (owner, assignment) in assigned {
            for partition in &assignment.partitions {
                for (other, theirs) in assigned {
                    let fairer = theirs.partitions.len() + 1 < assignment.partitions.len();
                    let could_have = self.wants(other, partition);
                    assert!(!(fairer && could_have), "{partition}: {owner} to {other}");
                }
            }
        }
    }

    /// Nobody is given what another member may still be reading.
    fn check_handed_over(&self, assigned: &Assigned) {
        for (member, assignment) in assigned {
            for partition in &assignment.partitions {
                let others = self.members.iter().filter(|(other, _)| *other != member);
                let newest = |one: &MemberSubscription| {
                    let claims = one.owned_partitions.contains(partition);
                    claims.then(|| one.generation.unwrap_or_else(|| of_user_data(one)))
                };
                let theirs = others.filter_map(|(_, other)| newest(other)).max();
                let mine = newest(&self.members[member]);
                assert!(theirs < mine || theirs.is_none(), "{partition} to {member}");
            }
        }
    }
}

impl Case {
    /// A cooperative group ends up complete and balanced, and nothing is given to anybody before it
    /// was given up. Returns whether that took a few rebalances only.
    pub(crate) fn settles(&mut self) -> bool {
        let newest = self.members.values().filter_map(|one| one.generation).max();
        let mut generation = newest.map_or(0, GenerationId::value);
        let mut before = self.assign(&CooperativeStickyAssignor);
        self.check_handed_over(&before);
        for _ in 0..ROUNDS_MAX {
            generation += 1;
            for (id, member) in &mut self.members {
                member.owned_partitions = before[id].partitions.clone();
                member.owned_partitions.sort();
                member.generation = Some(GenerationId::new(generation));
            }
            let after = self.assign(&CooperativeStickyAssignor);
            self.check_handed_over(&after);
            if sets(&after) == sets(&before) {
                self.check_complete(&before);
                self.check_balanced(&before);
                return true;
            }
            before = after;
        }
        false
    }
}

/// What everybody got, whatever the order.
fn sets(assigned: &Assigned) -> Vec<BTreeSet<&TopicPartition>> {
    let shares = assigned.values();
    shares
        .map(|share| share.partitions.iter().collect())
        .collect()
}

fn of_user_data(member: &MemberSubscription) -> GenerationId {
    let bytes = member.user_data.as_deref().unwrap();
    GenerationId::new(i32::from_be_bytes(bytes.try_into().unwrap()))
}

fn replicas(random: &mut Xorshift) -> ReplicaRacks {
    let racks = ["a", "b", "c"].into_iter();
    racks
        .filter(|_| random.below(2) == 0)
        .map(Into::into)
        .collect()
}

/// Any partition of any topic, existing or not.
fn claim(random: &mut Xorshift) -> TopicPartition {
    let number = i32::try_from(random.below(10)).unwrap() - 1;
    TopicPartition::new(format!("t{}", random.below(5)), number)
}

#[test]
fn sticky_gives_every_wanted_partition_to_one_reader_and_is_balanced_whatever_is_claimed() {
    let mut random = Xorshift::new(1);
    for _ in 0..CASES {
        let case = Case::new(&mut random, &StickyAssignor);
        let assigned = case.assign(&StickyAssignor);
        case.check_complete(&assigned);
        case.check_balanced(&assigned);
    }
}

#[test]
fn cooperative_sticky_moves_nothing_before_it_was_given_up_whatever_is_claimed() {
    let mut random = Xorshift::new(2);
    for _ in 0..CASES {
        let case = Case::new(&mut random, &CooperativeStickyAssignor);
        case.check_handed_over(&case.assign(&CooperativeStickyAssignor));
    }
}

#[test]
fn cooperative_sticky_is_complete_and_balanced_once_everybody_has_given_up_and_rejoined() {
    let mut random = Xorshift::new(3);
    for _ in 0..CASES {
        let mut case = Case::new(&mut random, &CooperativeStickyAssignor);
        assert!(case.settles(), "{:?} {:?}", case.cluster, case.members);
    }
}

#[test]
fn sticky_moves_nothing_if_nothing_has_changed() {
    let mut random = Xorshift::new(4);
    for _ in 0..CASES {
        let mut case = Case::new(&mut random, &StickyAssignor);
        for member in case.members.values_mut() {
            member.rack = None;
        }
        let before = case.assign(&StickyAssignor);
        for (id, member) in &mut case.members {
            let last = LastAssignment {
                partitions: before[id].partitions.clone(),
                generation: GenerationId::new(7),
            };
            member.user_data = StickyAssignor.subscription_user_data(&BTreeSet::new(), Some(&last));
        }
        assert_eq!(sets(&case.assign(&StickyAssignor)), sets(&before));
    }
}

#[test]
fn sticky_takes_user_data_that_makes_no_sense_for_none() {
    let mut random = Xorshift::new(5);
    for _ in 0..CASES {
        let mut case = Case::new(&mut random, &StickyAssignor);
        for member in case.members.values_mut() {
            let mut bytes = member.user_data.take().unwrap().to_vec();
            bytes.truncate(random.below(bytes.len() + 1));
            if !bytes.is_empty() {
                let at = random.below(bytes.len());
                bytes[at] = random.byte();
            }
            member.user_data = Some(bytes.into());
        }
        let assigned = case.assign(&StickyAssignor);
        case.check_complete(&assigned);
        case.check_balanced(&assigned);
    }
}

#[test]
fn a_partition_that_must_move_returns_to_the_member_that_had_it_before() {
    let claim = |topics: &[&str], generation: i32, numbers: i32| {
        let partitions = (0..numbers).map(|number| TopicPartition::new("t", number));
        let last = LastAssignment {
            partitions: partitions.collect(),
            generation: GenerationId::new(generation),
        };
        MemberSubscription {
            topics: topics.iter().copied().map(Into::into).collect(),
            user_data: StickyAssignor.subscription_user_data(&BTreeSet::new(), Some(&last)),
            ..MemberSubscription::default()
        }
    };
    let mut case = Case::empty();
    case.cluster
        .insert("t".into(), vec![ReplicaRacks::new(); 4]);
    case.members.insert("m1".into(), claim(&["t"], 2, 0));
    case.members
        .insert("m2".into(), claim(&["t", "gone"], 1, 4));
    case.members.insert("m3".into(), claim(&["t"], 2, 4));
    let assigned = case.assign(&StickyAssignor);
    let given = |member: &str| assigned[member].partitions.clone();
    let numbered = |number| TopicPartition::new("t", number);
    assert_eq!(given("m2"), [numbered(0), numbered(1)]);
    assert_eq!(given("m1"), [numbered(2)]);
    assert_eq!(given("m3"), [numbered(3)]);
}

/// Kafka's own assignor takes a partition from `m3` and one from `m4`, gives both back in the next
/// rebalance, and begins again.
#[test]
fn a_member_whose_rack_holds_nothing_does_not_keep_a_cooperative_group_from_coming_to_rest() {
    let racks = [
        "b", "c", "c", "bc", "c", "c", "ac", "c", "c", "bc", "abc", "ab", "abc", "bc", "ac", "bc",
        "bc", "a", "a",
    ];
    let names = |racks: &str| racks.chars().map(|rack| rack.to_string().into()).collect();
    let mut case = Case::empty();
    case.cluster.insert("t".into(), racks.map(names).to_vec());
    let members: [(&str, &[i32]); 5] = [
        ("b", &[10, 15, 12, 11]),
        ("", &[16, 17, 14, 18]),
        ("d", &[0, 1, 9]),
        ("", &[3, 5, 4, 2]),
        ("c", &[8, 13, 7, 6]),
    ];
    for (place, (rack, numbers)) in members.into_iter().enumerate() {
        let mut topics = vec!["t".into()];
        // Not all want the same, so that the general way of dividing is taken.
        topics.extend((place == 0).then(|| "gone".into()));
        let owned = numbers
            .iter()
            .map(|number| TopicPartition::new("t", *number));
        let member = MemberSubscription {
            topics,
            owned_partitions: owned.collect(),
            generation: Some(GenerationId::new(1)),
            rack: (!rack.is_empty()).then(|| rack.into()),
            ..MemberSubscription::default()
        };
        case.members
            .insert(format!("m{}", place + 1).as_str().into(), member);
    }
    for (id, share) in case.assign(&CooperativeStickyAssignor) {
        let kept: BTreeSet<_> = share.partitions.iter().collect();
        let owned = case.members[&id].owned_partitions.iter().collect();
        assert_eq!(kept, owned, "{id}");
    }
}
