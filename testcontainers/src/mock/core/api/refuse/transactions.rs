//! Refusals, as ordered, of what transactional producers and those who watch them ask.

use weft_client::wire::messages::*;
use weft_client::wire::{ErrorCode, Response};

/// Until version 3 the request holds one transaction, later it holds several.
pub(super) fn add_partitions(request: &AddPartitionsToTxnRequest, code: ErrorCode) -> Response {
    let topics = |topics: &[add_partitions_to_txn_request::AddPartitionsToTxnTopic]| {
        let topics = topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                add_partitions_to_txn_response::AddPartitionsToTxnPartitionResult::default()
                    .with_partition_index(*partition)
                    .with_partition_error_code(code.0)
            });
            add_partitions_to_txn_response::AddPartitionsToTxnTopicResult::default()
                .with_name(topic.name.clone())
                .with_results_by_partition(partitions.collect())
        });
        topics.collect::<Vec<_>>()
    };
    let transactions = request.transactions.iter().map(|transaction| {
        add_partitions_to_txn_response::AddPartitionsToTxnResult::default()
            .with_transactional_id(transaction.transactional_id.clone())
            .with_topic_results(topics(&transaction.topics))
    });
    AddPartitionsToTxnResponse::default()
        .with_results_by_transaction(transactions.collect())
        .with_results_by_topic_v3_and_below(topics(&request.v3_and_below_topics))
        .into()
}

pub(super) fn end(code: ErrorCode) -> Response {
    EndTxnResponse::default()
        .with_error_code(code.0)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1)
        .into()
}

pub(super) fn commit_offsets(request: &TxnOffsetCommitRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            txn_offset_commit_response::TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code.0)
        });
        txn_offset_commit_response::TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default()
        .with_topics(topics.collect())
        .into()
}

pub(super) fn write_markers(request: &WriteTxnMarkersRequest, code: ErrorCode) -> Response {
    let markers = request.markers.iter().map(|marker| {
        let topics = marker.topics.iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|partition| {
                write_txn_markers_response::WritableTxnMarkerPartitionResult::default()
                    .with_partition_index(*partition)
                    .with_error_code(code.0)
            });
            write_txn_markers_response::WritableTxnMarkerTopicResult::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        write_txn_markers_response::WritableTxnMarkerResult::default()
            .with_producer_id(marker.producer_id)
            .with_topics(topics.collect())
    });
    WriteTxnMarkersResponse::default()
        .with_markers(markers.collect())
        .into()
}

pub(super) fn describe_producers(request: &DescribeProducersRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|partition| {
            describe_producers_response::PartitionResponse::default()
                .with_partition_index(*partition)
                .with_error_code(code.0)
        });
        describe_producers_response::TopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    DescribeProducersResponse::default()
        .with_topics(topics.collect())
        .into()
}

pub(super) fn describe(request: &DescribeTransactionsRequest, code: ErrorCode) -> Response {
    let states = request.transactional_ids.iter().map(|id| {
        describe_transactions_response::TransactionState::default()
            .with_transactional_id(id.clone())
            .with_error_code(code.0)
    });
    DescribeTransactionsResponse::default()
        .with_transaction_states(states.collect())
        .into()
}
