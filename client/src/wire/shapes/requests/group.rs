//! The shapes of the requests for membership of groups and for their administration.

use kafka_protocol::messages::{
    delete_groups_request, describe_groups_request, heartbeat_request, join_group_request,
    leave_group_request, list_groups_request, sync_group_request,
};

use super::super::{
    BOOLEAN, BYTES, INT32, STRING, STRINGS, Shape, always, array, shape, since, until,
};

pub(super) static JOIN_GROUP_REQUEST: Shape = shape::<join_group_request::JoinGroupRequest>(&[
    always("group_id", STRING),
    always("session_timeout_ms", INT32),
    since(1, "rebalance_timeout_ms", INT32),
    always("member_id", STRING),
    since(5, "group_instance_id", STRING),
    always("protocol_type", STRING),
    always("protocols", array(&JOIN_GROUP_REQUEST_PROTOCOL)),
    since(8, "reason", STRING),
]);

static JOIN_GROUP_REQUEST_PROTOCOL: Shape =
    shape::<join_group_request::JoinGroupRequestProtocol>(&[
        always("name", STRING),
        always("metadata", BYTES),
    ]);

pub(super) static SYNC_GROUP_REQUEST: Shape = shape::<sync_group_request::SyncGroupRequest>(&[
    always("group_id", STRING),
    always("generation_id", INT32),
    always("member_id", STRING),
    since(3, "group_instance_id", STRING),
    since(5, "protocol_type", STRING),
    since(5, "protocol_name", STRING),
    always("assignments", array(&SYNC_GROUP_REQUEST_ASSIGNMENT)),
]);

static SYNC_GROUP_REQUEST_ASSIGNMENT: Shape =
    shape::<sync_group_request::SyncGroupRequestAssignment>(&[
        always("member_id", STRING),
        always("assignment", BYTES),
    ]);

pub(super) static HEARTBEAT_REQUEST: Shape = shape::<heartbeat_request::HeartbeatRequest>(&[
    always("group_id", STRING),
    always("generation_id", INT32),
    always("member_id", STRING),
    since(3, "group_instance_id", STRING),
]);

pub(super) static LEAVE_GROUP_REQUEST: Shape = shape::<leave_group_request::LeaveGroupRequest>(&[
    always("group_id", STRING),
    until(2, "member_id", STRING),
    since(3, "members", array(&MEMBER_IDENTITY)),
]);

static MEMBER_IDENTITY: Shape = shape::<leave_group_request::MemberIdentity>(&[
    since(3, "member_id", STRING),
    since(3, "group_instance_id", STRING),
    since(5, "reason", STRING),
]);

pub(super) static DESCRIBE_GROUPS_REQUEST: Shape =
    shape::<describe_groups_request::DescribeGroupsRequest>(&[
        always("groups", STRINGS),
        since(3, "include_authorized_operations", BOOLEAN),
    ]);

pub(super) static LIST_GROUPS_REQUEST: Shape = shape::<list_groups_request::ListGroupsRequest>(&[
    since(4, "states_filter", STRINGS),
    since(5, "types_filter", STRINGS),
]);

pub(super) static DELETE_GROUPS_REQUEST: Shape =
    shape::<delete_groups_request::DeleteGroupsRequest>(&[always("groups_names", STRINGS)]);
