//! The answers that a test has ordered: each request refused with a given code, at the place where
//! a broker would write that code.

mod administration;
mod transactions;

use weft_client::MemberId;
use weft_client::wire::messages::*;
use weft_client::wire::{ErrorCode, Request, Response};

use super::super::fault::Refusal;
use super::super::group::JoinAnswer;
use super::super::reply::Ask;
use super::membership::join_response;
use super::offset_fetch;

/// Whether the API itself writes the code to the topics and partitions that are meant, so that it
/// may serve the others. Fetch always does: its request may name less than it is about.
pub(in crate::mock::core) fn is_partial(request: &Request, refusal: &Refusal) -> bool {
    match request {
        Request::Fetch(_) => !is_about_session(refusal.code),
        Request::Produce(_)
        | Request::Metadata(_)
        | Request::ListOffsets(_)
        | Request::OffsetForLeaderEpoch(_)
        | Request::OffsetCommit(_)
        | Request::TxnOffsetCommit(_) => refusal.topic.is_some(),
        _ => false,
    }
}

/// Refuses the request with `code`, wherever its API has a place for it.
pub(in crate::mock::core) fn response(ask: &Ask, request: &Request, code: ErrorCode) -> Response {
    let version = ask.version();
    match request {
        Request::ApiVersions(_) => ApiVersionsResponse::default()
            .with_error_code(code.0)
            .into(),
        Request::Metadata(request) => metadata(request, code),
        Request::Produce(request) => produce(request, code),
        Request::Fetch(request) => fetch(request, code),
        Request::ListOffsets(request) => list_offsets(request, code),
        Request::OffsetForLeaderEpoch(request) => offset_for_leader_epoch(request, code),
        Request::FindCoordinator(request) => find_coordinator(version, request, code),
        Request::JoinGroup(request) => {
            let member_id = MemberId::from(request.member_id.as_str());
            join_response(version, JoinAnswer::error(code, member_id))
        }
        Request::SyncGroup(_) => SyncGroupResponse::default().with_error_code(code.0).into(),
        Request::Heartbeat(_) => HeartbeatResponse::default().with_error_code(code.0).into(),
        Request::LeaveGroup(_) => LeaveGroupResponse::default().with_error_code(code.0).into(),
        Request::OffsetCommit(request) => offset_commit(request, code),
        Request::OffsetFetch(request) => offsets(version, request, code),
        Request::CreateTopics(request) => create_topics(request, code),
        Request::DeleteTopics(request) => delete_topics(version, request, code),
        Request::CreatePartitions(request) => create_partitions(request, code),
        Request::DescribeGroups(request) => describe_groups(request, code),
        Request::ListGroups(_) => ListGroupsResponse::default().with_error_code(code.0).into(),
        Request::DeleteGroups(request) => delete_groups(request, code),
        Request::InitProducerId(_) => InitProducerIdResponse::default()
            .with_error_code(code.0)
            .with_producer_id((-1).into())
            .into(),
        Request::DescribeCluster(_) => DescribeClusterResponse::default()
            .with_error_code(code.0)
            .into(),
        Request::AddPartitionsToTxn(request) => transactions::add_partitions(request, code),
        Request::AddOffsetsToTxn(_) => AddOffsetsToTxnResponse::default()
            .with_error_code(code.0)
            .into(),
        Request::EndTxn(_) => transactions::end(code),
        Request::TxnOffsetCommit(request) => transactions::commit_offsets(request, code),
        Request::WriteTxnMarkers(request) => transactions::write_markers(request, code),
        Request::DescribeProducers(request) => transactions::describe_producers(request, code),
        Request::DescribeTransactions(request) => transactions::describe(request, code),
        Request::ListTransactions(_) => ListTransactionsResponse::default()
            .with_error_code(code.0)
            .into(),
        Request::OffsetDelete(_) => OffsetDeleteResponse::default()
            .with_error_code(code.0)
            .into(),
        Request::DeleteRecords(request) => administration::delete_records(request, code),
        Request::ElectLeaders(request) => administration::elect_leaders(version, request, code),
        Request::DescribeTopicPartitions(request) => administration::partitions(request, code),
        Request::DescribeConfigs(request) => administration::describe_configs(request, code),
        Request::AlterConfigs(request) => administration::alter_configs(request, code),
        Request::IncrementalAlterConfigs(request) => {
            administration::incremental_alter_configs(request, code)
        }
    }
}

fn metadata(request: &MetadataRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().flatten().map(|topic| {
        metadata_response::MetadataResponseTopic::default()
            .with_name(topic.name.clone())
            .with_topic_id(topic.topic_id)
            .with_error_code(code.0)
    });
    MetadataResponse::default()
        .with_topics(topics.collect())
        .into()
}

fn produce(request: &ProduceRequest, code: ErrorCode) -> Response {
    let topics = request.topic_data.iter().map(|topic| {
        let partitions = topic.partition_data.iter().map(|partition| {
            produce_response::PartitionProduceResponse::default()
                .with_index(partition.index)
                .with_base_offset(-1)
                .with_error_code(code.0)
        });
        produce_response::TopicProduceResponse::default()
            .with_name(topic.name.clone())
            .with_topic_id(topic.topic_id)
            .with_partition_responses(partitions.collect())
    });
    ProduceResponse::default()
        .with_responses(topics.collect())
        .into()
}

/// What concerns the session concerns the whole request.
fn is_about_session(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND
            | ErrorCode::INVALID_FETCH_SESSION_EPOCH
            | ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR
    )
}

fn fetch(request: &FetchRequest, code: ErrorCode) -> Response {
    if is_about_session(code) {
        return FetchResponse::default().with_error_code(code.0).into();
    }
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            fetch_response::PartitionData::default()
                .with_partition_index(partition.partition)
                .with_error_code(code.0)
                .with_high_watermark(-1)
                .with_last_stable_offset(-1)
                .with_log_start_offset(-1)
        });
        fetch_response::FetchableTopicResponse::default()
            .with_topic(topic.topic.clone())
            .with_topic_id(topic.topic_id)
            .with_partitions(partitions.collect())
    });
    FetchResponse::default()
        .with_responses(topics.collect())
        .into()
}

fn list_offsets(request: &ListOffsetsRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            list_offsets_response::ListOffsetsPartitionResponse::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code.0)
        });
        list_offsets_response::ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    ListOffsetsResponse::default()
        .with_topics(topics.collect())
        .into()
}

fn offset_for_leader_epoch(request: &OffsetForLeaderEpochRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            offset_for_leader_epoch_response::EpochEndOffset::default()
                .with_partition(partition.partition)
                .with_error_code(code.0)
        });
        offset_for_leader_epoch_response::OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions.collect())
    });
    OffsetForLeaderEpochResponse::default()
        .with_topics(topics.collect())
        .into()
}

fn find_coordinator(version: i16, request: &FindCoordinatorRequest, code: ErrorCode) -> Response {
    let response = FindCoordinatorResponse::default();
    if version < 4 {
        return response
            .with_error_code(code.0)
            .with_node_id((-1).into())
            .into();
    }
    let coordinators = request.coordinator_keys.iter().map(|key| {
        find_coordinator_response::Coordinator::default()
            .with_key(key.clone())
            .with_node_id((-1).into())
            .with_error_code(code.0)
    });
    response.with_coordinators(coordinators.collect()).into()
}

fn offset_commit(request: &OffsetCommitRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            offset_commit_response::OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code.0)
        });
        offset_commit_response::OffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    OffsetCommitResponse::default()
        .with_topics(topics.collect())
        .into()
}

/// What concerns the offsets of a transaction concerns each partition, all else the group.
fn offsets(version: i16, request: &OffsetFetchRequest, code: ErrorCode) -> Response {
    let group = |id: &GroupId| {
        offset_fetch_response::OffsetFetchResponseGroup::default()
            .with_group_id(id.clone())
            .with_error_code(code.0)
    };
    if version < offset_fetch::BATCHED {
        return offset_fetch::single(group(&request.group_id), version).into();
    }
    let groups = request.groups.iter().map(|asked| group(&asked.group_id));
    OffsetFetchResponse::default()
        .with_groups(groups.collect())
        .into()
}

fn create_topics(request: &CreateTopicsRequest, code: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| {
        create_topics_response::CreatableTopicResult::default()
            .with_name(topic.name.clone())
            .with_error_code(code.0)
    });
    CreateTopicsResponse::default()
        .with_topics(topics.collect())
        .into()
}

fn delete_topics(version: i16, request: &DeleteTopicsRequest, code: ErrorCode) -> Response {
    let result = delete_topics_response::DeletableTopicResult::default().with_error_code(code.0);
    let responses = if version >= 6 {
        let topics = request.topics.iter();
        topics
            .map(|topic| {
                let result = result.clone().with_topic_id(topic.topic_id);
                result.with_name(topic.name.clone())
            })
            .collect()
    } else {
        let names = request.topic_names.iter();
        names
            .map(|name| result.clone().with_name(Some(name.clone())))
            .collect()
    };
    DeleteTopicsResponse::default()
        .with_responses(responses)
        .into()
}

fn create_partitions(request: &CreatePartitionsRequest, code: ErrorCode) -> Response {
    let results = request.topics.iter().map(|topic| {
        create_partitions_response::CreatePartitionsTopicResult::default()
            .with_name(topic.name.clone())
            .with_error_code(code.0)
    });
    CreatePartitionsResponse::default()
        .with_results(results.collect())
        .into()
}

fn describe_groups(request: &DescribeGroupsRequest, code: ErrorCode) -> Response {
    let groups = request.groups.iter().map(|id| {
        describe_groups_response::DescribedGroup::default()
            .with_group_id(id.clone())
            .with_error_code(code.0)
    });
    DescribeGroupsResponse::default()
        .with_groups(groups.collect())
        .into()
}

fn delete_groups(request: &DeleteGroupsRequest, code: ErrorCode) -> Response {
    let results = request.groups_names.iter().map(|id| {
        delete_groups_response::DeletableGroupResult::default()
            .with_group_id(id.clone())
            .with_error_code(code.0)
    });
    DeleteGroupsResponse::default()
        .with_results(results.collect())
        .into()
}
