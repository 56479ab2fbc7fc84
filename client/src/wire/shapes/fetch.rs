//! The shapes of the responses for fetching and for looking offsets up.

use kafka_protocol::messages::{
    fetch_response, list_offsets_response, offset_for_leader_epoch_response,
};

use super::{
    BYTES, INT16, INT32, INT64, Kind, STRING, Shape, UUID, always, array, shape, since, tagged,
    until,
};

pub(super) static FETCH_RESPONSE: Shape = shape::<fetch_response::FetchResponse>(&[
    always("throttle_time_ms", INT32),
    since(7, "error_code", INT16),
    since(7, "session_id", INT32),
    always("responses", array(&FETCHABLE_TOPIC_RESPONSE)),
    tagged(0, 16, "node_endpoints", array(&NODE_ENDPOINT)),
]);

static FETCHABLE_TOPIC_RESPONSE: Shape = shape::<fetch_response::FetchableTopicResponse>(&[
    until(12, "topic", STRING),
    since(13, "topic_id", UUID),
    always("partitions", array(&PARTITION_DATA)),
]);

static PARTITION_DATA: Shape = shape::<fetch_response::PartitionData>(&[
    always("partition_index", INT32),
    always("error_code", INT16),
    always("high_watermark", INT64),
    always("last_stable_offset", INT64),
    since(5, "log_start_offset", INT64),
    always("aborted_transactions", array(&ABORTED_TRANSACTION)),
    since(11, "preferred_read_replica", INT32),
    always("records", BYTES),
    tagged(
        0,
        12,
        "diverging_epoch",
        Kind::Struct(&FETCH_EPOCH_END_OFFSET),
    ),
    tagged(1, 12, "current_leader", Kind::Struct(&LEADER_ID_AND_EPOCH)),
    tagged(2, 12, "snapshot_id", Kind::Struct(&SNAPSHOT_ID)),
]);

static ABORTED_TRANSACTION: Shape = shape::<fetch_response::AbortedTransaction>(&[
    always("producer_id", INT64),
    always("first_offset", INT64),
]);

static FETCH_EPOCH_END_OFFSET: Shape = shape::<fetch_response::EpochEndOffset>(&[
    since(12, "epoch", INT32),
    since(12, "end_offset", INT64),
]);

static LEADER_ID_AND_EPOCH: Shape = shape::<fetch_response::LeaderIdAndEpoch>(&[
    since(12, "leader_id", INT32),
    since(12, "leader_epoch", INT32),
]);

static SNAPSHOT_ID: Shape =
    shape::<fetch_response::SnapshotId>(&[always("end_offset", INT64), always("epoch", INT32)]);

static NODE_ENDPOINT: Shape = shape::<fetch_response::NodeEndpoint>(&[
    since(16, "node_id", INT32),
    since(16, "host", STRING),
    since(16, "port", INT32),
    since(16, "rack", STRING),
]);

pub(super) static LIST_OFFSETS_RESPONSE: Shape =
    shape::<list_offsets_response::ListOffsetsResponse>(&[
        since(2, "throttle_time_ms", INT32),
        always("topics", array(&LIST_OFFSETS_TOPIC_RESPONSE)),
    ]);

static LIST_OFFSETS_TOPIC_RESPONSE: Shape =
    shape::<list_offsets_response::ListOffsetsTopicResponse>(&[
        always("name", STRING),
        always("partitions", array(&LIST_OFFSETS_PARTITION_RESPONSE)),
    ]);

static LIST_OFFSETS_PARTITION_RESPONSE: Shape =
    shape::<list_offsets_response::ListOffsetsPartitionResponse>(&[
        always("partition_index", INT32),
        always("error_code", INT16),
        always("timestamp", INT64),
        always("offset", INT64),
        since(4, "leader_epoch", INT32),
    ]);

pub(super) static OFFSET_FOR_LEADER_EPOCH_RESPONSE: Shape =
    shape::<offset_for_leader_epoch_response::OffsetForLeaderEpochResponse>(&[
        always("throttle_time_ms", INT32),
        always("topics", array(&OFFSET_FOR_LEADER_TOPIC_RESULT)),
    ]);

static OFFSET_FOR_LEADER_TOPIC_RESULT: Shape =
    shape::<offset_for_leader_epoch_response::OffsetForLeaderTopicResult>(&[
        always("topic", STRING),
        always(
            "partitions",
            array(&OFFSET_FOR_LEADER_EPOCH_EPOCH_END_OFFSET),
        ),
    ]);

static OFFSET_FOR_LEADER_EPOCH_EPOCH_END_OFFSET: Shape =
    shape::<offset_for_leader_epoch_response::EpochEndOffset>(&[
        always("error_code", INT16),
        always("partition", INT32),
        always("leader_epoch", INT32),
        always("end_offset", INT64),
    ]);
