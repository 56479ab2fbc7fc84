//! The topics of the cluster, who leads their partitions, and which partitions changed since
//! somebody looked. It decides names, ids, leaders and epochs; what is in a partition is the
//! business of its log.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::wire::ErrorCode;
use weft_client::{LeaderEpoch, NodeId, TopicId, TopicName};

use super::brokers::Brokers;
use super::configs::Settings;
use super::durable::UnsavedTopics;
use super::log::Log;

/// A partition of a topic that may be deleted and created again.
pub(crate) type PartitionKey = (TopicId, i32);

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    by_name: BTreeMap<TopicName, Topic>,
    names: BTreeMap<TopicId, TopicName>,
    pub(super) ids_given: u64,
    changed: BTreeSet<PartitionKey>,
    pub(super) unsaved: UnsavedTopics,
}

#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: TopicName,
    pub(crate) id: TopicId,
    pub(crate) replication_factor: usize,
    /// What it is set to; all else it has from the brokers.
    pub(crate) settings: Settings,
    pub(crate) partitions: Vec<Partition>,
}

#[derive(Clone, Debug)]
pub(crate) struct Partition {
    /// The brokers that may lead it, the preferred one first.
    pub(crate) replicas: Vec<NodeId>,
    pub(crate) leader: Option<NodeId>,
    pub(crate) epoch: LeaderEpoch,
    pub(crate) log: Log,
}

/// Where the replicas of new partitions go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// So many replicas each, the leaders in turn.
    Spread { replication_factor: usize },
    /// These brokers, for each partition.
    Given(Vec<Vec<NodeId>>),
}

impl Topics {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.by_name.values()
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&Topic> {
        self.by_name.get(name)
    }

    pub(crate) fn by_id(&self, id: TopicId) -> Option<&Topic> {
        self.by_name(self.names.get(&id)?.as_str())
    }

    pub(super) fn by_id_mut(&mut self, id: TopicId) -> Option<&mut Topic> {
        let name = self.names.get(&id)?;
        self.by_name.get_mut(name.as_str())
    }

    /// Takes a topic without partitions back. Nothing about it is checked.
    pub(super) fn restore(&mut self, id: TopicId, name: TopicName, replication_factor: usize) {
        self.names.insert(id, name.clone());
        let topic = Topic {
            name: name.clone(),
            id,
            replication_factor,
            settings: Settings::new(),
            partitions: Vec::new(),
        };
        self.by_name.insert(name, topic);
    }

    pub(crate) fn partition_mut(&mut self, key: PartitionKey) -> Option<&mut Partition> {
        let topic = self.by_id_mut(key.0)?;
        topic.partitions.get_mut(usize::try_from(key.1).ok()?)
    }

    /// Whether a topic of this name and size could be created.
    pub(crate) fn check_new(&self, name: &str, partitions: usize) -> Result<(), ErrorCode> {
        if !is_valid_name(name) {
            Err(ErrorCode::INVALID_TOPIC_EXCEPTION)
        } else if self.by_name.contains_key(name) {
            Err(ErrorCode::TOPIC_ALREADY_EXISTS)
        } else if partitions == 0 || partitions > PARTITIONS_MAX {
            Err(ErrorCode::INVALID_PARTITIONS)
        } else if self.by_name.len() >= TOPICS_MAX {
            Err(ErrorCode::POLICY_VIOLATION)
        } else {
            self.check_total(partitions)
        }
    }

    fn check_total(&self, more: usize) -> Result<(), ErrorCode> {
        let partitions = self.iter().map(|topic| topic.partitions.len());
        if partitions.sum::<usize>() + more <= PARTITIONS_TOTAL_MAX {
            Ok(())
        } else {
            Err(ErrorCode::POLICY_VIOLATION)
        }
    }

    pub(crate) fn create(
        &mut self,
        name: &str,
        partitions: usize,
        placement: &Placement,
        brokers: &Brokers,
    ) -> Result<&Topic, ErrorCode> {
        self.check_new(name, partitions)?;
        placement.check(partitions, brokers)?;
        let id = self.new_id();
        let name = TopicName::from(name);
        self.names.insert(id, name.clone());
        let topic = self.by_name.entry(name.clone()).or_insert(Topic {
            name,
            id,
            replication_factor: placement.replication_factor(),
            settings: Settings::new(),
            partitions: Vec::new(),
        });
        topic.grow(partitions, placement, brokers);
        self.unsaved.created(topic);
        Ok(topic)
    }

    /// An id that no other topic has.
    pub(crate) fn new_id(&mut self) -> TopicId {
        self.ids_given += 1;
        topic_id(self.ids_given)
    }

    /// Adds partitions until there are `count`.
    pub(crate) fn grow(
        &mut self,
        name: &str,
        count: usize,
        brokers: &Brokers,
    ) -> Result<(), ErrorCode> {
        let topic = self.by_name.get(name);
        let topic = topic.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        self.check_total(count.saturating_sub(topic.partitions.len()))?;
        let topic = self.by_name.get_mut(name);
        let topic = topic.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let placement = Placement::Spread {
            replication_factor: topic.replication_factor,
        };
        placement.check(count, brokers)?;
        let before = topic.partitions.len();
        topic.grow(count, &placement, brokers);
        self.unsaved.grown(topic, before);
        Ok(())
    }

    pub(crate) fn delete(&mut self, name: &str) -> Option<Topic> {
        let topic = self.by_name.remove(name)?;
        self.names.remove(&topic.id);
        self.unsaved.deleted(&topic);
        let partitions = 0..topic.partitions.len() as i32;
        self.changed
            .extend(partitions.map(|partition| (topic.id, partition)));
        Some(topic)
    }

    /// Gives each partition without a live leader a new one, if one of its replicas lives.
    pub(crate) fn elect(&mut self, brokers: &Brokers) {
        for topic in self.by_name.values_mut() {
            for (index, partition) in (0..).zip(&mut topic.partitions) {
                if partition.elect(brokers) {
                    self.unsaved.changed((topic.id, index));
                }
            }
        }
    }

    /// Sets a topic to exactly this.
    pub(crate) fn set(&mut self, id: TopicId, settings: Settings) {
        let name = self.names.get(&id);
        if let Some(topic) = name.and_then(|name| self.by_name.get_mut(name.as_str())) {
            self.unsaved.configured(id, settings.clone());
            topic.settings = settings;
        }
    }

    pub(crate) fn note_change(&mut self, key: PartitionKey) {
        self.changed.insert(key);
        self.unsaved.changed(key);
    }

    /// The partitions that changed since the last call.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<PartitionKey> {
        std::mem::take(&mut self.changed)
    }
}

impl Topic {
    fn grow(&mut self, count: usize, placement: &Placement, brokers: &Brokers) {
        while self.partitions.len() < count {
            let index = self.partitions.len();
            let mut partition = Partition::new(placement.replicas(index, brokers));
            partition.elect(brokers);
            self.partitions.push(partition);
        }
    }
}

impl Partition {
    /// Without a leader, and without an epoch before the first election.
    pub(super) fn new(replicas: Vec<NodeId>) -> Self {
        Self {
            replicas,
            leader: None,
            epoch: LeaderEpoch::new(-1),
            log: Log::default(),
        }
    }

    /// The replicas that live.
    pub(crate) fn in_sync(&self, brokers: &Brokers) -> Vec<NodeId> {
        let alive = |id: &NodeId| brokers.is_alive(*id);
        self.replicas.iter().copied().filter(alive).collect()
    }

    /// Finds a leader if there is none that lives, and says whether an epoch began. Losing the only
    /// one begins an epoch as well.
    fn elect(&mut self, brokers: &Brokers) -> bool {
        if self.leader.is_some_and(|leader| brokers.is_alive(leader)) {
            return false;
        }
        let leader = self.in_sync(brokers).first().copied();
        if leader.is_none() && self.leader.is_none() && self.epoch.value() >= 0 {
            return false;
        }
        self.lead(leader);
        true
    }
}

impl Placement {
    pub(crate) fn check(&self, partitions: usize, brokers: &Brokers) -> Result<(), ErrorCode> {
        match self {
            Self::Spread { replication_factor } => {
                let possible = 1..=brokers.ids().len();
                if possible.contains(replication_factor) {
                    Ok(())
                } else {
                    Err(ErrorCode::INVALID_REPLICATION_FACTOR)
                }
            }
            Self::Given(replicas) => {
                let is_possible = replicas.len() == partitions
                    && replicas.iter().all(|replicas| {
                        let distinct: BTreeSet<_> = replicas.iter().collect();
                        !replicas.is_empty()
                            && distinct.len() == replicas.len()
                            && replicas.iter().all(|id| brokers.contains(*id))
                    });
                if is_possible {
                    Ok(())
                } else {
                    Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT)
                }
            }
        }
    }

    pub(crate) fn replication_factor(&self) -> usize {
        match self {
            Self::Spread { replication_factor } => *replication_factor,
            Self::Given(replicas) => replicas.first().map_or(1, Vec::len),
        }
    }

    fn replicas(&self, index: usize, brokers: &Brokers) -> Vec<NodeId> {
        match self {
            Self::Given(replicas) => replicas[index].clone(),
            Self::Spread { replication_factor } => {
                let ids: Vec<NodeId> = brokers.ids().collect();
                let turn = index % ids.len();
                ids.iter()
                    .cycle()
                    .skip(turn)
                    .take(*replication_factor)
                    .copied()
                    .collect()
            }
        }
    }
}

/// Whether Kafka allows a topic of this name.
pub(crate) fn is_valid_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(is_allowed)
}

/// Ids are in the order of creation, so that a test sees the same ones in every run.
fn topic_id(number: u64) -> TopicId {
    let mut id = *b"weft-mock-------";
    id[8..].copy_from_slice(&number.to_be_bytes());
    TopicId(id)
}

/// How many topics the cluster may have.
const TOPICS_MAX: usize = 10_000;

/// How many partitions all topics may have together.
const PARTITIONS_TOTAL_MAX: usize = 200_000;

/// How many partitions a topic may have.
pub(crate) const PARTITIONS_MAX: usize = 10_000;
