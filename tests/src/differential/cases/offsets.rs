//! ListOffsets and OffsetForLeaderEpoch.

use weft_client::wire::ApiKey;
use weft_client::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use weft_client::wire::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use weft_client::wire::messages::{ListOffsetsRequest, OffsetForLeaderEpochRequest};

use super::super::case::{At, Case, Step, ask};
use super::records::{batch, produce};
use super::{case, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "offsets",
            &[ApiKey::ListOffsets],
            vec![topic("topic", 2), filled(), listing()],
        ),
        case(
            "ends of epochs",
            &[ApiKey::OffsetForLeaderEpoch],
            vec![topic("topic", 2), filled(), epochs()],
        ),
    ]
}

fn filled() -> Vec<Step> {
    let fill = |at: &At<'_>| produce(at, "topic", &[(0, Some(batch(&[1_000, 3_000, 2_000])))]);
    vec![ask("filling it", fill), ask("filling it more", fill)]
}

/// Asks for the offsets of these partitions at these times.
pub(super) fn list(at: &At<'_>, name: &str, asked: Vec<(i32, i64)>) -> ListOffsetsRequest {
    let partitions = asked.into_iter().map(|(partition, timestamp)| {
        ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp)
    });
    let topic = ListOffsetsTopic::default()
        .with_name(at.topic(name))
        .with_partitions(partitions.collect());
    ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_topics(vec![topic])
}

fn listing() -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, partition, timestamp) in [
        ("topic", 0, LATEST),
        ("topic", 0, -2),
        ("topic", 0, -3),
        ("topic", 0, -4),
        ("topic", 0, -5),
        ("topic", 0, -6),
        ("topic", 0, -9),
        ("topic", 0, 0),
        ("topic", 0, 1_500),
        ("topic", 0, 3_000),
        ("topic", 0, 9_999),
        ("topic", 1, LATEST),
        ("topic", 1, -2),
        ("topic", 1, -3),
        ("topic", 1, 5),
        ("topic", 9, LATEST),
        ("topic", -1, LATEST),
        ("none", 0, LATEST),
        ("no/ne", 0, LATEST),
    ] {
        let what = format!("{timestamp} in {name}-{partition}");
        steps.push(ask(what, move |at| {
            list(at, name, vec![(partition, timestamp)])
        }));
    }
    steps.push(ask("several", |at| {
        list(at, "topic", vec![(0, LATEST), (1, -2), (9, LATEST)])
    }));
    steps.push(ask("a partition twice", |at| {
        list(at, "topic", vec![(0, LATEST), (0, -2), (1, -2)])
    }));
    steps.push(ask("partitions twice", |at| {
        let asked = [(1, LATEST), (9, LATEST), (0, LATEST), (9, -2), (0, -2)];
        list(at, "topic", asked.to_vec())
    }));
    steps.push(ask("a topic twice", |at| {
        let mut request = list(at, "topic", vec![(0, LATEST)]);
        for (name, asked) in [("none", LATEST), ("topic", -2), ("none", -2)] {
            request
                .topics
                .extend(list(at, name, vec![(0, asked)]).topics);
        }
        request
    }));
    steps.push(ask("no topics", |at| {
        list(at, "topic", Vec::new()).with_topics(Vec::new())
    }));
    steps.push(ask("no partitions", |at| list(at, "topic", Vec::new())));
    steps.push(ask("committed ones", |at| {
        list(at, "topic", vec![(0, LATEST)]).with_isolation_level(1)
    }));
    steps.push(ask("isolation of no kind", |at| {
        list(at, "topic", vec![(0, LATEST)]).with_isolation_level(7)
    }));
    for epoch in [0, 1, -5] {
        steps.push(ask(format!("seen from epoch {epoch}"), move |at| {
            let mut request = list(at, "topic", vec![(0, LATEST)]);
            request.topics[0].partitions[0].current_leader_epoch = epoch;
            request
        }));
    }
    steps
}

fn epochs() -> Vec<Step> {
    let end = |at: &At<'_>, name: &str, partition: i32, current: i32, epoch: i32| {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(partition)
            .with_current_leader_epoch(current)
            .with_leader_epoch(epoch);
        let topic = OffsetForLeaderTopic::default()
            .with_topic(at.topic(name))
            .with_partitions(vec![partition]);
        OffsetForLeaderEpochRequest::default()
            .with_replica_id((-1).into())
            .with_topics(vec![topic])
    };
    let mut steps = Vec::new();
    for (name, partition, current, epoch) in [
        ("topic", 0, -1, 0),
        ("topic", 0, 0, 0),
        ("topic", 0, -1, 1),
        ("topic", 0, -1, -1),
        ("topic", 0, 4, 0),
        ("topic", 1, -1, 0),
        ("topic", 9, -1, 0),
        ("topic", -1, -1, 0),
        ("none", 0, -1, 0),
    ] {
        let what = format!("epoch {epoch} of {name}-{partition} seen from {current}");
        steps.push(ask(what, move |at| {
            end(at, name, partition, current, epoch)
        }));
    }
    steps.push(ask("a partition twice", move |at| {
        let mut request = end(at, "topic", 0, -1, 0);
        for name in ["none", "topic", "none"] {
            request.topics.extend(end(at, name, 0, -1, 0).topics);
        }
        let again = request.topics[0].partitions[0].clone();
        request.topics[0].partitions.push(again);
        request
    }));
    steps.push(ask("no topics", move |at| {
        end(at, "topic", 0, -1, 0).with_topics(Vec::new())
    }));
    steps
}

/// The time that asks for the end of a log.
pub(super) const LATEST: i64 = -1;
