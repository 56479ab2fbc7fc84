//! What the brokers answer, one file for each API; those of a group's members share one. Each takes
//! a request as it was on the wire and gives the response of the same version; none keeps anything.
//!
//! These are spoken, in these versions if the pretended release knows them, all without access
//! control:
//!
//! | API | versions | file | missing |
//! | --- | --- | --- | --- |
//! | Produce | 3-13 | `produce.rs` | quotas; message formats before version 2 |
//! | Fetch | 4-18 | `fetch.rs` | quotas; fetches of followers; conversion to older formats |
//! | ListOffsets | 1-10 | `list_offsets.rs` | |
//! | Metadata | 0-13 | `metadata.rs` | authorized operations |
//! | OffsetCommit | 2-9 | `offset_commit.rs` | expiry; topics by id |
//! | OffsetFetch | 1-9 | `offset_fetch.rs` | topics by id |
//! | FindCoordinator | 0-6 | `find_coordinator.rs` | share groups |
//! | JoinGroup | 0-9 | `membership.rs` | |
//! | Heartbeat | 0-4 | `membership.rs` | |
//! | LeaveGroup | 0-5 | `membership.rs` | |
//! | SyncGroup | 0-5 | `membership.rs` | |
//! | DescribeGroups | 0-6 | `describe_groups.rs` | authorized operations; hosts of members |
//! | ListGroups | 0-5 | `list_groups.rs` | groups of other types |
//! | ApiVersions | 0-4 | `api_versions.rs` | features but that of transactions |
//! | CreateTopics | 2-7 | `create_topics.rs` | policies; quotas |
//! | DeleteTopics | 1-6 | `delete_topics.rs` | |
//! | DeleteRecords | 0-2 | `delete_records.rs` | |
//! | InitProducerId | 0-5 | `transaction/init_producer_id.rs` | two-phase commit (KIP-939) |
//! | OffsetForLeaderEpoch | 2-4 | `offset_for_leader_epoch.rs` | |
//! | AddPartitionsToTxn | 0-5 | `transaction/add_partitions_to_txn.rs` | |
//! | AddOffsetsToTxn | 0-4 | `transaction/add_offsets_to_txn.rs` | |
//! | EndTxn | 0-5 | `transaction/end_txn.rs` | |
//! | WriteTxnMarkers | 1 | `transaction/write_txn_markers.rs` | |
//! | TxnOffsetCommit | 0-5 | `transaction/txn_offset_commit.rs` | topics by id |
//! | DescribeConfigs | 1-4 | `describe_configs.rs` | documentation; loggers, metrics, groups |
//! | AlterConfigs | 0-2 | `alter_configs.rs` | loggers, metrics, groups |
//! | CreatePartitions | 0-3 | `create_partitions.rs` | assignments by the client |
//! | DeleteGroups | 0-2 | `delete_groups.rs` | |
//! | ElectLeaders | 0-2 | `elect_leaders.rs` | |
//! | IncrementalAlterConfigs | 0-1 | `incremental_alter_configs.rs` | loggers, metrics, groups |
//! | OffsetDelete | 0 | `offset_delete.rs` | |
//! | DescribeCluster | 0-2 | `describe_cluster.rs` | controllers; fenced brokers |
//! | DescribeProducers | 0 | `transaction/describe_producers.rs` | |
//! | DescribeTransactions | 0 | `transaction/describe_transactions.rs` | |
//! | ListTransactions | 0-2 | `transaction/list_transactions.rs` | |
//! | DescribeTopicPartitions | 0 | `describe_topic_partitions.rs` | eligible leader replicas |

pub(super) mod api_versions;
pub(super) mod fetch;
pub(super) mod membership;
pub(super) mod refuse;

mod alter_configs;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_topic_partitions;
mod elect_leaders;
mod find_coordinator;
mod incremental_alter_configs;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod repeated;
mod resource;
mod transaction;

use weft_client::wire::Request;
use weft_client::wire::messages::BrokerId;
use weft_client::{Broker, NodeId, TopicId};

use super::cluster::{Cluster, Output};
use super::log::Isolation;
use super::reply::{Ask, Reply};
use alter_configs::alter_configs;
use create_topics::create_topics;
use delete_groups::delete_groups;
use delete_records::delete_records;
use delete_topics::delete_topics;
use describe_cluster::describe_cluster;
use describe_configs::describe_configs;
use describe_groups::describe_groups;
use describe_topic_partitions::describe_topic_partitions;
use elect_leaders::elect_leaders;
use find_coordinator::find_coordinator;
use incremental_alter_configs::incremental_alter_configs;
use list_groups::list_groups;
use membership::{heartbeat, join_group, leave_group, sync_group};
use offset_delete::offset_delete;
use offset_for_leader_epoch::offset_for_leader_epoch;
use transaction::add_offsets_to_txn::add_offsets_to_txn;
use transaction::add_partitions_to_txn::add_partitions_to_txn;
use transaction::describe_producers::describe_producers;
use transaction::describe_transactions::describe_transactions;
use transaction::end_txn::end_txn;
use transaction::init_producer_id::init_producer_id;
use transaction::list_transactions::list_transactions;
use transaction::txn_offset_commit::txn_offset_commit;
use transaction::write_txn_markers::write_txn_markers;

/// Serves one request.
pub(super) fn serve(
    cluster: &mut Cluster,
    ask: &Ask,
    request: Request,
    out: &mut Vec<Output>,
) -> Reply {
    match request {
        Request::ApiVersions(_) => api_versions::api_versions(cluster, ask),
        Request::Metadata(request) => metadata::metadata(cluster, ask, request),
        Request::Produce(request) => produce::produce(cluster, ask, request),
        Request::Fetch(request) => fetch::fetch(cluster, ask, request),
        Request::ListOffsets(request) => list_offsets::list_offsets(cluster, ask, request),
        Request::OffsetForLeaderEpoch(request) => offset_for_leader_epoch(cluster, ask, request),
        Request::FindCoordinator(request) => find_coordinator(cluster, ask, request),
        Request::JoinGroup(request) => join_group(cluster, ask, request, out),
        Request::SyncGroup(request) => sync_group(cluster, ask, request, out),
        Request::Heartbeat(request) => heartbeat(cluster, ask, &request),
        Request::LeaveGroup(request) => leave_group(cluster, ask, request, out),
        Request::OffsetCommit(request) => offset_commit::offset_commit(cluster, ask, request),
        Request::OffsetFetch(request) => offset_fetch::offset_fetch(cluster, ask, request),
        Request::OffsetDelete(request) => offset_delete(cluster, ask, request),
        Request::DescribeGroups(request) => describe_groups(cluster, ask, request),
        Request::ListGroups(request) => list_groups(cluster, ask, &request),
        Request::DeleteGroups(request) => delete_groups(cluster, ask, request),
        Request::InitProducerId(request) => init_producer_id(cluster, ask, &request),
        Request::AddPartitionsToTxn(request) => add_partitions_to_txn(cluster, ask, request),
        Request::AddOffsetsToTxn(request) => add_offsets_to_txn(cluster, ask, &request),
        Request::EndTxn(request) => end_txn(cluster, ask, &request),
        Request::TxnOffsetCommit(request) => txn_offset_commit(cluster, ask, request),
        Request::WriteTxnMarkers(request) => write_txn_markers(cluster, ask, &request),
        Request::DescribeProducers(request) => describe_producers(cluster, ask, &request),
        Request::DescribeTransactions(request) => describe_transactions(cluster, ask, request),
        Request::ListTransactions(request) => list_transactions(cluster, ask, &request),
        Request::CreateTopics(request) => create_topics(cluster, ask, request),
        Request::DeleteTopics(request) => delete_topics(cluster, ask, request),
        Request::CreatePartitions(request) => {
            create_partitions::create_partitions(cluster, &request)
        }
        Request::DescribeTopicPartitions(request) => describe_topic_partitions(cluster, &request),
        Request::DeleteRecords(request) => delete_records(cluster, ask, request),
        Request::ElectLeaders(request) => elect_leaders(cluster, request),
        Request::DescribeCluster(request) => describe_cluster(cluster, &request),
        Request::DescribeConfigs(request) => describe_configs(cluster, ask, &request),
        Request::AlterConfigs(request) => alter_configs(cluster, ask, &request),
        Request::IncrementalAlterConfigs(request) => {
            incremental_alter_configs(cluster, ask, &request)
        }
    }
}

/// What a reader is to see, by the number on the wire.
fn isolation(level: i8) -> Isolation {
    if level == READ_COMMITTED {
        Isolation::ReadCommitted
    } else {
        Isolation::ReadUncommitted
    }
}

const READ_COMMITTED: i8 = 1;

/// The name of every mock cluster.
const CLUSTER_ID: &str = "weft-mock-cluster";

fn broker_id(node: NodeId) -> BrokerId {
    BrokerId(node.value())
}

/// The id on the wire, where nobody is -1.
fn broker_id_or_nobody(node: Option<NodeId>) -> BrokerId {
    BrokerId(node.map_or(-1, NodeId::value))
}

fn port(broker: &Broker) -> i32 {
    i32::from(broker.port)
}

fn uuid(id: TopicId) -> uuid::Uuid {
    uuid::Uuid::from_bytes(id.0)
}

pub(super) fn topic_id(id: uuid::Uuid) -> TopicId {
    TopicId(id.into_bytes())
}
