//! The shapes of the responses for producing.

use kafka_protocol::messages::{init_producer_id_response, produce_response};

use super::{
    INT16, INT32, INT64, Kind, STRING, Shape, UUID, always, array, shape, since, tagged, until,
};

pub(super) static PRODUCE_RESPONSE: Shape = shape::<produce_response::ProduceResponse>(&[
    always("responses", array(&TOPIC_PRODUCE_RESPONSE)),
    always("throttle_time_ms", INT32),
    tagged(0, 10, "node_endpoints", array(&NODE_ENDPOINT)),
]);

static TOPIC_PRODUCE_RESPONSE: Shape = shape::<produce_response::TopicProduceResponse>(&[
    until(12, "name", STRING),
    since(13, "topic_id", UUID),
    always("partition_responses", array(&PARTITION_PRODUCE_RESPONSE)),
]);

static PARTITION_PRODUCE_RESPONSE: Shape = shape::<produce_response::PartitionProduceResponse>(&[
    always("index", INT32),
    always("error_code", INT16),
    always("base_offset", INT64),
    always("log_append_time_ms", INT64),
    since(5, "log_start_offset", INT64),
    since(8, "record_errors", array(&BATCH_INDEX_AND_ERROR_MESSAGE)),
    since(8, "error_message", STRING),
    tagged(0, 10, "current_leader", Kind::Struct(&LEADER_ID_AND_EPOCH)),
]);

static BATCH_INDEX_AND_ERROR_MESSAGE: Shape =
    shape::<produce_response::BatchIndexAndErrorMessage>(&[
        since(8, "batch_index", INT32),
        since(8, "batch_index_error_message", STRING),
    ]);

static LEADER_ID_AND_EPOCH: Shape = shape::<produce_response::LeaderIdAndEpoch>(&[
    since(10, "leader_id", INT32),
    since(10, "leader_epoch", INT32),
]);

static NODE_ENDPOINT: Shape = shape::<produce_response::NodeEndpoint>(&[
    since(10, "node_id", INT32),
    since(10, "host", STRING),
    since(10, "port", INT32),
    since(10, "rack", STRING),
]);

pub(super) static INIT_PRODUCER_ID_RESPONSE: Shape =
    shape::<init_producer_id_response::InitProducerIdResponse>(&[
        always("throttle_time_ms", INT32),
        always("error_code", INT16),
        always("producer_id", INT64),
        always("producer_epoch", INT16),
        since(6, "ongoing_txn_producer_id", INT64),
        since(6, "ongoing_txn_producer_epoch", INT16),
    ]);
