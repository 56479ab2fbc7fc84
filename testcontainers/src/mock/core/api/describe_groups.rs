//! DescribeGroups: groups and their members, seen from outside.
//!
//! All versions. The host of every member is the loopback address, and nobody's rights are told.

use weft_client::wire::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use weft_client::wire::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use weft_client::wire::{ErrorCode, StrBytes};

use super::super::cluster::Cluster;
use super::super::group::{Group, GroupState, Member};
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply, message, text};
use super::list_groups::state_name;
use super::membership::check_any_group;

pub(super) fn describe_groups(
    cluster: &mut Cluster,
    ask: &Ask,
    request: DescribeGroupsRequest,
) -> Reply {
    let groups = request.groups.into_iter().map(|id| {
        if let Err(error) = check_any_group(cluster, ask, id.as_str()) {
            return DescribedGroup::default()
                .with_group_id(id)
                .with_error_code(error.0);
        }
        match cluster.groups.find(id.as_str()) {
            Some(group) => {
                let mut described = describe(id, group, ask.version());
                let is_stable = group.state() == GroupState::Stable;
                if !is_stable && cluster.options.release < KafkaRelease::V4_0 {
                    // They told what members have only while that is settled.
                    for member in &mut described.members {
                        member.member_assignment.clear();
                    }
                }
                described
            }
            None => unknown(id, ask.version()),
        }
    });
    let groups = groups.collect();
    DescribeGroupsResponse::default().with_groups(groups).into()
}

fn describe(id: GroupId, group: &Group, version: i16) -> DescribedGroup {
    let protocol = match group.state() {
        GroupState::Stable => group.protocol().unwrap_or_default(),
        _ => "",
    };
    let members = group.members().map(|member| {
        let instance_id = member.instance_id.as_ref();
        let instance_id = instance_id.filter(|_| version >= INSTANCE_ID_SINCE);
        describe_member(member, protocol)
            .with_group_instance_id(instance_id.map(|id| text(id.as_str())))
    });
    DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(StrBytes::from_static_str(state_name(group.state())))
        .with_protocol_type(text(group.protocol_type()))
        .with_protocol_data(text(protocol))
        .with_members(members.collect())
}

fn describe_member(member: &Member, protocol: &str) -> DescribedGroupMember {
    DescribedGroupMember::default()
        .with_member_id(text(member.id.as_str()))
        .with_client_id(text(&member.client_id))
        .with_client_host(StrBytes::from_static_str("/127.0.0.1"))
        .with_member_metadata(member.metadata(protocol))
        .with_member_assignment(member.assignment.clone())
}

/// A group that nobody knows is dead; since version 6 (KIP-1043) that is also an error.
fn unknown(id: GroupId, version: i16) -> DescribedGroup {
    let error = if version >= NOT_FOUND_SINCE {
        ErrorCode::GROUP_ID_NOT_FOUND
    } else {
        ErrorCode::NONE
    };
    DescribedGroup::default()
        .with_group_id(id)
        .with_error_code(error.0)
        .with_error_message(message(error))
        .with_group_state(StrBytes::from_static_str("Dead"))
}

/// The first version of DescribeGroups that knows static members.
const INSTANCE_ID_SINCE: i16 = 4;

/// The first version of DescribeGroups in which an unknown group is an error.
const NOT_FOUND_SINCE: i16 = 6;
