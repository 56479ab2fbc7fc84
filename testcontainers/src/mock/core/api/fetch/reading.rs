//! One pass over the partitions of a fetch: what each of them has for the client, or why it has
//! nothing, or where to go instead. It copies no records.

use bytes::Bytes;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::FetchRequest;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData,
};
use weft_client::{LeaderEpoch, NodeId, Offset};

use super::super::super::cluster::Cluster;
use super::super::super::fetch_frame::PartitionRecords;
use super::super::super::log::{Aborted, AtLeast, Isolation, Log, Read};
use super::super::super::release::KafkaRelease;
use super::super::super::reply::Ask;
use super::super::super::topics::{Partition, Topic};
use super::super::{broker_id, broker_id_or_nobody, isolation};
use super::{BY_ID, CURRENT_LEADER_SINCE, FROM_FOLLOWERS_SINCE, find, limit, partition_of};

/// Reads what a request asks for. There are records for each partition of the topics, in order.
pub(super) fn read(
    cluster: &Cluster,
    ask: &Ask,
    request: &FetchRequest,
) -> (Vec<FetchableTopicResponse>, PartitionRecords) {
    let mut reading = Reading {
        cluster,
        ask,
        rack: request.rack_id.as_str(),
        bytes_left: limit(request.max_bytes).min(BYTES_MAX),
        at_least: AtLeast::OneBatch,
        isolation: isolation(request.isolation_level),
        records: Vec::new(),
    };
    let topics = request.topics.iter();
    let topics = topics.filter(|topic| !topic.partitions.is_empty());
    let topics = topics.map(|topic| reading.topic(topic)).collect();
    (topics, reading.records)
}

/// Whether the client gets no records, but is told something that it wants to know at once.
pub(super) fn is_told_at_once(
    cluster: &Cluster,
    ask: &Ask,
    request: &FetchRequest,
    partition: &Partition,
    asked: &FetchPartition,
) -> bool {
    closer_replica(cluster, ask, request.rack_id.as_str(), partition).is_some()
        || matches!(divergence(&partition.log, asked), Ok(Some(_)) | Err(_))
}

struct Reading<'a> {
    cluster: &'a Cluster,
    ask: &'a Ask,
    rack: &'a str,
    bytes_left: usize,
    at_least: AtLeast,
    isolation: Isolation,
    records: PartitionRecords,
}

/// What a partition has for the client.
#[derive(Clone, Copy)]
enum Has {
    Records(Read),
    /// This replica is closer to it (KIP-392).
    CloserReplica(NodeId),
    /// The client's last record is none of this log, which has that epoch up to there (KIP-595).
    Diverged(LeaderEpoch, Offset),
}

impl Reading<'_> {
    fn topic(&mut self, asked: &FetchTopic) -> FetchableTopicResponse {
        let topic = find(self.cluster, self.ask, asked);
        let partitions = asked
            .partitions
            .iter()
            .map(|partition| self.partition(topic, partition))
            .collect();
        FetchableTopicResponse::default()
            .with_topic(asked.topic.clone())
            .with_topic_id(asked.topic_id)
            .with_partitions(partitions)
    }

    fn partition(&mut self, topic: Option<&Topic>, asked: &FetchPartition) -> PartitionData {
        let mut slices = Vec::new();
        let found = match topic {
            Some(topic) => partition_of(topic, self.ask, asked),
            None if self.ask.version() >= BY_ID => Err(ErrorCode::UNKNOWN_TOPIC_ID),
            None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        };
        let has = found.and_then(|partition| {
            let has = self.look(partition, asked, &mut slices)?;
            Ok((partition, has))
        });
        self.records.push(slices);
        let response = PartitionData::default()
            .with_partition_index(asked.partition)
            // Empty and not null: some clients refuse the latter.
            .with_records(Some(Bytes::new()));
        match has {
            Ok((partition, has)) => self.told(partition, asked, response, has),
            Err(error) => self.refused(topic, response, error),
        }
    }

    fn look(
        &mut self,
        partition: &Partition,
        asked: &FetchPartition,
        slices: &mut Vec<Bytes>,
    ) -> Result<Has, ErrorCode> {
        if let Some(closer) = closer_replica(self.cluster, self.ask, self.rack, partition) {
            return Ok(Has::CloserReplica(closer));
        }
        if let Some((epoch, end)) = divergence(&partition.log, asked)? {
            return Ok(Has::Diverged(epoch, end));
        }
        let bytes_max = limit(asked.partition_max_bytes).min(self.bytes_left);
        let offset = Offset::new(asked.fetch_offset);
        let read = partition
            .log
            .read(offset, self.isolation, bytes_max, self.at_least, slices)
            .map_err(|_| ErrorCode::OFFSET_OUT_OF_RANGE)?;
        if read.bytes > 0 {
            self.at_least = AtLeast::Nothing;
        }
        self.bytes_left = self.bytes_left.saturating_sub(read.bytes);
        Ok(Has::Records(read))
    }

    fn told(
        &self,
        partition: &Partition,
        asked: &FetchPartition,
        response: PartitionData,
        has: Has,
    ) -> PartitionData {
        let log = &partition.log;
        let response = response
            .with_aborted_transactions(None)
            .with_high_watermark(log.end_offset().value())
            .with_last_stable_offset(log.last_stable_offset().value())
            .with_log_start_offset(log.start_offset().value());
        match has {
            Has::Records(read) => response
                .with_aborted_transactions(self.aborted_transactions(partition, asked, read)),
            Has::CloserReplica(replica) => response.with_preferred_read_replica(broker_id(replica)),
            Has::Diverged(epoch, end) => response.with_diverging_epoch(
                EpochEndOffset::default()
                    .with_epoch(epoch.value())
                    .with_end_offset(end.value()),
            ),
        }
    }

    /// Those that were aborted in what was read, for a reader that is not to see them.
    fn aborted_transactions(
        &self,
        partition: &Partition,
        asked: &FetchPartition,
        read: Read,
    ) -> Option<Vec<AbortedTransaction>> {
        let from = Offset::new(asked.fetch_offset);
        let told = |aborted: Aborted| {
            AbortedTransaction::default()
                .with_producer_id(aborted.producer_id.0.into())
                .with_first_offset(aborted.first_offset.value())
        };
        (self.isolation == Isolation::ReadCommitted).then(|| {
            let until = if read.bytes > 0 {
                read.end
            } else {
                Offset::ZERO
            };
            let aborted = partition.log.producers().aborted(from, until);
            aborted.into_iter().map(told).collect()
        })
    }

    fn refused(
        &self,
        topic: Option<&Topic>,
        response: PartitionData,
        error: ErrorCode,
    ) -> PartitionData {
        let says_none_aborted = self.cluster.options.release >= KafkaRelease::V3_0;
        // Since 3.0 a broker that has not even looked for the partition says that none was
        // aborted.
        let is_unknown = matches!(
            error,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC_ID
        );
        let response = response
            .with_error_code(error.0)
            .with_aborted_transactions((is_unknown && says_none_aborted).then(Vec::new))
            .with_high_watermark(-1)
            .with_last_stable_offset(-1)
            .with_log_start_offset(-1);
        let is_elsewhere = matches!(
            error,
            ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::FENCED_LEADER_EPOCH
        );
        if self.ask.version() < CURRENT_LEADER_SINCE || !is_elsewhere {
            return response;
        }
        let index = usize::try_from(response.partition_index).unwrap_or(usize::MAX);
        let Some(partition) = topic.and_then(|topic| topic.partitions.get(index)) else {
            return response;
        };
        let leader = LeaderIdAndEpoch::default()
            .with_leader_id(broker_id_or_nobody(partition.leader))
            .with_leader_epoch(partition.epoch.value());
        response.with_current_leader(leader)
    }
}

/// The replica that the leader sends a client to which says where it is.
fn closer_replica(
    cluster: &Cluster,
    ask: &Ask,
    rack: &str,
    partition: &Partition,
) -> Option<NodeId> {
    let selects = cluster.options.rack_aware_reads
        && ask.version() >= FROM_FOLLOWERS_SINCE
        && partition.leader == Some(ask.broker);
    if selects {
        partition.closer_replica(rack, &cluster.brokers)
    } else {
        None
    }
}

/// Where the log ends that the client has, if that is not what it says that it has read.
pub(super) fn divergence(
    log: &Log,
    asked: &FetchPartition,
) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
    let Some(fetched) = LeaderEpoch::from_wire(asked.last_fetched_epoch) else {
        return Ok(None);
    };
    let known = log.end_of_epoch(fetched);
    let (epoch, end) = known.ok_or(ErrorCode::OFFSET_OUT_OF_RANGE)?;
    let diverges = epoch < fetched || end < Offset::new(asked.fetch_offset);
    Ok(diverges.then_some((epoch, end)))
}

/// `fetch.max.bytes` of a broker: no answer is larger, but for one batch.
const BYTES_MAX: usize = 55 * 1024 * 1024;
