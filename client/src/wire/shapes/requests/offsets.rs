//! The shapes of the requests for committed offsets.

use kafka_protocol::messages::{offset_commit_request, offset_fetch_request};

use super::super::{
    BOOLEAN, INT32, INT32S, INT64, STRING, Shape, always, array, shape, since, until,
};

pub(super) static OFFSET_COMMIT_REQUEST: Shape =
    shape::<offset_commit_request::OffsetCommitRequest>(&[
        always("group_id", STRING),
        always("generation_id_or_member_epoch", INT32),
        always("member_id", STRING),
        since(7, "group_instance_id", STRING),
        until(4, "retention_time_ms", INT64),
        always("topics", array(&OFFSET_COMMIT_REQUEST_TOPIC)),
    ]);

static OFFSET_COMMIT_REQUEST_TOPIC: Shape =
    shape::<offset_commit_request::OffsetCommitRequestTopic>(&[
        always("name", STRING),
        always("partitions", array(&OFFSET_COMMIT_REQUEST_PARTITION)),
    ]);

static OFFSET_COMMIT_REQUEST_PARTITION: Shape =
    shape::<offset_commit_request::OffsetCommitRequestPartition>(&[
        always("partition_index", INT32),
        always("committed_offset", INT64),
        since(6, "committed_leader_epoch", INT32),
        always("committed_metadata", STRING),
    ]);

pub(super) static OFFSET_FETCH_REQUEST: Shape =
    shape::<offset_fetch_request::OffsetFetchRequest>(&[
        until(7, "group_id", STRING),
        until(7, "topics", array(&OFFSET_FETCH_REQUEST_TOPIC)),
        since(8, "groups", array(&OFFSET_FETCH_REQUEST_GROUP)),
        since(7, "require_stable", BOOLEAN),
    ]);

static OFFSET_FETCH_REQUEST_TOPIC: Shape =
    shape::<offset_fetch_request::OffsetFetchRequestTopic>(&[
        until(7, "name", STRING),
        until(7, "partition_indexes", INT32S),
    ]);

static OFFSET_FETCH_REQUEST_GROUP: Shape =
    shape::<offset_fetch_request::OffsetFetchRequestGroup>(&[
        since(8, "group_id", STRING),
        since(9, "member_id", STRING),
        since(9, "member_epoch", INT32),
        since(8, "topics", array(&OFFSET_FETCH_REQUEST_TOPICS)),
    ]);

static OFFSET_FETCH_REQUEST_TOPICS: Shape =
    shape::<offset_fetch_request::OffsetFetchRequestTopics>(&[
        since(8, "name", STRING),
        since(8, "partition_indexes", INT32S),
    ]);
