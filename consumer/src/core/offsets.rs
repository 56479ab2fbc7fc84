//! Positions: where they come from, and how the user moves them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use weft_client::{Error, ErrorKind, Offset, OffsetAndMetadata, TopicPartition};

use super::ConsumerCore;
use crate::config::{AutoOffsetReset, IsolationLevel};
use crate::lane::Offsets;
use crate::position::{EndQuestion, Position, ResetTo};

impl ConsumerCore {
    /// The partitions whose committed offsets nobody asks for yet. From now on somebody does.
    pub(crate) fn take_partitions_to_fetch_committed(
        &mut self,
        now: Instant,
    ) -> BTreeSet<TopicPartition> {
        let mut wanted = BTreeSet::new();
        self.awaits_committed = false;
        if !self.options.has_group {
            return wanted;
        }
        for (name, partition) in &mut self.partitions {
            let awaits = partition.position() == Position::AwaitingCommitted
                && !partition.is_pending_revocation;
            self.awaits_committed |= awaits && !partition.is_asked && !partition.has_failed;
            if awaits && !partition.is_asked && !partition.has_failed && !partition.backs_off(now) {
                partition.is_asked = true;
                wanted.insert(name.clone());
            }
        }
        wanted
    }

    /// Takes committed offsets. Partitions without one are reset by policy.
    pub(crate) fn committed_fetched(
        &mut self,
        offsets: &BTreeMap<TopicPartition, Option<OffsetAndMetadata>>,
    ) {
        for (name, committed) in offsets {
            let stamp = self.stamp();
            let policy = self.policy();
            let Some(partition) = self.partitions.get_mut(name) else {
                continue;
            };
            // The user may have sought to another place meanwhile; or the question was asked for an
            // earlier ownership, since when others may have committed.
            if partition.position() != Position::AwaitingCommitted || !partition.is_asked {
                continue;
            }
            match (committed, policy) {
                (Some(committed), _) => {
                    partition.set(at(committed), stamp);
                    self.see_epochs([(name, committed)]);
                }
                (None, Some(to)) => partition.set(Position::AwaitingReset(to), stamp),
                (None, None) => {
                    partition.is_asked = false;
                    self.fail_without_policy(name, NO_COMMITTED);
                }
            }
        }
        self.is_confirmation_due = true;
        self.is_plan_stale = true;
    }

    /// Takes note that committed offsets could not be had. They are asked for again after a pause.
    /// Returns whether they still are of interest.
    pub(crate) fn committed_failed(
        &mut self,
        now: Instant,
        partitions: &BTreeSet<TopicPartition>,
    ) -> bool {
        let mut is_of_interest = false;
        for name in partitions {
            let attempts = self.partitions.get(name).map_or(0, |p| p.attempts);
            let pause = self.pause_after(attempts);
            self.plan_by(now + pause);
            if let Some(partition) = self.partitions.get_mut(name)
                && partition.position() == Position::AwaitingCommitted
                && partition.is_asked
            {
                is_of_interest = true;
                partition.is_asked = false;
                partition.attempts += 1;
                partition.retry_at = Some(now + pause);
                self.awaits_committed = true;
            }
        }
        is_of_interest
    }

    /// Where the user stands; `None` while that is not known yet.
    pub(crate) fn position(&self, partition: &TopicPartition) -> Result<Option<Offset>, Error> {
        Ok(self.owned(partition)?.offset())
    }

    /// All positions that are known, as they would be committed.
    pub(crate) fn consumed_offsets(&self) -> Offsets {
        let partitions = self.partitions.iter();
        partitions
            .filter_map(|(name, partition)| match partition.position() {
                Position::At {
                    offset,
                    leader_epoch,
                } => {
                    let mut consumed = OffsetAndMetadata::new(offset);
                    consumed.leader_epoch = leader_epoch;
                    Some((name.clone(), consumed))
                }
                Position::AwaitingCommitted
                | Position::AwaitingReset(_)
                | Position::AwaitingValidation { .. } => None,
            })
            .collect()
    }

    /// The next record is the one at `to`.
    pub(crate) fn seek(
        &mut self,
        partition: &TopicPartition,
        to: &OffsetAndMetadata,
    ) -> Result<(), Error> {
        if to.offset < Offset::ZERO {
            return Err(Error::new(
                ErrorKind::IllegalArgument,
                format!(
                    "an offset of {} cannot be sought: it is negative",
                    to.offset
                ),
            )
            .with_topic_partition(partition.clone()));
        }
        self.move_to(partition, at(to))?;
        self.see_epochs([(partition, to)]);
        Ok(())
    }

    /// Looks the offset up when it is needed. No partition at all stands for all that are owned.
    pub(crate) fn reset_to(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        to: ResetTo,
    ) -> Result<(), Error> {
        let all = self.assignment.clone();
        let meant = if partitions.is_empty() {
            &all
        } else {
            partitions
        };
        for partition in meant {
            self.owned(partition)?;
        }
        meant
            .iter()
            .try_for_each(|partition| self.move_to(partition, Position::AwaitingReset(to)))
    }

    /// Records between the position and the end, as the last answer told it. An end that no answer
    /// has told yet is asked for, once at a time.
    pub(crate) fn current_lag(&mut self, partition: &TopicPartition) -> Result<Option<u64>, Error> {
        let isolation = self.options.isolation;
        let owned = self.owned_mut(partition)?;
        let end = match isolation {
            IsolationLevel::ReadUncommitted => owned.high_watermark,
            IsolationLevel::ReadCommitted => owned.last_stable_offset,
        };
        let offset = owned.offset();
        if end.is_none() && owned.end_question == EndQuestion::None {
            owned.end_question = EndQuestion::Wanted;
            self.is_plan_stale = true;
        }
        Ok(end
            .zip(offset)
            .map(|(end, offset)| u64::try_from(end.value() - offset.value()).unwrap_or(0)))
    }

    /// Takes note of where a partition ends, as a look-up told it.
    pub(super) fn end_told(&mut self, partition: &TopicPartition, end: Offset) {
        let isolation = self.options.isolation;
        if let Some(owned) = self.partitions.get_mut(partition) {
            owned.end_question = EndQuestion::None;
            match isolation {
                IsolationLevel::ReadUncommitted => owned.high_watermark = Some(end),
                IsolationLevel::ReadCommitted => owned.last_stable_offset = Some(end),
            }
        }
    }

    /// Takes note of the epochs that travel with offsets. One that is newer than what is known of
    /// the partition's leader calls for metadata, before the partition is asked about again.
    pub(crate) fn see_epochs<'a>(
        &mut self,
        places: impl IntoIterator<Item = (&'a TopicPartition, &'a OffsetAndMetadata)>,
    ) {
        for (name, place) in places {
            if let Some(epoch) = place.leader_epoch {
                self.cluster.see_epoch(name, epoch);
            }
        }
    }

    /// Resets a position by policy, or has the next `poll` fail if there is none.
    pub(super) fn reset_by_policy(&mut self, name: &TopicPartition, offset: Offset) {
        match self.policy() {
            Some(to) => {
                tracing::info!(partition = %name, %offset, ?to, "the offset lies outside the log");
                // A partition that is not owned any more needs no reset.
                self.move_to(name, Position::AwaitingReset(to)).ok();
            }
            None => {
                if let Some(partition) = self.partitions.get_mut(name) {
                    partition.has_failed = true;
                }
                self.push_error(
                    Error::new(
                        ErrorKind::OffsetOutOfRange,
                        format!(
                            "offset {offset} lies outside the log, and auto.offset.reset is none: \
                             seek to another"
                        ),
                    )
                    .with_topic_partition(name.clone()),
                );
            }
        }
    }

    /// Where the policy resets to.
    pub(super) fn policy(&self) -> Option<ResetTo> {
        match self.options.reset {
            AutoOffsetReset::Earliest => Some(ResetTo::Beginning),
            AutoOffsetReset::Latest => Some(ResetTo::End),
            AutoOffsetReset::ByDuration(age) => Some(ResetTo::Youngest(age)),
            AutoOffsetReset::None => None,
        }
    }

    /// Tells partitions of a consumer without group and policy, once each, that they lack a place.
    pub(super) fn fail_unplaced(&mut self) {
        if self.options.has_group || self.policy().is_some() {
            return;
        }
        let unplaced: Vec<TopicPartition> = self
            .partitions
            .iter()
            .filter(|(_, partition)| {
                partition.position() == Position::AwaitingCommitted && !partition.has_failed
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in unplaced {
            self.fail_without_policy(&name, NO_GROUP);
        }
    }

    fn fail_without_policy(&mut self, name: &TopicPartition, why: &'static str) {
        if let Some(partition) = self.partitions.get_mut(name) {
            partition.has_failed = true;
        }
        let error = Error::new(ErrorKind::NoOffsetForPartition, why);
        self.push_error(error.with_topic_partition(name.clone()));
    }

    fn move_to(&mut self, name: &TopicPartition, position: Position) -> Result<(), Error> {
        let stamp = self.stamp();
        self.owned_mut(name)?.set(position, stamp);
        // Nobody is told a position, or commits it, that the leader has not confirmed.
        self.doubt_positions();
        // What was wrong with another place is of no interest any more.
        self.errors
            .retain(|error| error.topic_partition() != Some(name));
        self.drop_stale();
        self.is_plan_stale = true;
        Ok(())
    }
}

fn at(place: &OffsetAndMetadata) -> Position {
    Position::At {
        offset: place.offset,
        leader_epoch: place.leader_epoch,
    }
}

const NO_COMMITTED: &str = "nothing is committed, and auto.offset.reset is none: seek first";
const NO_GROUP: &str = "there is no group whose offsets could be used, and auto.offset.reset is \
                        none: seek first";
