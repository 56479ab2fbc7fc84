//! OffsetForLeaderEpoch: where an epoch ended, by which clients notice a truncated log (KIP-320).
//!
//! Versions 2 to 4, answered by leaders.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use weft_client::wire::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use weft_client::wire::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use weft_client::{LeaderEpoch, Offset};

use super::super::cluster::Cluster;
use super::super::reply::{Ask, Reply};

pub(super) fn offset_for_leader_epoch(
    cluster: &Cluster,
    ask: &Ask,
    request: OffsetForLeaderEpochRequest,
) -> Reply {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let response = EpochEndOffset::default()
                .with_partition(asked.partition)
                .with_leader_epoch(-1)
                .with_end_offset(-1);
            match find(cluster, ask, &topic, asked) {
                Ok(Some((epoch, end))) => response
                    .with_leader_epoch(epoch.value())
                    .with_end_offset(end.value()),
                Ok(None) => response,
                Err(error) => response.with_error_code(error.0),
            }
        });
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic)
            .with_partitions(partitions)
    });
    OffsetForLeaderEpochResponse::default()
        .with_topics(topics.collect())
        .into()
}

fn find(
    cluster: &Cluster,
    ask: &Ask,
    topic: &OffsetForLeaderTopic,
    asked: &OffsetForLeaderPartition,
) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
    ask.check_partition(topic.topic.as_str(), asked.partition)?;
    let topic = cluster.topics.by_name(topic.topic.as_str());
    let topic = topic.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let partition = topic.led_by(ask.broker, asked.partition, asked.current_leader_epoch)?;
    let epoch = LeaderEpoch::from_wire(asked.leader_epoch);
    Ok(epoch.and_then(|epoch| partition.log.end_of_epoch(epoch)))
}
