//! ListGroups: the groups for which this broker answers, filtered by state and by type.
//!
//! All versions. Every group is of the classic type. Since 3.8 filters may be spelt in any case.

use weft_client::wire::StrBytes;
use weft_client::wire::messages::list_groups_response::ListedGroup;
use weft_client::wire::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};

use super::super::cluster::Cluster;
use super::super::group::GroupState;
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply, text};

pub(super) fn list_groups(cluster: &mut Cluster, ask: &Ask, request: &ListGroupsRequest) -> Reply {
    let Cluster {
        groups,
        brokers,
        options,
        ..
    } = cluster;
    let is_exact = options.release < KafkaRelease::V3_8;
    let is_same = |wanted: &str, value: &str| {
        wanted == value || !is_exact && wanted.eq_ignore_ascii_case(value)
    };
    let is_wanted = |filter: &[StrBytes], value: &str| {
        filter.is_empty() || filter.iter().any(|wanted| is_same(wanted.as_str(), value))
    };
    let listed = groups
        .iter()
        .filter(|group| brokers.coordinator(&group.id) == Some(ask.broker))
        .filter(|group| is_wanted(&request.states_filter, state_name(group.state())))
        .filter(|_| is_wanted(&request.types_filter, CLASSIC))
        .map(|group| {
            ListedGroup::default()
                .with_group_id(GroupId(text(group.id.as_str())))
                .with_protocol_type(text(group.protocol_type()))
                .with_group_state(StrBytes::from_static_str(state_name(group.state())))
                .with_group_type(StrBytes::from_static_str(CLASSIC))
        });
    let listed = listed.collect();
    ListGroupsResponse::default().with_groups(listed).into()
}

pub(super) const fn state_name(state: GroupState) -> &'static str {
    match state {
        GroupState::Empty => "Empty",
        GroupState::PreparingRebalance => "PreparingRebalance",
        GroupState::CompletingRebalance => "CompletingRebalance",
        GroupState::Stable => "Stable",
    }
}

/// The type of every group here.
const CLASSIC: &str = "classic";
