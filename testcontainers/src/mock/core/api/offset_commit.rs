//! OffsetCommit: checks who commits, and keeps what exists.
//!
//! Versions 2 to 9. Nothing expires, and a retention that is asked for is ignored. What is named
//! twice is answered twice since 4.0; before, each partition was committed once, the last time.

use weft_client::GenerationId;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use weft_client::wire::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use weft_client::wire::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::super::cluster::Cluster;
use super::super::group::{Committer, commit_value};
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply};
use super::membership::{check_any_group, current_identity};
use super::repeated::{joined, last_of_each};

pub(super) fn offset_commit(
    cluster: &mut Cluster,
    ask: &Ask,
    request: OffsetCommitRequest,
) -> Reply {
    let checked = check(cluster, ask, &request);
    let group_id = request.group_id;
    let topics = as_release(cluster, request.topics).into_iter();
    let topics = topics.filter(|topic| !topic.partitions.is_empty());
    let topics = topics.map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let error = checked
                .and_then(|()| ask.check_partition(topic.name.as_str(), asked.partition_index))
                .and_then(|()| commit(cluster, group_id.as_str(), &topic, asked))
                .err()
                .unwrap_or(ErrorCode::NONE);
            OffsetCommitResponsePartition::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(error.0)
        });
        let partitions = partitions.collect();
        OffsetCommitResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    OffsetCommitResponse::default().with_topics(topics).into()
}

/// What is committed as the release takes it: each topic once, and before 4.0 each partition once;
/// since 3.5 those that do not exist are refused before that, and so as often as they are named.
fn as_release(
    cluster: &Cluster,
    topics: Vec<OffsetCommitRequestTopic>,
) -> Vec<OffsetCommitRequestTopic> {
    let release = cluster.options.release;
    let mut topics = joined(
        topics,
        |topic| topic.name.clone(),
        |first, topic| first.partitions.extend(topic.partitions),
    );
    if release >= KafkaRelease::V4_0 {
        return topics;
    }
    for topic in &mut topics {
        let count = cluster.topics.by_name(topic.name.as_str());
        let count = count.map_or(0, |topic| topic.partitions.len());
        let (known, unknown): (Vec<_>, Vec<_>) = std::mem::take(&mut topic.partitions)
            .into_iter()
            .partition(|asked| {
                let index = usize::try_from(asked.partition_index);
                release < KafkaRelease::V3_5 || index.is_ok_and(|index| index < count)
            });
        topic.partitions = last_of_each(known, |asked| asked.partition_index);
        topic.partitions.extend(unknown);
    }
    topics
}

fn check(cluster: &mut Cluster, ask: &Ask, request: &OffsetCommitRequest) -> Result<(), ErrorCode> {
    let instance_id = request.group_instance_id.as_ref();
    let group_id = request.group_id.as_str();
    let committer = Committer {
        identity: current_identity(cluster, group_id, &request.member_id, instance_id),
        generation: GenerationId::new(request.generation_id_or_member_epoch),
    };
    let group_id = check_any_group(cluster, ask, request.group_id.as_str())?;
    let is_known = cluster.groups.find(group_id.as_str()).is_some();
    if !is_known && committer.generation > GenerationId::NONE {
        return Err(if ask.version() >= GROUP_NOT_FOUND_SINCE {
            ErrorCode::GROUP_ID_NOT_FOUND
        } else {
            ErrorCode::ILLEGAL_GENERATION
        });
    }
    let group = cluster.groups.find_or_create(&group_id)?;
    group.check_commit(ask.now, &committer, &mut cluster.violations)
}

fn commit(
    cluster: &mut Cluster,
    group_id: &str,
    topic: &OffsetCommitRequestTopic,
    asked: &OffsetCommitRequestPartition,
) -> Result<(), ErrorCode> {
    let name = topic.name.as_str();
    let index = usize::try_from(asked.partition_index).unwrap_or(usize::MAX);
    let known = cluster.topics.by_name(name);
    if known.is_none_or(|topic| index >= topic.partitions.len()) {
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    }
    let metadata = asked.committed_metadata.as_deref().unwrap_or_default();
    if metadata.len() > METADATA_BYTES_MAX {
        return Err(ErrorCode::OFFSET_METADATA_TOO_LARGE);
    }
    if asked.committed_offset < 0 {
        cluster.violations.add(format_args!(
            "group {group_id} commits offset {} of {name}-{index}",
            asked.committed_offset
        ));
    }
    let value = commit_value(
        asked.committed_offset,
        asked.committed_leader_epoch,
        metadata,
    );
    if let Some(group) = cluster.groups.find_mut(group_id) {
        group
            .committed_mut()
            .set(name, asked.partition_index, value);
    }
    Ok(())
}

/// The first version that tells an unknown group from an old generation (KIP-848).
const GROUP_NOT_FOUND_SINCE: i16 = 9;

/// `offset.metadata.max.bytes`
pub(super) const METADATA_BYTES_MAX: usize = 4096;
