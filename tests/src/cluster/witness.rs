//! What the brokers themselves say of leaders, groups and commits.
//!
//! A scenario must not take the word of the client that it tests. Nothing here uses a client: each
//! question goes to the broker that knows, over a connection of its own kind.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kafka_protocol::protocol::Decodable as _;
use weft_client::wire::messages::metadata_request::MetadataRequestTopic;
use weft_client::wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use weft_client::wire::messages::{
    self, ConsumerProtocolAssignment, DescribeGroupsRequest, FindCoordinatorRequest,
    MetadataRequest, MetadataResponse, OffsetFetchRequest,
};
use weft_client::wire::{ErrorCode, Request, Response, StrBytes};
use weft_client::{LeaderEpoch, Offset, OffsetAndMetadata, TopicPartition};

use super::conversation::Conversation;
use crate::ensure;
use crate::failure::Failure;
use crate::wait::{self, Look, PATIENCE};

/// Asks brokers directly.
#[derive(Debug)]
pub struct Witness {
    bootstrap: Vec<String>,
    /// By address.
    conversations: BTreeMap<String, Conversation>,
    /// Where appending found the leaders of topics, so that not every batch asks again.
    leaders: BTreeMap<String, BTreeMap<i32, Node>>,
}

/// A broker as its cluster names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// Its id.
    pub id: i32,
    /// Its `host:port`.
    pub address: String,
}

/// A group as its coordinator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSeen {
    /// Kafka's name of the state, such as `Stable` or `Empty`.
    pub state: String,
    /// The name of the assignor that the group agreed on; empty while there is none.
    pub assignor: String,
    /// Its members, sorted by client id.
    pub members: Vec<MemberSeen>,
}

/// A member as the coordinator describes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberSeen {
    /// Its `client.id`.
    pub client_id: String,
    /// What it was assigned.
    pub assignment: BTreeSet<TopicPartition>,
    /// The id that the coordinator gave it.
    pub member_id: String,
    /// What it announced when it last joined.
    pub announced: Bytes,
}

impl GroupSeen {
    /// Whether all members have joined and have what the leader gave them.
    pub fn is_stable(&self) -> bool {
        self.state == "Stable"
    }

    /// What the member with this `client.id` has; `None` if there is no such member.
    pub fn assignment_of(&self, client_id: &str) -> Option<&BTreeSet<TopicPartition>> {
        let mut members = self.members.iter();
        let found = members.find(|member| member.client_id == client_id)?;
        Some(&found.assignment)
    }
}

impl Witness {
    /// Connects to any of the addresses, which are separated by commas.
    ///
    /// # Errors
    ///
    /// If none can be reached.
    pub fn connect(bootstrap: &str) -> Result<Self, Failure> {
        let mut witness = Self {
            bootstrap: bootstrap.split(',').map(str::to_owned).collect(),
            conversations: BTreeMap::new(),
            leaders: BTreeMap::new(),
        };
        witness.ask_any(MetadataRequest::default().with_topics(Some(Vec::new())))?;
        Ok(witness)
    }

    /// The leader of each partition of a topic that has one.
    ///
    /// # Errors
    ///
    /// If no broker answers.
    pub fn leaders(&mut self, topic: &str) -> Result<BTreeMap<i32, Node>, Failure> {
        let answer = self.metadata(topic)?;
        let nodes: BTreeMap<i32, Node> = answer
            .brokers
            .iter()
            .map(|broker| {
                (
                    broker.node_id.0,
                    node(broker.node_id, &broker.host, broker.port),
                )
            })
            .collect();
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        Ok(partitions
            .filter_map(|partition| {
                let leader = nodes.get(&partition.leader_id.0)?;
                Some((partition.partition_index, leader.clone()))
            })
            .collect())
    }

    /// The partitions of a topic, whether they have a leader or not, in order.
    ///
    /// # Errors
    ///
    /// If no broker answers.
    pub(super) fn partitions(&mut self, topic: &str) -> Result<Vec<i32>, Failure> {
        let answer = self.metadata(topic)?;
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let indexes = partitions.map(|partition| partition.partition_index);
        Ok(indexes.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// How often each partition of a topic has changed its leader.
    ///
    /// # Errors
    ///
    /// If no broker answers.
    pub fn leader_epochs(&mut self, topic: &str) -> Result<BTreeMap<i32, LeaderEpoch>, Failure> {
        let answer = self.metadata(topic)?;
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        Ok(partitions
            .filter_map(|partition| {
                let epoch = LeaderEpoch::from_wire(partition.leader_epoch)?;
                Some((partition.partition_index, epoch))
            })
            .collect())
    }

    /// A broker that has just come back may answer a moment before it knows its topics.
    fn metadata(&mut self, topic: &str) -> Result<MetadataResponse, Failure> {
        let asked = MetadataRequestTopic::default().with_name(Some(topic_name(topic)));
        let request = MetadataRequest::default().with_topics(Some(vec![asked]));
        wait::until("describing a topic", PATIENCE, || {
            let Response::Metadata(answer) = self.ask_any(request.clone())? else {
                return Err(Failure::because("Metadata was not answered"));
            };
            let code = answer
                .topics
                .first()
                .map(|topic| ErrorCode(topic.error_code));
            Ok(match code {
                Some(ErrorCode::NONE | ErrorCode::LEADER_NOT_AVAILABLE) => Look::Seen(answer),
                code => Look::NotYet(format!("{code:?}")),
            })
        })
    }

    /// The leader of a partition as far as was known when last asked.
    pub(super) fn leader(&mut self, topic: &str, partition: i32) -> Result<Option<Node>, Failure> {
        if !self.leaders.contains_key(topic) {
            let leaders = self.leaders(topic)?;
            self.leaders.insert(topic.to_owned(), leaders);
        }
        Ok(self.leaders[topic].get(&partition).cloned())
    }

    /// Asks again next time.
    pub(super) fn forget_leaders(&mut self) {
        self.leaders.clear();
    }

    /// The coordinator of a group, once there is one.
    ///
    /// # Errors
    ///
    /// If no broker names one for [`PATIENCE`].
    pub fn coordinator(&mut self, group: &str) -> Result<Node, Failure> {
        let key = StrBytes::from_string(group.to_owned());
        let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![key]);
        wait::until("finding the coordinator", PATIENCE, || {
            let Response::FindCoordinator(answer) = self.ask_any(request.clone())? else {
                return Err(Failure::because("FindCoordinator was not answered"));
            };
            let Some(found) = answer.coordinators.first() else {
                return Err(Failure::because("FindCoordinator named nobody"));
            };
            Ok(match ErrorCode(found.error_code) {
                ErrorCode::NONE => Look::Seen(node(found.node_id, &found.host, found.port)),
                code => Look::NotYet(format!("{code}")),
            })
        })
    }

    /// The group as its coordinator describes it.
    ///
    /// # Errors
    ///
    /// If there is no coordinator, or it does not answer.
    pub fn group(&mut self, group: &str) -> Result<GroupSeen, Failure> {
        let request = DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
        let what = format!("describing group {group}");
        let answer =
            self.ask_coordinator(group, &what, &request.into(), |answer| match answer {
                Response::DescribeGroups(answer) => {
                    answer.groups.first().map(|group| group.error_code)
                }
                _ => None,
            })?;
        let Response::DescribeGroups(answer) = answer else {
            return Err(Failure::because("DescribeGroups was not answered"));
        };
        let Some(described) = answer.groups.into_iter().next() else {
            return Err(Failure::because("DescribeGroups described nothing"));
        };
        let mut members = Vec::with_capacity(described.members.len());
        for member in described.members {
            members.push(MemberSeen {
                client_id: member.client_id.to_string(),
                assignment: assignment(member.member_assignment)?,
                member_id: member.member_id.to_string(),
                announced: member.member_metadata,
            });
        }
        members.sort();
        Ok(GroupSeen {
            state: described.group_state.to_string(),
            assignor: described.protocol_data.to_string(),
            members,
        })
    }

    /// What the group has committed for partitions of a topic; those without are left out.
    ///
    /// # Errors
    ///
    /// If there is no coordinator, or it does not answer.
    pub fn committed(
        &mut self,
        group: &str,
        topic: &str,
        partitions: u32,
    ) -> Result<BTreeMap<i32, Offset>, Failure> {
        let committed = self.committed_in_full(group, topic, partitions)?;
        let committed = committed.into_iter();
        Ok(committed
            .map(|(partition, committed)| (partition, committed.offset))
            .collect())
    }

    /// As [`committed`](Self::committed), with leader epochs and metadata.
    ///
    /// # Errors
    ///
    /// As [`committed`](Self::committed).
    pub fn committed_in_full(
        &mut self,
        group: &str,
        topic: &str,
        partitions: u32,
    ) -> Result<BTreeMap<i32, OffsetAndMetadata>, Failure> {
        let partitions = (0..).take(partitions as usize).collect();
        let topics = OffsetFetchRequestTopics::default()
            .with_name(topic_name(topic))
            .with_partition_indexes(partitions);
        let groups = OffsetFetchRequestGroup::default()
            .with_group_id(group_id(group))
            .with_topics(Some(vec![topics]));
        let request = OffsetFetchRequest::default().with_groups(vec![groups]);
        let what = format!("fetching the offsets of group {group}");
        let answer =
            self.ask_coordinator(group, &what, &request.into(), |answer| match answer {
                Response::OffsetFetch(answer) => {
                    answer.groups.first().map(|group| group.error_code)
                }
                _ => None,
            })?;
        let Response::OffsetFetch(answer) = answer else {
            return Err(Failure::because("OffsetFetch was not answered"));
        };
        let groups = answer.groups.iter().flat_map(|group| &group.topics);
        let partitions = groups.flat_map(|topic| &topic.partitions);
        Ok(partitions
            .filter(|partition| partition.committed_offset >= 0)
            .map(|partition| {
                let committed = OffsetAndMetadata {
                    offset: Offset::new(partition.committed_offset),
                    leader_epoch: LeaderEpoch::from_wire(partition.committed_leader_epoch),
                    metadata: partition.metadata.as_deref().unwrap_or_default().to_owned(),
                };
                (partition.partition_index, committed)
            })
            .collect())
    }

    /// Asks the coordinator of a group, again while it moves or loads. `code` finds the error code
    /// in the answer.
    fn ask_coordinator(
        &mut self,
        group: &str,
        what: &str,
        request: &Request,
        code: impl Fn(&Response) -> Option<i16>,
    ) -> Result<Response, Failure> {
        wait::until(what, PATIENCE, || {
            let coordinator = self.coordinator(group)?;
            let answer = match self.ask(&coordinator.address, request.clone()) {
                Ok(answer) => answer,
                Err(failure) => return Ok(Look::NotYet(failure.to_string())),
            };
            Ok(match code(&answer).map(ErrorCode) {
                // What describes nothing describes a group that does not exist (any more).
                Some(ErrorCode::NONE | ErrorCode::GROUP_ID_NOT_FOUND) => Look::Seen(answer),
                code => Look::NotYet(format!("{code:?}")),
            })
        })
    }

    /// Asks the broker at `address`.
    pub(super) fn ask(
        &mut self,
        address: &str,
        request: impl Into<Request>,
    ) -> Result<Response, Failure> {
        let mut conversation = match self.conversations.remove(address) {
            Some(conversation) => conversation,
            None => Conversation::open(address)?,
        };
        // A conversation that failed is not kept.
        let answer = conversation.ask(request)?;
        self.conversations.insert(address.to_owned(), conversation);
        Ok(answer)
    }

    /// Asks whichever broker answers first.
    fn ask_any(&mut self, request: impl Into<Request>) -> Result<Response, Failure> {
        let request = request.into();
        let mut failures = Vec::new();
        for address in self.bootstrap.clone() {
            // The second attempt is for a conversation that died with its broker since.
            for _ in 0..2 {
                match self.ask(&address, request.clone()) {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failures.push(failure.to_string()),
                }
            }
        }
        let failures = failures.join("; ");
        Err(Failure::because(format!("no broker answers: {failures}")))
    }
}

fn node(id: messages::BrokerId, host: &StrBytes, port: i32) -> Node {
    Node {
        id: id.0,
        address: format!("{host}:{port}"),
    }
}

pub(super) fn topic_name(topic: &str) -> messages::TopicName {
    messages::TopicName(StrBytes::from_string(topic.to_owned()))
}

fn group_id(group: &str) -> messages::GroupId {
    messages::GroupId(StrBytes::from_string(group.to_owned()))
}

/// The partitions in what a group's leader gave to a member: a version, then the schema's message.
fn assignment(mut bytes: Bytes) -> Result<BTreeSet<TopicPartition>, Failure> {
    if bytes.is_empty() {
        return Ok(BTreeSet::new());
    }
    let version = bytes.split_to(2);
    ensure!(version[0] == 0, "an assignment of version {version:?}");
    let assignment = ConsumerProtocolAssignment::decode(&mut bytes, 0)
        .map_err(|error| Failure::because(error.to_string()))?;
    let topics = assignment.assigned_partitions.iter();
    Ok(topics
        .flat_map(|topic| {
            let name = topic.topic.to_string();
            let partitions = topic.partitions.iter();
            partitions.map(move |partition| TopicPartition::new(name.as_str(), *partition))
        })
        .collect())
}
