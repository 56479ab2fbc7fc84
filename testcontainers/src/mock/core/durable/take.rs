//! What changed since the last look, as facts. It notes which topics, partitions and groups were
//! touched, and reads the changes off them.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::wire::ErrorCode;
use weft_client::{Offset, TopicId};

use super::super::cluster::Cluster;
use super::super::configs::Settings;
use super::super::group::Group;
use super::super::topics::{Partition, PartitionKey, Topic, Topics};
use super::fact::Fact;

/// How often the cluster was started, and whether that was told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifetime {
    pub(super) started_times: u32,
    pub(super) is_unsaved: bool,
}

/// The topics' part of what is not told yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnsavedTopics {
    facts: Vec<Fact>,
    partitions: BTreeSet<PartitionKey>,
    told: BTreeMap<PartitionKey, Told>,
    bytes: usize,
}

/// How far a partition was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    start: Offset,
    end: Offset,
    epochs: usize,
    bytes: usize,
}

impl Cluster {
    /// All that happened since the last call and must outlive the process.
    pub(crate) fn take_facts(&mut self) -> Vec<Fact> {
        let mut facts = Vec::new();
        if std::mem::take(&mut self.lifetime.is_unsaved) {
            let times = self.lifetime.started_times;
            facts.push(Fact::Started { times });
        }
        self.topics.take_facts(&mut facts);
        let configured = self.broker_settings.take_changed().into_iter();
        facts.extend(
            configured.map(|(broker, settings)| Fact::BrokerConfigured { broker, settings }),
        );
        let deleted = self.groups.take_deleted().into_iter();
        facts.extend(deleted.map(|id| Fact::GroupDeleted { id }));
        for id in self.groups.take_touched() {
            if let Some(group) = self.groups.find_mut(id.as_str()) {
                take_group(group, &mut facts);
            }
        }
        // The look itself was no change.
        self.groups.take_touched();
        let changed = self.transactions.take_images().into_iter();
        facts.extend(changed.map(Fact::TransactionChanged));
        facts
    }

    /// Whether so many bytes more may be appended. The limit is exceeded by one request at most.
    pub(crate) fn check_room(&self, bytes: usize) -> Result<(), ErrorCode> {
        if self.record_bytes().saturating_add(bytes) <= self.options.record_bytes_max {
            Ok(())
        } else {
            Err(ErrorCode::POLICY_VIOLATION)
        }
    }

    /// How many bytes all batches have, as of the last look.
    pub(crate) fn record_bytes(&self) -> usize {
        self.topics.unsaved.bytes
    }
}

impl Topics {
    fn take_facts(&mut self, facts: &mut Vec<Fact>) {
        facts.append(&mut self.unsaved.facts);
        for key in std::mem::take(&mut self.unsaved.partitions) {
            let told = self
                .unsaved
                .told
                .get(&key)
                .copied()
                .unwrap_or(Told::NOTHING);
            let Some(partition) = self.partition_mut(key) else {
                continue;
            };
            take_partition(key, partition, told, facts);
            let now_told = Told::all_of(partition);
            self.unsaved.bytes = self.unsaved.bytes + now_told.bytes - told.bytes;
            self.unsaved.told.insert(key, now_told);
        }
    }
}

impl UnsavedTopics {
    pub(crate) fn created(&mut self, topic: &Topic) {
        self.facts.push(Fact::TopicCreated {
            id: topic.id,
            name: topic.name.clone(),
            replication_factor: topic.replication_factor,
        });
        self.grown(topic, 0);
    }

    /// The topic had fewer partitions before.
    pub(crate) fn grown(&mut self, topic: &Topic, before: usize) {
        for partition in &topic.partitions[before..] {
            self.facts.push(Fact::PartitionAdded {
                id: topic.id,
                replicas: partition.replicas.clone(),
            });
        }
        let indices = before as i32..topic.partitions.len() as i32;
        self.partitions
            .extend(indices.map(|index| (topic.id, index)));
    }

    pub(crate) fn configured(&mut self, id: TopicId, settings: Settings) {
        self.facts.push(Fact::TopicConfigured { id, settings });
    }

    pub(crate) fn deleted(&mut self, topic: &Topic) {
        self.facts.push(Fact::TopicDeleted { id: topic.id });
        let of_topic = partitions_of(topic.id);
        let told: Vec<PartitionKey> = self.told.range(of_topic).map(|(key, _)| *key).collect();
        for key in told {
            self.bytes -= self.told.remove(&key).map_or(0, |told| told.bytes);
        }
    }

    /// The log lost what was at `at` and behind it; so many epochs began before that.
    pub(crate) fn truncated(&mut self, partition: PartitionKey, at: Offset, epochs: usize) {
        self.facts.push(Fact::Truncated { partition, at });
        if let Some(told) = self.told.get_mut(&partition) {
            told.end = told.end.min(at);
            told.epochs = told.epochs.min(epochs);
        }
    }

    pub(crate) fn changed(&mut self, partition: PartitionKey) {
        self.partitions.insert(partition);
    }
}

impl Told {
    const NOTHING: Self = Self {
        start: Offset::ZERO,
        end: Offset::ZERO,
        epochs: 0,
        bytes: 0,
    };

    fn all_of(partition: &Partition) -> Self {
        let log = &partition.log;
        Self {
            start: log.start_offset(),
            end: log.end_offset(),
            epochs: log.epochs().len(),
            bytes: log.bytes(),
        }
    }
}

fn partitions_of(id: TopicId) -> std::ops::RangeInclusive<PartitionKey> {
    (id, i32::MIN)..=(id, i32::MAX)
}

fn take_partition(key: PartitionKey, partition: &Partition, told: Told, facts: &mut Vec<Fact>) {
    let log = &partition.log;
    let epochs = log.epochs().iter().skip(told.epochs);
    facts.extend(epochs.map(|(epoch, at)| Fact::EpochBegan {
        partition: key,
        epoch: *epoch,
        at: *at,
    }));
    if log.end_offset() > told.end {
        let batches = log.batches_from(told.end).iter();
        facts.extend(batches.map(|batch| Fact::Appended {
            partition: key,
            batch: batch.bytes().clone(),
        }));
    }
    if log.start_offset() > told.start {
        facts.push(Fact::LogBounds {
            partition: key,
            start: log.start_offset(),
            end: log.end_offset(),
        });
    }
}

fn take_group(group: &mut Group, facts: &mut Vec<Fact>) {
    facts.extend(group.take_image().cloned().map(Fact::GroupChanged));
    let id = group.id.clone();
    let changes = group.committed_mut().take_unsaved().into_iter();
    facts.extend(changes.map(|change| Fact::OffsetChanged {
        group: id.clone(),
        change,
    }));
}
