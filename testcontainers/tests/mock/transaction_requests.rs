//! Requests of transactional producers and of those who watch them, for one topic and one group.

use bytes::Bytes;
use weft_client::record::{BatchBuilder, BatchKind, BatchProducer, Compression, Compressor};
use weft_client::wire::StrBytes;
use weft_client::wire::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use weft_client::wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use weft_client::wire::messages::*;

/// A producer as its broker knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

pub(crate) fn string(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

pub(crate) fn transactional_id(id: &'static str) -> TransactionalId {
    TransactionalId(string(id))
}

pub(crate) fn topic() -> TopicName {
    TopicName(string(TOPIC))
}

pub(crate) fn init(id: &'static str) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional_id(id)))
        .with_transaction_timeout_ms(60_000)
        .with_producer_epoch(-1)
}

pub(crate) fn describe(id: &'static str) -> DescribeTransactionsRequest {
    DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional_id(id)])
}

pub(crate) fn records(producer: Producer, sequence: i32, kind: BatchKind) -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.set_kind(kind);
    builder.set_producer(BatchProducer {
        id: producer.id,
        epoch: producer.epoch,
        base_sequence: sequence,
    });
    for _ in 0..2 {
        builder
            .append(1_700_000_000_000, None, Some(b"value"), &[])
            .unwrap();
    }
    let built = builder.build(Compression::None, &mut Compressor::default());
    built.unwrap()
}

pub(crate) fn produce(id: Option<&'static str>, partition: i32, records: Bytes) -> ProduceRequest {
    ProduceRequest::default()
        .with_transactional_id(id.map(transactional_id))
        .with_acks(-1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![
            TopicProduceData::default()
                .with_name(topic())
                .with_partition_data(vec![
                    PartitionProduceData::default()
                        .with_index(partition)
                        .with_records(Some(records)),
                ]),
        ])
}

pub(crate) fn added(partitions: &[i32]) -> Vec<AddPartitionsToTxnTopic> {
    vec![
        AddPartitionsToTxnTopic::default()
            .with_name(topic())
            .with_partitions(partitions.to_vec()),
    ]
}

pub(crate) fn add(
    id: &'static str,
    producer: Producer,
    partitions: &[i32],
) -> AddPartitionsToTxnRequest {
    AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(transactional_id(id))
        .with_v3_and_below_producer_id(producer.id.into())
        .with_v3_and_below_producer_epoch(producer.epoch)
        .with_v3_and_below_topics(added(partitions))
}

pub(crate) fn commit(id: &'static str, producer: Producer, offset: i64) -> TxnOffsetCommitRequest {
    TxnOffsetCommitRequest::default()
        .with_transactional_id(transactional_id(id))
        .with_group_id(GroupId(string(GROUP)))
        .with_producer_id(producer.id.into())
        .with_producer_epoch(producer.epoch)
        .with_generation_id(-1)
        .with_topics(vec![
            TxnOffsetCommitRequestTopic::default()
                .with_name(topic())
                .with_partitions(vec![
                    TxnOffsetCommitRequestPartition::default().with_committed_offset(offset),
                ]),
        ])
}

pub(crate) fn offsets(require_stable: bool) -> OffsetFetchRequest {
    OffsetFetchRequest::default()
        .with_require_stable(require_stable)
        .with_groups(vec![
            OffsetFetchRequestGroup::default()
                .with_group_id(GroupId(string(GROUP)))
                .with_topics(Some(vec![
                    OffsetFetchRequestTopics::default()
                        .with_name(topic())
                        .with_partition_indexes(vec![0, 1]),
                ])),
        ])
}

pub(crate) fn fetch(offset: i64, isolation_level: i8) -> FetchRequest {
    FetchRequest::default()
        .with_replica_id((-1).into())
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_isolation_level(isolation_level)
        .with_topics(vec![
            FetchTopic::default()
                .with_topic(topic())
                .with_partitions(vec![
                    FetchPartition::default()
                        .with_fetch_offset(offset)
                        .with_log_start_offset(-1)
                        .with_current_leader_epoch(-1)
                        .with_partition_max_bytes(1 << 20),
                ]),
        ])
}

pub(crate) fn list_offsets(timestamp: i64, isolation_level: i8) -> ListOffsetsRequest {
    ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_isolation_level(isolation_level)
        .with_topics(vec![
            ListOffsetsTopic::default()
                .with_name(topic())
                .with_partitions(vec![
                    ListOffsetsPartition::default()
                        .with_current_leader_epoch(-1)
                        .with_timestamp(timestamp),
                ]),
        ])
}

/// The name of the topic.
pub(crate) const TOPIC: &str = "transactions";

/// The name of the group.
pub(crate) const GROUP: &str = "transactions";
