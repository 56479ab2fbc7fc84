//! Builds one fetch request: always the full list of partitions, outside of any fetch session.

use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::{self, FetchRequest};
use weft_client::wire::{Request, StrBytes};
use weft_client::{LeaderEpoch, Offset, TopicId, TopicPartition};

use crate::config::ConsumerConfig;
use crate::position::Stamp;

/// The options that every fetch carries.
#[derive(Clone, Debug)]
pub(crate) struct FetchOptions {
    max_wait_ms: i32,
    min_bytes: i32,
    max_bytes: u32,
    partition_max_bytes: u32,
    rack: StrBytes,
}

impl FetchOptions {
    pub(crate) fn new(config: &ConsumerConfig) -> Self {
        Self {
            max_wait_ms: i32::try_from(config.fetch_max_wait.as_millis()).unwrap_or(i32::MAX),
            min_bytes: saturate(config.fetch_min_bytes as usize),
            max_bytes: config.fetch_max_bytes,
            partition_max_bytes: config.max_partition_fetch_bytes,
            rack: StrBytes::from_string(config.client.client_rack.clone()),
        }
    }

    /// The bytes that an answer may have, given that there is room for so many: what the broker
    /// sends beyond them is the rest of one batch.
    pub(crate) fn answer_bytes_max(&self, room: usize, partitions: usize) -> usize {
        let all = (self.partition_max_bytes as usize).saturating_mul(partitions);
        room.min(self.max_bytes as usize).min(all)
    }
}

/// One partition of a request, as it was when it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AskedPartition {
    pub(crate) topic_partition: TopicPartition,
    pub(crate) topic_id: TopicId,
    pub(crate) stamp: Stamp,
    pub(crate) offset: Offset,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    pub(crate) last_answer: u64,
}

/// The request for these partitions, in their order, with an answer of up to `max_bytes`.
pub(crate) fn fetch_request(
    options: &FetchOptions,
    partitions: &[AskedPartition],
    max_bytes: usize,
) -> Request {
    let mut topics: Vec<FetchTopic> = Vec::new();
    let mut current = None;
    for asked in partitions {
        let name = asked.topic_partition.topic();
        if current != Some(name) {
            current = Some(name);
            topics.push(
                FetchTopic::default()
                    .with_topic(messages::TopicName::from(name))
                    .with_topic_id(asked.topic_id.into()),
            );
        }
        let partition = FetchPartition::default()
            .with_partition(asked.topic_partition.partition())
            .with_current_leader_epoch(LeaderEpoch::to_wire(asked.leader_epoch))
            .with_fetch_offset(asked.offset.value())
            .with_partition_max_bytes(saturate(options.partition_max_bytes as usize));
        if let Some(topic) = topics.last_mut() {
            topic.partitions.push(partition);
        }
    }
    let request = FetchRequest::default()
        .with_max_wait_ms(options.max_wait_ms)
        .with_min_bytes(options.min_bytes)
        .with_max_bytes(saturate(max_bytes))
        .with_session_id(NO_SESSION)
        .with_session_epoch(SESSIONLESS)
        .with_rack_id(options.rack.clone())
        .with_topics(topics);
    Request::Fetch(request)
}

fn saturate(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

const NO_SESSION: i32 = 0;
/// The epoch of a full request that opens no session (KIP-227).
const SESSIONLESS: i32 = -1;
