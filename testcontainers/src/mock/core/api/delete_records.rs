//! DeleteRecords: logs that begin later (KIP-107).
//!
//! All versions. Asked of a leader; -1 deletes everything. Kafka waits for the followers to have
//! deleted the same, which here have at once. A topic that is only compacted refuses it.

use weft_client::Offset;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::delete_records_request::DeleteRecordsPartition;
use weft_client::wire::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use weft_client::wire::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};

use super::super::cluster::Cluster;
use super::super::reply::{Ask, Reply};
use super::repeated::{joined, last_of_each};

pub(super) fn delete_records(
    cluster: &mut Cluster,
    ask: &Ask,
    request: DeleteRecordsRequest,
) -> Reply {
    // A partition that is named twice is deleted from once, at the last offset.
    let topics = joined(
        request.topics,
        |topic| topic.name.clone(),
        |first, topic| first.partitions.extend(topic.partitions),
    );
    let topics = topics.into_iter().map(|mut topic| {
        let partitions = std::mem::take(&mut topic.partitions);
        topic.partitions = last_of_each(partitions, |asked| asked.partition_index);
        let partitions = topic.partitions.iter().map(|asked| {
            let result =
                DeleteRecordsPartitionResult::default().with_partition_index(asked.partition_index);
            match delete(cluster, ask, &topic.name, asked) {
                Ok(start) => result.with_low_watermark(start.value()),
                Err(error) => result.with_low_watermark(-1).with_error_code(error.0),
            }
        });
        let partitions = partitions.collect();
        DeleteRecordsTopicResult::default()
            .with_name(topic.name)
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    DeleteRecordsResponse::default().with_topics(topics).into()
}

/// Returns where the log begins then.
fn delete(
    cluster: &mut Cluster,
    ask: &Ask,
    topic: &TopicName,
    asked: &DeleteRecordsPartition,
) -> Result<Offset, ErrorCode> {
    let topic = cluster.topics.by_name(topic.as_str());
    let topic = topic.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    ask.check_partition(topic.name.as_str(), asked.partition_index)?;
    let key = (topic.id, asked.partition_index);
    let partition = topic.led_by(ask.broker, asked.partition_index, -1)?;
    if !cluster.topic_rules(topic, ask.broker).is_deleted_from {
        return Err(ErrorCode::POLICY_VIOLATION);
    }
    let until = match asked.offset {
        EVERYTHING => partition.log.end_offset(),
        offset if offset < 0 => return Err(ErrorCode::OFFSET_OUT_OF_RANGE),
        offset => Offset::new(offset),
    };
    cluster.delete_before(key, until)
}

const EVERYTHING: i64 = -1;
