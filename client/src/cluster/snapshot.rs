//! One state of belief about the cluster. It only answers questions; `merge` makes new ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{Broker, LeaderEpoch, NodeId, TopicId, TopicName, TopicPartition};
use crate::wire::ErrorCode;

/// What is believed about the cluster at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterSnapshot {
    pub(super) brokers: BTreeMap<NodeId, Arc<Broker>>,
    pub(super) topics: BTreeMap<TopicName, TopicSnapshot>,
    /// The code with which the brokers last answered for a topic that has no metadata.
    pub(super) topic_errors: BTreeMap<TopicName, ErrorCode>,
    /// What was known of the topics in `topic_errors`. A topic that comes back is compared with
    /// it, so that its epochs do not go back.
    pub(super) missing: BTreeMap<TopicName, TopicSnapshot>,
    pub(super) controller: Option<NodeId>,
    pub(super) cluster_id: Option<Arc<str>>,
}

/// What is believed about one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicSnapshot {
    /// The topic's id, unknown on brokers before 2.8.
    pub id: TopicId,
    /// Whether the brokers keep it for themselves, like `__consumer_offsets`.
    pub is_internal: bool,
    /// Its partitions by number.
    pub partitions: BTreeMap<i32, PartitionSnapshot>,
}

/// What is believed about one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionSnapshot {
    /// The broker that leads it, if any does.
    pub leader: Option<NodeId>,
    /// The epoch in which `leader` leads it.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The newest epoch seen anywhere. If it is newer than `leader_epoch`, somebody else leads by
    /// now and `leader` is history.
    pub newest_epoch: Option<LeaderEpoch>,
    /// All replicas, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The replicas that are in sync.
    pub in_sync_replicas: Vec<NodeId>,
    /// The replicas that are down.
    pub offline_replicas: Vec<NodeId>,
    /// The code with which the brokers answered for it.
    pub error_code: ErrorCode,
}

impl PartitionSnapshot {
    /// The leader, unless a newer epoch was seen than the one it leads in.
    pub fn current_leader(&self) -> Option<NodeId> {
        self.leader
            .filter(|_| self.newest_epoch <= self.leader_epoch)
    }
}

impl ClusterSnapshot {
    /// A belief in nothing but the brokers to ask first.
    pub(super) fn of_brokers(brokers: &[Arc<Broker>]) -> Self {
        Self {
            brokers: by_id(brokers),
            ..Self::default()
        }
    }

    /// All brokers, in the order of their ids. Bootstrap addresses until the first answer.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &Arc<Broker>> {
        self.brokers.values()
    }

    /// The broker with this id.
    pub fn broker(&self, node: NodeId) -> Option<&Arc<Broker>> {
        self.brokers.get(&node)
    }

    /// The broker that is the controller, or that passes on what is meant for it.
    pub fn controller(&self) -> Option<&Arc<Broker>> {
        self.broker(self.controller?)
    }

    /// The id of the cluster, where the brokers tell it.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// All topics known, in the order of their names.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = (&TopicName, &TopicSnapshot)> {
        self.topics.iter()
    }

    /// One topic, if it is known.
    pub fn topic(&self, name: &str) -> Option<&TopicSnapshot> {
        self.topics.get(name)
    }

    /// The code with which the brokers last answered for a topic instead of describing it.
    pub fn topic_error(&self, name: &str) -> Option<ErrorCode> {
        self.topic_errors.get(name).copied()
    }

    /// The name of the topic with this id.
    pub fn topic_name(&self, id: TopicId) -> Option<&TopicName> {
        let known = || self.topics.iter().find(|(_, topic)| topic.id == id);
        if id.is_unknown() {
            None
        } else {
            known().map(|(name, _)| name)
        }
    }

    /// One partition, if it is known.
    pub fn partition(&self, partition: &TopicPartition) -> Option<&PartitionSnapshot> {
        self.topic(partition.topic().as_str())?
            .partitions
            .get(&partition.partition())
    }

    /// The broker that leads a partition, and its epoch; `None` where that is not known for sure.
    pub fn leader(
        &self,
        partition: &TopicPartition,
    ) -> Option<(&Arc<Broker>, Option<LeaderEpoch>)> {
        let known = self.partition(partition)?;
        let broker = self.broker(known.current_leader()?)?;
        Some((broker, known.leader_epoch))
    }

    pub(super) fn partition_mut(
        &mut self,
        partition: &TopicPartition,
    ) -> Option<&mut PartitionSnapshot> {
        let topic = self.topics.get_mut(partition.topic().as_str())?;
        topic.partitions.get_mut(&partition.partition())
    }
}

pub(super) fn by_id(brokers: &[Arc<Broker>]) -> BTreeMap<NodeId, Arc<Broker>> {
    brokers
        .iter()
        .map(|broker| (broker.id, Arc::clone(broker)))
        .collect()
}
