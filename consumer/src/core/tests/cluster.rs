//! What brokers would answer: leaders, batches, and parts of responses.

use std::collections::BTreeMap;

use bytes::Bytes;
use weft_client::record::{
    BatchBuilder, BatchKind, BatchProducer, Compression, Compressor, ControlRecord,
};
use weft_client::wire::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData,
};
use weft_client::wire::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use weft_client::wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use weft_client::wire::messages::{
    BrokerId, FetchResponse, MetadataRequest, MetadataResponse, TopicName as WireName,
};
use weft_client::wire::{ErrorCode, StrBytes};
use weft_client::{LeaderEpoch, NodeId, Offset, TopicId, TopicName, TopicPartition};

/// Who leads what. Topics that are not here are unknown.
#[derive(Clone, Default)]
pub(crate) struct Topology {
    topics: BTreeMap<String, Topic>,
    down: Vec<BrokerId>,
}

#[derive(Clone, Default)]
struct Topic {
    error_code: i16,
    /// How often it was created again.
    lives: u8,
    is_internal: bool,
    /// Leader and epoch of each partition.
    partitions: Vec<(i32, i32)>,
}

impl Topology {
    /// Gives a topic one partition for each of these leaders, all in a new epoch. Leader -1 stands
    /// for none.
    pub(crate) fn lead(&mut self, topic: &str, leaders: &[i32]) {
        let known = self.topics.entry(topic.to_owned()).or_default();
        let epoch = known.partitions.first().map_or(0, |(_, epoch)| epoch + 1);
        known.partitions = leaders.iter().map(|leader| (*leader, epoch)).collect();
        known.error_code = 0;
    }

    /// Has the brokers answer for a topic with this code.
    pub(super) fn refuse(&mut self, topic: &str, code: ErrorCode) {
        let known = self.topics.entry(topic.to_owned()).or_default();
        known.partitions.clear();
        known.error_code = code.0;
    }

    /// Has the brokers say that they keep this topic for themselves.
    pub(super) fn keep(&mut self, topic: &str) {
        let known = self.topics.entry(topic.to_owned()).or_default();
        known.is_internal = true;
    }

    pub(super) fn forget(&mut self, topic: &str) {
        self.topics.remove(topic);
    }

    /// The node is down: known, but of no use as a replica.
    pub(super) fn take_down(&mut self, node: NodeId) {
        self.down.push(node.into());
    }

    /// The same name for another topic.
    pub(super) fn recreate(&mut self, topic: &str, leaders: &[i32]) {
        self.lead(topic, leaders);
        self.topics.entry(topic.to_owned()).or_default().lives += 1;
    }

    /// Every topic has an id, after its first letter and how often it was created again; one that
    /// begins with `x` has none.
    pub(super) fn id(&self, topic: &str) -> TopicId {
        let first = topic.as_bytes()[0];
        if first == b'x' {
            return TopicId::UNKNOWN;
        }
        let lives = self.topics.get(topic).map_or(0, |topic| topic.lives);
        let place = first.wrapping_sub(b'a').wrapping_add(1);
        TopicId([place.wrapping_add(32 * lives); 16])
    }

    pub(crate) fn metadata(&self, request: &MetadataRequest) -> MetadataResponse {
        let topics = match &request.topics {
            Some(named) => {
                let names = named.iter().filter_map(|topic| topic.name.as_ref());
                names.map(|name| self.describe(name.as_str())).collect()
            }
            None => self.topics.keys().map(|name| self.describe(name)).collect(),
        };
        let brokers = (1..=BROKERS).map(|id| {
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(id))
                .with_host(StrBytes::from_string(format!("host-{id}")))
                .with_port(9092)
        });
        MetadataResponse::default()
            .with_brokers(brokers.collect())
            .with_topics(topics)
    }

    fn describe(&self, name: &str) -> MetadataResponseTopic {
        let described = MetadataResponseTopic::default().with_name(Some(wire_name(name)));
        let Some(topic) = self.topics.get(name) else {
            return described.with_error_code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
        };
        let partitions = topic.partitions.iter().zip(0..);
        let partitions = partitions.map(|((leader, epoch), number)| {
            MetadataResponsePartition::default()
                .with_partition_index(number)
                .with_leader_id(BrokerId(*leader))
                .with_leader_epoch(*epoch)
                .with_offline_replicas(self.down.clone())
        });
        described
            .with_topic_id(self.id(name).into())
            .with_error_code(topic.error_code)
            .with_is_internal(topic.is_internal)
            .with_partitions(partitions.collect())
    }
}

/// What a fetch response says of one partition.
#[derive(Clone, Default)]
pub(crate) struct Part {
    pub(super) records: Bytes,
    pub(super) error_code: i16,
    pub(super) high_watermark: i64,
    pub(super) leader: Option<(i32, i32)>,
    /// Producer and first offset of the transactions that were aborted.
    pub(super) aborted: Vec<(i64, i64)>,
    pub(super) preferred_replica: Option<i32>,
}

impl Part {
    pub(crate) fn of(records: Bytes) -> Self {
        Self {
            records,
            high_watermark: 1_000,
            ..Self::default()
        }
    }

    /// Nothing but the end of the log.
    pub(super) fn high_watermark(offset: i64) -> Self {
        Self {
            high_watermark: offset,
            ..Self::default()
        }
    }

    /// Nothing but the replica to read from instead.
    pub(super) fn preferring(node: i32) -> Self {
        Self {
            preferred_replica: Some(node),
            ..Self::default()
        }
    }

    /// The same, listing these aborted transactions: their producers and first offsets.
    pub(super) fn with_aborted(mut self, listed: &[(i64, i64)]) -> Self {
        self.aborted = listed.to_vec();
        self
    }

    pub(super) fn error(code: ErrorCode) -> Self {
        Self {
            error_code: code.0,
            high_watermark: -1,
            ..Self::default()
        }
    }

    /// The same, naming the present leader and its epoch (KIP-951).
    pub(super) fn led_by(mut self, leader: i32, epoch: i32) -> Self {
        self.leader = Some((leader, epoch));
        self
    }
}

pub(crate) fn fetch_response(
    topology: &Topology,
    parts: Vec<(TopicPartition, Part)>,
) -> FetchResponse {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    for (name, part) in parts {
        let topic = name.topic().as_str();
        if topics
            .last()
            .is_none_or(|last| last.topic.as_str() != topic)
        {
            topics.push(
                FetchableTopicResponse::default()
                    .with_topic(wire_name(topic))
                    .with_topic_id(topology.id(topic).into()),
            );
        }
        let mut data = PartitionData::default()
            .with_partition_index(name.partition())
            .with_error_code(part.error_code)
            .with_high_watermark(part.high_watermark)
            .with_last_stable_offset(part.high_watermark - 10)
            .with_log_start_offset(0)
            .with_preferred_read_replica(BrokerId(part.preferred_replica.unwrap_or(-1)))
            .with_aborted_transactions(Some(part.aborted.iter().map(aborted).collect()))
            .with_records(Some(part.records));
        if let Some((leader, epoch)) = part.leader {
            data = data.with_current_leader(
                LeaderIdAndEpoch::default()
                    .with_leader_id(BrokerId(leader))
                    .with_leader_epoch(epoch),
            );
        }
        topics.last_mut().unwrap().partitions.push(data);
    }
    FetchResponse::default().with_responses(topics)
}

fn aborted((producer, first): &(i64, i64)) -> AbortedTransaction {
    AbortedTransaction::default()
        .with_producer_id((*producer).into())
        .with_first_offset(*first)
}

pub(crate) fn offset_found(
    name: &TopicPartition,
    code: i16,
    offset: i64,
) -> ListOffsetsTopicResponse {
    let partition = ListOffsetsPartitionResponse::default()
        .with_partition_index(name.partition())
        .with_error_code(code)
        .with_offset(offset)
        .with_leader_epoch(0);
    ListOffsetsTopicResponse::default()
        .with_name(wire_name(name.topic().as_str()))
        .with_partitions(vec![partition])
}

/// A batch of so many small records.
pub(crate) fn batch(base: i64, count: i64) -> Bytes {
    build(filled(base, count), Compression::None)
}

/// A batch of so many records of 10 bytes, written by a leader in this epoch.
pub(super) fn batch_of_epoch(base: i64, count: i64, epoch: i32) -> Bytes {
    let mut builder = filled(base, count);
    builder.set_leader_epoch(Some(LeaderEpoch::new(epoch)));
    build(builder, Compression::None)
}

pub(super) fn compressed(base: i64, count: i64, codec: Compression) -> Bytes {
    build(filled(base, count), codec)
}

/// A batch whose last records were compacted away; none at all is left for a count of 0.
pub(super) fn compacted(base: i64, count: i64, last: i64) -> Bytes {
    let mut builder = filled(base, count);
    builder.set_last_offset(Offset::new(last));
    build(builder, Compression::None)
}

/// The marker at the end of a transaction.
pub(super) fn marker(base: i64) -> Bytes {
    let mut builder = BatchBuilder::at(Offset::new(base));
    builder.set_kind(BatchKind::TransactionMarker);
    builder
        .append(0, Some(&[0, 0, 0, 1]), Some(&[0; 6]), &[])
        .unwrap();
    build(builder, Compression::None)
}

/// The marker that ends a transaction of this producer.
pub(super) fn marker_of(base: i64, producer: i64, kind: ControlRecord) -> Bytes {
    let mut builder = BatchBuilder::at(Offset::new(base));
    builder.set_kind(BatchKind::TransactionMarker);
    builder.set_producer(written_by(producer));
    let value = ControlRecord::marker_value(0);
    builder
        .append(0, Some(&kind.key()), Some(&value), &[])
        .unwrap();
    build(builder, Compression::None)
}

/// A batch of this producer, within a transaction or not.
pub(super) fn batch_of(base: i64, count: i64, producer: i64, kind: BatchKind) -> Bytes {
    let mut builder = filled(base, count);
    builder.set_kind(kind);
    builder.set_producer(written_by(producer));
    build(builder, Compression::None)
}

fn written_by(id: i64) -> BatchProducer {
    BatchProducer {
        id,
        epoch: 0,
        base_sequence: 0,
    }
}

/// A batch of one record with a value of so many bytes.
pub(super) fn large(base: i64, bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::at(Offset::new(base));
    builder.append(0, None, Some(&vec![7; bytes]), &[]).unwrap();
    build(builder, Compression::None)
}

/// One message of magic 1, as brokers before 0.11 stored it.
pub(super) fn message(offset: i64) -> Bytes {
    let mut summed = vec![1, 0];
    summed.extend_from_slice(&offset.to_be_bytes());
    summed.extend_from_slice(&(-1_i32).to_be_bytes());
    summed.extend_from_slice(&[0, 0, 0, 3]);
    summed.extend_from_slice(b"old");
    let mut bytes = offset.to_be_bytes().to_vec();
    bytes.extend_from_slice(&(summed.len() as u32 + 4).to_be_bytes());
    bytes.extend_from_slice(&crc32(&summed).to_be_bytes());
    bytes.extend_from_slice(&summed);
    Bytes::from(bytes)
}

fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc));
    !bytes.iter().fold(!0, byte)
}

/// The same batch with one bit of its last byte turned.
pub(super) fn damaged(batch: &Bytes) -> Bytes {
    let mut bytes = batch.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    Bytes::from(bytes)
}

pub(super) fn joined(batches: &[Bytes]) -> Bytes {
    Bytes::from(batches.concat())
}

fn filled(base: i64, count: i64) -> BatchBuilder {
    let mut builder = BatchBuilder::at(Offset::new(base));
    for offset in base..base + count {
        let value = format!("{offset:010}");
        builder
            .append(offset, None, Some(value.as_bytes()), &[])
            .unwrap();
    }
    builder
}

fn build(builder: BatchBuilder, codec: Compression) -> Bytes {
    builder.build(codec, &mut Compressor::default()).unwrap()
}

fn wire_name(name: &str) -> WireName {
    WireName::from(&TopicName::from(name))
}

const BROKERS: i32 = 4;
