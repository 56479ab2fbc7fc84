//! CreatePartitions: topics grow, and never shrink.
//!
//! All versions. The mock chooses where new replicas go, and refuses a request that does.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::create_partitions_request::CreatePartitionsTopic;
use weft_client::wire::messages::create_partitions_response::CreatePartitionsTopicResult;
use weft_client::wire::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use super::super::cluster::Cluster;
use super::super::reply::Reply;
use super::super::topics::PARTITIONS_MAX;

pub(super) fn create_partitions(cluster: &mut Cluster, request: &CreatePartitionsRequest) -> Reply {
    let results = request.topics.iter().map(|asked| {
        let grown = grow(cluster, asked, request.validate_only);
        CreatePartitionsTopicResult::default()
            .with_name(asked.name.clone())
            .with_error_code(grown.err().map_or(0, |error| error.0))
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
