//! ListOffsets: the ends of a log, and records by their time.
//!
//! Versions 1 to 10: both ends, by time, the largest time (KIP-734), and what concerns remote
//! storage, where there never is anything. Before 3.0 negative times without a meaning were times.
//! What is asked for twice is refused: since 4.0 once, before as often as it was asked for.

use std::collections::BTreeSet;

use weft_client::LeaderEpoch;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use weft_client::wire::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use weft_client::wire::messages::{ListOffsetsRequest, ListOffsetsResponse, TopicName};

use super::super::cluster::Cluster;
use super::super::log::{Found, Isolation};
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply};
use super::isolation;
use super::repeated::{joined, last_of_each};

pub(super) fn list_offsets(cluster: &mut Cluster, ask: &Ask, request: ListOffsetsRequest) -> Reply {
    let isolation = isolation(request.isolation_level);
    let mut known = BTreeSet::new();
    let asked = request.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(move |asked| (topic.name.clone(), asked.partition_index))
    });
    let repeated: BTreeSet<_> = asked.filter(|asked| !known.insert(asked.clone())).collect();
    let mut topics = request.topics;
    if cluster.options.release >= KafkaRelease::V4_0 {
        topics = joined(
            topics,
            |topic| topic.name.clone(),
            |first, topic| first.partitions.extend(topic.partitions),
        );
        topics.retain(|topic| !topic.partitions.is_empty());
        for topic in &mut topics {
            let partitions = std::mem::take(&mut topic.partitions);
            topic.partitions = last_of_each(partitions, |asked| asked.partition_index);
            // What is refused comes before all others.
            let is_refused = |index| repeated.contains(&(topic.name.clone(), index));
            let partitions = &mut topic.partitions;
            partitions.sort_by_key(|asked| !is_refused(asked.partition_index));
        }
    }
    let topics = topics
        .into_iter()
        .map(|topic| topic_response(cluster, ask, topic, &repeated, isolation))
        .collect();
    ListOffsetsResponse::default().with_topics(topics).into()
}

fn topic_response(
    cluster: &mut Cluster,
    ask: &Ask,
    topic: ListOffsetsTopic,
    repeated: &BTreeSet<(TopicName, i32)>,
    isolation: Isolation,
) -> ListOffsetsTopicResponse {
    let nothing = |index| {
        ListOffsetsPartitionResponse::default()
            .with_partition_index(index)
            .with_timestamp(-1)
            .with_offset(-1)
            .with_leader_epoch(-1)
    };
    let answered = topic.partitions.iter().map(|asked| {
        let response = nothing(asked.partition_index);
        if repeated.contains(&(topic.name.clone(), asked.partition_index)) {
            return response.with_error_code(ErrorCode::INVALID_REQUEST.0);
        }
        match find(cluster, ask, &topic, asked, isolation) {
            Ok(Some(found)) => response
                .with_timestamp(found.timestamp)
                .with_offset(found.offset.value())
                .with_leader_epoch(if ask.version() >= EPOCH_SINCE {
                    LeaderEpoch::to_wire(found.epoch)
                } else {
                    -1
                }),
            Ok(None) => response,
            Err(error) => response.with_error_code(error.0),
        }
    });
    let partitions = answered.collect();
    ListOffsetsTopicResponse::default()
        .with_name(topic.name)
        .with_partitions(partitions)
}

fn find(
    cluster: &mut Cluster,
    ask: &Ask,
    topic: &ListOffsetsTopic,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<Option<Found>, ErrorCode> {
    ask.check_partition(topic.name.as_str(), asked.partition_index)?;
    let takes_any_time = cluster.options.release < KafkaRelease::V3_0;
    let needed = match asked.timestamp {
        _ if takes_any_time => 0,
        MAX_TIMESTAMP => MAX_TIMESTAMP_SINCE,
        EARLIEST_LOCAL => EARLIEST_LOCAL_SINCE,
        LATEST_TIERED => LATEST_TIERED_SINCE,
        _ => 0,
    };
    if asked.current_leader_epoch < -1 {
        // Unlike in a fetch only -1 says nothing here; what is below is older than everything.
        return Err(ErrorCode::FENCED_LEADER_EPOCH);
    }
    if ask.version() < needed {
        return Err(ErrorCode::UNSUPPORTED_VERSION);
    }
    let topic = cluster.topics.by_name(topic.name.as_str());
    let topic = topic.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let partition = topic.led_by(
        ask.broker,
        asked.partition_index,
        asked.current_leader_epoch,
    )?;
    let log = &partition.log;
    let end = |offset, epoch| {
        Some(Found {
            timestamp: -1,
            offset,
            epoch,
        })
    };
    let readable_end = log.readable_end(isolation);
    let is_readable = |found: &Found| found.offset < readable_end;
    Ok(match asked.timestamp {
        timestamp if takes_any_time && timestamp < EARLIEST => log
            .find_time(timestamp, &mut cluster.decompressor)
            .filter(is_readable),
        LATEST => end(readable_end, Some(partition.epoch)),
        EARLIEST | EARLIEST_LOCAL => end(log.start_offset(), log.epoch_at(log.start_offset())),
        MAX_TIMESTAMP => log
            .find_max_time(&mut cluster.decompressor)
            .filter(is_readable),
        // Nothing was moved to remote storage.
        LATEST_TIERED => None,
        timestamp if timestamp >= 0 => log
            .find_time(timestamp, &mut cluster.decompressor)
            .filter(is_readable),
        _ => return Err(ErrorCode::UNSUPPORTED_VERSION),
    })
}

/// The first versions in which a timestamp means more than a time.
const MAX_TIMESTAMP_SINCE: i16 = 7;
const EARLIEST_LOCAL_SINCE: i16 = 8;
const LATEST_TIERED_SINCE: i16 = 9;

/// The first version that tells the epoch of the record (KIP-320).
const EPOCH_SINCE: i16 = 4;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
/// The record with the largest timestamp (KIP-734).
const MAX_TIMESTAMP: i64 = -3;
/// The first offset that is not in remote storage only (KIP-405).
const EARLIEST_LOCAL: i64 = -4;
/// The last offset in remote storage (KIP-1005).
const LATEST_TIERED: i64 = -5;
