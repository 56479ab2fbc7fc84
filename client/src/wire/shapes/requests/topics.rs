//! The shapes of the requests for the administration of topics.

use kafka_protocol::messages::{
    create_partitions_request, create_topics_request, delete_topics_request,
};

use super::super::{
    BOOLEAN, INT16, INT32, INT32S, STRING, STRINGS, Shape, UUID, always, array, shape, since, until,
};

pub(super) static CREATE_TOPICS_REQUEST: Shape =
    shape::<create_topics_request::CreateTopicsRequest>(&[
        always("topics", array(&CREATABLE_TOPIC)),
        always("timeout_ms", INT32),
        always("validate_only", BOOLEAN),
    ]);

static CREATABLE_TOPIC: Shape = shape::<create_topics_request::CreatableTopic>(&[
    always("name", STRING),
    always("num_partitions", INT32),
    always("replication_factor", INT16),
    always("assignments", array(&CREATABLE_REPLICA_ASSIGNMENT)),
    always("configs", array(&CREATABLE_TOPIC_CONFIG)),
]);

static CREATABLE_REPLICA_ASSIGNMENT: Shape =
    shape::<create_topics_request::CreatableReplicaAssignment>(&[
        always("partition_index", INT32),
        always("broker_ids", INT32S),
    ]);

static CREATABLE_TOPIC_CONFIG: Shape = shape::<create_topics_request::CreatableTopicConfig>(&[
    always("name", STRING),
    always("value", STRING),
]);

pub(super) static DELETE_TOPICS_REQUEST: Shape =
    shape::<delete_topics_request::DeleteTopicsRequest>(&[
        since(6, "topics", array(&DELETE_TOPIC_STATE)),
        until(5, "topic_names", STRINGS),
        always("timeout_ms", INT32),
    ]);

static DELETE_TOPIC_STATE: Shape = shape::<delete_topics_request::DeleteTopicState>(&[
    since(6, "name", STRING),
    since(6, "topic_id", UUID),
]);

pub(super) static CREATE_PARTITIONS_REQUEST: Shape =
    shape::<create_partitions_request::CreatePartitionsRequest>(&[
        always("topics", array(&CREATE_PARTITIONS_TOPIC)),
        always("timeout_ms", INT32),
        always("validate_only", BOOLEAN),
    ]);

static CREATE_PARTITIONS_TOPIC: Shape =
    shape::<create_partitions_request::CreatePartitionsTopic>(&[
        always("name", STRING),
        always("count", INT32),
        always("assignments", array(&CREATE_PARTITIONS_ASSIGNMENT)),
    ]);

static CREATE_PARTITIONS_ASSIGNMENT: Shape =
    shape::<create_partitions_request::CreatePartitionsAssignment>(&[always("broker_ids", INT32S)]);
