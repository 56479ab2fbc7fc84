//! The shapes of the requests for producing.

use kafka_protocol::messages::{init_producer_id_request, produce_request};

use super::super::{
    BYTES, INT16, INT32, INT64, STRING, Shape, UUID, always, array, shape, since, until,
};

pub(super) static PRODUCE_REQUEST: Shape = shape::<produce_request::ProduceRequest>(&[
    always("transactional_id", STRING),
    always("acks", INT16),
    always("timeout_ms", INT32),
    always("topic_data", array(&TOPIC_PRODUCE_DATA)),
]);

static TOPIC_PRODUCE_DATA: Shape = shape::<produce_request::TopicProduceData>(&[
    until(12, "name", STRING),
    since(13, "topic_id", UUID),
    always("partition_data", array(&PARTITION_PRODUCE_DATA)),
]);

static PARTITION_PRODUCE_DATA: Shape = shape::<produce_request::PartitionProduceData>(&[
    always("index", INT32),
    always("records", BYTES),
]);

pub(super) static INIT_PRODUCER_ID_REQUEST: Shape =
    shape::<init_producer_id_request::InitProducerIdRequest>(&[
        always("transactional_id", STRING),
        always("transaction_timeout_ms", INT32),
        since(3, "producer_id", INT64),
        since(3, "producer_epoch", INT16),
    ]);
