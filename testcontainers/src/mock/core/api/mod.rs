//! What the brokers answer, one file for each API or family. Each takes a request as it was on the
//! wire and gives the response of the same version; none keeps anything.

pub(super) mod fetch;
pub(super) mod membership;
pub(super) mod refuse;
pub(super) mod versions;

mod alter_configs;
mod coordinator;
mod delete_records;
mod describe_cluster;
mod describe_configs;
mod describe_topic_partitions;
mod elect_leaders;
mod groups;
mod incremental_alter_configs;
mod leader_epoch;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod partitions;
mod produce;
mod resource;
mod topics;
mod transaction;

use weft_client::wire::Request;
use weft_client::wire::messages::BrokerId;
use weft_client::{Broker, NodeId, TopicId};

use super::cluster::{Cluster, Output};
use super::log::Isolation;
use super::reply::{Ask, Reply};
use alter_configs::alter_configs;
use coordinator::find_coordinator;
use delete_records::delete_records;
use describe_cluster::describe_cluster;
use describe_configs::describe_configs;
use describe_topic_partitions::describe_topic_partitions;
use elect_leaders::elect_leaders;
use groups::{delete_groups, describe_groups, list_groups};
use incremental_alter_configs::incremental_alter_configs;
use leader_epoch::offset_for_leader_epoch;
use membership::{heartbeat, join_group, leave_group, sync_group};
use offset_delete::offset_delete;
use topics::{create_topics, delete_topics};
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
        Request::ApiVersions(_) => versions::api_versions(cluster, ask),
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
        Request::CreatePartitions(request) => partitions::create_partitions(cluster, &request),
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
