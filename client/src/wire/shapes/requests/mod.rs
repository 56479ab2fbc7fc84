//! The shapes of the requests, which only the mock broker reads.

mod cluster;
mod fetch;
mod group;
mod offsets;
mod produce;
mod topics;

use kafka_protocol::messages::ApiKey;

use super::{Shape, broker};

/// The shape of a request; `None` for an API that is not known here.
pub(in crate::wire) fn request(api_key: ApiKey) -> Option<&'static Shape> {
    Some(match api_key {
        ApiKey::ApiVersions => &cluster::API_VERSIONS_REQUEST,
        ApiKey::Metadata => &cluster::METADATA_REQUEST,
        ApiKey::FindCoordinator => &cluster::FIND_COORDINATOR_REQUEST,
        ApiKey::DescribeCluster => &cluster::DESCRIBE_CLUSTER_REQUEST,
        ApiKey::Fetch => &fetch::FETCH_REQUEST,
        ApiKey::ListOffsets => &fetch::LIST_OFFSETS_REQUEST,
        ApiKey::OffsetForLeaderEpoch => &fetch::OFFSET_FOR_LEADER_EPOCH_REQUEST,
        ApiKey::JoinGroup => &group::JOIN_GROUP_REQUEST,
        ApiKey::SyncGroup => &group::SYNC_GROUP_REQUEST,
        ApiKey::Heartbeat => &group::HEARTBEAT_REQUEST,
        ApiKey::LeaveGroup => &group::LEAVE_GROUP_REQUEST,
        ApiKey::DescribeGroups => &group::DESCRIBE_GROUPS_REQUEST,
        ApiKey::ListGroups => &group::LIST_GROUPS_REQUEST,
        ApiKey::DeleteGroups => &group::DELETE_GROUPS_REQUEST,
        ApiKey::OffsetCommit => &offsets::OFFSET_COMMIT_REQUEST,
        ApiKey::OffsetFetch => &offsets::OFFSET_FETCH_REQUEST,
        ApiKey::Produce => &produce::PRODUCE_REQUEST,
        ApiKey::InitProducerId => &produce::INIT_PRODUCER_ID_REQUEST,
        ApiKey::CreateTopics => &topics::CREATE_TOPICS_REQUEST,
        ApiKey::DeleteTopics => &topics::DELETE_TOPICS_REQUEST,
        ApiKey::CreatePartitions => &topics::CREATE_PARTITIONS_REQUEST,
        other => return broker::request(other),
    })
}
