//! The shapes of the responses for committed offsets.

use kafka_protocol::messages::{offset_commit_response, offset_fetch_response};

use super::{
    INT16, INT32, INT64, STRING, Shape, UUID, always, array, between, shape, since, until,
};

pub(super) static OFFSET_COMMIT_RESPONSE: Shape =
    shape::<offset_commit_response::OffsetCommitResponse>(&[
        since(3, "throttle_time_ms", INT32),
        always("topics", array(&OFFSET_COMMIT_RESPONSE_TOPIC)),
    ]);

static OFFSET_COMMIT_RESPONSE_TOPIC: Shape =
    shape::<offset_commit_response::OffsetCommitResponseTopic>(&[
        until(9, "name", STRING),
        since(10, "topic_id", UUID),
        always("partitions", array(&OFFSET_COMMIT_RESPONSE_PARTITION)),
    ]);

static OFFSET_COMMIT_RESPONSE_PARTITION: Shape =
    shape::<offset_commit_response::OffsetCommitResponsePartition>(&[
        always("partition_index", INT32),
        always("error_code", INT16),
    ]);

pub(super) static OFFSET_FETCH_RESPONSE: Shape =
    shape::<offset_fetch_response::OffsetFetchResponse>(&[
        since(3, "throttle_time_ms", INT32),
        until(7, "topics", array(&OFFSET_FETCH_RESPONSE_TOPIC)),
        between(2, 7, "error_code", INT16),
        since(8, "groups", array(&OFFSET_FETCH_RESPONSE_GROUP)),
    ]);

static OFFSET_FETCH_RESPONSE_TOPIC: Shape =
    shape::<offset_fetch_response::OffsetFetchResponseTopic>(&[
        until(7, "name", STRING),
        until(7, "partitions", array(&OFFSET_FETCH_RESPONSE_PARTITION)),
    ]);

static OFFSET_FETCH_RESPONSE_PARTITION: Shape =
    shape::<offset_fetch_response::OffsetFetchResponsePartition>(&[
        until(7, "partition_index", INT32),
        until(7, "committed_offset", INT64),
        between(5, 7, "committed_leader_epoch", INT32),
        until(7, "metadata", STRING),
        until(7, "error_code", INT16),
    ]);

static OFFSET_FETCH_RESPONSE_GROUP: Shape =
    shape::<offset_fetch_response::OffsetFetchResponseGroup>(&[
        since(8, "group_id", STRING),
        since(8, "topics", array(&OFFSET_FETCH_RESPONSE_TOPICS)),
        since(8, "error_code", INT16),
    ]);

static OFFSET_FETCH_RESPONSE_TOPICS: Shape =
    shape::<offset_fetch_response::OffsetFetchResponseTopics>(&[
        between(8, 9, "name", STRING),
        since(10, "topic_id", UUID),
        since(8, "partitions", array(&OFFSET_FETCH_RESPONSE_PARTITIONS)),
    ]);

static OFFSET_FETCH_RESPONSE_PARTITIONS: Shape =
    shape::<offset_fetch_response::OffsetFetchResponsePartitions>(&[
        since(8, "partition_index", INT32),
        since(8, "committed_offset", INT64),
        since(8, "committed_leader_epoch", INT32),
        since(8, "metadata", STRING),
        since(8, "error_code", INT16),
    ]);
