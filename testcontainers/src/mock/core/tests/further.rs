//! The APIs that Weft's client does not speak: each is served or refused as a whole.

use weft_client::wire::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use weft_client::wire::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use weft_client::wire::messages::describe_configs_request::DescribeConfigsResource;
use weft_client::wire::messages::elect_leaders_request::TopicPartitions;
use weft_client::wire::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use weft_client::wire::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use weft_client::wire::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};
use weft_client::wire::messages::*;
use weft_client::wire::{ErrorCode, encode_response};

use super::super::api;
use super::super::reply::Ask;
use super::*;

const TOPIC: &str = "topic";

/// One meaningful request of each API, in the shape of this version.
fn requests(version: i16) -> Vec<Request> {
    let topic = || TopicName(string(TOPIC));
    let id = || TransactionalId(string("transactional"));
    let group = || GroupId(string("group"));
    let added = vec![
        AddPartitionsToTxnTopic::default()
            .with_name(topic())
            .with_partitions(vec![0]),
    ];
    let add_partitions = if version < 4 {
        AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(id())
            .with_v3_and_below_topics(added)
    } else {
        AddPartitionsToTxnRequest::default().with_transactions(vec![
            AddPartitionsToTxnTransaction::default()
                .with_transactional_id(id())
                .with_topics(added),
        ])
    };
    vec![
        add_partitions.into(),
        AddOffsetsToTxnRequest::default()
            .with_transactional_id(id())
            .with_group_id(group())
            .into(),
        EndTxnRequest::default().with_transactional_id(id()).into(),
        TxnOffsetCommitRequest::default()
            .with_transactional_id(id())
            .with_group_id(group())
            .with_topics(vec![
                TxnOffsetCommitRequestTopic::default()
                    .with_name(topic())
                    .with_partitions(vec![TxnOffsetCommitRequestPartition::default()]),
            ])
            .into(),
        WriteTxnMarkersRequest::default()
            .with_markers(vec![WritableTxnMarker::default().with_topics(vec![
                    WritableTxnMarkerTopic::default()
                        .with_name(topic())
                        .with_partition_indexes(vec![0]),
                ])])
            .into(),
        DescribeProducersRequest::default()
            .with_topics(vec![
                describe_producers_request::TopicRequest::default()
                    .with_name(topic())
                    .with_partition_indexes(vec![0]),
            ])
            .into(),
        DescribeTransactionsRequest::default()
            .with_transactional_ids(vec![id()])
            .into(),
        ListTransactionsRequest::default().into(),
        OffsetDeleteRequest::default()
            .with_group_id(group())
            .with_topics(vec![
                OffsetDeleteRequestTopic::default()
                    .with_name(topic())
                    .with_partitions(vec![OffsetDeleteRequestPartition::default()]),
            ])
            .into(),
        DeleteRecordsRequest::default()
            .with_topics(vec![
                DeleteRecordsTopic::default()
                    .with_name(topic())
                    .with_partitions(vec![DeleteRecordsPartition::default()]),
            ])
            .into(),
        ElectLeadersRequest::default()
            .with_topic_partitions(Some(vec![
                TopicPartitions::default()
                    .with_topic(topic())
                    .with_partitions(vec![0]),
            ]))
            .into(),
        DescribeTopicPartitionsRequest::default()
            .with_topics(vec![
                describe_topic_partitions_request::TopicRequest::default().with_name(topic()),
            ])
            .into(),
        DescribeConfigsRequest::default()
            .with_resources(vec![resource()])
            .into(),
        AlterConfigsRequest::default()
            .with_resources(vec![
                alter_configs_request::AlterConfigsResource::default()
                    .with_resource_type(TOPIC_RESOURCE)
                    .with_resource_name(string(TOPIC)),
            ])
            .into(),
        IncrementalAlterConfigsRequest::default()
            .with_resources(vec![
                incremental_alter_configs_request::AlterConfigsResource::default()
                    .with_resource_type(TOPIC_RESOURCE)
                    .with_resource_name(string(TOPIC)),
            ])
            .into(),
    ]
}

fn resource() -> DescribeConfigsResource {
    DescribeConfigsResource::default()
        .with_resource_type(TOPIC_RESOURCE)
        .with_resource_name(string(TOPIC))
        .with_configuration_keys(None)
}

/// Every version of every one of these APIs.
pub(super) fn cases() -> impl Iterator<Item = (i16, Request)> {
    let apis = requests(0).into_iter().map(|request| request.api_key());
    apis.enumerate().flat_map(|(index, api_key)| {
        schema_versions(api_key).map(move |version| (version, requests(version).swap_remove(index)))
    })
}

#[test]
fn every_one_is_either_announced_and_answered_or_unknown_in_every_version() {
    assert_eq!(requests(0).len(), 15, "one of each");
    for (version, request) in cases() {
        let api_key = request.api_key();
        let name = format!("{api_key:?} v{version}");
        let mut bench = Bench::new(1);
        bench.cluster.create_topic(TOPIC, 1).unwrap();
        let wire = bench.connect(0);
        let Response::ApiVersions(announced) = bench.ask(wire, ApiVersionsRequest::default())
        else {
            panic!();
        };
        let mut announced = announced.api_keys.iter();
        let is_announced = announced.any(|range| range.api_key == api_key as i16);

        let out = bench.send(wire, version, request);

        if is_announced {
            assert!(answer_to(wire, api_key, version, &out).is_some(), "{name}");
            assert_eq!(bench.cluster.violations(), [""; 0], "{name}");
        } else {
            assert_eq!(out, [Output::Close(wire.id)], "{name}");
            let noted = format!(
                "broker 0 cannot read a request: request with unknown API {} or version {version} \
                 (correlation id 5)",
                api_key as i16
            );
            assert_eq!(bench.cluster.violations(), [noted]);
        }
    }
}

#[test]
fn an_order_to_fail_can_be_written_in_every_version() {
    let code = ErrorCode::POLICY_VIOLATION;
    for (version, request) in cases() {
        let api_key = request.api_key();
        let now = Bench::new(1).now;
        let head = head(api_key, version);
        let ask = Ask::new(now, ConnectionId(1), NodeId::new(0), head);

        let response = api::refuse::response(&ask, &request, code);

        let mut bytes = BytesMut::new();
        encode_response(&ask.head, &response, &mut bytes).unwrap();
        let frame = bytes.freeze().slice(4..);
        let (_, read) = decode_exact_response(api_key, version, frame).unwrap();
        let written = format!("{read:?}");
        assert!(
            written.contains(&format!("error_code: {}", code.0)),
            "{api_key:?} v{version}: {written}"
        );
    }
}

/// A resource of a configuration that is a topic.
const TOPIC_RESOURCE: i8 = 2;
