//! What administrators do to records, offsets and topics, and see of them.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use weft_client::wire::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use weft_client::wire::messages::metadata_request::MetadataRequestTopic;
use weft_client::wire::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use weft_client::wire::messages::{
    DeleteRecordsRequest, DescribeTopicPartitionsRequest, GroupId, MetadataRequest,
    OffsetDeleteRequest, TopicName,
};
use weft_client::{GroupId as OurGroupId, Offset, OffsetAndMetadata};

use super::fetching::{TOPIC, append, bench, fetch};
use super::groups::{join, joined, sync};
use super::*;

fn delete_records(bench: &mut Bench, wire: Wire, partition: i32, until: i64) -> (ErrorCode, i64) {
    let asked = DeleteRecordsPartition::default()
        .with_partition_index(partition)
        .with_offset(until);
    let topic = DeleteRecordsTopic::default()
        .with_name(TopicName(string(TOPIC)))
        .with_partitions(vec![asked]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]);
    let Response::DeleteRecords(response) = bench.ask(wire, request) else {
        panic!("another answer");
    };
    let result = &response.topics[0].partitions[0];
    (ErrorCode(result.error_code), result.low_watermark)
}

#[test]
fn records_are_deleted_up_to_an_offset_or_all_and_readers_are_told() {
    let mut bench = bench();
    let wire = bench.connect(0);
    for _ in 0..2 {
        append(&mut bench, 0, batch(2));
    }

    assert_eq!(delete_records(&mut bench, wire, 0, 3), (ErrorCode::NONE, 3));
    assert_eq!(delete_records(&mut bench, wire, 0, 1), (ErrorCode::NONE, 3));
    for (partition, until, expected) in [
        (0, 5, ErrorCode::OFFSET_OUT_OF_RANGE),
        (0, -2, ErrorCode::OFFSET_OUT_OF_RANGE),
        (1, 0, ErrorCode::NOT_LEADER_OR_FOLLOWER),
        (9, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
    ] {
        let refused = delete_records(&mut bench, wire, partition, until);
        assert_eq!(refused, (expected, -1));
    }
    let reader = bench.connect(0);
    let version = newest(ApiKey::Fetch);
    let waiting = fetch(&bench, &[(0, 3)])
        .with_max_wait_ms(500)
        .with_min_bytes(1 << 20);
    assert_eq!(bench.send(reader, version, waiting), []);
    let request = DeleteRecordsRequest::default().with_topics(vec![
        DeleteRecordsTopic::default()
            .with_name(TopicName(string(TOPIC)))
            .with_partitions(vec![DeleteRecordsPartition::default().with_offset(-1)]),
    ]);
    let out = bench.send(wire, newest(ApiKey::DeleteRecords), request);
    let Some(Response::Fetch(told)) = answer_to(reader, ApiKey::Fetch, version, &out) else {
        panic!("{out:?}");
    };
    let told = told.responses[0].partitions[0].error_code;
    assert_eq!(ErrorCode(told), ErrorCode::OFFSET_OUT_OF_RANGE);
    assert_eq!(delete_records(&mut bench, wire, 0, 0), (ErrorCode::NONE, 4));
}

fn coordinator(bench: &mut Bench) -> Wire {
    let id = bench.cluster.coordinator("group").unwrap();
    bench.connect(id.value())
}

fn commit(bench: &mut Bench, topic: &str) {
    let id = OurGroupId::from("group");
    let group = bench.cluster.groups.find_or_create(&id).unwrap();
    let committed = OffsetAndMetadata {
        offset: Offset::new(7),
        leader_epoch: None,
        metadata: String::new(),
    };
    group.committed_mut().set(topic, 0, committed);
}

/// Deletes the offsets of two partitions, of which the second does not exist. Returns the error of
/// the group, and those of the partitions.
fn delete_offsets(bench: &mut Bench, wire: Wire, topic: &str) -> (ErrorCode, Vec<ErrorCode>) {
    let partitions = [0, 9]
        .map(|index| OffsetDeleteRequestPartition::default().with_partition_index(index))
        .to_vec();
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(TopicName(string(topic)))
        .with_partitions(partitions);
    let request = OffsetDeleteRequest::default()
        .with_group_id(GroupId(string("group")))
        .with_topics(vec![topic]);
    let Response::OffsetDelete(response) = bench.ask(wire, request) else {
        panic!("another answer");
    };
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    let errors = partitions.map(|partition| ErrorCode(partition.error_code));
    (ErrorCode(response.error_code), errors.collect())
}

#[test]
fn committed_offsets_of_an_empty_group_can_be_deleted() {
    let mut bench = bench();
    let wire = coordinator(&mut bench);
    let unknown = delete_offsets(&mut bench, wire, TOPIC);
    assert_eq!(unknown, (ErrorCode::GROUP_ID_NOT_FOUND, vec![]));
    commit(&mut bench, TOPIC);

    let deleted = delete_offsets(&mut bench, wire, TOPIC);

    let errors = vec![ErrorCode::NONE, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION];
    assert_eq!(deleted, (ErrorCode::NONE, errors));
    assert_eq!(bench.cluster.committed("group", TOPIC, 0), None);
}

/// The metadata of a consumer that subscribes to this topic.
fn subscription(topic: &str) -> Bytes {
    let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, topic.len() as u8];
    bytes.extend_from_slice(topic.as_bytes());
    bytes.extend_from_slice(&[0xff; 4]);
    bytes.into()
}

#[test]
fn offsets_that_members_use_or_might_use_are_kept() {
    for (kind, metadata, group_error, topic_error) in [
        (
            "consumer",
            subscription("other"),
            ErrorCode::NONE,
            ErrorCode::NONE,
        ),
        (
            "consumer",
            subscription(TOPIC),
            ErrorCode::NONE,
            ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC,
        ),
        (
            "consumer",
            Bytes::from_static(b"?"),
            ErrorCode::NONE,
            ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC,
        ),
        (
            "connect",
            subscription("other"),
            ErrorCode::NON_EMPTY_GROUP,
            ErrorCode::NONE,
        ),
    ] {
        let mut bench = bench();
        let wire = coordinator(&mut bench);
        let mut request = join("").with_protocol_type(string(kind));
        request.protocols[0].metadata = metadata;
        let member = joined(bench.ask(wire, request.clone())).member_id;
        let joined = joined(bench.ask(wire, request.with_member_id(member)));
        if kind == "consumer" {
            assert_eq!(sync(&mut bench, wire, &joined).error_code, 0);
        }
        commit(&mut bench, TOPIC);

        let (error, partitions) = delete_offsets(&mut bench, wire, TOPIC);

        assert_eq!(error, group_error);
        let of_topic = partitions.first().copied().unwrap_or(ErrorCode::NONE);
        assert_eq!(of_topic, topic_error);
        let is_deleted = bench.cluster.committed("group", TOPIC, 0).is_none();
        let is_allowed = (error, of_topic) == (ErrorCode::NONE, ErrorCode::NONE);
        assert_eq!(is_deleted, is_allowed, "{kind}");
    }
}

/// Topics and the indices of their partitions, and the cursor.
type Page = (Vec<(String, ErrorCode, Vec<i32>)>, Option<(String, i32)>);

fn describe(bench: &mut Bench, topics: &[&str], limit: i32, cursor: Option<(&str, i32)>) -> Page {
    let wire = bench.connect(0);
    let asked = topics
        .iter()
        .map(|name| TopicRequest::default().with_name(TopicName(string(name))));
    let cursor = cursor.map(|(name, index)| {
        Cursor::default()
            .with_topic_name(TopicName(string(name)))
            .with_partition_index(index)
    });
    let request = DescribeTopicPartitionsRequest::default()
        .with_topics(asked.collect())
        .with_response_partition_limit(limit)
        .with_cursor(cursor);
    let Response::DescribeTopicPartitions(response) = bench.ask(wire, request) else {
        panic!("another answer");
    };
    let topics = response.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        let indices = partitions.map(|partition| partition.partition_index);
        let name = topic.name.as_ref().unwrap().as_str().to_owned();
        (name, ErrorCode(topic.error_code), indices.collect())
    });
    let next = response.next_cursor.map(|cursor| {
        let name = cursor.topic_name.as_str().to_owned();
        (name, cursor.partition_index)
    });
    (topics.collect(), next)
}

#[test]
fn topics_are_described_in_pages_with_a_cursor() {
    let mut bench = bench();
    bench.cluster.create_topic("another", 2).unwrap();
    let ok = ErrorCode::NONE;
    let whole = |name: &str, indices: &[i32]| (name.to_owned(), ok, indices.to_vec());
    let cursor = |name: &str, index| Some((name.to_owned(), index));

    assert_eq!(
        describe(&mut bench, &[], 100, None),
        (
            vec![whole("another", &[0, 1]), whole(TOPIC, &[0, 1, 2, 3])],
            None
        )
    );
    assert_eq!(
        describe(&mut bench, &[], 2, None),
        (vec![whole("another", &[0, 1])], cursor(TOPIC, 0))
    );
    assert_eq!(
        describe(&mut bench, &[], 3, Some((TOPIC, 0))),
        (vec![whole(TOPIC, &[0, 1, 2])], cursor(TOPIC, 3))
    );
    assert_eq!(
        describe(&mut bench, &[TOPIC, "another", TOPIC], 1, Some((TOPIC, 3))),
        (vec![whole(TOPIC, &[3])], None)
    );
    let unknown = describe(&mut bench, &["none", "?"], 0, None).0;
    let errors: Vec<ErrorCode> = unknown.iter().map(|(_, error, _)| *error).collect();
    let expected = [
        ErrorCode::INVALID_TOPIC_EXCEPTION,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    ];
    assert_eq!(errors, expected);
    for cursor in [("another", 0), (TOPIC, -1)] {
        let refused = describe(&mut bench, &[TOPIC], 1, Some(cursor)).0;
        assert_eq!(refused[0].1, ErrorCode::INVALID_REQUEST);
    }
}

#[test]
fn a_topic_is_described_once_however_often_it_is_named() {
    let mut bench = Bench::new(1);
    bench.cluster.create_topic("topic", 2).unwrap();
    let wire = bench.connect(0);
    let named = |name| MetadataRequestTopic::default().with_name(Some(TopicName(string(name))));
    let names = ["topic", "other", "topic", "topic", "other"];
    let request = MetadataRequest::default().with_topics(Some(names.map(named).to_vec()));

    let Response::Metadata(answer) = bench.ask(wire, request) else {
        panic!("no metadata");
    };

    let topics = answer.topics.iter();
    let topics = topics.map(|topic| (topic.name.as_ref().unwrap().as_str(), topic.error_code));
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0;
    assert_eq!(
        topics.collect::<Vec<_>>(),
        [("topic", 0), ("other", unknown)]
    );
}
