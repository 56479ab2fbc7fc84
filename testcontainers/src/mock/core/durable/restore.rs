//! How a machine hears facts: what was, is again.

use std::time::Instant;

use bytes::Bytes;
use weft_client::record::{Batch, Batches};
use weft_client::{Offset, TopicId};

use super::super::cluster::Cluster;
use super::super::topics::{Partition, PartitionKey};
use super::fact::Fact;
use super::read::Malformed;

impl Cluster {
    /// Hears one fact, in the order in which they were taken.
    pub(crate) fn restore(&mut self, now: Instant, fact: Fact) -> Result<(), Malformed> {
        match fact {
            Fact::Started { times } => self.lifetime.started_times = times,
            Fact::TopicCreated {
                id,
                name,
                replication_factor,
            } => {
                if self.topics.by_name(name.as_str()).is_some() || self.topics.by_id(id).is_some() {
                    return Err(Malformed::new(format!("topic {name} is created twice")));
                }
                self.topics.restore(id, name, replication_factor);
            }
            Fact::PartitionAdded { id, replicas } => {
                let topic = self.topics.by_id_mut(id).ok_or_else(|| unknown_topic(id))?;
                topic.partitions.push(Partition::new(replicas));
            }
            Fact::TopicConfigured { id, settings } => {
                self.topics.by_id(id).ok_or_else(|| unknown_topic(id))?;
                self.topics.set(id, settings);
            }
            Fact::BrokerConfigured { broker, settings } => {
                self.broker_settings.set(broker, settings);
            }
            Fact::TopicDeleted { id } => {
                let topic = self.topics.by_id(id).ok_or_else(|| unknown_topic(id))?;
                let name = topic.name.clone();
                self.topics.delete(name.as_str());
                self.groups.forget_topic(name.as_str());
            }
            Fact::EpochBegan {
                partition,
                epoch,
                at,
            } => {
                let partition = self.restored(partition)?;
                partition.epoch = epoch;
                partition.log.restore_epoch(epoch, at);
            }
            Fact::Appended { partition, batch } => {
                let log = &mut self.restored(partition)?.log;
                log.restore(whole_batch(batch, log.end_offset())?);
            }
            Fact::LogBounds {
                partition,
                start,
                end,
            } => self.restored(partition)?.log.restore_bounds(start, end),
            Fact::Truncated { partition, at } => {
                let truncated = self.restored(partition)?.log.truncate(at);
                truncated.map_err(|_| Malformed::new("a log is truncated where it is not"))?;
            }
            Fact::GroupChanged(image) => self.groups.restore(now, image),
            Fact::GroupDeleted { id } => {
                let group = self.groups.find(id.as_str());
                group.ok_or_else(|| Malformed::new(format!("there is no group {id}")))?;
                self.groups.remove(id.as_str());
            }
            Fact::OffsetChanged { group, change } => {
                let group = self.groups.find_or_create(&group);
                let group = group.map_err(|_| Malformed::new("too many groups"))?;
                group.committed_mut().restore(change);
            }
            Fact::TransactionChanged(image) => self.transactions.restore(now, image),
        }
        Ok(())
    }

    /// All facts were heard, and the brokers, all of them alive, begin anew: each partition in
    /// another leader epoch, with ids that were never given before.
    pub(crate) fn begin(&mut self) -> Result<(), Malformed> {
        for topic in self.topics.iter() {
            let mut replicas = topic.partitions.iter().flat_map(|it| &it.replicas);
            if let Some(missing) = replicas.find(|id| !self.brokers.contains(**id)) {
                return Err(Malformed::new(format!(
                    "topic {} has replicas on broker {missing}: start at least {} brokers",
                    topic.name,
                    i64::from(missing.value()) + 1
                )));
            }
        }
        // What was heard is written down already.
        self.take_facts();
        self.lifetime.started_times = self.lifetime.started_times.saturating_add(1);
        self.lifetime.is_unsaved = true;
        let first_id = u64::from(self.lifetime.started_times) << 32;
        self.topics.ids_given = first_id;
        self.groups.member_ids_given = first_id;
        self.transactions.begin(first_id as i64);
        self.topics.elect(&self.brokers);
        Ok(())
    }

    fn restored(&mut self, partition: PartitionKey) -> Result<&mut Partition, Malformed> {
        self.topics.note_change(partition);
        let found = self.topics.partition_mut(partition);
        found.ok_or_else(|| {
            Malformed::new(format!(
                "partition {} of topic {:?} does not exist",
                partition.1, partition.0
            ))
        })
    }
}

fn unknown_topic(id: TopicId) -> Malformed {
    Malformed::new(format!("there is no topic {id:?}"))
}

/// Exactly one batch of magic 2, which does not begin before `end`.
fn whole_batch(bytes: Bytes, end: Offset) -> Result<Batch, Malformed> {
    let mut batches = Batches::new(bytes);
    match (batches.next(), batches.next()) {
        (Some(Ok(batch)), None)
            if batches.remainder().is_empty()
                && batch.header().magic() == 2
                && batch.header().base_offset() >= end =>
        {
            Ok(batch)
        }
        _ => Err(Malformed::new(format!(
            "what was appended at offset {end} is no batch"
        ))),
    }
}
