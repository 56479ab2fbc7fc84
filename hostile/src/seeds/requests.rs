//! What clients ask of a broker, one request after the other on the same connection: each request
//! by itself, and talks in which one needs what another did before.

use bytes::{Bytes, BytesMut};
use weft_client::ids::CorrelationId;
use weft_client::record::{BatchBuilder, BatchKind, BatchProducer, Compression, Compressor};
use weft_client::wire::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use weft_client::wire::messages::create_topics_request::CreatableTopic;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::join_group_request::JoinGroupRequestProtocol;
use weft_client::wire::messages::metadata_request::MetadataRequestTopic;
use weft_client::wire::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use weft_client::wire::messages::offset_fetch_request::OffsetFetchRequestGroup;
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::sync_group_request::SyncGroupRequestAssignment;
use weft_client::wire::messages::*;
use weft_client::wire::{Request, RequestHead, StrBytes, encode_exact_request};

use super::messages::requests;
use crate::request::TOPIC;

pub(super) fn all() -> Vec<Vec<u8>> {
    let alone = requests().into_iter();
    let mut all: Vec<Vec<u8>> = alone
        .map(|frame| [&[ONE_BROKER], &step(&frame)[..]].concat())
        .collect();
    // Several in a row, and time behind them.
    let several = requests();
    all.extend(several.chunks(4).map(|frames| {
        let steps: Vec<Vec<u8>> = frames.iter().map(|frame| step(frame)).collect();
        [&[ONE_BROKER], &steps.concat()[..], &[3, 254]].concat()
    }));
    all.push(talk([member(), topics(), records()].concat()));
    all.push(talk(member()));
    all.push(talk(topics()));
    all.push(talk(records()));
    all.push(talk(transaction()));
    all
}

/// The bytes that have a connection send this frame.
fn step(frame: &[u8]) -> Vec<u8> {
    let length = (frame.len() as u16).to_be_bytes();
    [&[0, 0], &length[..], frame].concat()
}

/// The steps that send these requests, and then let time go by.
fn talk(asked: Vec<(i16, Request)>) -> Vec<u8> {
    let mut input = vec![ONE_BROKER];
    for (number, (version, request)) in (0..).zip(asked) {
        let head = RequestHead {
            api_key: request.api_key(),
            api_version: version,
            correlation_id: CorrelationId::new(number),
            client_id: Some(text("c")),
        };
        let mut frame = BytesMut::new();
        encode_exact_request(&head, &request, &mut frame).expect("the request fits its version");
        input.extend(step(&frame[LENGTH_PREFIX..]));
    }
    input.extend([3, 200, 3, 254]);
    input
}

/// A member joins, commits, and goes.
fn member() -> Vec<(i16, Request)> {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(b"\0\0\0\0\0\0\0\0\0\0"));
    let join = JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(6_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(text(MEMBER))
        .with_assignment(Bytes::from_static(b"all of it"));
    let sync = SyncGroupRequest::default()
        .with_group_id(group())
        .with_generation_id(1)
        .with_member_id(text(MEMBER))
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(vec![assignment]);
    let heartbeat = HeartbeatRequest::default()
        .with_group_id(group())
        .with_generation_id(1)
        .with_member_id(text(MEMBER));
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(1)
        .with_committed_metadata(Some(text("note")));
    let committed = OffsetCommitRequestTopic::default()
        .with_name(topic())
        .with_partitions(vec![partition]);
    let commit = OffsetCommitRequest::default()
        .with_group_id(group())
        .with_generation_id_or_member_epoch(1)
        .with_member_id(text(MEMBER))
        .with_topics(vec![committed]);
    let asked = OffsetFetchRequestGroup::default()
        .with_group_id(group())
        .with_topics(None);
    vec![
        (
            4,
            FindCoordinatorRequest::default()
                .with_coordinator_keys(vec![text("g")])
                .into(),
        ),
        (7, join.clone().into()),
        (7, join.with_member_id(text(MEMBER)).into()),
        (5, sync.into()),
        (4, heartbeat.into()),
        (8, commit.into()),
        (
            8,
            OffsetFetchRequest::default()
                .with_groups(vec![asked])
                .into(),
        ),
        (
            5,
            DescribeGroupsRequest::default()
                .with_groups(vec![group()])
                .into(),
        ),
        (4, ListGroupsRequest::default().into()),
    ]
}

/// Topics are created, described and deleted.
fn topics() -> Vec<(i16, Request)> {
    let new = CreatableTopic::default()
        .with_name(TopicName(text("new")))
        .with_num_partitions(2)
        .with_replication_factor(2);
    let metadata = |name: &'static str| {
        let asked = MetadataRequestTopic::default().with_name(Some(TopicName(text(name))));
        MetadataRequest::default()
            .with_topics(Some(vec![asked]))
            .with_allow_auto_topic_creation(true)
    };
    vec![
        (3, ApiVersionsRequest::default().into()),
        (
            5,
            CreateTopicsRequest::default().with_topics(vec![new]).into(),
        ),
        (9, metadata("new").into()),
        (9, metadata("other").into()),
        (9, MetadataRequest::default().with_topics(None).into()),
        (
            5,
            DeleteTopicsRequest::default()
                .with_topic_names(vec![TopicName(text("new"))])
                .into(),
        ),
    ]
}

/// Records are written with every codec and fetched, in a session and for a while.
fn records() -> Vec<(i16, Request)> {
    let mut all: Vec<(i16, Request)> = Compression::ALL
        .iter()
        .map(|codec| (9, produce(batch(BatchKind::Plain, *codec), None).into()))
        .collect();
    all.push((11, fetch(0).into()));
    all.push((
        11,
        fetch(0)
            .with_session_id(1)
            .with_session_epoch(1)
            .with_topics(Vec::new())
            .into(),
    ));
    all.push((11, fetch(1_000).into()));
    all.push((11, fetch(5).with_min_bytes(1).with_max_wait_ms(500).into()));
    all
}

/// A transaction, from its beginning to its readers.
fn transaction() -> Vec<(i16, Request)> {
    let id = TransactionalId(text("t"));
    let init = InitProducerIdRequest::default()
        .with_transactional_id(Some(id.clone()))
        .with_transaction_timeout_ms(10_000)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    let partitions = AddPartitionsToTxnTopic::default()
        .with_name(topic())
        .with_partitions(vec![0]);
    let add = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id.clone())
        .with_v3_and_below_topics(vec![partitions]);
    let write = produce(
        batch(BatchKind::Transactional, Compression::None),
        Some(id.clone()),
    );
    let end = EndTxnRequest::default()
        .with_transactional_id(id.clone())
        .with_committed(true);
    vec![
        (2, init.clone().into()),
        (3, add.clone().into()),
        (9, write.into()),
        (1, ListTransactionsRequest::default().into()),
        (
            0,
            DescribeTransactionsRequest::default()
                .with_transactional_ids(vec![id])
                .into(),
        ),
        (3, end.into()),
        (3, add.into()),
        (2, init.into()),
        (11, fetch(0).with_isolation_level(1).into()),
    ]
}

fn produce(records: Bytes, transactional_id: Option<TransactionalId>) -> ProduceRequest {
    let partition = PartitionProduceData::default().with_records(Some(records));
    let data = TopicProduceData::default()
        .with_name(topic())
        .with_partition_data(vec![partition]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_transactional_id(transactional_id)
        .with_topic_data(vec![data])
}

fn fetch(offset: i64) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1 << 20);
    let asked = FetchTopic::default()
        .with_topic(topic())
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_bytes(1 << 20)
        .with_session_epoch(0)
        .with_topics(vec![asked])
}

fn batch(kind: BatchKind, codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.set_kind(kind);
    if kind == BatchKind::Transactional {
        builder.set_producer(BatchProducer {
            id: 0,
            epoch: 0,
            base_sequence: 0,
        });
    }
    for value in [&b"value"[..], &[7; 100]] {
        builder
            .append(5, Some(b"key"), Some(value), &[])
            .expect("the record is short");
    }
    let built = builder.build(codec, &mut Compressor::default());
    built.expect("every codec is compiled in")
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn topic() -> TopicName {
    TopicName(text(TOPIC))
}

fn group() -> GroupId {
    GroupId(text("g"))
}

/// The name that the broker gives to its first member, whose client is called `c`.
const MEMBER: &str = "c-00000000000000000000000000000001";

/// The byte that has the cluster have one broker.
const ONE_BROKER: u8 = 0;

const LENGTH_PREFIX: usize = 4;
