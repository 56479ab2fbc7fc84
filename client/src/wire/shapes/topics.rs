//! The shapes of the responses for the administration of topics.

use kafka_protocol::messages::{
    create_partitions_response, create_topics_response, delete_topics_response,
};

use super::{
    BOOLEAN, INT8, INT16, INT32, STRING, Shape, UUID, always, array, shape, since, tagged,
};

pub(super) static CREATE_TOPICS_RESPONSE: Shape =
    shape::<create_topics_response::CreateTopicsResponse>(&[
        always("throttle_time_ms", INT32),
        always("topics", array(&CREATABLE_TOPIC_RESULT)),
    ]);

static CREATABLE_TOPIC_RESULT: Shape = shape::<create_topics_response::CreatableTopicResult>(&[
    always("name", STRING),
    since(7, "topic_id", UUID),
    always("error_code", INT16),
    always("error_message", STRING),
    since(5, "num_partitions", INT32),
    since(5, "replication_factor", INT16),
    since(5, "configs", array(&CREATABLE_TOPIC_CONFIGS)),
    tagged(0, 5, "topic_config_error_code", INT16),
]);

static CREATABLE_TOPIC_CONFIGS: Shape = shape::<create_topics_response::CreatableTopicConfigs>(&[
    since(5, "name", STRING),
    since(5, "value", STRING),
    since(5, "read_only", BOOLEAN),
    since(5, "config_source", INT8),
    since(5, "is_sensitive", BOOLEAN),
]);

pub(super) static DELETE_TOPICS_RESPONSE: Shape =
    shape::<delete_topics_response::DeleteTopicsResponse>(&[
        always("throttle_time_ms", INT32),
        always("responses", array(&DELETABLE_TOPIC_RESULT)),
    ]);

static DELETABLE_TOPIC_RESULT: Shape = shape::<delete_topics_response::DeletableTopicResult>(&[
    always("name", STRING),
    since(6, "topic_id", UUID),
    always("error_code", INT16),
    since(5, "error_message", STRING),
]);

pub(super) static CREATE_PARTITIONS_RESPONSE: Shape =
    shape::<create_partitions_response::CreatePartitionsResponse>(&[
        always("throttle_time_ms", INT32),
        always("results", array(&CREATE_PARTITIONS_TOPIC_RESULT)),
    ]);

static CREATE_PARTITIONS_TOPIC_RESULT: Shape =
    shape::<create_partitions_response::CreatePartitionsTopicResult>(&[
        always("name", STRING),
        always("error_code", INT16),
        always("error_message", STRING),
    ]);
