//! Refusals, as ordered, of what administrators ask about records, leaders and configurations.

use weft_client::wire::messages::*;
use weft_client::wire::{ErrorCode, Response};

pub(super) fn delete_records(request: &DeleteRecordsRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            delete_records_response::DeleteRecordsPartitionResult::default()
                .with_partition_index(partition.partition_index)
                .with_low_watermark(-1)
                .with_error_code(code.0)
        });
        delete_records_response::DeleteRecordsTopicResult::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    DeleteRecordsResponse::default()
        .with_topics(topics.collect())
        .into()
}

/// The oldest version has no place for what concerns the whole request.
pub(super) fn elect_leaders(
    version: i16,
    request: &ElectLeadersRequest,
    code: ErrorCode,
) -> Response {
    let response = ElectLeadersResponse::default();
    if version >= 1 {
        return response.with_error_code(code.0).into();
    }
    let topics = request.topic_partitions.iter().flatten().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            elect_leaders_response::PartitionResult::default()
                .with_partition_id(*partition)
                .with_error_code(code.0)
        });
        elect_leaders_response::ReplicaElectionResult::default()
            .with_topic(topic.topic.clone())
            .with_partition_result(partitions.collect())
    });
    response
        .with_replica_election_results(topics.collect())
        .into()
}

pub(super) fn partitions(request: &DescribeTopicPartitionsRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| {
        describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(topic.name.clone()))
            .with_error_code(code.0)
    });
    DescribeTopicPartitionsResponse::default()
        .with_topics(topics.collect())
        .into()
}

pub(super) fn describe_configs(request: &DescribeConfigsRequest, code: ErrorCode) -> Response {
    let results = request.resources.iter().map(|resource| {
        describe_configs_response::DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_code(code.0)
    });
    DescribeConfigsResponse::default()
        .with_results(results.collect())
        .into()
}

pub(super) fn alter_configs(request: &AlterConfigsRequest, code: ErrorCode) -> Response {
    let responses = request.resources.iter().map(|resource| {
        alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_code(code.0)
    });
    AlterConfigsResponse::default()
        .with_responses(responses.collect())
        .into()
}

pub(super) fn incremental_alter_configs(
    request: &IncrementalAlterConfigsRequest,
    code: ErrorCode,
) -> Response {
    let responses = request.resources.iter().map(|resource| {
        incremental_alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_code(code.0)
    });
    IncrementalAlterConfigsResponse::default()
        .with_responses(responses.collect())
        .into()
}
