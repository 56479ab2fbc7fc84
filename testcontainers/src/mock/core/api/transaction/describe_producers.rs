//! DescribeProducers: who wrote to a partition of this broker, and whose transaction is open there
//! (KIP-664).
//!
//! All versions.

use weft_client::Offset;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use weft_client::wire::messages::{DescribeProducersRequest, DescribeProducersResponse};

use super::super::super::cluster::Cluster;
use super::super::super::log::Producers;
use super::super::super::release::KafkaRelease;
use super::super::super::reply::{Ask, Reply, message};
use super::super::super::topics::is_valid_name;

pub(in super::super) fn describe_producers(
    cluster: &Cluster,
    ask: &Ask,
    request: &DescribeProducersRequest,
) -> Reply {
    let topics = request.topics.iter().map(|topic| {
        let is_unknown = cluster.topics.by_name(topic.name.as_str()).is_none();
        let says_why = is_unknown && cluster.options.release >= KafkaRelease::V3_0;
        let partitions = topic.partition_indexes.iter().map(|index| {
            let response = PartitionResponse::default().with_partition_index(*index);
            match producers(cluster, ask, topic.name.as_str(), *index) {
                Ok(producers) => response.with_active_producers(states(producers)),
                Err(error) => response
                    .with_error_code(error.0)
                    .with_error_message(message(error).filter(|_| says_why)),
            }
        });
        TopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    DescribeProducersResponse::default()
        .with_topics(topics.collect())
        .into()
}

/// Every replica can tell, not the leader alone.
fn producers<'a>(
    cluster: &'a Cluster,
    ask: &Ask,
    topic: &str,
    index: i32,
) -> Result<&'a Producers, ErrorCode> {
    if !is_valid_name(topic) {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    let topic = cluster.topics.by_name(topic);
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let partition = topic.and_then(|topic| topic.partitions.get(at));
    let partition = partition.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if partition.replicas.contains(&ask.broker) {
        Ok(partition.log.producers())
    } else {
        Err(ErrorCode::NOT_LEADER_OR_FOLLOWER)
    }
}

fn states(producers: &Producers) -> Vec<ProducerState> {
    let states = producers.iter().map(|(id, producer)| {
        let start = producer.transaction_start.map_or(-1, Offset::value);
        ProducerState::default()
            .with_producer_id(id.0.into())
            .with_producer_epoch(producer.epoch.into())
            .with_last_sequence(producer.last_sequence())
            .with_last_timestamp(producer.last_timestamp)
            .with_coordinator_epoch(producer.coordinator_epoch)
            .with_current_txn_start_offset(start)
    });
    states.collect()
}
