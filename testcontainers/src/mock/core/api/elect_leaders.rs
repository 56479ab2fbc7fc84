//! ElectLeaders: leaders by order (KIP-460), preferred or, for partitions that have none, any.
//!
//! All versions. Asked for every partition, it tells of those only whose leader had to change. All
//! replicas of the mock have all records, so no election loses any.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use weft_client::wire::messages::{ElectLeadersRequest, ElectLeadersResponse, TopicName};

use super::super::cluster::Cluster;
use super::super::leaders::Election;
use super::super::reply::{Reply, message, text};
use super::repeated::last_of_each;

pub(super) fn elect_leaders(cluster: &mut Cluster, request: ElectLeadersRequest) -> Reply {
    let election = match request.election_type {
        0 => Election::Preferred,
        1 => Election::Unclean,
        _ => {
            let refused = ErrorCode::INVALID_REQUEST;
            return ElectLeadersResponse::default()
                .with_error_code(refused.0)
                .into();
        }
    };
    let results = match request.topic_partitions {
        Some(asked) => asked
            .into_iter()
            .map(|asked| {
                let partitions = if cluster.options.release.is_on_zookeeper() {
                    last_of_each(asked.partitions, |index| *index)
                } else {
                    asked.partitions
                };
                let partitions = partitions.into_iter();
                let results = partitions.map(|index| elect(cluster, &asked.topic, index, election));
                result(asked.topic.clone(), results.collect())
            })
            .collect(),
        None => everywhere(cluster, election),
    };
    ElectLeadersResponse::default()
        .with_replica_election_results(results)
        .into()
}

fn everywhere(cluster: &mut Cluster, election: Election) -> Vec<ReplicaElectionResult> {
    let topics = cluster.topics.iter();
    let topics: Vec<_> = topics
        .map(|topic| (TopicName(text(topic.name.as_str())), topic.partitions.len()))
        .collect();
    topics
        .into_iter()
        .map(|(topic, count)| {
            let indices = (0..).take(count);
            let results = indices.map(|index| elect(cluster, &topic, index, election));
            let results = results
                .filter(|result| result.error_code != ErrorCode::ELECTION_NOT_NEEDED.0)
                .collect();
            result(topic, results)
        })
        .collect()
}

fn elect(
    cluster: &mut Cluster,
    topic: &TopicName,
    index: i32,
    election: Election,
) -> PartitionResult {
    let Cluster {
        topics, brokers, ..
    } = cluster;
    let key = topics
        .by_name(topic.as_str())
        .map(|topic| (topic.id, index));
    let held = key.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let held = held.and_then(|key| topics.hold(key, election, brokers));
    PartitionResult::default()
        .with_partition_id(index)
        .with_error_code(held.err().map_or(0, |error| error.0))
        .with_error_message(held.err().and_then(message))
}

fn result(topic: TopicName, results: Vec<PartitionResult>) -> ReplicaElectionResult {
    ReplicaElectionResult::default()
        .with_topic(topic)
        .with_partition_result(results)
}
