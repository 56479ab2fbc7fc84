use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::Value;
use weft_client::ids::{GenerationId, MemberId, TopicPartition};
use weft_consumer::assign::{
    Assignor, ClusterTopics, CooperativeStickyAssignor, LastAssignment, MemberSubscription,
    RangeAssignor, ReplicaRacks, RoundRobinAssignor, StickyAssignor,
};
use weft_consumer::group::protocol::{BlobVersion, encode_assignment, encode_subscription};

use crate::{hex, lines, number, partitions, texts};

fn cluster(line: &Value) -> ClusterTopics {
    let mut topics = ClusterTopics::new();
    for (topic, racks) in line["topics"].as_object().unwrap() {
        let racks = racks.as_array().unwrap().iter().map(replica_racks);
        topics.insert(topic.as_str().into(), racks.collect());
    }
    topics
}

fn replica_racks(partition: &Value) -> ReplicaRacks {
    let replicas = partition.as_array().unwrap().iter();
    replicas.filter_map(Value::as_str).map(Into::into).collect()
}

fn member(value: &Value) -> MemberSubscription {
    let generation = number(&value["generation"]);
    MemberSubscription {
        topics: texts(&value["topics"]),
        user_data: hex(&value["user_data"]),
        owned_partitions: partitions(&value["owned"]),
        generation: (generation >= 0).then(|| GenerationId::new(generation)),
        rack: value["rack"].as_str().map(Into::into),
        group_instance_id: value["instance"].as_str().map(Into::into),
    }
}

fn members(line: &Value) -> BTreeMap<MemberId, MemberSubscription> {
    let members = line["members"].as_object().unwrap().iter();
    members
        .map(|(id, value)| (id.as_str().into(), member(value)))
        .collect()
}

/// One rebalance as Java went through it.
pub(crate) struct Rebalance {
    pub(crate) cluster: ClusterTopics,
    pub(crate) members: BTreeMap<MemberId, MemberSubscription>,
    /// The bytes of each member's subscription.
    pub(crate) announced: BTreeMap<MemberId, Bytes>,
    /// What Java's assignor gave each member, and the bytes of that.
    pub(crate) result: BTreeMap<MemberId, (Vec<TopicPartition>, Bytes)>,
}

impl Rebalance {
    pub(crate) fn new(line: &Value) -> Self {
        let members = members(line);
        let announced = members.keys().map(|id| {
            let bytes = hex(&line["members"][id.as_str()]["subscription"]);
            (id.clone(), bytes.unwrap())
        });
        let result = line["result"].as_object().unwrap().iter();
        let result = result.map(|(id, given)| {
            let bytes = hex(&given["assignment"]).unwrap();
            (
                id.as_str().into(),
                (partitions(&given["partitions"]), bytes),
            )
        });
        Self {
            cluster: cluster(line),
            announced: announced.collect(),
            result: result.collect(),
            members,
        }
    }

    /// What a member with this subscription remembers.
    pub(crate) fn user_data(assignor: &dyn Assignor, member: &MemberSubscription) -> Option<Bytes> {
        let last = member.generation.map(|generation| LastAssignment {
            partitions: member.owned_partitions.clone(),
            generation,
        });
        let topics = member.topics.iter().cloned().collect();
        assignor.subscription_user_data(&topics, last.as_ref())
    }

    /// Our own division, each share as partitions and as bytes.
    pub(crate) fn divide(
        &self,
        assignor: &dyn Assignor,
    ) -> BTreeMap<MemberId, (Vec<TopicPartition>, Bytes)> {
        let given = assignor.assign(&self.cluster, &self.members).unwrap();
        let bytes = |given: &_| encode_assignment(given, BlobVersion::LATEST).unwrap();
        let given = given.into_iter();
        given
            .map(|(id, given)| (id, (given.partitions.clone(), bytes(&given))))
            .collect()
    }

    pub(crate) fn check_subscriptions(&self) {
        for (id, member) in &self.members {
            let bytes = encode_subscription(member, BlobVersion::LATEST).unwrap();
            assert_eq!(bytes, self.announced[id], "{id}");
        }
    }
}

/// Every line of the file: the bytes of each subscription, the result, and the bytes of that.
/// Returns the lines in which ours gives everybody just what it has, and Java's does not.
fn check_equal_to_java(assignor: &dyn Assignor, file: &str) -> usize {
    let mut calmer = 0;
    for line in lines(file) {
        assert_eq!(line["assignor"], assignor.name());
        let rebalance = Rebalance::new(&line);
        rebalance.check_subscriptions();
        for member in rebalance.members.values() {
            let user_data = Rebalance::user_data(assignor, member);
            assert_eq!(user_data, member.user_data, "{line}");
        }
        let ours = rebalance.divide(assignor);
        let has_what_it_owns = |(id, (share, _)): (&MemberId, &(Vec<TopicPartition>, Bytes))| {
            let owned: BTreeSet<_> = rebalance.members[id].owned_partitions.iter().collect();
            owned == share.iter().collect()
        };
        if ours != rebalance.result && ours.iter().all(has_what_it_owns) {
            calmer += 1;
        } else {
            assert_eq!(ours, rebalance.result, "{line}");
        }
    }
    calmer
}

#[test]
fn range_gives_what_java_gives() {
    assert_eq!(check_equal_to_java(&RangeAssignor, "assign-range.jsonl"), 0);
}

#[test]
fn round_robin_gives_what_java_gives() {
    assert_eq!(
        check_equal_to_java(&RoundRobinAssignor, "assign-roundrobin.jsonl"),
        0
    );
}

#[test]
fn sticky_gives_what_java_gives() {
    assert_eq!(
        check_equal_to_java(&StickyAssignor, "assign-sticky.jsonl"),
        0
    );
}

#[test]
fn cooperative_sticky_gives_what_java_gives_but_once_where_java_takes_for_nothing() {
    let file = "assign-cooperative-sticky.jsonl";
    assert_eq!(check_equal_to_java(&CooperativeStickyAssignor, file), 1);
}

const RACKS: [&str; 3] = ["a", "b", "c"];

/// A topic whose partition `p` has one replica, in the rack numbered `p` modulo three.
fn one_replica_each(count: usize) -> Vec<ReplicaRacks> {
    let rack = |partition: usize| ReplicaRacks::from([RACKS[partition % 3].into()]);
    (0..count).map(rack).collect()
}

fn reader_of(topics: &[&str], rack: &str) -> MemberSubscription {
    MemberSubscription {
        topics: topics.iter().copied().map(Into::into).collect(),
        rack: Some(rack.into()),
        ..MemberSubscription::default()
    }
}

/// What an assignor gives, as text: `m1: t-0 t-1; m2: t-2`.
fn given(
    assignor: &dyn Assignor,
    topics: &[(&str, usize)],
    members: &[(&str, MemberSubscription)],
) -> String {
    let mut cluster = ClusterTopics::new();
    for (topic, count) in topics {
        cluster.insert((*topic).into(), one_replica_each(*count));
    }
    let members = members.iter().cloned();
    let members = members.map(|(id, member)| (id.into(), member)).collect();
    let result = assignor.assign(&cluster, &members).unwrap();
    let lists = result.iter().map(|(id, given)| {
        let names = given.partitions.iter().map(|one| format!(" {one}"));
        format!("{id}:{}", names.collect::<String>())
    });
    lists.collect::<Vec<_>>().join("; ")
}

#[test]
fn topics_without_metadata_are_left_out_and_every_member_has_an_entry() {
    let members = [
        ("m1", reader_of(&["gone"], "")),
        ("m2", reader_of(&["gone", "t"], "")),
    ];
    for assignor in [&RangeAssignor as &dyn Assignor, &RoundRobinAssignor] {
        assert_eq!(
            given(assignor, &[("t", 1), ("gone", 0)], &members),
            "m1:; m2: t-0"
        );
        assert_eq!(given(assignor, &[], &members), "m1:; m2:");
        assert_eq!(given(assignor, &[("t", 1)], &[]), "");
    }
}

#[test]
fn a_topic_named_twice_counts_once() {
    let members = [
        ("m1", reader_of(&["t", "t"], "")),
        ("m2", reader_of(&["t"], "")),
    ];
    let halves = "m1: t-0 t-1; m2: t-2 t-3";
    assert_eq!(given(&RangeAssignor, &[("t", 4)], &members), halves);
    let turns = "m1: t-0 t-2; m2: t-1 t-3";
    assert_eq!(given(&RoundRobinAssignor, &[("t", 4)], &members), turns);
}

#[test]
fn static_members_come_first_in_the_order_of_their_instance_ids() {
    let fixed = |instance: &str| MemberSubscription {
        group_instance_id: Some(instance.into()),
        ..reader_of(&["t"], "")
    };
    let members = [
        ("m1", reader_of(&["t"], "")),
        ("m2", fixed("z")),
        ("m3", fixed("y")),
    ];
    let expected = "m1: t-3; m2: t-2; m3: t-0 t-1";
    assert_eq!(given(&RangeAssignor, &[("t", 4)], &members), expected);
    let expected = "m1: t-2; m2: t-1; m3: t-0 t-3";
    assert_eq!(given(&RoundRobinAssignor, &[("t", 4)], &members), expected);
}

#[test]
fn range_prefers_partitions_in_the_readers_rack_within_equal_shares() {
    let members = [
        ("m1", reader_of(&["t"], "c")),
        ("m2", reader_of(&["t"], "b")),
        ("m3", reader_of(&["t"], "a")),
    ];
    let expected = "m1: t-2 t-5; m2: t-1 t-4; m3: t-0 t-3";
    assert_eq!(given(&RangeAssignor, &[("t", 6)], &members), expected);
    let expected = "m1: t-2; m2: t-1; m3: t-0 t-3";
    assert_eq!(given(&RangeAssignor, &[("t", 4)], &members), expected);
}

#[test]
fn range_keeps_topics_that_are_partitioned_alike_together_even_within_racks() {
    let members = [
        ("m1", reader_of(&["t", "u"], "b")),
        ("m2", reader_of(&["t", "u"], "a")),
    ];
    let expected = "m1: t-1 t-2 u-1 u-2; m2: t-0 t-3 u-0 u-3";
    assert_eq!(
        given(&RangeAssignor, &[("t", 4), ("u", 4)], &members),
        expected
    );
}

#[test]
fn a_rack_that_holds_no_replica_changes_nothing() {
    let members = [
        ("m1", reader_of(&["t"], "x")),
        ("m2", reader_of(&["t"], "y")),
    ];
    let expected = "m1: t-0 t-1; m2: t-2 t-3";
    assert_eq!(given(&RangeAssignor, &[("t", 4)], &members), expected);
}

#[test]
fn racks_are_not_heeded_if_every_partition_is_in_all_of_them() {
    let members = [
        ("m1", reader_of(&["t", "u"], "x")),
        ("m2", reader_of(&["t", "u"], "a")),
    ];
    let expected = "m1: t-0 u-0; m2:";
    assert_eq!(
        given(&RangeAssignor, &[("t", 1), ("u", 1)], &members),
        expected
    );
}
