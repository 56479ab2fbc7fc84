//! The shapes of the messages that only the mock broker reads and writes.

mod configs;
mod producers;
mod topics;
mod transactions;

use kafka_protocol::messages::ApiKey;

use super::Shape;

/// The shape of a response to a client of another make; `None` for any other API.
pub(super) fn response(api_key: ApiKey) -> Option<&'static Shape> {
    Some(match api_key {
        ApiKey::AddPartitionsToTxn => &transactions::ADD_PARTITIONS_TO_TXN_RESPONSE,
        ApiKey::AddOffsetsToTxn => &transactions::ADD_OFFSETS_TO_TXN_RESPONSE,
        ApiKey::EndTxn => &transactions::END_TXN_RESPONSE,
        ApiKey::TxnOffsetCommit => &transactions::TXN_OFFSET_COMMIT_RESPONSE,
        ApiKey::WriteTxnMarkers => &producers::WRITE_TXN_MARKERS_RESPONSE,
        ApiKey::DescribeProducers => &producers::DESCRIBE_PRODUCERS_RESPONSE,
        ApiKey::DescribeTransactions => &producers::DESCRIBE_TRANSACTIONS_RESPONSE,
        ApiKey::ListTransactions => &producers::LIST_TRANSACTIONS_RESPONSE,
        ApiKey::OffsetDelete => &topics::OFFSET_DELETE_RESPONSE,
        ApiKey::DeleteRecords => &topics::DELETE_RECORDS_RESPONSE,
        ApiKey::ElectLeaders => &topics::ELECT_LEADERS_RESPONSE,
        ApiKey::DescribeTopicPartitions => &topics::DESCRIBE_TOPIC_PARTITIONS_RESPONSE,
        ApiKey::DescribeConfigs => &configs::DESCRIBE_CONFIGS_RESPONSE,
        ApiKey::AlterConfigs => &configs::ALTER_CONFIGS_RESPONSE,
        ApiKey::IncrementalAlterConfigs => &configs::INCREMENTAL_ALTER_CONFIGS_RESPONSE,
        _ => return None,
    })
}

/// The shape of a request that Weft itself does not make; `None` for any other API.
pub(super) fn request(api_key: ApiKey) -> Option<&'static Shape> {
    Some(match api_key {
        ApiKey::AddPartitionsToTxn => &transactions::ADD_PARTITIONS_TO_TXN_REQUEST,
        ApiKey::AddOffsetsToTxn => &transactions::ADD_OFFSETS_TO_TXN_REQUEST,
        ApiKey::EndTxn => &transactions::END_TXN_REQUEST,
        ApiKey::TxnOffsetCommit => &transactions::TXN_OFFSET_COMMIT_REQUEST,
        ApiKey::WriteTxnMarkers => &producers::WRITE_TXN_MARKERS_REQUEST,
        ApiKey::DescribeProducers => &producers::DESCRIBE_PRODUCERS_REQUEST,
        ApiKey::DescribeTransactions => &producers::DESCRIBE_TRANSACTIONS_REQUEST,
        ApiKey::ListTransactions => &producers::LIST_TRANSACTIONS_REQUEST,
        ApiKey::OffsetDelete => &topics::OFFSET_DELETE_REQUEST,
        ApiKey::DeleteRecords => &topics::DELETE_RECORDS_REQUEST,
        ApiKey::ElectLeaders => &topics::ELECT_LEADERS_REQUEST,
        ApiKey::DescribeTopicPartitions => &topics::DESCRIBE_TOPIC_PARTITIONS_REQUEST,
        ApiKey::DescribeConfigs => &configs::DESCRIBE_CONFIGS_REQUEST,
        ApiKey::AlterConfigs => &configs::ALTER_CONFIGS_REQUEST,
        ApiKey::IncrementalAlterConfigs => &configs::INCREMENTAL_ALTER_CONFIGS_REQUEST,
        _ => return None,
    })
}
