//! One fetch session: the partitions that a client reads from a broker, in the order in which they
//! are served, and what it was told of each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uuid::Uuid;
use weft_client::NodeId;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use weft_client::wire::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use weft_client::wire::messages::{FetchResponse, TopicName};

use super::super::fetch_frame::PartitionRecords;
use super::super::reply::text;
use super::Rotation;

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) broker: NodeId,
    pub(super) naming: Naming,
    /// The epoch that the next request must name.
    pub(super) epoch: i32,
    pub(super) used_at: Instant,
    pub(super) size_when_used: usize,
    /// Whether it was old enough, when it was used last, to make way for a larger one.
    pub(super) is_evictable: bool,
    created_at: Instant,
    /// The partitions by their turn.
    turns: BTreeMap<u64, Kept>,
    places: BTreeMap<Key, u64>,
    turns_given: u64,
}

/// How the requests of a session name topics; it stays that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    Name,
    Id,
}

/// A partition as requests name it: of name and id one is empty.
type Key = (TopicName, Uuid, i32);

#[derive(Clone, Debug)]
struct Kept {
    key: Key,
    asked: FetchPartition,
    /// What the client was told last, -1 if that was an error or nothing.
    high_watermark: i64,
    log_start_offset: i64,
}

impl Naming {
    pub(super) fn of(version: i16) -> Self {
        if version >= BY_ID {
            Self::Id
        } else {
            Self::Name
        }
    }
}

impl Session {
    pub(super) fn new(broker: NodeId, now: Instant, naming: Naming) -> Self {
        Self {
            broker,
            naming,
            epoch: 0,
            used_at: now,
            size_when_used: 0,
            is_evictable: false,
            created_at: now,
            turns: BTreeMap::new(),
            places: BTreeMap::new(),
            turns_given: 0,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.turns.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub(super) fn is_idle(&self, now: Instant, limit: Duration) -> bool {
        now.saturating_duration_since(self.used_at) > limit
    }

    /// Takes note that it was used.
    pub(super) fn touch(&mut self, now: Instant, evictable_after: Duration) {
        self.used_at = now;
        self.size_when_used = self.size();
        self.is_evictable = now.saturating_duration_since(self.created_at) > evictable_after;
    }

    /// Adds partitions behind all others, changes what is asked of those that are there already,
    /// and takes some out.
    pub(super) fn update(&mut self, topics: &[FetchTopic], forgotten: &[ForgottenTopic]) {
        for topic in topics {
            for asked in &topic.partitions {
                let key = (topic.topic.clone(), topic.topic_id, asked.partition);
                self.want(key, asked);
            }
        }
        for topic in forgotten {
            for partition in &topic.partitions {
                let key = (topic.topic.clone(), topic.topic_id, *partition);
                if let Some(turn) = self.places.remove(&key) {
                    self.turns.remove(&turn);
                }
            }
        }
    }

    /// Everything that it wants, as a full request would say it.
    pub(super) fn topics(&self) -> Vec<FetchTopic> {
        let mut topics: Vec<FetchTopic> = Vec::new();
        for kept in self.turns.values() {
            let (topic, topic_id, _) = &kept.key;
            let last = topics.last_mut();
            match last.filter(|last| last.topic == *topic && last.topic_id == *topic_id) {
                Some(last) => last.partitions.push(kept.asked.clone()),
                None => topics.push(
                    FetchTopic::default()
                        .with_topic(topic.clone())
                        .with_topic_id(*topic_id)
                        .with_partitions(vec![kept.asked.clone()]),
                ),
            }
        }
        topics
    }

    /// Takes note of what the client is told.
    pub(super) fn note(&mut self, response: &FetchResponse) {
        for topic in &response.responses {
            for told in &topic.partitions {
                self.is_news(topic, told, 0);
            }
        }
    }

    /// Takes out of an answer what the client knows, and lets others have their turn next time.
    pub(super) fn keep_changes(
        &mut self,
        response: &mut FetchResponse,
        records: &mut PartitionRecords,
        rotation: Rotation,
    ) {
        let mut records_of = std::mem::take(records).into_iter();
        for topic in &mut response.responses {
            let partitions = std::mem::take(&mut topic.partitions);
            for told in partitions {
                let slices = records_of.next().unwrap_or_default();
                let bytes = slices.iter().map(bytes::Bytes::len).sum();
                if self.is_news(topic, &told, bytes) {
                    if bytes > 0 || rotation == Rotation::Told {
                        self.put_last(topic, told.partition_index);
                    }
                    topic.partitions.push(told);
                    records.push(slices);
                }
            }
        }
        response
            .responses
            .retain(|topic| !topic.partitions.is_empty());
    }

    fn want(&mut self, key: Key, asked: &FetchPartition) {
        let mut asked = asked.clone();
        asked.unknown_tagged_fields.clear();
        let kept = self.places.get(&key);
        if let Some(kept) = kept.and_then(|turn| self.turns.get_mut(turn)) {
            kept.asked = asked;
            return;
        }
        // The name is a slice of its request until it is copied.
        let (name, id, partition) = key;
        let key = (TopicName(text(name.as_str())), id, partition);
        let kept = Kept {
            key,
            asked,
            high_watermark: -1,
            log_start_offset: -1,
        };
        self.append(kept);
    }

    fn append(&mut self, kept: Kept) {
        self.turns_given += 1;
        self.places.insert(kept.key.clone(), self.turns_given);
        self.turns.insert(self.turns_given, kept);
    }

    /// Whether the client has to be told this; takes note of it.
    fn is_news(
        &mut self,
        topic: &FetchableTopicResponse,
        told: &PartitionData,
        bytes: usize,
    ) -> bool {
        let key = (topic.topic.clone(), topic.topic_id, told.partition_index);
        let Some(turn) = self.places.get(&key).copied() else {
            return true;
        };
        let Some(kept) = self.turns.get_mut(&turn) else {
            return true;
        };
        let is_error = told.error_code != 0;
        let is_news = bytes > 0
            || is_error
            || kept.high_watermark != told.high_watermark
            || kept.log_start_offset != told.log_start_offset
            || told.preferred_read_replica.0 >= 0;
        // An error tells -1, so that whatever comes after it is news.
        kept.high_watermark = told.high_watermark;
        kept.log_start_offset = told.log_start_offset;
        is_news
    }

    fn put_last(&mut self, topic: &FetchableTopicResponse, partition: i32) {
        let key = (topic.topic.clone(), topic.topic_id, partition);
        let turn = self.places.get(&key);
        if let Some(kept) = turn.and_then(|turn| self.turns.remove(turn)) {
            self.append(kept);
        }
    }
}

/// The first version that names topics by their id.
const BY_ID: i16 = 13;
