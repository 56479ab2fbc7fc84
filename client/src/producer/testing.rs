//! Belief about a cluster, in few words, for the tests of the producer.

use std::time::Instant;

use crate::cluster::{Cluster, NodeLoad, NodeLoads};
use crate::config::ClientConfig;
use crate::ids::{NodeId, TopicName};
use crate::wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use crate::wire::messages::{BrokerId, MetadataResponse};
use crate::wire::{ErrorCode, StrBytes, messages};
use uuid::Uuid;

/// Connections in a state of the test's choice.
pub(super) struct Loads(pub(super) NodeLoad);

impl NodeLoads for Loads {
    fn load(&self, _: NodeId) -> NodeLoad {
        self.0
    }
}

/// No connection is in anybody's way.
pub(super) const IDLE: Loads = Loads(NodeLoad::Ready { in_flight: 0 });

/// Any instant; the tests count from it.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be had nowhere else"
)]
pub(super) fn start() -> Instant {
    Instant::now()
}

/// A cluster of brokers 1 and 2 that answered once with these topics.
pub(super) fn belief(topics: Vec<MetadataResponseTopic>) -> Cluster {
    let now = start();
    let config = ClientConfig::builder().bootstrap_servers("seed:1").build();
    let mut cluster = Cluster::new(&config.unwrap(), now, 1);
    for topic in topics.iter().filter_map(|topic| topic.name.as_ref()) {
        cluster.add_topic(&TopicName::from(topic));
    }
    assert!(cluster.poll(now, &IDLE).is_some(), "an update is due");
    cluster.handle_response(now, &metadata(topics));
    cluster
}

/// The answer of that cluster.
pub(super) fn metadata(topics: Vec<MetadataResponseTopic>) -> MetadataResponse {
    let broker = |id: i32| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(id))
            .with_host(StrBytes::from_string(format!("host-{id}")))
            .with_port(9092)
    };
    MetadataResponse::default()
        .with_brokers(vec![broker(1), broker(2)])
        .with_controller_id(BrokerId(1))
        .with_topics(topics)
}

/// A topic whose partitions are led by these nodes. Its id is made of the first byte of its name.
pub(super) fn described(name: &str, leaders: &[i32]) -> MetadataResponseTopic {
    let partition = |(number, leader): (i32, &i32)| {
        MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_leader_id(BrokerId(*leader))
            .with_leader_epoch(1)
    };
    MetadataResponseTopic::default()
        .with_name(Some(messages::TopicName::from(&TopicName::from(name))))
        .with_topic_id(Uuid::from_bytes([name.as_bytes()[0]; 16]))
        .with_partitions((0..).zip(leaders).map(partition).collect())
}

/// A topic that is refused.
pub(super) fn refused(name: &str, code: ErrorCode) -> MetadataResponseTopic {
    described(name, &[])
        .with_topic_id(Uuid::nil())
        .with_error_code(code.0)
}
