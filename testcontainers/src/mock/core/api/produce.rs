//! Produce: checks batches as a leader does, gives them their offsets and appends them.
//!
//! Versions 3 to 13, by name or by id, with what the topic is set to. Batches of the formats
//! before version 2 are refused. Nothing is lost between a write and its acknowledgement, whatever
//! the acks.

mod batch;

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::produce_response::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use weft_client::wire::messages::{ProduceRequest, ProduceResponse};
use weft_client::{NodeId, Offset};

use super::super::cluster::Cluster;
use super::super::log::Admission;
use super::super::reply::{Ask, Reply, text};
use super::repeated::{joined, last_of_each};
use super::transaction::admit::{admit, begin};
use super::{broker_id, broker_id_or_nobody, port, topic_id};
use batch::{Accepted, Terms, accept};

/// Why a batch was not appended, and where the log begins if it was the log that refused.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    error: ErrorCode,
    log_start: Option<Offset>,
}

/// Where a batch is, where its log begins, and the time that it was given.
#[derive(Clone, Copy, Debug)]
struct Appended {
    base: Offset,
    start: Offset,
    stamped_at: Option<i64>,
}

impl From<ErrorCode> for Refusal {
    fn from(error: ErrorCode) -> Self {
        Self {
            error,
            log_start: None,
        }
    }
}

pub(super) fn produce(cluster: &mut Cluster, ask: &Ask, request: ProduceRequest) -> Reply {
    let acks = request.acks;
    let transactional_id = request.transactional_id.as_ref();
    let transactional_id = transactional_id.map(|id| id.as_str());
    let topics: Vec<_> = once(request.topic_data)
        .into_iter()
        .filter(|topic| !topic.partition_data.is_empty())
        .map(|topic| topic_response(cluster, ask, transactional_id, topic, acks))
        .collect();
    if acks != 0 {
        let mut response = ProduceResponse::default().with_responses(topics);
        if ask.version() >= CURRENT_LEADER_SINCE {
            name_new_leaders(cluster, &mut response);
        }
        return response.into();
    }
    let mut partitions = topics.iter().flat_map(|topic| &topic.partition_responses);
    if partitions.any(|partition| partition.error_code != 0) {
        // There is no other way to tell a client that wants no answer.
        Reply::Close
    } else {
        Reply::Silent
    }
}

/// Each partition once, with the last that is said of it, as Kafka's tables have it.
fn once(topics: Vec<TopicProduceData>) -> Vec<TopicProduceData> {
    let mut topics = joined(
        topics,
        |topic| (topic.name.clone(), topic.topic_id),
        |first, topic| first.partition_data.extend(topic.partition_data),
    );
    for topic in &mut topics {
        let data = std::mem::take(&mut topic.partition_data);
        topic.partition_data = last_of_each(data, |data| data.index);
    }
    topics
}

fn topic_response(
    cluster: &mut Cluster,
    ask: &Ask,
    transactional_id: Option<&str>,
    topic: TopicProduceData,
    acks: i16,
) -> TopicProduceResponse {
    let partitions = topic.partition_data.iter().map(|data| {
        let index = data.index;
        let response = PartitionProduceResponse::default().with_index(index);
        match append(cluster, ask, transactional_id, &topic, data, acks) {
            Ok(appended) => response
                .with_base_offset(appended.base.value())
                .with_log_append_time_ms(appended.stamped_at.unwrap_or(-1))
                .with_log_start_offset(appended.start.value()),
            Err(refusal) => refused(cluster, ask, &topic, response, refusal),
        }
    });
    let partitions = partitions.collect();
    TopicProduceResponse::default()
        .with_name(topic.name)
        .with_topic_id(topic.topic_id)
        .with_partition_responses(partitions)
}

fn refused(
    cluster: &Cluster,
    ask: &Ask,
    topic: &TopicProduceData,
    response: PartitionProduceResponse,
    refusal: Refusal,
) -> PartitionProduceResponse {
    let Refusal { error, log_start } = refusal;
    let response = response
        .with_error_code(error.0)
        .with_base_offset(-1)
        .with_log_start_offset(log_start.map_or(-1, Offset::value));
    let is_elsewhere = error == ErrorCode::NOT_LEADER_OR_FOLLOWER;
    if ask.version() < CURRENT_LEADER_SINCE || !is_elsewhere {
        return response;
    }
    let index = usize::try_from(response.index).unwrap_or(usize::MAX);
    let topic = find(cluster, ask, topic);
    let Some(partition) = topic.and_then(|topic| topic.partitions.get(index)) else {
        return response;
    };
    let leader = LeaderIdAndEpoch::default()
        .with_leader_id(broker_id_or_nobody(partition.leader))
        .with_leader_epoch(partition.epoch.value());
    response.with_current_leader(leader)
}

/// Where the leaders are that the response speaks of (KIP-951).
fn name_new_leaders(cluster: &Cluster, response: &mut ProduceResponse) {
    let partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses);
    let mut leaders: Vec<i32> = partitions
        .map(|partition| partition.current_leader.leader_id.0)
        .filter(|leader| *leader >= 0)
        .collect();
    leaders.sort_unstable();
    leaders.dedup();
    response.node_endpoints = leaders
        .into_iter()
        .filter_map(|leader| cluster.brokers.broker(NodeId::new(leader)))
        .map(|broker| {
            NodeEndpoint::default()
                .with_node_id(broker_id(broker.id))
                .with_host(text(&broker.host))
                .with_port(port(broker))
        })
        .collect();
}

fn find<'a>(
    cluster: &'a Cluster,
    ask: &Ask,
    topic: &TopicProduceData,
) -> Option<&'a super::super::topics::Topic> {
    if ask.version() >= BY_ID {
        cluster.topics.by_id(topic_id(topic.topic_id))
    } else {
        cluster.topics.by_name(topic.name.as_str())
    }
}

/// Appends. What a producer sends again is where it was.
fn append(
    cluster: &mut Cluster,
    ask: &Ask,
    transactional_id: Option<&str>,
    topic: &TopicProduceData,
    data: &PartitionProduceData,
    acks: i16,
) -> Result<Appended, Refusal> {
    if !matches!(acks, -1..=1) {
        return Err(ErrorCode::INVALID_REQUIRED_ACKS.into());
    }
    let unknown = if ask.version() >= BY_ID {
        ErrorCode::UNKNOWN_TOPIC_ID
    } else {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
    };
    let found = find(cluster, ask, topic).ok_or(unknown)?;
    ask.check_partition(found.name.as_str(), data.index)?;
    let partition = found.led_by(ask.broker, data.index, -1)?;
    let key = (found.id, data.index);
    let rules = cluster.topic_rules(found, ask.broker);
    if acks == ALL && partition.in_sync(&cluster.brokers).len() < rules.in_sync_min {
        return Err(ErrorCode::NOT_ENOUGH_REPLICAS.into());
    }
    let terms = Terms {
        rules,
        version: ask.version(),
        now: cluster.clock.timestamp(ask.now),
    };
    let (decompressor, compressor) = (&mut cluster.decompressor, &mut cluster.compressor);
    let Accepted { batch, stamped_at } = accept(data, terms, decompressor, compressor)?;
    cluster.check_room(batch.bytes().len())?;
    let release = cluster.options.release;
    let version = begin(cluster, ask, transactional_id, key, batch.header())?;
    let partition = cluster.topics.partition_mut(key).ok_or(unknown)?;
    let start = partition.log.start_offset();
    let admission = admit(release, &partition.log, version, batch.header());
    let admission = admission.map_err(|error| Refusal {
        error,
        log_start: Some(start),
    })?;
    let base = match admission {
        Admission::Append => partition.log.append(batch),
        Admission::Duplicate(base) => base,
    };
    cluster.topics.note_change(key);
    Ok(Appended {
        base,
        start,
        stamped_at,
    })
}

/// The acks of a producer that waits for all replicas in sync.
const ALL: i16 = -1;

/// The first version that names topics by their id.
const BY_ID: i16 = 13;

/// The first version that tells who leads instead (KIP-951).
const CURRENT_LEADER_SINCE: i16 = 10;
