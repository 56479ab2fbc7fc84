//! OffsetFetch: what a group has committed. Before version 8 one group is asked for, from then on
//! several (KIP-709); the older answer is the newer one for one group.
//!
//! Versions 1 to 9, with stable offsets only where that is asked for (KIP-447). Before 4.0 what is
//! named twice is answered once, and a topic without partitions not at all.

use weft_client::LeaderEpoch;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use weft_client::wire::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use weft_client::wire::messages::{GroupId, OffsetFetchRequest, OffsetFetchResponse, TopicName};
use weft_client::{OffsetAndMetadata, wire::StrBytes};

use super::super::cluster::Cluster;
use super::super::group::Group;
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply, text};
use super::membership::check_any_group;
use super::repeated::{joined, last_of_each};

/// Whether an offset will do while a transaction is about to commit another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stability {
    Any,
    Required,
}

pub(super) fn offset_fetch(cluster: &mut Cluster, ask: &Ask, request: OffsetFetchRequest) -> Reply {
    let stability = if request.require_stable {
        Stability::Required
    } else {
        Stability::Any
    };
    if ask.version() >= BATCHED {
        let groups = request.groups.into_iter();
        let groups = groups.map(|group| group_response(cluster, ask, group, stability));
        return OffsetFetchResponse::default()
            .with_groups(groups.collect())
            .into();
    }
    if request.topics.is_none() && ask.version() < ALL_SINCE {
        return Reply::Close;
    }
    let topics = request
        .topics
        .map(|topics| topics.into_iter().map(batched_topic).collect());
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(request.group_id)
        .with_topics(topics);
    let response = group_response(cluster, ask, group, stability);
    single(response, ask.version()).into()
}

fn group_response(
    cluster: &mut Cluster,
    ask: &Ask,
    asked: OffsetFetchRequestGroup,
    stability: Stability,
) -> OffsetFetchResponseGroup {
    let checked = check_any_group(cluster, ask, asked.group_id.as_str());
    let error = checked.err();
    let release = cluster.options.release;
    let asked_topics = match asked.topics {
        Some(topics) if release < KafkaRelease::V4_0 => Some(once(topics)),
        other => other,
    };
    let topics = match asked_topics {
        Some(topics) => topics
            .into_iter()
            .map(|topic| asked_topic(cluster, &asked.group_id, topic, stability, error))
            .collect(),
        None if error.is_some() => Vec::new(),
        None => every_topic(cluster, &asked.group_id, stability),
    };
    OffsetFetchResponseGroup::default()
        .with_group_id(asked.group_id)
        .with_topics(topics)
        .with_error_code(error.map_or(0, |error| error.0))
}

/// Every partition that is asked for, once.
fn once(topics: Vec<OffsetFetchRequestTopics>) -> Vec<OffsetFetchRequestTopics> {
    let mut topics = joined(
        topics,
        |topic| topic.name.clone(),
        |first, topic| first.partition_indexes.extend(topic.partition_indexes),
    );
    for topic in &mut topics {
        let indexes = std::mem::take(&mut topic.partition_indexes);
        topic.partition_indexes = last_of_each(indexes, |index| *index);
    }
    topics.retain(|topic| !topic.partition_indexes.is_empty());
    topics
}

fn asked_topic(
    cluster: &Cluster,
    group_id: &GroupId,
    topic: OffsetFetchRequestTopics,
    stability: Stability,
    error: Option<ErrorCode>,
) -> OffsetFetchResponseTopics {
    let group = cluster.groups.find(group_id.as_str());
    let group = group.filter(|_| error.is_none());
    let partitions = topic.partition_indexes.iter().map(|index| {
        let name = topic.name.as_str();
        if group.is_some_and(|group| is_unstable(group, name, *index, stability)) {
            return unstable(*index);
        }
        let committed = group.and_then(|group| group.committed().offset(name, *index));
        partition(*index, committed).with_error_code(error.map_or(0, |error| error.0))
    });
    let partitions = partitions.collect();
    OffsetFetchResponseTopics::default()
        .with_name(topic.name)
        .with_partitions(partitions)
}

fn every_topic(
    cluster: &Cluster,
    group_id: &GroupId,
    stability: Stability,
) -> Vec<OffsetFetchResponseTopics> {
    let Some(group) = cluster.groups.find(group_id.as_str()) else {
        return Vec::new();
    };
    let topics = group.committed().iter().map(|(name, partitions)| {
        let partitions = partitions.iter().map(|(index, committed)| {
            if is_unstable(group, name.as_str(), *index, stability) {
                unstable(*index)
            } else {
                partition(*index, Some(committed))
            }
        });
        OffsetFetchResponseTopics::default()
            .with_name(TopicName(text(name.as_str())))
            .with_partitions(partitions.collect())
    });
    topics.collect()
}

fn is_unstable(group: &Group, topic: &str, index: i32, stability: Stability) -> bool {
    stability == Stability::Required && group.committed().has_pending(topic, index)
}

/// A transaction that is open may commit another offset (KIP-447).
fn unstable(index: i32) -> OffsetFetchResponsePartitions {
    partition(index, None).with_error_code(ErrorCode::UNSTABLE_OFFSET_COMMIT.0)
}

fn partition(index: i32, committed: Option<&OffsetAndMetadata>) -> OffsetFetchResponsePartitions {
    let response = OffsetFetchResponsePartitions::default().with_partition_index(index);
    match committed {
        Some(committed) => response
            .with_committed_offset(committed.offset.value())
            .with_committed_leader_epoch(LeaderEpoch::to_wire(committed.leader_epoch))
            .with_metadata(Some(text(&committed.metadata))),
        None => response
            .with_committed_offset(-1)
            .with_committed_leader_epoch(-1)
            .with_metadata(Some(StrBytes::default())),
    }
}

fn batched_topic(topic: OffsetFetchRequestTopic) -> OffsetFetchRequestTopics {
    OffsetFetchRequestTopics::default()
        .with_name(topic.name)
        .with_partition_indexes(topic.partition_indexes)
}

/// Before version 2 an error of the whole group stands in its partitions only.
pub(super) fn single(group: OffsetFetchResponseGroup, version: i16) -> OffsetFetchResponse {
    let topics = group.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_committed_leader_epoch(partition.committed_leader_epoch)
                .with_metadata(partition.metadata)
                .with_error_code(partition.error_code)
        });
        OffsetFetchResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions.collect())
    });
    let has_group_error = version >= GROUP_ERROR_SINCE;
    OffsetFetchResponse::default()
        .with_topics(topics.collect())
        .with_error_code(if has_group_error { group.error_code } else { 0 })
}

/// The first version that asks for several groups.
pub(super) const BATCHED: i16 = 8;

/// The first version with an error for the whole group.
const GROUP_ERROR_SINCE: i16 = 2;

/// The first version that asks for all offsets of a group.
const ALL_SINCE: i16 = 2;
