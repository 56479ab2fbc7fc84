//! Between the one shape of a message that the machines know and the shapes of older versions.
//!
//! The canonical shape is that of the newest version, with two exceptions: topics in Fetch and
//! Produce carry both name and id, and the version decides which is written; and the response to a
//! LeaveGroup names at least one member in every version.
//!
//! What an old version cannot carry is left out if the request still means the same: the leader
//! epoch of the last fetched record, and the demand for stable offsets. `needs.rs` has made sure
//! that nothing else is lost. What an old response lacks is filled with the schema's default; it
//! echoes neither the key of a coordinator nor the id of a group, which stay empty. Leader epochs
//! that cannot be relied on are dropped.

use std::borrow::Cow;
use std::mem::take;

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{
    DeleteTopicsRequest, FetchRequest, FindCoordinatorRequest, FindCoordinatorResponse,
    LeaveGroupRequest, LeaveGroupResponse, MetadataResponse, OffsetFetchRequest,
    OffsetFetchResponse,
};

use super::message::{Request, Response};

/// The request as `version` writes it. Borrowed where there is no difference.
pub(super) fn request_for(request: &Request, version: i16) -> Cow<'_, Request> {
    let older = match request {
        Request::FindCoordinator(request) if version < FIND_COORDINATOR_BATCHED => {
            Request::FindCoordinator(single_key(request))
        }
        Request::LeaveGroup(request) if version < LEAVE_GROUP_BATCHED => {
            Request::LeaveGroup(single_member(request))
        }
        Request::OffsetFetch(request) if version < OFFSET_FETCH_BATCHED => {
            Request::OffsetFetch(single_group(request, version))
        }
        Request::Fetch(request) if version < FETCH_LAST_FETCHED_EPOCH => {
            Request::Fetch(without_last_fetched_epochs(request))
        }
        Request::DeleteTopics(request) if version < DELETE_TOPICS_STATES => {
            Request::DeleteTopics(names_only(request))
        }
        _ => return Cow::Borrowed(request),
    };
    Cow::Owned(older)
}

/// The response of `version` in the canonical shape.
pub(super) fn canonical_response(response: Response, version: i16) -> Response {
    match response {
        Response::FindCoordinator(response) if version < FIND_COORDINATOR_BATCHED => {
            Response::FindCoordinator(one_coordinator(response))
        }
        Response::LeaveGroup(response) if version < LEAVE_GROUP_BATCHED => {
            Response::LeaveGroup(one_member(response))
        }
        Response::OffsetFetch(response) if version < OFFSET_FETCH_BATCHED => {
            Response::OffsetFetch(one_group(response))
        }
        Response::Metadata(response) if version < METADATA_RELIABLE_EPOCHS => {
            Response::Metadata(without_leader_epochs(response))
        }
        response => response,
    }
}

/// Brokers before 2.4 may answer with the epoch of one moment and the leader of another
/// (KAFKA-9212), so that Kafka's clients do not look at their epochs either.
fn without_leader_epochs(mut response: MetadataResponse) -> MetadataResponse {
    for topic in &mut response.topics {
        for partition in &mut topic.partitions {
            partition.leader_epoch = NO_EPOCH;
        }
    }
    response
}

fn single_key(request: &FindCoordinatorRequest) -> FindCoordinatorRequest {
    let mut older = request.clone();
    if let Some(key) = take(&mut older.coordinator_keys).pop() {
        older.key = key;
    }
    older
}

fn single_member(request: &LeaveGroupRequest) -> LeaveGroupRequest {
    let mut older = request.clone();
    if let Some(member) = take(&mut older.members).pop() {
        older.member_id = member.member_id;
    }
    older
}

fn single_group(request: &OffsetFetchRequest, version: i16) -> OffsetFetchRequest {
    let mut older = request.clone();
    if version < OFFSET_FETCH_REQUIRE_STABLE {
        older.require_stable = false;
    }
    if let Some(group) = take(&mut older.groups).pop() {
        older.group_id = group.group_id;
        older.topics = group.topics.map(|topics| {
            topics
                .into_iter()
                .map(|topic| {
                    OffsetFetchRequestTopic::default()
                        .with_name(topic.name)
                        .with_partition_indexes(topic.partition_indexes)
                })
                .collect()
        });
    }
    older
}

fn without_last_fetched_epochs(request: &FetchRequest) -> FetchRequest {
    let mut older = request.clone();
    let partitions = older
        .topics
        .iter_mut()
        .flat_map(|topic| &mut topic.partitions);
    for partition in partitions {
        partition.last_fetched_epoch = NO_EPOCH;
    }
    older
}

fn names_only(request: &DeleteTopicsRequest) -> DeleteTopicsRequest {
    let mut older = request.clone();
    let topics = take(&mut older.topics);
    older
        .topic_names
        .extend(topics.into_iter().filter_map(|topic| topic.name));
    older
}

fn one_coordinator(response: FindCoordinatorResponse) -> FindCoordinatorResponse {
    let coordinator = Coordinator::default()
        .with_node_id(response.node_id)
        .with_host(response.host)
        .with_port(response.port)
        .with_error_code(response.error_code)
        .with_error_message(response.error_message);
    FindCoordinatorResponse::default()
        .with_throttle_time_ms(response.throttle_time_ms)
        .with_coordinators(vec![coordinator])
}

/// The code stays on the response as well: it may be the member's or the coordinator's.
fn one_member(response: LeaveGroupResponse) -> LeaveGroupResponse {
    let member = MemberResponse::default().with_error_code(response.error_code);
    response.with_members(vec![member])
}

fn one_group(mut response: OffsetFetchResponse) -> OffsetFetchResponse {
    let topics = take(&mut response.topics);
    let group = OffsetFetchResponseGroup::default()
        .with_topics(topics.into_iter().map(offset_fetch_topic).collect())
        .with_error_code(take(&mut response.error_code));
    response.with_groups(vec![group])
}

fn offset_fetch_topic(topic: OffsetFetchResponseTopic) -> OffsetFetchResponseTopics {
    let partitions = topic
        .partitions
        .into_iter()
        .map(|partition| {
            OffsetFetchResponsePartitions::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_committed_leader_epoch(partition.committed_leader_epoch)
                .with_metadata(partition.metadata)
                .with_error_code(partition.error_code)
        })
        .collect();
    OffsetFetchResponseTopics::default()
        .with_name(topic.name)
        .with_partitions(partitions)
}

/// The first version that looks up several coordinators at once (KIP-699).
const FIND_COORDINATOR_BATCHED: i16 = 4;

/// The first version that removes several members at once (KIP-345).
const LEAVE_GROUP_BATCHED: i16 = 3;

/// The first version that asks for several groups at once (KIP-709).
const OFFSET_FETCH_BATCHED: i16 = 8;

/// The first version that can demand stable offsets (KIP-447).
const OFFSET_FETCH_REQUIRE_STABLE: i16 = 7;

/// The first version in which a fetch detects that the log was truncated (KIP-595).
const FETCH_LAST_FETCHED_EPOCH: i16 = 12;

/// The first version that deletes topics by name or id (KIP-516).
const DELETE_TOPICS_STATES: i16 = 6;

/// The first version whose leader epochs can be relied on.
const METADATA_RELIABLE_EPOCHS: i16 = 9;

const NO_EPOCH: i32 = -1;

#[cfg(test)]
mod tests;
