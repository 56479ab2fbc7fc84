//! Which broker to ask for which partition: its leader, or the replica that the leader prefers.
//!
//! A leader that finds a replica nearer to `client.rack` names it instead of sending records
//! (KIP-392). It is asked until `metadata.max.age.ms` is over, the leader changes, or something is
//! wrong with it; then the leader is asked again, and may name it again. As in Kafka's consumer,
//! except that a named replica which is not there costs a pause: the leader would name it again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use weft_client::cluster::{ClusterSnapshot, TopicSnapshot, UpdateReason};
use weft_client::{Broker, LeaderEpoch, NodeId, TopicName, TopicPartition};

use super::{ConsumerCore, Node};
use crate::fetch::AskedPartition;
use crate::position::{Partition, PreferredReplica};

/// What one broker is to be asked for, in the order of the names.
pub(super) struct Wanted {
    pub(super) broker: Arc<Broker>,
    pub(super) asked: Vec<AskedPartition>,
}

/// Where to read a partition.
struct Target<'a> {
    broker: &'a Arc<Broker>,
    leader_epoch: Option<LeaderEpoch>,
}

impl ConsumerCore {
    /// All that can be asked for now, by the broker to ask.
    pub(super) fn wanted_by_node(&mut self, now: Instant) -> BTreeMap<NodeId, Wanted> {
        let mut by_node: BTreeMap<NodeId, Wanted> = BTreeMap::new();
        let mut is_stale = None;
        let mut without_replica = Vec::new();
        let mut term_ends_at: Option<Instant> = None;
        let snapshot = Arc::clone(self.cluster.snapshot());
        // Partitions of a topic are neighbours.
        let mut topic: Option<(&TopicName, Option<&TopicSnapshot>)> = None;
        for (name, partition) in &mut self.partitions {
            if !partition.is_fetchable() || partition.backs_off(now) {
                continue;
            }
            let known = match topic {
                Some((current, known)) if current == name.topic() => known,
                _ => snapshot.topic(name.topic().as_str()),
            };
            topic = Some((name.topic(), known));
            let Some(target) = known.and_then(|topic| leader(&snapshot, topic, name)) else {
                is_stale = Some(UpdateReason::LeaderUnknown);
                continue;
            };
            let broker = match preferred(now, partition, &target, &snapshot, known, name) {
                Preferred::Nobody => target.broker,
                Preferred::Replica(broker, until) => {
                    term_ends_at = Some(term_ends_at.map_or(until, |known| known.min(until)));
                    broker
                }
                Preferred::Gone => {
                    without_replica.push(name.clone());
                    continue;
                }
            };
            if is_asked_of_another(&self.nodes, partition, broker.id) {
                continue;
            }
            let wanted = by_node.entry(broker.id).or_insert_with(|| Wanted {
                broker: Arc::clone(broker),
                asked: Vec::new(),
            });
            wanted.asked.push(AskedPartition {
                topic_partition: name.clone(),
                topic_id: known.map(|topic| topic.id).unwrap_or_default(),
                stamp: partition.stamp(),
                offset: partition.fetch_offset(),
                leader_epoch: target.leader_epoch,
                last_answer: partition.last_answer,
            });
        }
        if let Some(at) = term_ends_at {
            self.plan_by(at);
        }
        for name in &without_replica {
            is_stale = Some(UpdateReason::BeliefRefused);
            self.back_partition_off(now, name);
        }
        if let Some(reason) = is_stale {
            self.cluster.request_update(reason);
        }
        by_node
    }

    /// Whether what a node was asked for last is all that can be asked of it now. It takes a look
    /// at every partition, so it serves as a check only.
    pub(super) fn is_asked_for_all(&self, now: Instant, node: NodeId) -> bool {
        let snapshot = self.cluster.snapshot();
        let state = self.nodes.get(&node);
        let mut asked = state.into_iter().flat_map(|it| it.session.partitions());
        let mut wanted = self.partitions.iter().filter_map(|(name, partition)| {
            if !partition.is_fetchable() || partition.backs_off(now) {
                return None;
            }
            let target = leader(snapshot, snapshot.topic(name.topic().as_str())?, name)?;
            let replica = partition.preferred_replica.filter(|replica| {
                replica.until > now && replica.leader_epoch == target.leader_epoch
            });
            let to_ask = replica.map_or(target.broker.id, |replica| replica.node);
            let is_meant = to_ask == node && !is_asked_of_another(&self.nodes, partition, node);
            is_meant.then_some((name, partition, target.leader_epoch))
        });
        wanted.all(|(name, partition, leader_epoch)| {
            asked.next().is_some_and(|asked| {
                asked.topic_partition == *name
                    && asked.stamp == partition.stamp()
                    && asked.offset == partition.fetch_offset()
                    && asked.leader_epoch == leader_epoch
            })
        }) && asked.next().is_none()
    }

    /// Takes the hint of an answer without records. A replica that is preferred already keeps its
    /// term.
    pub(super) fn prefer_replica(&mut self, now: Instant, asked: &AskedPartition, node: NodeId) {
        let until = now + self.options.replica_term;
        let partition = self.partitions.get_mut(&asked.topic_partition);
        if let Some(partition) = partition.filter(|_| node.value() >= 0)
            && partition.preferred_replica.map(|known| known.node) != Some(node)
        {
            partition.preferred_replica = Some(PreferredReplica {
                node,
                until,
                leader_epoch: asked.leader_epoch,
            });
        }
    }
}

fn leader<'a>(
    snapshot: &'a ClusterSnapshot,
    topic: &'a TopicSnapshot,
    name: &TopicPartition,
) -> Option<Target<'a>> {
    let known = topic.partitions.get(&name.partition())?;
    Some(Target {
        broker: snapshot.broker(known.current_leader()?)?,
        leader_epoch: known.leader_epoch,
    })
}

/// The replica to ask instead of the leader.
enum Preferred<'a> {
    Nobody,
    /// This one, until then.
    Replica(&'a Arc<Broker>, Instant),
    /// It was named, and is not there.
    Gone,
}

/// Forgets a replica that counts no more.
fn preferred<'a>(
    now: Instant,
    partition: &mut Partition,
    target: &Target<'_>,
    snapshot: &'a ClusterSnapshot,
    topic: Option<&TopicSnapshot>,
    name: &TopicPartition,
) -> Preferred<'a> {
    let Some(replica) = partition.preferred_replica else {
        return Preferred::Nobody;
    };
    if replica.until <= now || replica.leader_epoch != target.leader_epoch {
        partition.preferred_replica = None;
        return Preferred::Nobody;
    }
    let is_offline = topic
        .and_then(|topic| topic.partitions.get(&name.partition()))
        .is_some_and(|known| known.offline_replicas.contains(&replica.node));
    match snapshot.broker(replica.node).filter(|_| !is_offline) {
        Some(broker) => Preferred::Replica(broker, replica.until),
        None => {
            partition.preferred_replica = None;
            Preferred::Gone
        }
    }
}

/// Whether a broker still has to answer for the partition that is not the one to ask now.
fn is_asked_of_another(
    nodes: &BTreeMap<NodeId, Node>,
    partition: &Partition,
    node: NodeId,
) -> bool {
    let other = partition.asked_of.filter(|other| other.node != node);
    other.is_some_and(|other| {
        let asked = nodes.get(&other.node);
        asked.is_some_and(|node| node.awaits(other.fetch))
    })
}
