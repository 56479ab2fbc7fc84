//! The shapes of the messages with which transactions and producers are watched, and ended by
//! their coordinators.

use kafka_protocol::messages::{
    describe_producers_request, describe_producers_response, describe_transactions_request,
    describe_transactions_response, list_transactions_request, list_transactions_response,
    write_txn_markers_request, write_txn_markers_response,
};

use super::super::{
    BOOLEAN, INT16, INT32, INT32S, INT64, INT64S, STRING, STRINGS, Shape, always, array, shape,
    since,
};

pub(super) static WRITE_TXN_MARKERS_REQUEST: Shape =
    shape::<write_txn_markers_request::WriteTxnMarkersRequest>(&[always(
        "markers",
        array(&WRITABLE_TXN_MARKER),
    )]);

static WRITABLE_TXN_MARKER: Shape = shape::<write_txn_markers_request::WritableTxnMarker>(&[
    always("producer_id", INT64),
    always("producer_epoch", INT16),
    always("transaction_result", BOOLEAN),
    always("topics", array(&WRITABLE_TXN_MARKER_TOPIC)),
    always("coordinator_epoch", INT32),
]);

static WRITABLE_TXN_MARKER_TOPIC: Shape =
    shape::<write_txn_markers_request::WritableTxnMarkerTopic>(&[
        always("name", STRING),
        always("partition_indexes", INT32S),
    ]);

pub(super) static WRITE_TXN_MARKERS_RESPONSE: Shape =
    shape::<write_txn_markers_response::WriteTxnMarkersResponse>(&[always(
        "markers",
        array(&WRITABLE_TXN_MARKER_RESULT),
    )]);

static WRITABLE_TXN_MARKER_RESULT: Shape =
    shape::<write_txn_markers_response::WritableTxnMarkerResult>(&[
        always("producer_id", INT64),
        always("topics", array(&WRITABLE_TXN_MARKER_TOPIC_RESULT)),
    ]);

static WRITABLE_TXN_MARKER_TOPIC_RESULT: Shape =
    shape::<write_txn_markers_response::WritableTxnMarkerTopicResult>(&[
        always("name", STRING),
        always("partitions", array(&WRITABLE_TXN_MARKER_PARTITION_RESULT)),
    ]);

static WRITABLE_TXN_MARKER_PARTITION_RESULT: Shape =
    shape::<write_txn_markers_response::WritableTxnMarkerPartitionResult>(&[
        always("partition_index", INT32),
        always("error_code", INT16),
    ]);

pub(super) static DESCRIBE_PRODUCERS_REQUEST: Shape = shape::<
    describe_producers_request::DescribeProducersRequest,
>(&[always("topics", array(&TOPIC_REQUEST))]);

static TOPIC_REQUEST: Shape = shape::<describe_producers_request::TopicRequest>(&[
    always("name", STRING),
    always("partition_indexes", INT32S),
]);

pub(super) static DESCRIBE_PRODUCERS_RESPONSE: Shape =
    shape::<describe_producers_response::DescribeProducersResponse>(&[
        always("throttle_time_ms", INT32),
        always("topics", array(&TOPIC_RESPONSE)),
    ]);

static TOPIC_RESPONSE: Shape = shape::<describe_producers_response::TopicResponse>(&[
    always("name", STRING),
    always("partitions", array(&PARTITION_RESPONSE)),
]);

static PARTITION_RESPONSE: Shape = shape::<describe_producers_response::PartitionResponse>(&[
    always("partition_index", INT32),
    always("error_code", INT16),
    always("error_message", STRING),
    always("active_producers", array(&PRODUCER_STATE)),
]);

static PRODUCER_STATE: Shape = shape::<describe_producers_response::ProducerState>(&[
    always("producer_id", INT64),
    always("producer_epoch", INT32),
    always("last_sequence", INT32),
    always("last_timestamp", INT64),
    always("coordinator_epoch", INT32),
    always("current_txn_start_offset", INT64),
]);

pub(super) static DESCRIBE_TRANSACTIONS_REQUEST: Shape = shape::<
    describe_transactions_request::DescribeTransactionsRequest,
>(&[always("transactional_ids", STRINGS)]);

pub(super) static DESCRIBE_TRANSACTIONS_RESPONSE: Shape =
    shape::<describe_transactions_response::DescribeTransactionsResponse>(&[
        always("throttle_time_ms", INT32),
        always("transaction_states", array(&DESCRIBED_TRANSACTION_STATE)),
    ]);

static DESCRIBED_TRANSACTION_STATE: Shape =
    shape::<describe_transactions_response::TransactionState>(&[
        always("error_code", INT16),
        always("transactional_id", STRING),
        always("transaction_state", STRING),
        always("transaction_timeout_ms", INT32),
        always("transaction_start_time_ms", INT64),
        always("producer_id", INT64),
        always("producer_epoch", INT16),
        always("topics", array(&DESCRIBED_TOPIC_DATA)),
    ]);

static DESCRIBED_TOPIC_DATA: Shape = shape::<describe_transactions_response::TopicData>(&[
    always("topic", STRING),
    always("partitions", INT32S),
]);

pub(super) static LIST_TRANSACTIONS_REQUEST: Shape =
    shape::<list_transactions_request::ListTransactionsRequest>(&[
        always("state_filters", STRINGS),
        always("producer_id_filters", INT64S),
        since(1, "duration_filter", INT64),
        since(2, "transactional_id_pattern", STRING),
    ]);

pub(super) static LIST_TRANSACTIONS_RESPONSE: Shape =
    shape::<list_transactions_response::ListTransactionsResponse>(&[
        always("throttle_time_ms", INT32),
        always("error_code", INT16),
        always("unknown_state_filters", STRINGS),
        always("transaction_states", array(&LISTED_TRANSACTION_STATE)),
    ]);

static LISTED_TRANSACTION_STATE: Shape = shape::<list_transactions_response::TransactionState>(&[
    always("transactional_id", STRING),
    always("producer_id", INT64),
    always("transaction_state", STRING),
]);
