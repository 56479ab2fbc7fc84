//! The present state as facts that alone lead to it: what a journal holds once everything that has
//! no effect any more is left out.

use super::super::cluster::Cluster;
use super::super::group::Group;
use super::super::topics::{PartitionKey, Topic};
use super::fact::Fact;

impl Cluster {
    /// Hands out all facts in their order, a few at a time, until `write` fails.
    pub(crate) fn snapshot<E>(
        &self,
        mut write: impl FnMut(&[Fact]) -> Result<(), E>,
    ) -> Result<(), E> {
        let times = self.lifetime.started_times;
        write(&[Fact::Started { times }])?;
        for (broker, settings) in self.broker_settings.iter() {
            write(&[Fact::BrokerConfigured { broker, settings }])?;
        }
        for topic in self.topics.iter() {
            write(&topic_facts(topic))?;
            for (index, partition) in (0..).zip(&topic.partitions) {
                let key: PartitionKey = (topic.id, index);
                let log = &partition.log;
                for batches in log.batches_from(log.start_offset()).chunks(BATCHES_AT_ONCE) {
                    let appended = batches.iter().map(|batch| Fact::Appended {
                        partition: key,
                        batch: batch.bytes().clone(),
                    });
                    write(&appended.collect::<Vec<_>>())?;
                }
                let (start, end) = (log.start_offset(), log.end_offset());
                let partition = key;
                write(&[Fact::LogBounds {
                    partition,
                    start,
                    end,
                }])?;
            }
        }
        for group in self.groups.iter() {
            write(&group_facts(group))?;
        }
        for image in self.transactions.images() {
            write(&[Fact::TransactionChanged(image)])?;
        }
        Ok(())
    }
}

fn topic_facts(topic: &Topic) -> Vec<Fact> {
    let mut facts = vec![Fact::TopicCreated {
        id: topic.id,
        name: topic.name.clone(),
        replication_factor: topic.replication_factor,
    }];
    if !topic.settings.is_empty() {
        facts.push(Fact::TopicConfigured {
            id: topic.id,
            settings: topic.settings.clone(),
        });
    }
    for (index, partition) in (0..).zip(&topic.partitions) {
        facts.push(Fact::PartitionAdded {
            id: topic.id,
            replicas: partition.replicas.clone(),
        });
        let epochs = partition.log.epochs().iter();
        facts.extend(epochs.map(|(epoch, at)| Fact::EpochBegan {
            partition: (topic.id, index),
            epoch: *epoch,
            at: *at,
        }));
    }
    facts
}

fn group_facts(group: &Group) -> Vec<Fact> {
    let image = group.image().cloned().map(Fact::GroupChanged);
    let mut facts: Vec<Fact> = image.into_iter().collect();
    let changes = group.committed().changes().into_iter();
    facts.extend(changes.map(|change| Fact::OffsetChanged {
        group: group.id.clone(),
        change,
    }));
    facts
}

/// How many batches are handed out at once.
const BATCHES_AT_ONCE: usize = 256;
