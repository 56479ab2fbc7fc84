//! What the user asks for and what the group gives: subscriptions, partitions, pauses.

use std::collections::BTreeSet;

use weft_client::{Error, ErrorKind, TopicName, TopicPartition};

use super::ConsumerCore;
use crate::position::{Partition, Position, Stamp};
use crate::subscription::Subscription;

impl ConsumerCore {
    /// Subscribes to topics. Partitions of other topics stay owned until the group takes them, but
    /// nothing of them is fetched or handed out any more, and their buffered data is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if partitions were chosen instead; nothing changes then.
    pub(crate) fn subscribe(&mut self, topics: BTreeSet<TopicName>) -> Result<(), Error> {
        self.subscription.replace(Subscription::Topics(topics))?;
        self.keep_wanted_only();
        self.want_topics();
        Ok(())
    }

    /// Drops what was fetched of topics that the subscription does not include any more.
    pub(super) fn keep_wanted_only(&mut self) {
        for (name, partition) in &mut self.partitions {
            let is_wanted = self.subscription.includes(name.topic());
            if !is_wanted && partition.is_wanted && partition.offset().is_some() {
                self.last_number += 1;
                partition.refetch(Stamp(self.last_number));
            }
            partition.is_wanted = is_wanted;
        }
        self.drop_stale();
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
                let mut new = Partition::new(start, self.stamp());
                new.is_wanted = self.subscription.includes(partition.topic());
                self.partitions.insert(partition.clone(), new);
            }
        }
        for partition in self.partitions.values_mut() {
            partition.is_pending_revocation = false;
        }
        self.awaits_committed = true;
        self.is_assignment_new = true;
        self.want_topics();
    }

    /// What is owned, if that has changed since this was asked last.
    #[inline]
    pub(crate) fn take_new_assignment(&mut self) -> Option<&BTreeSet<TopicPartition>> {
        let is_new = std::mem::take(&mut self.is_assignment_new);
        is_new.then_some(&self.assignment)
    }

    /// These are not owned any more.
    pub(crate) fn revoke(&mut self, partitions: &BTreeSet<TopicPartition>) {
        self.drop_partitions(partitions);
        self.is_assignment_new = true;
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
        self.errors
            .retain(|error| error.topic_partition().is_none_or(|p| !gone.contains(p)));
        self.drop_stale();
    }

    /// Drops data that was fetched for an earlier life of a position.
    pub(super) fn drop_stale(&mut self) {
        let partitions = &self.partitions;
        self.buffer.retain(|completed| {
            let owned = partitions.get(&completed.topic_partition);
            owned.is_some_and(|partition| partition.stamp() == completed.stamp)
        });
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
