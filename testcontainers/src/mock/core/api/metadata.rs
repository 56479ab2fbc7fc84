//! Metadata: who is there, and who leads what. Topics that nobody knows may be created, but as with
//! a real controller the answer that asked for them does not have them yet.
//!
//! All versions. Nobody's rights are told.

use std::collections::BTreeSet;

use weft_client::NodeId;
use weft_client::wire::messages::metadata_request::MetadataRequestTopic;
use weft_client::wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use weft_client::wire::messages::{MetadataRequest, MetadataResponse, TopicName};
use weft_client::wire::{ErrorCode, StrBytes};

use super::super::cluster::Cluster;
use super::super::reply::{Ask, Reply, text};
use super::super::topics::{Partition, Topic, is_valid_name};
use super::{CLUSTER_ID, broker_id, broker_id_or_nobody, port, topic_id, uuid};

pub(super) fn metadata(cluster: &mut Cluster, ask: &Ask, request: MetadataRequest) -> Reply {
    let may_create = request.allow_auto_topic_creation;
    let asked = match request.topics {
        // Before version 1 there was no null, and an empty list asked for everything.
        Some(topics) if ask.version() >= 1 || !topics.is_empty() => Some(topics),
        None if ask.version() == 0 => return Reply::Close,
        _ => None,
    };
    let is_unnamed = |topic: &MetadataRequestTopic| topic.name.is_none();
    let has_unnamed = asked.iter().flatten().any(is_unnamed);
    if has_unnamed && ask.version() < BY_ID_SINCE {
        return refuse_unnamed(ask, asked.unwrap_or_default());
    }
    let topics = match asked {
        Some(asked) => once_each(asked)
            .map(|topic| asked_topic(cluster, ask, topic, may_create))
            .collect(),
        None => cluster
            .topics
            .iter()
            .map(|topic| known_topic(cluster, ask, topic))
            .collect(),
    };
    let brokers = cluster.brokers.alive().map(|broker| {
        MetadataResponseBroker::default()
            .with_node_id(broker_id(broker.id))
            .with_host(text(&broker.host))
            .with_port(port(broker))
            .with_rack(broker.rack.as_deref().map(text))
    });
    MetadataResponse::default()
        .with_brokers(brokers.collect())
        .with_cluster_id(Some(StrBytes::from_static_str(CLUSTER_ID)))
        .with_controller_id(broker_id_or_nobody(cluster.brokers.controller()))
        .with_topics(topics)
        .into()
}

/// Before version 12 topics have names, and before version 10 the format has no word for one that
/// has none.
fn refuse_unnamed(ask: &Ask, asked: Vec<MetadataRequestTopic>) -> Reply {
    if ask.version() < UNNAMED_SINCE {
        return Reply::Close;
    }
    let topics = asked.into_iter().map(|topic| {
        MetadataResponseTopic::default()
            .with_name(Some(topic.name.unwrap_or_default()))
            .with_topic_id(topic.topic_id)
            .with_error_code(ErrorCode::INVALID_REQUEST.0)
    });
    MetadataResponse::default()
        .with_topics(topics.collect())
        .into()
}

/// A topic is described once however often it is named, as on a real broker: a request of a few
/// bytes for each name could ask for any size of answer otherwise.
fn once_each(asked: Vec<MetadataRequestTopic>) -> impl Iterator<Item = MetadataRequestTopic> {
    let mut seen = BTreeSet::new();
    asked.into_iter().filter(move |topic| {
        let name = topic.name.as_ref().map(|name| name.0.clone());
        seen.insert((name, topic.topic_id))
    })
}

fn asked_topic(
    cluster: &mut Cluster,
    ask: &Ask,
    asked: MetadataRequestTopic,
    may_create: bool,
) -> MetadataResponseTopic {
    let unknown = MetadataResponseTopic::default().with_name(None);
    let Some(name) = asked.name else {
        return match cluster.topics.by_id(topic_id(asked.topic_id)) {
            Some(topic) => known_topic(cluster, ask, topic),
            None => unknown
                .with_topic_id(asked.topic_id)
                .with_error_code(ErrorCode::UNKNOWN_TOPIC_ID.0),
        };
    };
    if let Some(topic) = cluster.topics.by_name(name.as_str()) {
        return known_topic(cluster, ask, topic);
    }
    let error = if is_valid_name(name.as_str()) {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
    } else {
        ErrorCode::INVALID_TOPIC_EXCEPTION
    };
    if may_create && let Some(partitions) = cluster.options.auto_create_partitions {
        // The answer is the same if it fails; the client asks again and sees.
        let _ = cluster.create_topic(name.as_str(), partitions);
    }
    unknown.with_name(Some(name)).with_error_code(error.0)
}

fn known_topic(cluster: &Cluster, ask: &Ask, topic: &Topic) -> MetadataResponseTopic {
    let response = MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(topic.name.as_str()))))
        .with_topic_id(uuid(topic.id));
    if let Some(code) = ask.fate.refuses_topic(topic.name.as_str()) {
        return response.with_error_code(code.0);
    }
    let partitions = topic.partitions.iter().enumerate();
    let partitions = partitions.map(|(index, partition)| {
        let mut described = describe(cluster, partition).with_partition_index(index as i32);
        if let Err(code) = ask.check_partition(topic.name.as_str(), index as i32) {
            described.error_code = code.0;
            described.leader_id = broker_id_or_nobody(None);
        }
        if ask.version() < OFFLINE_REPLICAS_SINCE {
            described.offline_replicas.clear();
        }
        described
    });
    response.with_partitions(partitions.collect())
}

fn describe(cluster: &Cluster, partition: &Partition) -> MetadataResponsePartition {
    let in_sync = partition.in_sync(&cluster.brokers);
    let error = match partition.leader {
        Some(_) => ErrorCode::NONE,
        None => ErrorCode::LEADER_NOT_AVAILABLE,
    };
    let ids = |nodes: Vec<NodeId>| nodes.into_iter().map(broker_id).collect();
    let mut offline = partition.replicas.clone();
    offline.retain(|id| !in_sync.contains(id));
    MetadataResponsePartition::default()
        .with_error_code(error.0)
        .with_leader_id(broker_id_or_nobody(partition.leader))
        .with_leader_epoch(partition.epoch.value())
        .with_replica_nodes(ids(partition.replicas.clone()))
        .with_isr_nodes(ids(in_sync))
        .with_offline_replicas(ids(offline))
}

const OFFLINE_REPLICAS_SINCE: i16 = 5;

/// The first version in which a topic may be asked for by its id alone (KIP-516).
const BY_ID_SINCE: i16 = 12;

/// The first version whose format lets a topic have no name.
const UNNAMED_SINCE: i16 = 10;
