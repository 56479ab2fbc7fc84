//! ListOffsets: the ends of a log, and records by their time.
//!
//! Versions 1 to 10: both ends, by time, the largest time (KIP-734), and what concerns remote
//! storage, where there never is anything.

use std::collections::BTreeMap;

use weft_client::LeaderEpoch;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use weft_client::wire::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use weft_client::wire::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::super::cluster::Cluster;
use super::super::log::{Found, Isolation};
use super::super::reply::{Ask, Reply};
use super::isolation;

pub(super) fn list_offsets(cluster: &mut Cluster, ask: &Ask, request: ListOffsetsRequest) -> Reply {
    let isolation = isolation(request.isolation_level);
    let topics = request
        .topics
        .into_iter()
        .filter(|topic| !topic.partitions.is_empty())
        .map(|topic| topic_response(cluster, ask, topic, isolation))
        .collect();
    ListOffsetsResponse::default().with_topics(topics).into()
}

fn topic_response(
    cluster: &mut Cluster,
    ask: &Ask,
    topic: ListOffsetsTopic,
    isolation: Isolation,
) -> ListOffsetsTopicResponse {
    // What is asked for twice is refused once, before all others.
    let mut times = BTreeMap::<i32, usize>::new();
    for asked in &topic.partitions {
        *times.entry(asked.partition_index).or_default() += 1;
    }
    let nothing = |index| {
        ListOffsetsPartitionResponse::default()
            .with_partition_index(index)
            .with_timestamp(-1)
            .with_offset(-1)
            .with_leader_epoch(-1)
    };
    let repeated = times.iter().filter(|(_, times)| **times > 1);
    let refused =
        repeated.map(|(index, _)| nothing(*index).with_error_code(ErrorCode::INVALID_REQUEST.0));
    let asked_once = topic.partitions.iter();
    let asked_once = asked_once.filter(|asked| times.get(&asked.partition_index) == Some(&1));
    let answered = asked_once.map(|asked| {
        let response = nothing(asked.partition_index);
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
    let partitions = refused.chain(answered).collect();
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
    let needed = match asked.timestamp {
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
