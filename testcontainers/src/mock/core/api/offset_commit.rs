//! OffsetCommit: checks who commits, and keeps what exists.
//!
//! Versions 2 to 9. Nothing expires, and a retention that is asked for is ignored.

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
use super::super::reply::{Ask, Reply};
use super::membership::{check_any_group, identity};

pub(super) fn offset_commit(
    cluster: &mut Cluster,
    ask: &Ask,
    request: OffsetCommitRequest,
) -> Reply {
    let checked = check(cluster, ask, &request);
    let group_id = request.group_id;
    let topics = request.topics.into_iter();
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

fn check(cluster: &mut Cluster, ask: &Ask, request: &OffsetCommitRequest) -> Result<(), ErrorCode> {
    let committer = Committer {
        identity: identity(&request.member_id, request.group_instance_id.as_ref()),
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
