//! The shapes of the requests for fetching and for looking offsets up.

use kafka_protocol::messages::{
    fetch_request, list_offsets_request, offset_for_leader_epoch_request,
};

use super::super::{
    INT8, INT32, INT32S, INT64, Kind, STRING, Shape, UUID, always, array, between, shape, since,
    tagged, until,
};

pub(super) static FETCH_REQUEST: Shape = shape::<fetch_request::FetchRequest>(&[
    until(14, "replica_id", INT32),
    always("max_wait_ms", INT32),
    always("min_bytes", INT32),
    always("max_bytes", INT32),
    always("isolation_level", INT8),
    since(7, "session_id", INT32),
    since(7, "session_epoch", INT32),
    always("topics", array(&FETCH_TOPIC)),
    since(7, "forgotten_topics_data", array(&FORGOTTEN_TOPIC)),
    since(11, "rack_id", STRING),
    tagged(0, 12, "cluster_id", STRING),
    tagged(1, 15, "replica_state", Kind::Struct(&REPLICA_STATE)),
]);

static FETCH_TOPIC: Shape = shape::<fetch_request::FetchTopic>(&[
    until(12, "topic", STRING),
    since(13, "topic_id", UUID),
    always("partitions", array(&FETCH_PARTITION)),
]);

static FETCH_PARTITION: Shape = shape::<fetch_request::FetchPartition>(&[
    always("partition", INT32),
    since(9, "current_leader_epoch", INT32),
    always("fetch_offset", INT64),
    since(12, "last_fetched_epoch", INT32),
    since(5, "log_start_offset", INT64),
    always("partition_max_bytes", INT32),
    tagged(0, 17, "replica_directory_id", UUID),
    tagged(1, 18, "high_watermark", INT64),
]);

static FORGOTTEN_TOPIC: Shape = shape::<fetch_request::ForgottenTopic>(&[
    between(7, 12, "topic", STRING),
    since(13, "topic_id", UUID),
    since(7, "partitions", INT32S),
]);

static REPLICA_STATE: Shape = shape::<fetch_request::ReplicaState>(&[
    since(15, "replica_id", INT32),
    since(15, "replica_epoch", INT64),
]);

pub(super) static LIST_OFFSETS_REQUEST: Shape =
    shape::<list_offsets_request::ListOffsetsRequest>(&[
        always("replica_id", INT32),
        since(2, "isolation_level", INT8),
        always("topics", array(&LIST_OFFSETS_TOPIC)),
        since(10, "timeout_ms", INT32),
    ]);

static LIST_OFFSETS_TOPIC: Shape = shape::<list_offsets_request::ListOffsetsTopic>(&[
    always("name", STRING),
    always("partitions", array(&LIST_OFFSETS_PARTITION)),
]);

static LIST_OFFSETS_PARTITION: Shape = shape::<list_offsets_request::ListOffsetsPartition>(&[
    always("partition_index", INT32),
    since(4, "current_leader_epoch", INT32),
    always("timestamp", INT64),
]);

pub(super) static OFFSET_FOR_LEADER_EPOCH_REQUEST: Shape =
    shape::<offset_for_leader_epoch_request::OffsetForLeaderEpochRequest>(&[
        since(3, "replica_id", INT32),
        always("topics", array(&OFFSET_FOR_LEADER_TOPIC)),
    ]);

static OFFSET_FOR_LEADER_TOPIC: Shape =
    shape::<offset_for_leader_epoch_request::OffsetForLeaderTopic>(&[
        always("topic", STRING),
        always("partitions", array(&OFFSET_FOR_LEADER_PARTITION)),
    ]);

static OFFSET_FOR_LEADER_PARTITION: Shape =
    shape::<offset_for_leader_epoch_request::OffsetForLeaderPartition>(&[
        always("partition", INT32),
        always("current_leader_epoch", INT32),
        always("leader_epoch", INT32),
    ]);
