//! DescribeTopicPartitions: topics in pages (KIP-966).
//!
//! All versions. Topics come in the order of their names, each once, and the answer ends where the
//! client's limit or the broker's does, with a cursor for the next one. Every live replica of the
//! mock is in sync, so that none is merely eligible.

use std::collections::BTreeSet;

use weft_client::NodeId;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use weft_client::wire::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};

use super::super::cluster::Cluster;
use super::super::reply::{Reply, text};
use super::super::topics::{Partition, Topic, is_valid_name};
use super::{broker_id, broker_id_or_nobody, uuid};

pub(super) fn describe_topic_partitions(
    cluster: &Cluster,
    request: &DescribeTopicPartitionsRequest,
) -> Reply {
    let wants_all = request.topics.is_empty();
    let mut names: BTreeSet<&str> = if wants_all {
        let known = cluster.topics.iter();
        known.map(|topic| topic.name.as_str()).collect()
    } else {
        let asked = request.topics.iter();
        asked.map(|topic| topic.name.as_str()).collect()
    };
    let mut first = 0;
    if let Some(cursor) = &request.cursor {
        let name = cursor.topic_name.as_str();
        let Ok(index) = usize::try_from(cursor.partition_index) else {
            return refused(request);
        };
        if !wants_all && !names.contains(name) {
            return refused(request);
        }
        names = names.split_off(name);
        first = if names.first() == Some(&name) {
            index
        } else {
            0
        };
    }
    let limit = usize::try_from(request.response_partition_limit).unwrap_or(1);
    let mut page = Page {
        left: limit.clamp(1, PARTITIONS_MAX),
        response: DescribeTopicPartitionsResponse::default(),
    };
    for name in names {
        if page.response.next_cursor.is_some() {
            break;
        }
        page.add(cluster, name, std::mem::take(&mut first));
    }
    page.response.into()
}

/// The cursor makes no sense. There is a place for that with each topic only.
fn refused(request: &DescribeTopicPartitionsRequest) -> Reply {
    let topics = request.topics.iter().map(|asked| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(asked.name.clone()))
            .with_error_code(ErrorCode::INVALID_REQUEST.0)
    });
    DescribeTopicPartitionsResponse::default()
        .with_topics(topics.collect())
        .into()
}

/// An answer that grows until it is full.
struct Page {
    left: usize,
    response: DescribeTopicPartitionsResponse,
}

impl Page {
    fn add(&mut self, cluster: &Cluster, name: &str, first: usize) {
        if self.left == 0 {
            self.end(name, 0);
            return;
        }
        let Some(topic) = cluster.topics.by_name(name) else {
            self.response.topics.push(unknown(name));
            return;
        };
        let end = topic.partitions.len().min(first.saturating_add(self.left));
        let partitions = topic.partitions.iter().enumerate();
        let partitions = partitions.skip(first).take(self.left);
        let partitions =
            partitions.map(|(index, partition)| describe(cluster, index as i32, partition));
        let described = described(topic).with_partitions(partitions.collect());
        self.left -= described.partitions.len();
        self.response.topics.push(described);
        if end < topic.partitions.len() {
            self.end(name, end);
        }
    }

    fn end(&mut self, name: &str, next: usize) {
        let cursor = Cursor::default()
            .with_topic_name(TopicName(text(name)))
            .with_partition_index(next as i32);
        self.response.next_cursor = Some(cursor);
    }
}

fn described(topic: &Topic) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(text(topic.name.as_str()))))
        .with_topic_id(uuid(topic.id))
}

fn unknown(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let error = if is_valid_name(name) {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
    } else {
        ErrorCode::INVALID_TOPIC_EXCEPTION
    };
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(text(name))))
        .with_error_code(error.0)
}

fn describe(
    cluster: &Cluster,
    index: i32,
    partition: &Partition,
) -> DescribeTopicPartitionsResponsePartition {
    let in_sync = partition.in_sync(&cluster.brokers);
    let ids = |nodes: Vec<NodeId>| nodes.into_iter().map(broker_id).collect();
    let mut offline = partition.replicas.clone();
    offline.retain(|id| !in_sync.contains(id));
    DescribeTopicPartitionsResponsePartition::default()
        .with_partition_index(index)
        .with_leader_id(broker_id_or_nobody(partition.leader))
        .with_leader_epoch(partition.epoch.value())
        .with_replica_nodes(ids(partition.replicas.clone()))
        .with_isr_nodes(ids(in_sync))
        .with_eligible_leader_replicas(Some(Vec::new()))
        .with_last_known_elr(Some(Vec::new()))
        .with_offline_replicas(ids(offline))
}

/// `max.request.partition.size.limit`
const PARTITIONS_MAX: usize = 2_000;
