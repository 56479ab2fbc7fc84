//! A data plane, a clock, and the requests that nobody has answered yet.
//!
//! Requests and records are compared as text: `1: t-0@5` is a fetch from node 1, of partition 0 of
//! `t`, from offset 5 on; `t-0@5` is a record.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use weft_client::cluster::{NodeLoad, NodeLoads, UpdateReason};
use weft_client::net::{NetworkEvent, OutboundRequest, RequestError};
use weft_client::wire::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use weft_client::wire::messages::{
    self, FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse,
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};
use weft_client::wire::{ApiKey, ErrorCode, Request, Response};
use weft_client::{Error, NodeId, Offset, OffsetAndMetadata, TopicName, TopicPartition};

use super::cluster::{Part, Topology, fetch_response, offset_found};
use crate::config::ConsumerConfig;
use crate::core::ConsumerCore;
use crate::record::ConsumerRecords;

pub(super) struct Bench {
    pub(super) core: ConsumerCore,
    pub(super) now: Instant,
    pub(super) topology: Topology,
    /// Requests on their way, metadata excepted: that is answered at once.
    pub(super) wire: Vec<OutboundRequest>,
    /// Whether metadata is answered at all.
    pub(super) has_metadata: bool,
    pub(super) metadata_requests: usize,
    /// What each node keeps of what was fetched from it.
    pub(super) kept: BTreeMap<i32, KeptSession>,
    /// Whether nodes keep anything beyond one request.
    pub(super) has_sessions: bool,
}

pub(super) struct Idle;

impl NodeLoads for Idle {
    fn load(&self, _node: NodeId) -> NodeLoad {
        NodeLoad::Ready { in_flight: 0 }
    }
}

/// Any instant; the tests count from it.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be had nowhere else"
)]
fn start() -> Instant {
    Instant::now()
}

/// A consumer without a group that begins at the first record, unless `properties` say otherwise.
pub(super) fn bench(properties: &[(&str, &str)]) -> Bench {
    let mut builder = ConsumerConfig::builder()
        .set("bootstrap.servers", "a:1")
        .set("auto.offset.reset", "earliest");
    for (key, value) in properties {
        builder = builder.set(key, value);
    }
    let now = start();
    Bench {
        core: ConsumerCore::new(&builder.build().unwrap(), now, 7),
        now,
        topology: Topology::default(),
        wire: Vec::new(),
        has_metadata: true,
        metadata_requests: 0,
        kept: BTreeMap::new(),
        has_sessions: true,
    }
}

/// One broker, and a topic `t` with so many partitions, of which the positions are known: 0.
pub(super) fn reading(partitions: i32) -> Bench {
    reading_with(&[], &vec![1; partitions as usize])
}

/// A topic `t` with one partition for each of these leaders, all of them read from offset 0 on.
pub(super) fn reading_with(properties: &[(&str, &str)], leaders: &[i32]) -> Bench {
    let mut bench = bench(properties);
    bench.topology.lead("t", leaders);
    let numbers = 0..leaders.len() as i32;
    let all: Vec<TopicPartition> = numbers.map(|n| TopicPartition::new("t", n)).collect();
    bench.core.assign(&all.iter().cloned().collect()).unwrap();
    for partition in &all {
        bench.seek(&partition.to_string(), 0);
    }
    bench
}

/// The partition that is written like this: `t-0`.
pub(super) fn tp(text: &str) -> TopicPartition {
    let (topic, number) = text.rsplit_once('-').unwrap();
    TopicPartition::new(topic, number.parse().unwrap())
}

pub(super) fn tps(texts: &[&str]) -> BTreeSet<TopicPartition> {
    texts.iter().map(|text| tp(text)).collect()
}

pub(super) fn topics(names: &[&str]) -> BTreeSet<TopicName> {
    names.iter().map(|name| TopicName::from(*name)).collect()
}

/// The records as text.
pub(super) fn records(records: &ConsumerRecords) -> Vec<String> {
    let each = records.iter();
    each.map(|record| format!("{}@{}", record.topic_partition(), record.offset()))
        .collect()
}

/// Offsets as text: `t-0@5`, and the epoch behind a slash where there is one.
pub(super) fn offsets(offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>) -> Vec<String> {
    let each = offsets.iter();
    each.map(|(name, offset)| match offset.leader_epoch {
        Some(epoch) => format!("{name}@{}/{epoch}", offset.offset),
        None => format!("{name}@{}", offset.offset),
    })
    .collect()
}

impl Bench {
    /// Has the data plane ask for what it wants, and answers its questions for metadata.
    pub(super) fn run(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut out = Vec::new();
            self.core.take_requests(self.now, &Idle, &mut out);
            let mut is_quiet = true;
            for sent in out {
                let Request::Metadata(request) = &sent.request else {
                    if let Request::Fetch(request) = &sent.request {
                        let kept = self.kept.entry(sent.broker.id.value()).or_default();
                        kept.hear(request);
                    }
                    self.wire.push(sent);
                    continue;
                };
                self.metadata_requests += 1;
                if self.has_metadata {
                    let response = Response::Metadata(self.topology.metadata(request));
                    self.respond(&sent, response);
                    is_quiet = false;
                }
            }
            let is_due = |deadline: Instant| self.has_metadata && deadline <= self.now;
            if is_quiet && !self.core.next_deadline().is_some_and(is_due) {
                return;
            }
        }
        panic!("the data plane asks for metadata for ever");
    }

    /// Has the data plane ask for metadata, as after a lost connection.
    pub(super) fn refresh_metadata(&mut self) {
        self.core.cluster.request_update(UpdateReason::Disconnected);
    }

    pub(super) fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    /// Moves to the next deadline; panics if there is none or it lies in the past.
    pub(super) fn pass_to_deadline(&mut self) {
        let deadline = self.core.next_deadline().unwrap();
        assert!(deadline > self.now, "the data plane spins");
        self.now = deadline;
    }

    /// All fetches on the wire, by node, with all that is wanted in the order in which the node
    /// serves it.
    pub(super) fn fetches(&mut self) -> Vec<String> {
        self.run();
        let mut all: Vec<String> = self
            .wire
            .iter()
            .filter(|sent| matches!(sent.request, Request::Fetch(_)))
            .map(|sent| {
                let wanted = self.kept[&sent.broker.id.value()].wanted.iter();
                let parts: Vec<String> = wanted.map(|(p, o)| format!("{p}@{o}")).collect();
                format!("{}: {}", sent.broker.id, parts.join(" "))
            })
            .collect();
        all.sort_unstable();
        all
    }

    /// All look-ups on the wire: `1: t-0?-2` is one of the beginning at node 1.
    pub(super) fn look_ups(&mut self) -> Vec<String> {
        self.run();
        let mut all: Vec<String> = self
            .wire
            .iter()
            .filter_map(|sent| {
                let Request::ListOffsets(request) = &sent.request else {
                    return None;
                };
                let parts = looked_up(request);
                let parts: Vec<String> = parts.iter().map(|(p, t)| format!("{p}?{t}")).collect();
                Some(format!("{}: {}", sent.broker.id, parts.join(" ")))
            })
            .collect();
        all.sort_unstable();
        all
    }

    /// Takes the request of this API to this node off the wire.
    pub(super) fn take(&mut self, api_key: ApiKey, node: i32) -> OutboundRequest {
        self.run();
        let is_meant = |sent: &OutboundRequest| {
            sent.request.api_key() == api_key && sent.broker.id.value() == node
        };
        let index = self.wire.iter().position(is_meant);
        self.wire.remove(index.expect("the node was asked"))
    }

    pub(super) fn fetch_request(&mut self, node: i32) -> FetchRequest {
        self.run();
        let sent = self.wire.iter().find_map(|sent| match &sent.request {
            Request::Fetch(request) if sent.broker.id.value() == node => Some(request.clone()),
            _ => None,
        });
        sent.expect("the node was asked for records")
    }

    /// Answers the fetch from this node. What is not told of has nothing new.
    pub(super) fn answer(&mut self, node: i32, parts: Vec<(&str, Part)>) {
        let parts = parts.into_iter().map(|(name, part)| (tp(name), part));
        let parts = parts.collect();
        let sent = self.take(ApiKey::Fetch, node);
        let response = self.response(node, parts);
        self.respond(&sent, Response::Fetch(response));
    }

    /// What this node answers to the fetch that it heard last.
    pub(super) fn response(
        &mut self,
        node: i32,
        mut parts: Vec<(TopicPartition, Part)>,
    ) -> FetchResponse {
        let kept = self.kept.get_mut(&node).expect("the node was asked");
        if kept.epoch == 0 {
            let missing = kept.wanted.iter().map(|(name, _)| name.clone());
            let missing = missing.filter(|name| parts.iter().all(|(told, _)| told != name));
            let missing: Vec<TopicPartition> = missing.collect();
            parts.extend(missing.into_iter().map(|name| (name, Part::default())));
        }
        for (name, _) in parts.iter().filter(|(_, part)| !part.records.is_empty()) {
            kept.put_last(name);
        }
        let id = if self.has_sessions { 100 + node } else { 0 };
        fetch_response(&self.topology, parts).with_session_id(id)
    }

    /// Answers the look-up at this node, for each partition with a code and an offset.
    pub(super) fn answer_look_up(&mut self, node: i32, found: &[(&str, i16, i64)]) {
        let parts = found
            .iter()
            .map(|(name, code, offset)| offset_found(&tp(name), *code, *offset));
        let response = ListOffsetsResponse::default().with_topics(parts.collect());
        let sent = self.take(ApiKey::ListOffsets, node);
        self.respond(&sent, Response::ListOffsets(response));
    }

    /// All questions on the wire after the ends of epochs: `1: t-0/4@7` asks node 1, led in epoch
    /// 7, where it has epoch 4 end.
    pub(super) fn validations(&mut self) -> Vec<String> {
        self.run();
        let requests = self.wire.iter().filter_map(|sent| match &sent.request {
            Request::OffsetForLeaderEpoch(request) => Some((sent.broker.id, request)),
            _ => None,
        });
        let mut all: Vec<String> = requests
            .map(|(node, request)| format!("{node}: {}", doubted(request).join(" ")))
            .collect();
        all.sort_unstable();
        all
    }

    /// Answers such a question, for each partition with a code, an epoch and its end.
    pub(super) fn answer_validation(&mut self, node: i32, ends: &[(&str, ErrorCode, i32, i64)]) {
        let topics = ends.iter().map(|(name, code, epoch, end)| {
            let name = tp(name);
            let end = EpochEndOffset::default()
                .with_partition(name.partition())
                .with_error_code(code.0)
                .with_leader_epoch(*epoch)
                .with_end_offset(*end);
            OffsetForLeaderTopicResult::default()
                .with_topic(messages::TopicName::from(name.topic()))
                .with_partitions(vec![end])
        });
        let response = OffsetForLeaderEpochResponse::default().with_topics(topics.collect());
        let sent = self.take(ApiKey::OffsetForLeaderEpoch, node);
        self.respond(&sent, Response::OffsetForLeaderEpoch(response));
    }

    pub(super) fn respond(&mut self, sent: &OutboundRequest, response: Response) {
        let event = NetworkEvent::Response {
            token: sent.token,
            response,
            bytes: 0,
            throttle: Duration::ZERO,
            latency: Duration::ZERO,
        };
        self.core.handle_event(self.now, event);
    }

    /// Lets a request to this node run into its timeout.
    pub(super) fn fail(&mut self, api_key: ApiKey, node: i32) {
        let sent = self.take(api_key, node);
        let error = RequestError::QueueFull {
            api_key,
            broker: sent.broker,
            limit: 1,
        };
        let token = sent.token;
        self.core
            .handle_event(self.now, NetworkEvent::Failed { token, error });
    }

    pub(super) fn collect(&mut self, max_records: u32) -> Result<ConsumerRecords, Error> {
        self.core.collect(max_records)
    }

    /// The records that the next call gets, which must not fail.
    pub(super) fn collected(&mut self, max_records: u32) -> Vec<String> {
        records(&self.collect(max_records).unwrap())
    }

    pub(super) fn seek(&mut self, partition: &str, offset: i64) {
        let to = OffsetAndMetadata::new(Offset::new(offset));
        self.core.seek(&tp(partition), &to).unwrap();
    }

    pub(super) fn position(&self, partition: &str) -> Option<i64> {
        let known = self.core.position(&tp(partition)).unwrap();
        known.map(Offset::value)
    }
}

/// What a node keeps of a fetch session, as a broker does.
#[derive(Debug, Default)]
pub(super) struct KeptSession {
    pub(super) id: i32,
    pub(super) epoch: i32,
    /// In the order in which it serves them.
    pub(super) wanted: Vec<(TopicPartition, i64)>,
}

impl KeptSession {
    fn hear(&mut self, request: &FetchRequest) {
        let expected = self.epoch + 1;
        (self.id, self.epoch) = (request.session_id, request.session_epoch);
        if self.epoch == 0 {
            self.wanted = asked(request);
            return;
        }
        assert_eq!(self.epoch, expected, "epochs have no gaps");
        for topic in &request.forgotten_topics_data {
            for partition in &topic.partitions {
                let gone = TopicPartition::new(topic.topic.as_str(), *partition);
                let known = self.wanted.len();
                self.wanted.retain(|(name, _)| *name != gone);
                assert_eq!(self.wanted.len() + 1, known, "{gone} was not known");
            }
        }
        for (name, offset) in asked(request) {
            match self.wanted.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = offset,
                None => self.wanted.push((name, offset)),
            }
        }
    }

    fn put_last(&mut self, name: &TopicPartition) {
        if let Some(index) = self.wanted.iter().position(|(known, _)| known == name) {
            let served = self.wanted.remove(index);
            self.wanted.push(served);
        }
    }
}

/// The partitions and offsets that a fetch names, in their order.
pub(super) fn asked(request: &FetchRequest) -> Vec<(TopicPartition, i64)> {
    let topics = request.topics.iter();
    topics
        .flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.map(|partition| {
                let name = TopicPartition::new(topic.topic.as_str(), partition.partition);
                (name, partition.fetch_offset)
            })
        })
        .collect()
}

fn doubted(request: &OffsetForLeaderEpochRequest) -> Vec<String> {
    assert_eq!(request.replica_id.0, -1, "a consumer is not a broker");
    let topics = request.topics.iter();
    topics
        .flat_map(|topic| {
            topic.partitions.iter().map(|partition| {
                let number = partition.partition;
                let (epoch, leader) = (partition.leader_epoch, partition.current_leader_epoch);
                format!("{}-{number}/{epoch}@{leader}", topic.topic.as_str())
            })
        })
        .collect()
}

fn looked_up(request: &ListOffsetsRequest) -> Vec<(TopicPartition, i64)> {
    let topics = request.topics.iter();
    topics
        .flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.map(|partition| {
                let name = TopicPartition::new(topic.name.as_str(), partition.partition_index);
                (name, partition.timestamp)
            })
        })
        .collect()
}

/// A quiet cluster leaves nothing to ask after this many rounds.
const ROUNDS_MAX: usize = 8;
