//! OffsetDelete: committed offsets that a group forgets (KIP-496).
//!
//! All versions. A group whose members do not say what they are subscribed to must be empty; of
//! consumers only those offsets are deleted that none of them uses. Before 3.5 a partition that is
//! named twice is answered once.

use weft_client::GroupId;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::offset_delete_request::OffsetDeleteRequestTopic;
use weft_client::wire::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use weft_client::wire::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::super::cluster::Cluster;
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply};
use super::membership::check_group;
use super::repeated::{joined, last_of_each};

pub(super) fn offset_delete(
    cluster: &mut Cluster,
    ask: &Ask,
    request: OffsetDeleteRequest,
) -> Reply {
    let id = match check(cluster, ask, request.group_id.as_str()) {
        Ok(id) => id,
        Err(error) => {
            return OffsetDeleteResponse::default()
                .with_error_code(error.0)
                .into();
        }
    };
    let mut topics = joined(
        request.topics,
        |topic| topic.name.clone(),
        |first, topic| first.partitions.extend(topic.partitions),
    );
    if cluster.options.release < KafkaRelease::V3_5 {
        for topic in &mut topics {
            let partitions = std::mem::take(&mut topic.partitions);
            topic.partitions = last_of_each(partitions, |asked| asked.partition_index);
        }
    }
    let topics = topics.into_iter();
    let topics = topics.map(|topic| delete(cluster, &id, topic)).collect();
    OffsetDeleteResponse::default().with_topics(topics).into()
}

fn check(cluster: &mut Cluster, ask: &Ask, id: &str) -> Result<GroupId, ErrorCode> {
    let id = check_group(cluster, ask, id)?;
    let group = cluster.groups.find(id.as_str());
    group
        .ok_or(ErrorCode::GROUP_ID_NOT_FOUND)?
        .check_offset_delete()?;
    Ok(id)
}

fn delete(
    cluster: &mut Cluster,
    id: &GroupId,
    topic: OffsetDeleteRequestTopic,
) -> OffsetDeleteResponseTopic {
    let name = topic.name.as_str();
    let count = cluster.topics.by_name(name);
    let count = count.map_or(0, |topic| topic.partitions.len());
    let partitions = topic.partitions.iter().map(|asked| {
        let index = asked.partition_index;
        let exists = usize::try_from(index).is_ok_and(|index| index < count);
        let deleted = match cluster.groups.find_mut(id.as_str()) {
            Some(group) if exists => group.delete_offset(name, index),
            _ => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        };
        OffsetDeleteResponsePartition::default()
            .with_partition_index(index)
            .with_error_code(deleted.err().map_or(0, |error| error.0))
    });
    let partitions = partitions.collect();
    OffsetDeleteResponseTopic::default()
        .with_name(topic.name)
        .with_partitions(partitions)
}
