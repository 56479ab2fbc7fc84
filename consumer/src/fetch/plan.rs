//! Builds one fetch request: what the session has to say, and the options that every fetch carries.

use weft_client::wire::messages::FetchRequest;
use weft_client::wire::{Request, StrBytes};
use weft_client::{LeaderEpoch, Offset, TopicId, TopicPartition};

use super::session::SessionRequest;
use crate::config::{ConsumerConfig, IsolationLevel};
use crate::position::Stamp;

/// The options that every fetch carries.
#[derive(Clone, Debug)]
pub(crate) struct FetchOptions {
    max_wait_ms: i32,
    min_bytes: i32,
    max_bytes: u32,
    partition_max_bytes: u32,
    isolation: IsolationLevel,
    rack: StrBytes,
}

impl FetchOptions {
    pub(crate) fn new(config: &ConsumerConfig) -> Self {
        Self {
            max_wait_ms: i32::try_from(config.fetch_max_wait.as_millis()).unwrap_or(i32::MAX),
            min_bytes: saturate(config.fetch_min_bytes as usize),
            max_bytes: config.fetch_max_bytes,
            partition_max_bytes: config.max_partition_fetch_bytes,
            isolation: config.isolation_level,
            rack: StrBytes::from_string(config.client.client_rack.clone()),
        }
    }

    /// The bytes that an answer may have, given that there is room for so many: what the broker
    /// sends beyond them is the rest of one batch.
    pub(crate) fn answer_bytes_max(&self, room: usize, partitions: usize) -> usize {
        let all = (self.partition_max_bytes as usize).saturating_mul(partitions);
        room.min(self.max_bytes as usize).min(all)
    }

    /// The bytes of one partition in an answer.
    pub(crate) fn partition_bytes_max(&self) -> i32 {
        saturate(self.partition_max_bytes as usize)
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

impl AskedPartition {
    /// Whether a broker sees no difference.
    pub(crate) fn asks_for_the_same_as(&self, other: &Self) -> bool {
        self.offset == other.offset && self.leader_epoch == other.leader_epoch
    }
}

/// The request that says this, with an answer of up to `max_bytes`.
pub(crate) fn fetch_request(
    options: &FetchOptions,
    said: SessionRequest,
    max_bytes: usize,
) -> Request {
    let request = FetchRequest::default()
        .with_max_wait_ms(options.max_wait_ms)
        .with_min_bytes(options.min_bytes)
        .with_max_bytes(saturate(max_bytes))
        .with_isolation_level(options.isolation.to_wire())
        .with_session_id(said.id)
        .with_session_epoch(said.epoch)
        .with_rack_id(options.rack.clone())
        .with_topics(said.topics)
        .with_forgotten_topics_data(said.forgotten);
    Request::Fetch(request)
}

fn saturate(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
