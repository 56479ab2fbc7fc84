//! What the user asks for and what the group gives: subscriptions, partitions, pauses.

use std::collections::BTreeSet;

use weft_client::{Error, ErrorKind, TopicName, TopicPartition};

use super::ConsumerCore;
use crate::position::{Partition, Position};
use crate::subscription::Subscription;

impl ConsumerCore {
    /// Subscribes to topics. Buffered data of partitions of other topics is dropped at once.
    pub(crate) fn subscribe(&mut self, topics: BTreeSet<TopicName>) -> Result<(), Error> {
        self.buffer
            .retain(|completed| topics.contains(completed.topic_partition.topic()));
        for partition in self.partitions.values_mut() {
            // What was dropped has to be fetched again if the partition stays.
            if !self
                .buffer
                .any(|completed| completed.stamp == partition.stamp())
            {
                self.last_number += 1;
                partition.refetch(crate::position::Stamp(self.last_number));
            }
        }
        self.subscription.replace(Subscription::Topics(topics))?;
        self.want_topics();
        Ok(())
    }

    /// Reads these partitions, without a group's doing. Partitions that stay keep their state.
    pub(crate) fn assign(&mut self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.subscription.replace(Subscription::Manual)?;
        self.apply_assignment(partitions);
        Ok(())
    }

    /// Reads nothing any more.
    pub(crate) fn unsubscribe(&mut self) {
        self.subscription = Subscription::None;
        self.apply_assignment(&BTreeSet::new());
        self.errors.clear();
    }

    /// From now on exactly these are owned. Partitions that stay keep their state.
    pub(crate) fn apply_assignment(&mut self, assignment: &BTreeSet<TopicPartition>) {
        let gone: BTreeSet<TopicPartition> =
            self.assignment.difference(assignment).cloned().collect();
        self.drop_partitions(&gone);
        let start = match (self.options.has_group, self.policy()) {
            (false, Some(to)) => Position::AwaitingReset(to),
            _ => Position::AwaitingCommitted,
        };
        for partition in assignment {
            if self.assignment.insert(partition.clone()) {
                let stamp = self.stamp();
                self.partitions
                    .insert(partition.clone(), Partition::new(start, stamp));
            }
        }
        for partition in self.partitions.values_mut() {
            partition.is_pending_revocation = false;
        }
        self.awaits_committed = true;
        self.want_topics();
    }

    /// These are not owned any more.
    pub(crate) fn revoke(&mut self, partitions: &BTreeSet<TopicPartition>) {
        self.drop_partitions(partitions);
        self.want_topics();
    }

    /// These are about to be given up: nothing of them is fetched or handed out.
    pub(crate) fn mark_pending_revocation(&mut self, partitions: &BTreeSet<TopicPartition>) {
        for partition in partitions {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.is_pending_revocation = true;
            }
        }
        self.is_plan_stale = true;
    }

    fn drop_partitions(&mut self, gone: &BTreeSet<TopicPartition>) {
        for partition in gone {
            self.assignment.remove(partition);
            self.partitions.remove(partition);
        }
        let owned = &self.partitions;
        self.buffer
            .retain(|completed| owned.contains_key(&completed.topic_partition));
    }

    /// Hands out nothing of these until they are resumed. What was fetched is kept.
    pub(crate) fn pause(&mut self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.set_paused(partitions, true)
    }

    /// Ends a pause.
    pub(crate) fn resume(&mut self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.set_paused(partitions, false)
    }

    /// The partitions that are paused.
    pub(crate) fn paused(&self) -> BTreeSet<TopicPartition> {
        let partitions = self.partitions.iter();
        partitions
            .filter(|(_, partition)| partition.is_paused)
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn set_paused(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        is_paused: bool,
    ) -> Result<(), Error> {
        for name in partitions {
            self.owned(name)?;
        }
        for name in partitions {
            self.owned_mut(name)?.is_paused = is_paused;
        }
        self.is_plan_stale = true;
        Ok(())
    }

    pub(super) fn owned(&self, partition: &TopicPartition) -> Result<&Partition, Error> {
        let known = self.partitions.get(partition);
        known.ok_or_else(|| not_assigned(partition))
    }

    pub(super) fn owned_mut(
        &mut self,
        partition: &TopicPartition,
    ) -> Result<&mut Partition, Error> {
        let known = self.partitions.get_mut(partition);
        known.ok_or_else(|| not_assigned(partition))
    }
}

fn not_assigned(partition: &TopicPartition) -> Error {
    Error::new(
        ErrorKind::IllegalState,
        "the partition is not assigned to this consumer",
    )
    .with_topic_partition(partition.clone())
}
