//! JoinGroup, SyncGroup, Heartbeat, LeaveGroup: between the versions of the messages and the group,
//! which knows no versions.
//!
//! All versions of the classic protocol, with static members (KIP-345) and member ids that the
//! coordinator gives first (KIP-394).

use std::time::Duration;

use weft_client::wire::messages::join_group_request::JoinGroupRequestProtocol;
use weft_client::wire::messages::join_group_response::JoinGroupResponseMember;
use weft_client::wire::messages::leave_group_request::MemberIdentity;
use weft_client::wire::messages::leave_group_response::MemberResponse;
use weft_client::wire::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use weft_client::wire::{ErrorCode, Response, StrBytes};
use weft_client::{GenerationId, GroupId, GroupInstanceId, MemberId};

use super::super::cluster::{Cluster, Output};
use super::super::group::{
    Group, GroupAnswer, GroupSync, Identity, Join, JoinAnswer, JoinedMember, Protocol, SyncAnswer,
};
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply, text};

pub(super) fn join_group(
    cluster: &mut Cluster,
    ask: &Ask,
    request: JoinGroupRequest,
    out: &mut Vec<Output>,
) -> Reply {
    let member_id = MemberId::from(request.member_id.as_str());
    let session_timeout = milliseconds(request.session_timeout_ms);
    let is_allowed = request.session_timeout_ms > 0
        && (cluster.options.session_timeout_min..=SESSION_TIMEOUT_MAX).contains(&session_timeout);
    let checked = check_group(cluster, ask, request.group_id.as_str()).and_then(|group_id| {
        if is_allowed {
            Ok(group_id)
        } else {
            Err(ErrorCode::INVALID_SESSION_TIMEOUT)
        }
    });
    let group_id = match checked {
        Ok(group_id) => group_id,
        Err(error) => return join_error(ask, error, member_id),
    };
    if cluster.groups.find(group_id.as_str()).is_none() && !member_id.is_empty() {
        return join_error(ask, ErrorCode::UNKNOWN_MEMBER_ID, member_id);
    }
    let identity = identity(&request.member_id, request.group_instance_id.as_ref());
    let fresh_id = cluster
        .groups
        .fresh_member_id(ask.client_id(), identity.instance_id.as_ref());
    let join = Join {
        ask: ask.clone(),
        session_timeout,
        // Version 0 knows one timeout for both.
        rebalance_timeout: if ask.version() >= 1 {
            milliseconds(request.rebalance_timeout_ms)
        } else {
            session_timeout
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: request.protocols.into_iter().map(protocol).collect(),
        fresh_id,
        initial_delay: cluster.options.group_initial_rebalance_delay,
        identity,
    };
    let mut answers = Vec::new();
    match cluster.groups.find_or_create(&group_id) {
        Ok(group) => group.join(ask.now, join, &mut cluster.violations, &mut answers),
        Err(error) => return join_error(ask, error, member_id),
    }
    cluster.answer_group(answers, out);
    Reply::Parked
}

pub(super) fn sync_group(
    cluster: &mut Cluster,
    ask: &Ask,
    request: SyncGroupRequest,
    out: &mut Vec<Output>,
) -> Reply {
    let error = |error| sync_response(SyncAnswer::error(error)).into();
    match check_group(cluster, ask, request.group_id.as_str()) {
        Ok(_) => {}
        // With its state the coordinator has lost the rebalance, which begins anew. Kafka says it
        // in this way because old clients do not expect the other code here.
        Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => {
            return error(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        Err(code) => return error(code),
    }
    let sync = GroupSync {
        ask: ask.clone(),
        identity: current_identity(
            cluster,
            request.group_id.as_str(),
            &request.member_id,
            request.group_instance_id.as_ref(),
        ),
        generation: GenerationId::new(request.generation_id),
        protocol_type: request.protocol_type.map(|name| name.to_string()),
        protocol: request.protocol_name.map(|name| name.to_string()),
        assignments: request
            .assignments
            .into_iter()
            .map(|given| (MemberId::from(given.member_id.as_str()), given.assignment))
            .collect(),
    };
    let Some(group) = cluster.groups.find_mut(request.group_id.as_str()) else {
        return error(ErrorCode::UNKNOWN_MEMBER_ID);
    };
    let mut answers = Vec::new();
    group.sync(ask.now, sync, &mut cluster.violations, &mut answers);
    cluster.answer_group(answers, out);
    Reply::Parked
}

pub(super) fn heartbeat(cluster: &mut Cluster, ask: &Ask, request: &HeartbeatRequest) -> Reply {
    let group_id = request.group_id.as_str();
    let instance_id = request.group_instance_id.as_ref();
    let identity = current_identity(cluster, group_id, &request.member_id, instance_id);
    let error = match check_group(cluster, ask, group_id) {
        // Kafka answers blindly while it loads.
        Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => ErrorCode::NONE,
        Err(error) => error,
        Ok(_) => match cluster.groups.find_mut(group_id) {
            None => ErrorCode::UNKNOWN_MEMBER_ID,
            Some(group) => group.heartbeat(
                ask.now,
                &identity,
                GenerationId::new(request.generation_id),
                &mut cluster.violations,
            ),
        },
    };
    HeartbeatResponse::default().with_error_code(error.0).into()
}

pub(super) fn leave_group(
    cluster: &mut Cluster,
    ask: &Ask,
    request: LeaveGroupRequest,
    out: &mut Vec<Output>,
) -> Reply {
    let group_id = request.group_id.as_str();
    if let Err(error) = check_group(cluster, ask, group_id) {
        return LeaveGroupResponse::default()
            .with_error_code(error.0)
            .into();
    }
    let leaving = if ask.version() >= LEAVE_BATCHED {
        request.members
    } else {
        vec![MemberIdentity::default().with_member_id(request.member_id)]
    };
    let mut answers = Vec::new();
    let mut left = Vec::new();
    for member in leaving {
        let identity = identity(&member.member_id, member.group_instance_id.as_ref());
        let error = match cluster.groups.find_mut(group_id) {
            Some(group) => group.leave(ask.now, &identity, &mut cluster.violations, &mut answers),
            None => ErrorCode::UNKNOWN_MEMBER_ID,
        };
        left.push(
            MemberResponse::default()
                .with_member_id(member.member_id)
                .with_group_instance_id(member.group_instance_id)
                .with_error_code(error.0),
        );
    }
    cluster.answer_group(answers, out);
    if ask.version() >= LEAVE_BATCHED {
        return LeaveGroupResponse::default().with_members(left).into();
    }
    let error = left.first().map_or(0, |member| member.error_code);
    LeaveGroupResponse::default().with_error_code(error).into()
}

/// Who is answered, and how.
pub(in crate::mock::core) fn response(answer: GroupAnswer) -> (Ask, Response) {
    match answer {
        GroupAnswer::Join(ask, answer) => {
            let response = join_response(ask.version(), answer);
            (ask, response)
        }
        GroupAnswer::Sync(ask, answer) => (ask, sync_response(answer)),
    }
}

/// The group's id, if this broker answers for the group.
pub(super) fn check_group(
    cluster: &mut Cluster,
    ask: &Ask,
    group_id: &str,
) -> Result<GroupId, ErrorCode> {
    if group_id.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    check_any_group(cluster, ask, group_id)
}

/// As [`check_group`], for what needs no members: there the empty name is one like others, as it
/// was before groups had members.
pub(super) fn check_any_group(
    cluster: &mut Cluster,
    ask: &Ask,
    group_id: &str,
) -> Result<GroupId, ErrorCode> {
    let group_id = GroupId::from(group_id);
    if cluster.brokers.coordinator(&group_id) != Some(ask.broker) {
        Err(ErrorCode::NOT_COORDINATOR)
    } else if cluster.groups.is_loading(ask.now, &group_id) {
        Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
    } else {
        Ok(group_id)
    }
}

pub(super) fn identity(member_id: &StrBytes, instance_id: Option<&StrBytes>) -> Identity {
    Identity {
        member_id: MemberId::from(member_id.as_str()),
        instance_id: instance_id.map(|id| GroupInstanceId::from(id.as_str())),
    }
}

/// As [`identity`], of somebody who must be in the group already. Before 3.0 an instance that the
/// group did not know was passed over.
pub(super) fn current_identity(
    cluster: &Cluster,
    group_id: &str,
    member_id: &StrBytes,
    instance_id: Option<&StrBytes>,
) -> Identity {
    let mut identity = identity(member_id, instance_id);
    if cluster.options.release < KafkaRelease::V3_0 {
        let group = cluster.groups.find(group_id);
        let mut members = group.into_iter().flat_map(Group::members);
        if !members.any(|member| member.instance_id == identity.instance_id) {
            identity.instance_id = None;
        }
    }
    identity
}

fn join_error(ask: &Ask, error: ErrorCode, member_id: MemberId) -> Reply {
    join_response(ask.version(), JoinAnswer::error(error, member_id)).into()
}

pub(super) fn join_response(version: i16, answer: JoinAnswer) -> Response {
    let protocol = answer.protocol.map(StrBytes::from_string);
    JoinGroupResponse::default()
        .with_error_code(answer.error.0)
        .with_generation_id(answer.generation.value())
        .with_protocol_type(answer.protocol_type.map(StrBytes::from_string))
        // Older versions know no null here.
        .with_protocol_name(if version >= NULLABLE_PROTOCOL_SINCE {
            protocol
        } else {
            Some(protocol.unwrap_or_default())
        })
        .with_leader(StrBytes::from_string(answer.leader))
        .with_skip_assignment(answer.skip_assignment)
        .with_member_id(text(answer.member_id.as_str()))
        .with_members(
            answer
                .members
                .into_iter()
                .map(|member| joined_member(version, member))
                .collect(),
        )
        .into()
}

fn joined_member(version: i16, member: JoinedMember) -> JoinGroupResponseMember {
    let instance_id = member.instance_id.filter(|_| version >= STATIC_SINCE);
    JoinGroupResponseMember::default()
        .with_member_id(text(member.member_id.as_str()))
        .with_group_instance_id(instance_id.map(|id| text(id.as_str())))
        .with_metadata(member.metadata)
}

fn sync_response(answer: SyncAnswer) -> Response {
    SyncGroupResponse::default()
        .with_error_code(answer.error.0)
        .with_protocol_type(answer.protocol_type.map(StrBytes::from_string))
        .with_protocol_name(answer.protocol.map(StrBytes::from_string))
        .with_assignment(answer.assignment)
        .into()
}

fn protocol(offered: JoinGroupRequestProtocol) -> Protocol {
    Protocol {
        name: offered.name,
        metadata: offered.metadata,
    }
}

fn milliseconds(value: i32) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or_default())
}

/// `group.max.session.timeout.ms`
const SESSION_TIMEOUT_MAX: Duration = Duration::from_secs(1800);

/// The first version of LeaveGroup that names several members.
const LEAVE_BATCHED: i16 = 3;

/// The first version of JoinGroup whose answer need not name a protocol.
const NULLABLE_PROTOCOL_SINCE: i16 = 7;

/// The first version of JoinGroup that knows static members.
const STATIC_SINCE: i16 = 5;
