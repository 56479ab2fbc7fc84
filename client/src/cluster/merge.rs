//! An answer and the belief before it become the belief after it (Kafka's `Metadata.update`).
//!
//! The one rule that must hold: an older leader epoch never replaces a newer one, unless the topic
//! was deleted and created again, or the answer comes from another cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::refresh::{Extent, Learned};
use super::snapshot::{ClusterSnapshot, PartitionSnapshot, TopicSnapshot};
use crate::error::ErrorKind;
use crate::ids::{Broker, LeaderEpoch, NodeId, TopicId, TopicName};
use crate::wire::messages::MetadataResponse;
use crate::wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use crate::wire::{Context, ErrorCode, Reaction, reaction};

/// What comes of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) snapshot: ClusterSnapshot,
    pub(super) learned: Learned,
    /// Topics or partitions that will be known better in a while: ask again.
    pub(super) is_incomplete: bool,
    /// Topics whose names the brokers refuse.
    pub(super) invalid_topics: BTreeSet<TopicName>,
    /// Topics that we may not see.
    pub(super) unauthorized_topics: BTreeSet<TopicName>,
}

/// Merges an answer into what was believed before.
pub(super) fn merge(before: &ClusterSnapshot, answer: &MetadataResponse, extent: Extent) -> Merged {
    let mut snapshot = match extent {
        Extent::Full => ClusterSnapshot::default(),
        Extent::NewTopics => before.clone(),
    };
    snapshot.brokers = answer
        .brokers
        .iter()
        .filter_map(broker)
        .map(|broker| (broker.id, broker))
        .collect();
    snapshot.controller =
        Some(NodeId::from(answer.controller_id)).filter(|node| !node.is_bootstrap());
    let cluster_id = answer.cluster_id.as_deref();
    let is_other_cluster =
        cluster_id.is_some() && before.cluster_id.is_some() && cluster_id != before.cluster_id();
    snapshot.cluster_id = cluster_id
        .map(Arc::from)
        .or_else(|| before.cluster_id.clone());
    let mut merged = Merged {
        snapshot,
        learned: Learned::Nothing,
        is_incomplete: false,
        invalid_topics: BTreeSet::new(),
        unauthorized_topics: BTreeSet::new(),
    };
    for topic in &answer.topics {
        // Topics without name were asked for by id, which nobody does here.
        let Some(name) = topic.name.as_ref() else {
            continue;
        };
        let known = before.topics.get_key_value(name.0.as_str());
        let missing = || before.missing.get_key_value(name.0.as_str());
        let (name, before) = match known.or_else(missing) {
            Some((name, topic)) if !is_other_cluster => (name.clone(), Some(topic)),
            _ => (TopicName::from(name), None),
        };
        merged.add_topic(name, topic, before);
    }
    merged
}

impl ClusterSnapshot {
    /// What one answer says, compared with nothing that was believed before.
    pub fn of_answer(answer: &MetadataResponse) -> Self {
        merge(&Self::default(), answer, Extent::Full).snapshot
    }
}

impl Merged {
    fn add_topic(
        &mut self,
        name: TopicName,
        answer: &MetadataResponseTopic,
        before: Option<&TopicSnapshot>,
    ) {
        if answer.error_code == 0 {
            let topic = self.topic(answer, before);
            self.snapshot.topic_errors.remove(&name);
            self.snapshot.missing.remove(&name);
            self.snapshot.topics.insert(name, topic);
            return;
        }
        let code = ErrorCode(answer.error_code);
        self.is_incomplete |= asks_again(code);
        match ErrorKind::from(code) {
            ErrorKind::InvalidTopic => {
                self.invalid_topics.insert(name.clone());
            }
            ErrorKind::TopicAuthorization => {
                self.unauthorized_topics.insert(name.clone());
            }
            _ => {}
        }
        if let Some(topic) = before {
            self.snapshot.missing.insert(name.clone(), topic.clone());
        }
        self.snapshot.topics.remove(&name);
        self.snapshot.topic_errors.insert(name, code);
    }

    fn topic(
        &mut self,
        answer: &MetadataResponseTopic,
        before: Option<&TopicSnapshot>,
    ) -> TopicSnapshot {
        let id = TopicId::from(answer.topic_id);
        let is_same_topic = |topic: &&TopicSnapshot| id.is_unknown() || topic.id == id;
        let before = before.filter(is_same_topic);
        let mut partitions = BTreeMap::new();
        for partition in &answer.partitions {
            self.is_incomplete |= asks_again(ErrorCode(partition.error_code));
            let number = partition.partition_index;
            let known = before.and_then(|topic| topic.partitions.get(&number));
            let (partition, learned) = newer(known, partition);
            if learned == Learned::Something {
                self.learned = learned;
            }
            partitions.insert(number, partition);
        }
        TopicSnapshot {
            id,
            is_internal: answer.is_internal,
            partitions,
        }
    }
}

/// The newer of what is known of a partition and what an answer says of it.
fn newer(
    known: Option<&PartitionSnapshot>,
    answer: &MetadataResponsePartition,
) -> (PartitionSnapshot, Learned) {
    let answered = read_partition(answer);
    let Some(known) = known else {
        return (answered, Learned::Something);
    };
    let learned = match (known.newest_epoch, answered.newest_epoch) {
        (Some(newest), Some(epoch)) if epoch < newest => return (known.clone(), Learned::Nothing),
        (Some(newest), Some(epoch)) if epoch == newest => Learned::Nothing,
        (_, Some(_)) => Learned::Something,
        // Without epochs only the leader itself can tell that something changed.
        (_, None) if known.leader == answered.leader => Learned::Nothing,
        (_, None) => Learned::Something,
    };
    (answered, learned)
}

fn read_partition(answer: &MetadataResponsePartition) -> PartitionSnapshot {
    let nodes = |ids: &[_]| ids.iter().copied().map(NodeId::from).collect();
    let leader_epoch = LeaderEpoch::from_wire(answer.leader_epoch);
    PartitionSnapshot {
        leader: Some(NodeId::from(answer.leader_id)).filter(|node| !node.is_bootstrap()),
        leader_epoch,
        newest_epoch: leader_epoch,
        replicas: nodes(&answer.replica_nodes),
        in_sync_replicas: nodes(&answer.isr_nodes),
        offline_replicas: nodes(&answer.offline_replicas),
        error_code: ErrorCode(answer.error_code),
    }
}

/// A broker of an answer; `None` if it could not be connected to anyway.
fn broker(answer: &MetadataResponseBroker) -> Option<Arc<Broker>> {
    let id = NodeId::from(answer.node_id);
    let port = u16::try_from(answer.port).ok().filter(|port| *port > 0)?;
    if id.is_bootstrap() || answer.host.is_empty() {
        return None;
    }
    Some(Arc::new(Broker {
        id,
        host: answer.host.as_str().into(),
        port,
        rack: answer.rack.as_deref().map(Arc::from),
    }))
}

/// Whether a code for a topic or a partition says that asking again later will tell more.
fn asks_again(code: ErrorCode) -> bool {
    matches!(
        reaction(Context::Metadata, code),
        Reaction::Retry | Reaction::RefreshMetadata
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::answers::{partition, response, topic, topic_error};
    use crate::ids::TopicPartition;

    /// Merges the answers in order and tells leader and epoch of partition 0 of topic `t`.
    fn believed(answers: &[MetadataResponse]) -> (Option<i32>, Option<i32>) {
        let mut snapshot = ClusterSnapshot::default();
        for answer in answers {
            snapshot = merge(&snapshot, answer, Extent::Full).snapshot;
        }
        let partition = snapshot.partition(&TopicPartition::new("t", 0));
        let leader = partition.and_then(PartitionSnapshot::current_leader);
        let epoch = partition.and_then(|partition| partition.leader_epoch);
        (leader.map(NodeId::value), epoch.map(LeaderEpoch::value))
    }

    fn led_by(id: u8, leader: i32, epoch: i32) -> MetadataResponse {
        response(
            &[1, 2],
            vec![topic("t", id, vec![partition(0, leader, epoch)])],
        )
    }

    #[test]
    fn an_older_epoch_never_replaces_a_newer_one_unless_the_topic_was_created_again() {
        for (answers, expected) in [
            (vec![led_by(1, 1, 5)], (Some(1), Some(5))),
            (vec![led_by(1, 1, 5), led_by(1, 2, 6)], (Some(2), Some(6))),
            (vec![led_by(1, 1, 5), led_by(1, 2, 4)], (Some(1), Some(5))),
            (vec![led_by(1, 1, 5), led_by(1, -1, 5)], (None, Some(5))),
            (vec![led_by(1, 1, 5), led_by(2, 2, 0)], (Some(2), Some(0))),
            (vec![led_by(0, 1, 5), led_by(0, 2, 4)], (Some(1), Some(5))),
            // An id that becomes known counts as another topic, as in Java.
            (vec![led_by(0, 1, 5), led_by(1, 2, 4)], (Some(2), Some(4))),
            // Brokers without epochs are believed as they come.
            (vec![led_by(0, 1, 5), led_by(0, 2, -1)], (Some(2), None)),
        ] {
            assert_eq!(believed(&answers), expected, "{answers:?}");
        }
    }

    #[test]
    fn a_topic_that_was_missing_for_a_while_keeps_its_epochs() {
        let missing = response(&[1, 2], vec![topic_error("t", 3)]);
        assert_eq!(believed(&[led_by(1, 1, 5), missing.clone()]), (None, None));
        let back = [led_by(1, 1, 5), missing.clone(), missing, led_by(1, 2, 4)];
        assert_eq!(believed(&back), (Some(1), Some(5)));
    }

    #[test]
    fn another_cluster_is_believed_whatever_its_epochs() {
        let named = |answer: MetadataResponse, id: &'static str| {
            answer.with_cluster_id(Some(crate::wire::StrBytes::from_static_str(id)))
        };
        let answers = [named(led_by(0, 1, 5), "a"), named(led_by(0, 2, 3), "b")];
        assert_eq!(believed(&answers), (Some(2), Some(3)));
    }

    #[test]
    fn a_partial_answer_leaves_the_other_topics_alone() {
        let before = merge(&ClusterSnapshot::default(), &led_by(1, 1, 5), Extent::Full).snapshot;
        let answer = response(&[2, 3], vec![topic("u", 2, vec![partition(0, 3, 0)])]);
        let partial = merge(&before, &answer, Extent::NewTopics).snapshot;
        let names: Vec<&str> = partial.topics().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["t", "u"]);
        let brokers: Vec<i32> = partial.brokers().map(|broker| broker.id.value()).collect();
        assert_eq!(brokers, [2, 3]);
        let full = merge(&partial, &answer, Extent::Full).snapshot;
        assert_eq!(full.topics().len(), 1);
    }

    #[test]
    fn what_was_learned_decides_about_backoff_and_errors_about_asking_again() {
        let before = merge(&ClusterSnapshot::default(), &led_by(1, 1, 5), Extent::Full).snapshot;
        let failing = |code| {
            let partition = partition(0, -1, 5).with_error_code(code);
            response(&[1], vec![topic("t", 1, vec![partition])])
        };
        for (answer, learned, is_incomplete) in [
            (led_by(1, 1, 5), Learned::Nothing, false),
            (led_by(1, 2, 6), Learned::Something, false),
            (led_by(1, 2, 4), Learned::Nothing, false),
            (led_by(2, 2, 4), Learned::Something, false),
            (failing(5), Learned::Nothing, true),
            (
                response(&[1], vec![topic_error("t", 3)]),
                Learned::Nothing,
                true,
            ),
            (
                response(&[1], vec![topic_error("t", 17)]),
                Learned::Nothing,
                false,
            ),
        ] {
            let merged = merge(&before, &answer, Extent::Full);
            assert_eq!(
                (merged.learned, merged.is_incomplete),
                (learned, is_incomplete),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn brokers_that_could_not_be_connected_to_are_dropped() {
        let mut answer = response(&[1, 2, 3, -4], Vec::new());
        answer.brokers[0].port = 70_000;
        answer.brokers[1].host = crate::wire::StrBytes::default();
        let snapshot = merge(&ClusterSnapshot::default(), &answer, Extent::Full).snapshot;
        let ids: Vec<i32> = snapshot.brokers().map(|broker| broker.id.value()).collect();
        assert_eq!(ids, [3]);
    }
}
