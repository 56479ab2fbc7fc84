//! The shapes of the responses for membership of groups and for their administration.

use kafka_protocol::messages::{
    delete_groups_response, describe_groups_response, heartbeat_response, join_group_response,
    leave_group_response, list_groups_response, sync_group_response,
};

use super::{BOOLEAN, BYTES, INT16, INT32, STRING, Shape, always, array, shape, since};

pub(super) static JOIN_GROUP_RESPONSE: Shape = shape::<join_group_response::JoinGroupResponse>(&[
    since(2, "throttle_time_ms", INT32),
    always("error_code", INT16),
    always("generation_id", INT32),
    since(7, "protocol_type", STRING),
    always("protocol_name", STRING),
    always("leader", STRING),
    since(9, "skip_assignment", BOOLEAN),
    always("member_id", STRING),
    always("members", array(&JOIN_GROUP_RESPONSE_MEMBER)),
]);

static JOIN_GROUP_RESPONSE_MEMBER: Shape =
    shape::<join_group_response::JoinGroupResponseMember>(&[
        always("member_id", STRING),
        since(5, "group_instance_id", STRING),
        always("metadata", BYTES),
    ]);

pub(super) static SYNC_GROUP_RESPONSE: Shape = shape::<sync_group_response::SyncGroupResponse>(&[
    since(1, "throttle_time_ms", INT32),
    always("error_code", INT16),
    since(5, "protocol_type", STRING),
    since(5, "protocol_name", STRING),
    always("assignment", BYTES),
]);

pub(super) static HEARTBEAT_RESPONSE: Shape = shape::<heartbeat_response::HeartbeatResponse>(&[
    since(1, "throttle_time_ms", INT32),
    always("error_code", INT16),
]);

pub(super) static LEAVE_GROUP_RESPONSE: Shape =
    shape::<leave_group_response::LeaveGroupResponse>(&[
        since(1, "throttle_time_ms", INT32),
        always("error_code", INT16),
        since(3, "members", array(&MEMBER_RESPONSE)),
    ]);

static MEMBER_RESPONSE: Shape = shape::<leave_group_response::MemberResponse>(&[
    since(3, "member_id", STRING),
    since(3, "group_instance_id", STRING),
    since(3, "error_code", INT16),
]);

pub(super) static DESCRIBE_GROUPS_RESPONSE: Shape =
    shape::<describe_groups_response::DescribeGroupsResponse>(&[
        since(1, "throttle_time_ms", INT32),
        always("groups", array(&DESCRIBED_GROUP)),
    ]);

static DESCRIBED_GROUP: Shape = shape::<describe_groups_response::DescribedGroup>(&[
    always("error_code", INT16),
    since(6, "error_message", STRING),
    always("group_id", STRING),
    always("group_state", STRING),
    always("protocol_type", STRING),
    always("protocol_data", STRING),
    always("members", array(&DESCRIBED_GROUP_MEMBER)),
    since(3, "authorized_operations", INT32),
]);

static DESCRIBED_GROUP_MEMBER: Shape = shape::<describe_groups_response::DescribedGroupMember>(&[
    always("member_id", STRING),
    since(4, "group_instance_id", STRING),
    always("client_id", STRING),
    always("client_host", STRING),
    always("member_metadata", BYTES),
    always("member_assignment", BYTES),
]);

pub(super) static LIST_GROUPS_RESPONSE: Shape =
    shape::<list_groups_response::ListGroupsResponse>(&[
        since(1, "throttle_time_ms", INT32),
        always("error_code", INT16),
        always("groups", array(&LISTED_GROUP)),
    ]);

static LISTED_GROUP: Shape = shape::<list_groups_response::ListedGroup>(&[
    always("group_id", STRING),
    always("protocol_type", STRING),
    since(4, "group_state", STRING),
    since(5, "group_type", STRING),
]);

pub(super) static DELETE_GROUPS_RESPONSE: Shape =
    shape::<delete_groups_response::DeleteGroupsResponse>(&[
        always("throttle_time_ms", INT32),
        always("results", array(&DELETABLE_GROUP_RESULT)),
    ]);

static DELETABLE_GROUP_RESULT: Shape = shape::<delete_groups_response::DeletableGroupResult>(&[
    always("group_id", STRING),
    always("error_code", INT16),
]);
