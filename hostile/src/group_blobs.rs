//! What members of a group send each other through the coordinator: subscriptions, assignments, and
//! the user data of the sticky assignors, which the leader works with.
//!
//! The first byte decides which; the rest is the bytes, for the assignors several of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use weft_client::ids::{MemberId, TopicName};
use weft_consumer::assign::{
    Assignor, ClusterTopics, CooperativeStickyAssignor, MemberAssignment, MemberSubscription,
    RangeAssignor, RoundRobinAssignor, StickyAssignor,
};
use weft_consumer::group::protocol::{
    BlobVersion, decode_assignment, decode_subscription, decoding_bytes_max, encode_assignment,
    encode_subscription,
};

use crate::allowance::{Allowance, within};
use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    match choices.below(3) {
        0 => subscription(Bytes::copy_from_slice(choices.rest())),
        1 => assignment(Bytes::copy_from_slice(choices.rest())),
        _ => assignors(choices),
    }
}

/// Whatever decodes is written again and then decodes the same.
fn subscription(bytes: Bytes) {
    let allowance = Allowance::of(decoding_bytes_max(bytes.len()));
    let Ok(decoded) = within(allowance, || decode_subscription(bytes)) else {
        return;
    };
    let Ok(written) = encode_subscription(&decoded, BlobVersion::LATEST) else {
        // Bytes that are not UTF-8 become longer, and may not fit their length any more.
        return;
    };
    let mut again = decode_subscription(written).expect("what we write we can read");
    // Writing sorts topics and partitions.
    let mut expected = decoded;
    expected.topics.sort();
    again.topics.sort();
    expected.owned_partitions.sort();
    again.owned_partitions.sort();
    assert_eq!(again, expected);
}

fn assignment(bytes: Bytes) {
    let allowance = Allowance::of(decoding_bytes_max(bytes.len()));
    let Ok(decoded) = within(allowance, || decode_assignment(bytes)) else {
        return;
    };
    let Ok(written) = encode_assignment(&decoded, BlobVersion::LATEST) else {
        return;
    };
    let again = decode_assignment(written).expect("what we write we can read");
    // Writing gathers the partitions of a topic.
    let sorted = |assignment: &MemberAssignment| {
        let mut partitions = assignment.partitions.clone();
        partitions.sort();
        partitions
    };
    assert_eq!(sorted(&again), sorted(&decoded));
    assert_eq!(again.user_data, decoded.user_data);
}

/// Every assignor gives every partition that somebody wants to one member that wants it.
fn assignors(mut choices: Choices<'_>) {
    let mut topics = ClusterTopics::new();
    for number in 0..choices.below(4) {
        let partitions = choices.below(6);
        let racks = (0..partitions).map(|partition| racks(choices.byte(), partition));
        let racks: Vec<_> = racks.collect();
        topics.insert(topic(number), racks);
    }
    let mut members = BTreeMap::new();
    while !choices.is_empty() && members.len() < MEMBERS_MAX {
        let id = MemberId::from(format!("member-{}", members.len()).as_str());
        if let Ok(subscription) = decode_subscription(Bytes::copy_from_slice(choices.bytes())) {
            members.insert(id, subscription);
        }
    }
    check_assignor(&RangeAssignor, &topics, &members);
    check_assignor(&RoundRobinAssignor, &topics, &members);
    check_assignor(&StickyAssignor, &topics, &members);
    check_assignor(&CooperativeStickyAssignor, &topics, &members);
}

fn check_assignor(
    assignor: &dyn Assignor,
    topics: &ClusterTopics,
    members: &BTreeMap<MemberId, MemberSubscription>,
) {
    let assigned = assignor
        .assign(topics, members)
        .expect("Kafka's own assignors always find an answer");
    assert!(
        assigned.keys().eq(members.keys()),
        "every member has an entry, and nobody else"
    );
    let mut given = BTreeSet::new();
    for (member, assignment) in &assigned {
        for one in &assignment.partitions {
            let known = topics.partitions(one.topic()).map_or(0, <[_]>::len);
            assert!(
                usize::try_from(one.partition()).is_ok_and(|number| number < known),
                "{}: {one} does not exist",
                assignor.name()
            );
            assert!(
                members[member].topics.contains(one.topic()),
                "{}: {member} did not ask for {one}",
                assignor.name()
            );
            assert!(
                given.insert(one.clone()),
                "{}: {one} is given twice",
                assignor.name()
            );
        }
    }
    let is_cooperative = assignor.name() == CooperativeStickyAssignor.name();
    let wanted: BTreeSet<&TopicName> = members.values().flat_map(|m| &m.topics).collect();
    let all = wanted.iter().filter_map(|topic| topics.partitions(topic));
    let all: usize = all.map(<[_]>::len).sum();
    // A partition that changes hands is given to nobody for one rebalance (KIP-429).
    assert!(
        given.len() == all || is_cooperative,
        "{}: {} of {all} partitions were given",
        assignor.name(),
        given.len()
    );
}

fn topic(number: usize) -> TopicName {
    TopicName::from(["a", "b", "c", "d"][number % 4])
}

fn racks(choice: u8, partition: usize) -> BTreeSet<Arc<str>> {
    let names = ["r", "s", "t"];
    let chosen = names.iter().enumerate();
    chosen
        .filter(|(bit, _)| (usize::from(choice) + partition) & (1 << bit) != 0)
        .map(|(_, name)| Arc::from(*name))
        .collect()
}

/// Members of a group: enough for every kind of dispute.
const MEMBERS_MAX: usize = 5;
