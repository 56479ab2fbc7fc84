//! CreatePartitions: topics grow, and never shrink.
//!
//! All versions. The mock chooses where new replicas go, and refuses a request that does.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::create_partitions_request::CreatePartitionsTopic;
use weft_client::wire::messages::create_partitions_response::CreatePartitionsTopicResult;
use weft_client::wire::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use super::super::cluster::Cluster;
use super::super::reply::{Reply, message};
use super::super::topics::PARTITIONS_MAX;

pub(super) fn create_partitions(cluster: &mut Cluster, request: &CreatePartitionsRequest) -> Reply {
    let mut times = BTreeMap::<&str, usize>::new();
    for topic in &request.topics {
        *times.entry(topic.name.as_str()).or_default() += 1;
    }
    let is_on_zookeeper = cluster.options.release.is_on_zookeeper();
    let is_told = |error| match error {
        UNKNOWN => is_on_zookeeper,
        ErrorCode::UNKNOWN_SERVER_ERROR => false,
        _ => true,
    };
    // What was named twice is refused once.
    let mut refused = BTreeSet::new();
    let topics = request.topics.iter();
    let results = topics.filter_map(|asked| {
        let name = asked.name.as_str();
        let is_repeated = times.get(name).is_some_and(|times| *times > 1);
        if is_repeated && !refused.insert(name) {
            return None;
        }
        let grown = if is_repeated {
            Err(ErrorCode::INVALID_REQUEST)
        } else {
            grow(cluster, asked, request.validate_only)
        };
        let error = grown.err().unwrap_or(ErrorCode::NONE);
        Some(
            CreatePartitionsTopicResult::default()
                .with_name(asked.name.clone())
                .with_error_code(error.0)
                .with_error_message(message(error).filter(|_| is_told(error))),
        )
    });
    let results = results.collect();
    CreatePartitionsResponse::default()
        .with_results(results)
        .into()
}

fn grow(
    cluster: &mut Cluster,
    asked: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), ErrorCode> {
    let name = asked.name.as_str();
    if name.is_empty() && cluster.options.release.is_on_zookeeper() {
        // There is no such node, and nobody expects to ask for it.
        return Err(ErrorCode::UNKNOWN_SERVER_ERROR);
    }
    let topic = cluster.topics.by_name(name);
    let topic = topic.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let count = usize::try_from(asked.count).map_err(|_| ErrorCode::INVALID_PARTITIONS)?;
    if count <= topic.partitions.len() || count > PARTITIONS_MAX {
        return Err(ErrorCode::INVALID_PARTITIONS);
    }
    if asked.assignments.is_some() {
        // The mock places new replicas itself.
        return Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    }
    if validate_only {
        return Ok(());
    }
    cluster.topics.grow(name, count, &cluster.brokers)
}

/// The one refusal for which Kafka has no words here, since it is on KRaft.
const UNKNOWN: ErrorCode = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
