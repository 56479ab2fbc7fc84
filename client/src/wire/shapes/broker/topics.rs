//! The shapes of the messages for the administration of records, leaders and committed offsets.

use kafka_protocol::messages::{
    delete_records_request, delete_records_response, describe_topic_partitions_request,
    describe_topic_partitions_response, elect_leaders_request, elect_leaders_response,
    offset_delete_request, offset_delete_response,
};

use super::super::{
    BOOLEAN, INT8, INT16, INT32, INT32S, INT64, Kind, STRING, Shape, UUID, always, array, shape,
    since,
};

pub(super) static OFFSET_DELETE_REQUEST: Shape =
    shape::<offset_delete_request::OffsetDeleteRequest>(&[
        always("group_id", STRING),
        always("topics", array(&OFFSET_DELETE_REQUEST_TOPIC)),
    ]);

static OFFSET_DELETE_REQUEST_TOPIC: Shape =
    shape::<offset_delete_request::OffsetDeleteRequestTopic>(&[
        always("name", STRING),
        always("partitions", array(&OFFSET_DELETE_REQUEST_PARTITION)),
    ]);

static OFFSET_DELETE_REQUEST_PARTITION: Shape = shape::<
    offset_delete_request::OffsetDeleteRequestPartition,
>(&[always("partition_index", INT32)]);

pub(super) static OFFSET_DELETE_RESPONSE: Shape =
    shape::<offset_delete_response::OffsetDeleteResponse>(&[
        always("error_code", INT16),
        always("throttle_time_ms", INT32),
        always("topics", array(&OFFSET_DELETE_RESPONSE_TOPIC)),
    ]);

static OFFSET_DELETE_RESPONSE_TOPIC: Shape =
    shape::<offset_delete_response::OffsetDeleteResponseTopic>(&[
        always("name", STRING),
        always("partitions", array(&OFFSET_DELETE_RESPONSE_PARTITION)),
    ]);

static OFFSET_DELETE_RESPONSE_PARTITION: Shape =
    shape::<offset_delete_response::OffsetDeleteResponsePartition>(&[
        always("partition_index", INT32),
        always("error_code", INT16),
    ]);

pub(super) static DELETE_RECORDS_REQUEST: Shape =
    shape::<delete_records_request::DeleteRecordsRequest>(&[
        always("topics", array(&DELETE_RECORDS_TOPIC)),
        always("timeout_ms", INT32),
    ]);

static DELETE_RECORDS_TOPIC: Shape = shape::<delete_records_request::DeleteRecordsTopic>(&[
    always("name", STRING),
    always("partitions", array(&DELETE_RECORDS_PARTITION)),
]);

static DELETE_RECORDS_PARTITION: Shape =
    shape::<delete_records_request::DeleteRecordsPartition>(&[
        always("partition_index", INT32),
        always("offset", INT64),
    ]);

pub(super) static DELETE_RECORDS_RESPONSE: Shape =
    shape::<delete_records_response::DeleteRecordsResponse>(&[
        always("throttle_time_ms", INT32),
        always("topics", array(&DELETE_RECORDS_TOPIC_RESULT)),
    ]);

static DELETE_RECORDS_TOPIC_RESULT: Shape =
    shape::<delete_records_response::DeleteRecordsTopicResult>(&[
        always("name", STRING),
        always("partitions", array(&DELETE_RECORDS_PARTITION_RESULT)),
    ]);

static DELETE_RECORDS_PARTITION_RESULT: Shape =
    shape::<delete_records_response::DeleteRecordsPartitionResult>(&[
        always("partition_index", INT32),
        always("low_watermark", INT64),
        always("error_code", INT16),
    ]);

pub(super) static ELECT_LEADERS_REQUEST: Shape =
    shape::<elect_leaders_request::ElectLeadersRequest>(&[
        since(1, "election_type", INT8),
        always("topic_partitions", array(&TOPIC_PARTITIONS)),
        always("timeout_ms", INT32),
    ]);

static TOPIC_PARTITIONS: Shape = shape::<elect_leaders_request::TopicPartitions>(&[
    always("topic", STRING),
    always("partitions", INT32S),
]);

pub(super) static ELECT_LEADERS_RESPONSE: Shape =
    shape::<elect_leaders_response::ElectLeadersResponse>(&[
        always("throttle_time_ms", INT32),
        since(1, "error_code", INT16),
        always("replica_election_results", array(&REPLICA_ELECTION_RESULT)),
    ]);

static REPLICA_ELECTION_RESULT: Shape = shape::<elect_leaders_response::ReplicaElectionResult>(&[
    always("topic", STRING),
    always("partition_result", array(&PARTITION_RESULT)),
]);

static PARTITION_RESULT: Shape = shape::<elect_leaders_response::PartitionResult>(&[
    always("partition_id", INT32),
    always("error_code", INT16),
    always("error_message", STRING),
]);

pub(super) static DESCRIBE_TOPIC_PARTITIONS_REQUEST: Shape =
    shape::<describe_topic_partitions_request::DescribeTopicPartitionsRequest>(&[
        always("topics", array(&TOPIC_REQUEST)),
        always("response_partition_limit", INT32),
        always("cursor", Kind::NullableStruct(&REQUEST_CURSOR)),
    ]);

static TOPIC_REQUEST: Shape =
    shape::<describe_topic_partitions_request::TopicRequest>(&[always("name", STRING)]);

static REQUEST_CURSOR: Shape = shape::<describe_topic_partitions_request::Cursor>(&[
    always("topic_name", STRING),
    always("partition_index", INT32),
]);

pub(super) static DESCRIBE_TOPIC_PARTITIONS_RESPONSE: Shape =
    shape::<describe_topic_partitions_response::DescribeTopicPartitionsResponse>(&[
        always("throttle_time_ms", INT32),
        always("topics", array(&DESCRIBE_TOPIC_PARTITIONS_RESPONSE_TOPIC)),
        always("next_cursor", Kind::NullableStruct(&RESPONSE_CURSOR)),
    ]);

static DESCRIBE_TOPIC_PARTITIONS_RESPONSE_TOPIC: Shape =
    shape::<describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic>(&[
        always("error_code", INT16),
        always("name", STRING),
        always("topic_id", UUID),
        always("is_internal", BOOLEAN),
        always(
            "partitions",
            array(&DESCRIBE_TOPIC_PARTITIONS_RESPONSE_PARTITION),
        ),
        always("topic_authorized_operations", INT32),
    ]);

static RESPONSE_CURSOR: Shape = shape::<describe_topic_partitions_response::Cursor>(&[
    always("topic_name", STRING),
    always("partition_index", INT32),
]);

static DESCRIBE_TOPIC_PARTITIONS_RESPONSE_PARTITION: Shape =
    shape::<describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition>(&[
        always("error_code", INT16),
        always("partition_index", INT32),
        always("leader_id", INT32),
        always("leader_epoch", INT32),
        always("replica_nodes", INT32S),
        always("isr_nodes", INT32S),
        always("eligible_leader_replicas", INT32S),
        always("last_known_elr", INT32S),
        always("offline_replicas", INT32S),
    ]);
