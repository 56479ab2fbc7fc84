//! What brokers say of one partition of a topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_client::cluster::{ClusterSnapshot, TopicSnapshot};
use weft_client::{Broker, NodeId, TopicName, TopicPartition};

/// Where a partition lives (Kafka's `PartitionInfo`).
///
/// Replicas are told by the ids of their brokers: some may be down, and their addresses unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionInfo {
    /// Which partition.
    pub topic_partition: TopicPartition,
    /// The broker that leads it; `None` if there is none, or it is not known.
    pub leader: Option<Arc<Broker>>,
    /// The brokers that keep it, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// Those of them that are in sync.
    pub in_sync_replicas: Vec<NodeId>,
    /// Those of them that are down, as far as brokers tell (from 1.0 on).
    pub offline_replicas: Vec<NodeId>,
}

/// Partitions by topic, in the order of their numbers.
pub(crate) type PartitionInfos = BTreeMap<TopicName, Vec<PartitionInfo>>;

/// What a snapshot knows of a topic, in the order of the partitions' numbers.
pub(crate) fn partitions_of(
    snapshot: &ClusterSnapshot,
    name: &TopicName,
    topic: &TopicSnapshot,
) -> Vec<PartitionInfo> {
    let partitions = topic.partitions.iter();
    partitions
        .map(|(number, known)| PartitionInfo {
            topic_partition: TopicPartition::new(name.clone(), *number),
            leader: known
                .current_leader()
                .and_then(|node| snapshot.broker(node))
                .cloned(),
            replicas: known.replicas.clone(),
            in_sync_replicas: known.in_sync_replicas.clone(),
            offline_replicas: known.offline_replicas.clone(),
        })
        .collect()
}
