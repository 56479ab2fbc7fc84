//! Which versions of its API can carry a request: what it asks for may be too new for some, or
//! have gone from others. What may be left out without changing the meaning is not listed here;
//! `adapt.rs` leaves it out.

use std::ops::RangeInclusive;

use kafka_protocol::messages::{
    CreateTopicsRequest, DescribeClusterRequest, FetchRequest, FindCoordinatorRequest,
    LeaveGroupRequest, ListGroupsRequest, ListOffsetsRequest, MetadataRequest, OffsetFetchRequest,
    ProduceRequest,
};
use uuid::Uuid;

use super::error::WireError;
use super::message::Request;
use super::versions::ours;

/// The versions that can carry one request, and what in it says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Needs {
    lowest: i16,
    lowest_for: &'static str,
    highest: i16,
    highest_for: &'static str,
}

impl Needs {
    /// Looks through the request.
    pub(super) fn of(request: &Request) -> Self {
        let versions = ours(request.api_key());
        let mut needs = Self {
            lowest: *versions.start(),
            lowest_for: THIS_CLIENT,
            highest: *versions.end(),
            highest_for: THIS_CLIENT,
        };
        needs.look_through(request);
        needs
    }

    /// The newest version that these needs and a broker's range have in common.
    pub(super) fn newest_in(
        &self,
        request: &Request,
        broker: Option<RangeInclusive<i16>>,
    ) -> Result<i16, WireError> {
        let (lowest, highest) = match &broker {
            Some(broker) => (*broker.start(), *broker.end()),
            None => (0, -1),
        };
        let common = self.lowest.max(lowest)..=self.highest.min(highest);
        if !common.is_empty() {
            return Ok(*common.end());
        }
        let feature = if highest < self.lowest {
            self.lowest_for
        } else {
            self.highest_for
        };
        Err(WireError::Unsupported {
            api_key: request.api_key(),
            needed: self.lowest..=self.highest,
            broker,
            feature,
        })
    }

    fn look_through(&mut self, request: &Request) {
        match request {
            Request::Metadata(request) => self.metadata(request),
            Request::Produce(request) => self.produce(request),
            Request::Fetch(request) => self.fetch(request),
            Request::ListOffsets(request) => self.list_offsets(request),
            Request::OffsetForLeaderEpoch(request) if request.replica_id.0 == CONSUMER => {
                self.at_least(3, "noticing a truncated log as a consumer (KIP-320)");
            }
            Request::FindCoordinator(request) => self.find_coordinator(request),
            Request::JoinGroup(request) if request.group_instance_id.is_some() => {
                self.at_least(5, STATIC_MEMBER);
            }
            Request::SyncGroup(request) if request.group_instance_id.is_some() => {
                self.at_least(3, STATIC_MEMBER);
            }
            Request::Heartbeat(request) if request.group_instance_id.is_some() => {
                self.at_least(3, STATIC_MEMBER);
            }
            Request::OffsetCommit(request) if request.group_instance_id.is_some() => {
                self.at_least(7, STATIC_MEMBER);
            }
            Request::LeaveGroup(request) => self.leave_group(request),
            Request::OffsetFetch(request) => self.offset_fetch(request),
            Request::CreateTopics(request) => self.create_topics(request),
            Request::DeleteTopics(request)
                if request.topics.iter().any(|topic| topic.name.is_none()) =>
            {
                self.at_least(6, "deleting topics by id (KIP-516)");
            }
            Request::DescribeGroups(request) if request.include_authorized_operations => {
                self.at_least(3, AUTHORIZED_OPERATIONS);
            }
            Request::ListGroups(request) => self.list_groups(request),
            Request::InitProducerId(request) if request.producer_id.0 != NO_PRODUCER_ID => {
                self.at_least(3, "another epoch for a producer id (KIP-360)");
            }
            Request::DescribeCluster(request) => self.describe_cluster(request),
            _ => {}
        }
    }

    fn metadata(&mut self, request: &MetadataRequest) {
        let topics = request.topics.as_deref().unwrap_or_default();
        if topics.iter().any(|topic| topic.name.is_none()) {
            self.at_least(12, "asking for topics by id (KIP-516)");
        }
        if !request.allow_auto_topic_creation {
            self.at_least(4, "forbidding the creation of topics");
        }
        if request.include_topic_authorized_operations {
            self.at_least(8, AUTHORIZED_OPERATIONS);
        }
        if request.include_cluster_authorized_operations {
            self.at_least(8, AUTHORIZED_OPERATIONS);
            self.at_most(10, "asking for the authorized operations on the cluster");
        }
    }

    fn produce(&mut self, request: &ProduceRequest) {
        for topic in &request.topic_data {
            self.topic(&topic.name, topic.topic_id, 13);
        }
    }

    fn fetch(&mut self, request: &FetchRequest) {
        for topic in &request.topics {
            self.topic(&topic.topic, topic.topic_id, 13);
        }
        for topic in &request.forgotten_topics_data {
            self.topic(&topic.topic, topic.topic_id, 13);
            self.at_least(7, "an incremental fetch session (KIP-227)");
        }
    }

    /// Before version `by_id` a topic goes by its name, from there on by its id.
    fn topic(&mut self, name: &str, id: Uuid, by_id: i16) {
        if id.is_nil() {
            self.at_most(by_id - 1, "a topic whose id is not known");
        }
        if name.is_empty() {
            self.at_least(by_id, "a topic whose name is not known (KIP-516)");
        }
    }

    fn list_offsets(&mut self, request: &ListOffsetsRequest) {
        if request.isolation_level != READ_UNCOMMITTED {
            self.at_least(2, "isolation.level=read_committed (KIP-98)");
        }
        let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
        for partition in partitions {
            match partition.timestamp {
                -3 => self.at_least(7, "the offset of the largest timestamp (KIP-734)"),
                -4 => self.at_least(8, "the earliest local offset (KIP-405)"),
                -5 => self.at_least(9, "the latest tiered offset (KIP-1005)"),
                _ => {}
            }
        }
    }

    fn find_coordinator(&mut self, request: &FindCoordinatorRequest) {
        if request.coordinator_keys.len() != 1 {
            self.at_least(4, "looking up several coordinators at once (KIP-699)");
        }
        match request.key_type {
            GROUP_KEY => {}
            TRANSACTION_KEY => self.at_least(1, "looking up a transaction coordinator (KIP-98)"),
            _ => self.at_least(6, "looking up a coordinator of share groups (KIP-932)"),
        }
    }

    fn leave_group(&mut self, request: &LeaveGroupRequest) {
        if request.members.len() != 1 {
            self.at_least(3, "removing several members at once (KIP-345)");
        }
        let mut members = request.members.iter();
        if members.any(|member| member.group_instance_id.is_some()) {
            self.at_least(3, STATIC_MEMBER);
        }
    }

    fn offset_fetch(&mut self, request: &OffsetFetchRequest) {
        if request.groups.len() != 1 {
            self.at_least(8, "the offsets of several groups at once (KIP-709)");
        }
        if request.groups.iter().any(|group| group.topics.is_none()) {
            self.at_least(2, "all offsets of a group (KIP-88)");
        }
    }

    fn create_topics(&mut self, request: &CreateTopicsRequest) {
        let is_defaulted = request.topics.iter().any(|topic| {
            topic.assignments.is_empty()
                && (topic.num_partitions == -1 || topic.replication_factor == -1)
        });
        if is_defaulted {
            self.at_least(
                4,
                "the broker's default for partitions or replicas (KIP-464)",
            );
        }
    }

    fn list_groups(&mut self, request: &ListGroupsRequest) {
        if !request.states_filter.is_empty() {
            self.at_least(4, "listing groups by state (KIP-518)");
        }
        if !request.types_filter.is_empty() {
            self.at_least(5, "listing groups by type (KIP-848)");
        }
    }

    fn describe_cluster(&mut self, request: &DescribeClusterRequest) {
        if request.endpoint_type != BROKERS {
            self.at_least(1, "describing the controllers (KIP-919)");
        }
        if request.include_fenced_brokers {
            self.at_least(2, "describing fenced brokers (KIP-1073)");
        }
    }

    fn at_least(&mut self, version: i16, feature: &'static str) {
        if version > self.lowest {
            self.lowest = version;
            self.lowest_for = feature;
        }
    }

    fn at_most(&mut self, version: i16, feature: &'static str) {
        if version < self.highest {
            self.highest = version;
            self.highest_for = feature;
        }
    }
}

const THIS_CLIENT: &str = "this client";
const STATIC_MEMBER: &str = "group.instance.id (KIP-345)";
const AUTHORIZED_OPERATIONS: &str = "asking for authorized operations (KIP-430)";

const CONSUMER: i32 = -1;
const READ_UNCOMMITTED: i8 = 0;
const GROUP_KEY: i8 = 0;
const TRANSACTION_KEY: i8 = 1;
const BROKERS: i8 = 1;
const NO_PRODUCER_ID: i64 = -1;
