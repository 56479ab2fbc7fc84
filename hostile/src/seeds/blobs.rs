//! Subscriptions and assignments in all versions, and groups of members for the assignors.

use std::collections::BTreeSet;

use bytes::Bytes;
use weft_client::ids::{GenerationId, TopicName, TopicPartition};
use weft_consumer::assign::{
    Assignor, LastAssignment, MemberAssignment, MemberSubscription, StickyAssignor,
};
use weft_consumer::group::protocol::{BlobVersion, encode_assignment, encode_subscription};

pub(super) fn all() -> Vec<Vec<u8>> {
    let versions = [
        BlobVersion::V0,
        BlobVersion::V1,
        BlobVersion::V2,
        BlobVersion::V3,
    ];
    let mut all = Vec::new();
    for version in versions {
        all.push([&[0], &subscription(&["a", "b"], 3, version)[..]].concat());
        let assignment = MemberAssignment {
            partitions: partitions("a", 3),
            user_data: Some(Bytes::from_static(b"note")),
        };
        let bytes = encode_assignment(&assignment, version).expect("it is short");
        all.push([&[1], &bytes[..]].concat());
        // Three topics of three partitions in some racks, and three members, one of whom wants
        // something else.
        let mut group = vec![2, 3, 3, 1, 2, 3, 3, 4, 5, 6, 3, 7, 0, 1];
        for member in [
            subscription(&["a", "b"], 2, version),
            subscription(&["a", "b"], 3, version),
            subscription(&["b", "c"], 1, version),
        ] {
            group.extend((member.len() as u16).to_be_bytes());
            group.extend_from_slice(&member);
        }
        all.push(group);
    }
    all
}

fn subscription(topics: &[&str], owned: i32, version: BlobVersion) -> Bytes {
    let topics: BTreeSet<TopicName> = topics.iter().map(|name| TopicName::from(*name)).collect();
    let last = LastAssignment {
        partitions: partitions("a", owned),
        generation: GenerationId::new(4),
    };
    let subscription = MemberSubscription {
        user_data: StickyAssignor.subscription_user_data(&topics, Some(&last)),
        topics: topics.into_iter().collect(),
        owned_partitions: last.partitions,
        generation: Some(last.generation),
        rack: Some("r".into()),
        group_instance_id: None,
    };
    encode_subscription(&subscription, version).expect("it is short")
}

fn partitions(topic: &str, count: i32) -> Vec<TopicPartition> {
    (0..count)
        .map(|number| TopicPartition::new(topic, number))
        .collect()
}
