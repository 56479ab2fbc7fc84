//! Fetch: what there is behind an offset, or after a while what has come.
//!
//! The limits work as on a real broker: partitions are served in the order of the request until the
//! whole limit is used up, the first batch found is returned whole even if it is larger (KIP-74),
//! and what is cut may be cut anywhere. Sessions (KIP-227) are elsewhere: they turn each request
//! into one that names everything, and shorten its answer.
//!
//! Versions 4 to 18, by name or by id; for consumers, as no broker here follows another by
//! fetching. Leaders that moved are named (KIP-951), followers serve reads (KIP-392), and logs
//! that diverge are told (KIP-595). There are no quotas, and nothing is converted to older
//! formats.

mod reading;

use std::time::{Duration, Instant};

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::fetch_response::NodeEndpoint;
use weft_client::wire::messages::{FetchRequest, FetchResponse};
use weft_client::{NodeId, Offset};

use super::super::cluster::Cluster;
use super::super::fetch_frame::fetch_frame;
use super::super::fetch_sessions::{Rotation, SessionPoint};
use super::super::parked::Wish;
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply, text};
use super::super::topics::{Partition, PartitionKey, Topic};
use super::repeated::last_of_each;
use super::{broker_id, isolation, port, topic_id};

pub(super) fn fetch(cluster: &mut Cluster, ask: &Ask, mut request: FetchRequest) -> Reply {
    request.topics = once(request.topics);
    let at = session_point(cluster, ask);
    if let Err(error) = cluster.fetch_sessions.begin(at, &mut request) {
        return FetchResponse::default().with_error_code(error.0).into();
    }
    // Topics that nobody knows come last in the answer, as nobody reads from them.
    request
        .topics
        .sort_by_key(|topic| find(cluster, ask, topic).is_none());
    request.topics = neighbours(request.topics);
    let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
    for partition in partitions.filter(|partition| partition.fetch_offset < 0) {
        cluster.violations.add(format_args!(
            "a fetch of partition {} from offset {}",
            partition.partition, partition.fetch_offset
        ));
    }
    let wait = u64::try_from(request.max_wait_ms).unwrap_or_default();
    let until = ask.now + Duration::from_millis(wait).min(WAIT_MAX);
    resume(cluster, ask, request, until, &[])
}

/// Each partition once, at the place of the first and with the last that is said of it.
fn once(topics: Vec<FetchTopic>) -> Vec<FetchTopic> {
    let each = topics.into_iter().flat_map(|mut topic| {
        let partitions = std::mem::take(&mut topic.partitions);
        let partitions = partitions.into_iter();
        partitions.map(move |asked| topic.clone().with_partitions(vec![asked]))
    });
    let each = last_of_each(each.collect(), |topic| {
        let partition = topic.partitions.first().map(|asked| asked.partition);
        (topic.topic.clone(), topic.topic_id, partition)
    });
    neighbours(each)
}

/// Topics that stand beside each other as one.
fn neighbours(topics: Vec<FetchTopic>) -> Vec<FetchTopic> {
    let mut joined = Vec::<FetchTopic>::new();
    for next in topics {
        match joined.last_mut() {
            Some(last) if last.topic == next.topic && last.topic_id == next.topic_id => {
                last.partitions.extend(next.partitions);
            }
            _ => joined.push(next),
        }
    }
    joined
}

/// Answers if there is enough, or if the time is up, or if a partition has gone of those for which
/// the request has waited; else parks the request.
pub(in crate::mock::core) fn resume(
    cluster: &mut Cluster,
    ask: &Ask,
    request: FetchRequest,
    until: Instant,
    waited_for: &[PartitionKey],
) -> Reply {
    if until > ask.now
        && let Some(partitions) = too_little(cluster, ask, &request)
        && partitions.len() >= waited_for.len()
    {
        return cluster.park(
            ask.clone(),
            until,
            Wish::Fetch {
                request,
                partitions,
            },
        );
    }
    let (topics, mut records) = reading::read(cluster, ask, &request);
    let mut response = FetchResponse::default()
        .with_throttle_time_ms(ask.throttle_time_ms())
        .with_responses(topics);
    let at = session_point(cluster, ask);
    let sessions = &mut cluster.fetch_sessions;
    sessions.finish(at, &request, &mut response, &mut records);
    if ask.version() >= CURRENT_LEADER_SINCE {
        name_new_leaders(cluster, &mut response);
    }
    Reply::Frame(fetch_frame(&ask.head, response, records))
}

fn session_point(cluster: &Cluster, ask: &Ask) -> SessionPoint {
    SessionPoint {
        broker: ask.broker,
        now: ask.now,
        version: ask.version(),
        rotation: if cluster.options.release >= KafkaRelease::V3_0 {
            Rotation::WithRecords
        } else {
            Rotation::Told
        },
        slots: cluster.options.fetch_sessions_max,
    }
}

/// The partitions to wait for, if no answer is due yet: there is no error, and fewer bytes than the
/// client wants. Nobody waits for partitions that do not exist, unless there are others.
fn too_little(cluster: &Cluster, ask: &Ask, request: &FetchRequest) -> Option<Vec<PartitionKey>> {
    let wanted = limit(request.min_bytes).min(limit(request.max_bytes));
    let isolation = isolation(request.isolation_level);
    let mut available = 0;
    let mut keys = Vec::new();
    for asked in &request.topics {
        let Some(topic) = find(cluster, ask, asked) else {
            continue;
        };
        for asked in &asked.partitions {
            match partition_of(topic, ask, asked) {
                Ok(partition) => {
                    if reading::is_told_at_once(cluster, ask, request, partition, asked) {
                        return None;
                    }
                    let bytes_max = limit(asked.partition_max_bytes);
                    let offset = Offset::new(asked.fetch_offset);
                    available += partition.log.available(offset, isolation, bytes_max);
                    keys.push((topic.id, asked.partition));
                }
                Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => {}
                Err(_) => return None,
            }
        }
    }
    (available < wanted && !keys.is_empty()).then_some(keys)
}

/// Where the leaders are that the response speaks of (KIP-951).
fn name_new_leaders(cluster: &Cluster, response: &mut FetchResponse) {
    let partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
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

fn find<'a>(cluster: &'a Cluster, ask: &Ask, topic: &FetchTopic) -> Option<&'a Topic> {
    if ask.version() >= BY_ID {
        cluster.topics.by_id(topic_id(topic.topic_id))
    } else {
        cluster.topics.by_name(topic.topic.as_str())
    }
}

/// The partition, if this broker leads it or follows its leader, and the offset exists.
fn partition_of<'a>(
    topic: &'a Topic,
    ask: &Ask,
    asked: &FetchPartition,
) -> Result<&'a Partition, ErrorCode> {
    ask.check_partition(topic.name.as_str(), asked.partition)?;
    let (index, epoch) = (asked.partition, asked.current_leader_epoch);
    let partition = if ask.version() >= FROM_FOLLOWERS_SINCE {
        topic.read_from(ask.broker, index, epoch)
    } else {
        topic.led_by(ask.broker, index, epoch)
    }?;
    let exists = partition.log.start_offset()..=partition.log.end_offset();
    // What another history has behind the end is told before all else (KIP-595).
    let is_diverged = matches!(reading::divergence(&partition.log, asked), Ok(Some(_)));
    if is_diverged || exists.contains(&Offset::new(asked.fetch_offset)) {
        Ok(partition)
    } else {
        Err(ErrorCode::OFFSET_OUT_OF_RANGE)
    }
}

/// A negative limit is none at all, not an unlimited one.
fn limit(bytes: i32) -> usize {
    usize::try_from(bytes).unwrap_or_default()
}

/// The first version that names topics by their id.
const BY_ID: i16 = 13;

/// The first version whose clients may read from followers (KIP-392).
const FROM_FOLLOWERS_SINCE: i16 = 11;

/// The first version in which brokers tell who leads instead, and where that broker listens
/// (KIP-951). There was a place for the former before.
const CURRENT_LEADER_SINCE: i16 = 16;

/// No fetch waits longer, whatever it asks for.
const WAIT_MAX: Duration = Duration::from_secs(3600);
