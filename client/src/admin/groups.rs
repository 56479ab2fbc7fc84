//! Describing, listing and deleting consumer groups, and reading what they committed: the
//! requests, and what their answers mean. What members tell each other stays bytes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::call::{Outcome, Progress, Question, Refusal, Target, unexpected};
use super::outcome::{Asked, Refusals};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorKind};
use crate::ids::{
    Broker, GroupId, GroupInstanceId, LeaderEpoch, MemberId, NodeId, Offset, OffsetAndMetadata,
    TopicName, TopicPartition,
};
use crate::wire::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use crate::wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use crate::wire::messages::offset_fetch_response::OffsetFetchResponsePartitions;
use crate::wire::messages::{
    self, DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest, MetadataRequest,
    OffsetFetchRequest,
};
use crate::wire::{Context, Reaction, Request, Response};

/// What the coordinator says about a group of the classic protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupDescription {
    /// Its name.
    pub group: GroupId,
    /// What it is doing.
    pub state: GroupState,
    /// What its members are, such as `consumer`; empty for a group without members.
    pub protocol_type: String,
    /// What its members agreed on: for consumers the name of the assignor.
    pub protocol: String,
    /// Its members.
    pub members: Vec<MemberDescription>,
    /// The broker that coordinates it.
    pub coordinator: Arc<Broker>,
}

/// What the coordinator says about a member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberDescription {
    /// The id that the coordinator gave it.
    pub member_id: MemberId,
    /// Its `group.instance.id`, if it is static (KIP-345) and the broker tells it.
    pub group_instance_id: Option<GroupInstanceId>,
    /// Its `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it is subscribed to, as its assignor encoded it; empty unless the group is stable.
    pub subscription: Bytes,
    /// What it was assigned, as the leader's assignor encoded it; empty unless the group is stable.
    pub assignment: Bytes,
}

/// What a group is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupState {
    /// Waiting for its members to join again.
    PreparingRebalance,
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    /// Every member has its assignment.
    Stable,
    /// It has committed offsets at most, but no member.
    Empty,
    /// It is gone, or was never there.
    Dead,
    /// Something else, in the broker's word.
    Other(String),
}

/// One line of the list of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupListing {
    /// The group.
    pub group: GroupId,
    /// What its members are, such as `consumer`.
    pub protocol_type: String,
}

impl GroupState {
    fn from_wire(word: &str) -> Self {
        match word {
            "PreparingRebalance" => Self::PreparingRebalance,
            "CompletingRebalance" => Self::CompletingRebalance,
            "Stable" => Self::Stable,
            "Empty" => Self::Empty,
            "Dead" => Self::Dead,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// DescribeGroups for one group.
#[derive(Debug)]
pub(super) struct DescribeGroup(pub(super) GroupId);

impl Question for DescribeGroup {
    type Answer = GroupDescription;

    fn name(&self) -> &'static str {
        "DescribeGroups"
    }

    fn target(&self) -> Target {
        Target::Coordinator(self.0.clone())
    }

    fn request(&self, _: &Broker, _: &Cluster, _: Duration) -> Request {
        let groups = vec![messages::GroupId::from(&self.0)];
        Request::DescribeGroups(DescribeGroupsRequest::default().with_groups(groups))
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<GroupDescription> {
        let Response::DescribeGroups(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        let asked = asked(self.name(), broker);
        let described = response.groups.into_iter().next();
        let described = described.ok_or_else(|| unanswered(&self.0, &asked))?;
        let message = described.error_message.as_deref();
        asked.judge(
            format_args!("group {}", self.0),
            described.error_code,
            message,
        )?;
        Ok(Progress::Done(description(&self.0, &described, broker)))
    }
}

/// Metadata without topics: which brokers there are.
#[derive(Debug)]
pub(super) struct DescribeNodes;

impl Question for DescribeNodes {
    type Answer = Vec<NodeId>;

    fn name(&self) -> &'static str {
        "Metadata"
    }

    fn target(&self) -> Target {
        Target::Any
    }

    fn request(&self, _: &Broker, _: &Cluster, _: Duration) -> Request {
        Request::Metadata(MetadataRequest::default().with_topics(Some(Vec::new())))
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<Self::Answer> {
        let Response::Metadata(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        let nodes = response.brokers.iter();
        let nodes = nodes.map(|broker| NodeId::from(broker.node_id));
        Ok(Progress::Done(nodes.collect()))
    }
}

/// ListGroups at one broker, which knows the groups that it coordinates.
#[derive(Debug)]
pub(super) struct ListGroups(pub(super) NodeId);

impl Question for ListGroups {
    type Answer = Vec<GroupListing>;

    fn name(&self) -> &'static str {
        "ListGroups"
    }

    fn target(&self) -> Target {
        Target::Node(self.0)
    }

    fn request(&self, _: &Broker, _: &Cluster, _: Duration) -> Request {
        Request::ListGroups(ListGroupsRequest::default())
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<Self::Answer> {
        let Response::ListGroups(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        asked(self.name(), broker).judge("all groups", response.error_code, None)?;
        let listing = |listed: &messages::list_groups_response::ListedGroup| GroupListing {
            group: GroupId::new(listed.group_id.0.as_str()),
            protocol_type: listed.protocol_type.to_string(),
        };
        Ok(Progress::Done(
            response.groups.iter().map(listing).collect(),
        ))
    }
}

/// DeleteGroups for one group.
#[derive(Debug)]
pub(super) struct DeleteGroup(pub(super) GroupId);

impl Question for DeleteGroup {
    type Answer = ();

    fn name(&self) -> &'static str {
        "DeleteGroups"
    }

    fn target(&self) -> Target {
        Target::Coordinator(self.0.clone())
    }

    fn request(&self, _: &Broker, _: &Cluster, _: Duration) -> Request {
        let groups = vec![messages::GroupId::from(&self.0)];
        Request::DeleteGroups(DeleteGroupsRequest::default().with_groups_names(groups))
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<()> {
        let Response::DeleteGroups(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        let asked = asked(self.name(), broker);
        let result = response.results.first();
        let result = result.ok_or_else(|| unanswered(&self.0, &asked))?;
        asked.judge(format_args!("group {}", self.0), result.error_code, None)?;
        Ok(Progress::Done(()))
    }
}

/// OffsetFetch of some partitions of a group.
#[derive(Debug)]
pub(super) struct CommittedOffsets {
    group: GroupId,
    partitions: Vec<TopicPartition>,
}

impl CommittedOffsets {
    pub(super) fn new(group: GroupId, partitions: &[TopicPartition]) -> Self {
        let partitions = partitions.to_vec();
        Self { group, partitions }
    }
}

impl Question for CommittedOffsets {
    type Answer = BTreeMap<TopicPartition, Option<OffsetAndMetadata>>;

    fn name(&self) -> &'static str {
        "OffsetFetch"
    }

    fn target(&self) -> Target {
        Target::Coordinator(self.group.clone())
    }

    fn request(&self, _: &Broker, _: &Cluster, _: Duration) -> Request {
        let mut by_topic: BTreeMap<&TopicName, Vec<i32>> = BTreeMap::new();
        for partition in &self.partitions {
            let indexes = by_topic.entry(partition.topic()).or_default();
            indexes.push(partition.partition());
        }
        let topic = |(name, indexes)| {
            OffsetFetchRequestTopics::default()
                .with_name(messages::TopicName::from(name))
                .with_partition_indexes(indexes)
        };
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(messages::GroupId::from(&self.group))
            .with_topics(Some(by_topic.into_iter().map(topic).collect()));
        Request::OffsetFetch(OffsetFetchRequest::default().with_groups(vec![group]))
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<Self::Answer> {
        let Response::OffsetFetch(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        let mut asked = asked(self.name(), broker);
        let group = response.groups.first();
        let group = group.ok_or_else(|| unanswered(&self.group, &asked))?;
        asked.context = Context::OffsetFetch;
        asked.judge(format_args!("group {}", self.group), group.error_code, None)?;
        asked.context = Context::OffsetFetchPartition;
        let none = |partition: &TopicPartition| (partition.clone(), None);
        let mut offsets: BTreeMap<_, _> = self.partitions.iter().map(none).collect();
        let mut refusals = Refusals::default();
        for topic in &group.topics {
            let name = TopicName::from(&topic.name);
            for partition in &topic.partitions {
                let place = TopicPartition::new(name.clone(), partition.partition_index);
                let item = format_args!("group {} partition {place}", self.group);
                match asked.judge(item, partition.error_code, None) {
                    Ok(()) => {
                        offsets.insert(place, committed(partition));
                    }
                    Err(refusal) => {
                        refusals.add_topic(&name, refusal);
                    }
                }
            }
        }
        refusals.conclude(|| offsets)
    }
}

fn committed(partition: &OffsetFetchResponsePartitions) -> Option<OffsetAndMetadata> {
    // A group that committed nothing for the partition is answered with -1.
    (partition.committed_offset >= 0).then(|| OffsetAndMetadata {
        offset: Offset::new(partition.committed_offset),
        leader_epoch: LeaderEpoch::from_wire(partition.committed_leader_epoch),
        metadata: partition.metadata.as_deref().unwrap_or_default().to_owned(),
    })
}

fn description(group: &GroupId, described: &DescribedGroup, broker: &Broker) -> GroupDescription {
    GroupDescription {
        group: group.clone(),
        state: GroupState::from_wire(&described.group_state),
        protocol_type: described.protocol_type.to_string(),
        protocol: described.protocol_data.to_string(),
        members: described.members.iter().map(member).collect(),
        coordinator: Arc::new(broker.clone()),
    }
}

fn member(member: &DescribedGroupMember) -> MemberDescription {
    let instance = member.group_instance_id.as_deref();
    MemberDescription {
        member_id: MemberId::new(member.member_id.as_str()),
        group_instance_id: instance.map(GroupInstanceId::new),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        // Copied, so that they do not keep the frame alive.
        subscription: Bytes::copy_from_slice(&member.member_metadata),
        assignment: Bytes::copy_from_slice(&member.member_assignment),
    }
}

fn asked<'a>(name: &'static str, broker: &'a Broker) -> Asked<'a> {
    Asked {
        name,
        broker,
        context: Context::Admin,
    }
}

fn unanswered(group: &GroupId, asked: &Asked<'_>) -> Refusal {
    let (name, broker) = (asked.name, asked.broker);
    let text = format!("{name} for group {group} was left unanswered by {broker}");
    Refusal {
        reaction: Reaction::Fail,
        error: Error::new(ErrorKind::MalformedResponse, text),
    }
}
