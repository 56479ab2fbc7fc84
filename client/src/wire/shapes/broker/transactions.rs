//! The shapes of what transactional producers say to brokers, and hear.

use kafka_protocol::messages::{
    add_offsets_to_txn_request, add_offsets_to_txn_response, add_partitions_to_txn_request,
    add_partitions_to_txn_response, end_txn_request, end_txn_response, txn_offset_commit_request,
    txn_offset_commit_response,
};

use super::super::{
    BOOLEAN, INT16, INT32, INT32S, INT64, STRING, Shape, always, array, shape, since, until,
};

pub(super) static ADD_PARTITIONS_TO_TXN_REQUEST: Shape =
    shape::<add_partitions_to_txn_request::AddPartitionsToTxnRequest>(&[
        since(4, "transactions", array(&ADD_PARTITIONS_TO_TXN_TRANSACTION)),
        until(3, "v3_and_below_transactional_id", STRING),
        until(3, "v3_and_below_producer_id", INT64),
        until(3, "v3_and_below_producer_epoch", INT16),
        until(
            3,
            "v3_and_below_topics",
            array(&ADD_PARTITIONS_TO_TXN_TOPIC),
        ),
    ]);

static ADD_PARTITIONS_TO_TXN_TRANSACTION: Shape =
    shape::<add_partitions_to_txn_request::AddPartitionsToTxnTransaction>(&[
        since(4, "transactional_id", STRING),
        since(4, "producer_id", INT64),
        since(4, "producer_epoch", INT16),
        since(4, "verify_only", BOOLEAN),
        since(4, "topics", array(&ADD_PARTITIONS_TO_TXN_TOPIC)),
    ]);

static ADD_PARTITIONS_TO_TXN_TOPIC: Shape =
    shape::<add_partitions_to_txn_request::AddPartitionsToTxnTopic>(&[
        always("name", STRING),
        always("partitions", INT32S),
    ]);

pub(super) static ADD_PARTITIONS_TO_TXN_RESPONSE: Shape =
    shape::<add_partitions_to_txn_response::AddPartitionsToTxnResponse>(&[
        always("throttle_time_ms", INT32),
        since(4, "error_code", INT16),
        since(
            4,
            "results_by_transaction",
            array(&ADD_PARTITIONS_TO_TXN_RESULT),
        ),
        until(
            3,
            "results_by_topic_v3_and_below",
            array(&ADD_PARTITIONS_TO_TXN_TOPIC_RESULT),
        ),
    ]);

static ADD_PARTITIONS_TO_TXN_RESULT: Shape =
    shape::<add_partitions_to_txn_response::AddPartitionsToTxnResult>(&[
        since(4, "transactional_id", STRING),
        since(
            4,
            "topic_results",
            array(&ADD_PARTITIONS_TO_TXN_TOPIC_RESULT),
        ),
    ]);

static ADD_PARTITIONS_TO_TXN_TOPIC_RESULT: Shape =
    shape::<add_partitions_to_txn_response::AddPartitionsToTxnTopicResult>(&[
        always("name", STRING),
        always(
            "results_by_partition",
            array(&ADD_PARTITIONS_TO_TXN_PARTITION_RESULT),
        ),
    ]);

static ADD_PARTITIONS_TO_TXN_PARTITION_RESULT: Shape =
    shape::<add_partitions_to_txn_response::AddPartitionsToTxnPartitionResult>(&[
        always("partition_index", INT32),
        always("partition_error_code", INT16),
    ]);

pub(super) static ADD_OFFSETS_TO_TXN_REQUEST: Shape =
    shape::<add_offsets_to_txn_request::AddOffsetsToTxnRequest>(&[
        always("transactional_id", STRING),
        always("producer_id", INT64),
        always("producer_epoch", INT16),
        always("group_id", STRING),
    ]);

pub(super) static ADD_OFFSETS_TO_TXN_RESPONSE: Shape =
    shape::<add_offsets_to_txn_response::AddOffsetsToTxnResponse>(&[
        always("throttle_time_ms", INT32),
        always("error_code", INT16),
    ]);

pub(super) static END_TXN_REQUEST: Shape = shape::<end_txn_request::EndTxnRequest>(&[
    always("transactional_id", STRING),
    always("producer_id", INT64),
    always("producer_epoch", INT16),
    always("committed", BOOLEAN),
]);

pub(super) static END_TXN_RESPONSE: Shape = shape::<end_txn_response::EndTxnResponse>(&[
    always("throttle_time_ms", INT32),
    always("error_code", INT16),
    since(5, "producer_id", INT64),
    since(5, "producer_epoch", INT16),
]);

pub(super) static TXN_OFFSET_COMMIT_REQUEST: Shape =
    shape::<txn_offset_commit_request::TxnOffsetCommitRequest>(&[
        always("transactional_id", STRING),
        always("group_id", STRING),
        always("producer_id", INT64),
        always("producer_epoch", INT16),
        since(3, "generation_id", INT32),
        since(3, "member_id", STRING),
        since(3, "group_instance_id", STRING),
        always("topics", array(&TXN_OFFSET_COMMIT_REQUEST_TOPIC)),
    ]);

static TXN_OFFSET_COMMIT_REQUEST_TOPIC: Shape =
    shape::<txn_offset_commit_request::TxnOffsetCommitRequestTopic>(&[
        always("name", STRING),
        always("partitions", array(&TXN_OFFSET_COMMIT_REQUEST_PARTITION)),
    ]);

static TXN_OFFSET_COMMIT_REQUEST_PARTITION: Shape =
    shape::<txn_offset_commit_request::TxnOffsetCommitRequestPartition>(&[
        always("partition_index", INT32),
        always("committed_offset", INT64),
        since(2, "committed_leader_epoch", INT32),
        always("committed_metadata", STRING),
    ]);

pub(super) static TXN_OFFSET_COMMIT_RESPONSE: Shape =
    shape::<txn_offset_commit_response::TxnOffsetCommitResponse>(&[
        always("throttle_time_ms", INT32),
        always("topics", array(&TXN_OFFSET_COMMIT_RESPONSE_TOPIC)),
    ]);

static TXN_OFFSET_COMMIT_RESPONSE_TOPIC: Shape =
    shape::<txn_offset_commit_response::TxnOffsetCommitResponseTopic>(&[
        always("name", STRING),
        always("partitions", array(&TXN_OFFSET_COMMIT_RESPONSE_PARTITION)),
    ]);

static TXN_OFFSET_COMMIT_RESPONSE_PARTITION: Shape =
    shape::<txn_offset_commit_response::TxnOffsetCommitResponsePartition>(&[
        always("partition_index", INT32),
        always("error_code", INT16),
    ]);
