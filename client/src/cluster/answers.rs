//! Metadata answers for the tests of this module, in few words.

use uuid::Uuid;

use crate::ids::{NodeId, TopicName};
use crate::wire::messages::MetadataResponse;
use crate::wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use crate::wire::{StrBytes, messages};

pub(super) fn response(brokers: &[i32], topics: Vec<MetadataResponseTopic>) -> MetadataResponse {
    let broker = |id: &i32| {
        MetadataResponseBroker::default()
            .with_node_id(messages::BrokerId(*id))
            .with_host(StrBytes::from_string(format!("host-{id}")))
            .with_port(9092)
    };
    let controller = NodeId::new(brokers.first().copied().unwrap_or(-1));
    MetadataResponse::default()
        .with_brokers(brokers.iter().map(broker).collect())
        .with_controller_id(controller.into())
        .with_topics(topics)
}

pub(super) fn topic(
    name: &str,
    id: u8,
    partitions: Vec<MetadataResponsePartition>,
) -> MetadataResponseTopic {
    MetadataResponseTopic::default()
        .with_name(Some(messages::TopicName::from(&TopicName::from(name))))
        .with_topic_id(Uuid::from_bytes([id; 16]))
        .with_partitions(partitions)
}

pub(super) fn topic_error(name: &str, code: i16) -> MetadataResponseTopic {
    topic(name, 0, Vec::new()).with_error_code(code)
}

pub(super) fn partition(number: i32, leader: i32, epoch: i32) -> MetadataResponsePartition {
    MetadataResponsePartition::default()
        .with_partition_index(number)
        .with_leader_id(messages::BrokerId(leader))
        .with_leader_epoch(epoch)
        .with_replica_nodes(vec![messages::BrokerId(leader)])
}
