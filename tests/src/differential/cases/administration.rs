//! OffsetDelete, DeleteRecords, ElectLeaders and DescribeTopicPartitions.

use weft_client::wire::ApiKey;
use weft_client::wire::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use weft_client::wire::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use weft_client::wire::messages::elect_leaders_request::TopicPartitions;
use weft_client::wire::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use weft_client::wire::messages::{
    DeleteRecordsRequest, DescribeTopicPartitionsRequest, ElectLeadersRequest, OffsetDeleteRequest,
};

use super::super::case::{At, Case, Step, ask};
use super::committed::{commit, fetch};
use super::groups::{coordinated, joining};
use super::offsets::{LATEST, list};
use super::records::{batch, produce};
use super::{TIMEOUT_MS, case, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "deleting offsets",
            &[ApiKey::OffsetDelete],
            vec![
                topic("topic", 2),
                coordinated("group"),
                deleting_offsets(),
                joining(),
                vec![ask("offsets of members", |at| {
                    delete_offsets(at, "group", "topic", 1)
                })],
            ],
        ),
        case(
            "deleting records",
            &[ApiKey::DeleteRecords],
            vec![topic("topic", 1), deleting_records()],
        ),
        case(
            "electing leaders",
            &[ApiKey::ElectLeaders],
            vec![topic("topic", 2), electing()],
        ),
        case(
            "describing topics",
            &[ApiKey::DescribeTopicPartitions],
            vec![topic("a", 3), topic("b", 1), describing()],
        ),
    ]
}

fn delete_offsets(at: &At<'_>, group: &str, topic: &str, partition: i32) -> OffsetDeleteRequest {
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(partition);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(at.topic(topic))
        .with_partitions(vec![partition]);
    OffsetDeleteRequest::default()
        .with_group_id(at.group(group))
        .with_topics(vec![topic])
}

fn deleting_offsets() -> Vec<Step> {
    let mut steps = vec![ask("committing", |at| {
        commit(at, "group", "topic", &[(0, 3), (1, 4)])
    })];
    for (what, group, topic, partition) in [
        ("an offset", "group", "topic", 0),
        ("the same offset", "group", "topic", 0),
        ("of no partition", "group", "topic", 9),
        ("of no topic", "group", "none", 0),
        ("of no group", "none", "topic", 0),
        ("of a group without a name", "", "topic", 0),
    ] {
        steps.push(ask(what, move |at| {
            delete_offsets(at, group, topic, partition)
        }));
    }
    steps.push(ask("offsets twice", |at| {
        let mut request = delete_offsets(at, "group", "topic", 9);
        for name in ["none", "topic", "none"] {
            let again = delete_offsets(at, "group", name, 9);
            request.topics.extend(again.topics);
        }
        request
    }));
    steps.push(ask("what is left", |at| fetch(at, &[("group", None)])));
    steps
}

fn deleting_records() -> Vec<Step> {
    let delete = |at: &At<'_>, name: &str, partition, offset| {
        let partition = DeleteRecordsPartition::default()
            .with_partition_index(partition)
            .with_offset(offset);
        let topic = DeleteRecordsTopic::default()
            .with_name(at.topic(name))
            .with_partitions(vec![partition]);
        DeleteRecordsRequest::default()
            .with_timeout_ms(TIMEOUT_MS)
            .with_topics(vec![topic])
    };
    let mut steps = vec![ask("filling it", |at| {
        produce(at, "topic", &[(0, Some(batch(&[1, 2, 3])))])
    })];
    for (name, partition, offset) in [
        ("topic", 0, 2),
        ("topic", 0, 1),
        ("topic", 0, 4),
        ("topic", 0, -2),
        ("topic", 0, -1),
        ("topic", 9, 0),
        ("none", 0, 0),
    ] {
        let what = format!("before {offset} in {name}-{partition}");
        steps.push(ask(what, move |at| delete(at, name, partition, offset)));
    }
    steps.push(ask("before two offsets at once", move |at| {
        let mut request = delete(at, "topic", 9, 0);
        for name in ["none", "topic", "none"] {
            request.topics.extend(delete(at, name, 9, 0).topics);
        }
        request
    }));
    for time in [LATEST, -2] {
        steps.push(ask(format!("where it is at {time}"), move |at| {
            list(at, "topic", vec![(0, time)])
        }));
    }
    steps
}

fn electing() -> Vec<Step> {
    let elect = |at: &At<'_>, kind: i8, name: &str, partitions: &[i32]| {
        let topic = TopicPartitions::default()
            .with_topic(at.topic(name))
            .with_partitions(partitions.to_vec());
        let request = ElectLeadersRequest::default()
            .with_timeout_ms(TIMEOUT_MS)
            .with_topic_partitions(Some(vec![topic]));
        match at.version(ApiKey::ElectLeaders) {
            1.. => request.with_election_type(kind),
            _ => request,
        }
    };
    vec![
        ask("the preferred leader", move |at| {
            elect(at, 0, "topic", &[0])
        }),
        ask("any leader", move |at| elect(at, 1, "topic", &[0, 1])),
        ask("of no partition", move |at| elect(at, 0, "topic", &[9])),
        ask("of no topic", move |at| elect(at, 0, "none", &[0])),
        ask("twice", move |at| elect(at, 0, "topic", &[0, 9, 0, 9])),
    ]
}

fn describing() -> Vec<Step> {
    let describe = |at: &At<'_>, names: &[&str], limit| {
        let topics = names
            .iter()
            .map(|name| TopicRequest::default().with_name(at.topic(name)));
        DescribeTopicPartitionsRequest::default()
            .with_topics(topics.collect())
            .with_response_partition_limit(limit)
            .with_cursor(None)
    };
    let from = |at: &At<'_>, name: &str, partition| {
        Some(
            Cursor::default()
                .with_topic_name(at.topic(name))
                .with_partition_index(partition),
        )
    };
    vec![
        ask("two topics", move |at| describe(at, &["b", "a"], 100)),
        ask("topics twice", move |at| {
            describe(at, &["b", "none", "b", "none"], 100)
        }),
        ask("a page", move |at| describe(at, &["a", "b"], 2)),
        ask("the next page", move |at| {
            describe(at, &["a", "b"], 2).with_cursor(from(at, "a", 2))
        }),
        ask("a page behind all", move |at| {
            describe(at, &["a"], 2).with_cursor(from(at, "b", 0))
        }),
        ask("no topic", move |at| describe(at, &["none"], 100)),
        ask("a page of nothing", move |at| describe(at, &["a"], 0)),
        ask("a negative place", move |at| {
            describe(at, &["a"], 2).with_cursor(from(at, "a", -1))
        }),
    ]
}
