//! The offsets that a group has committed, those that transactions are about to commit, and who may
//! commit.

use std::collections::BTreeMap;
use std::time::Instant;

use weft_client::wire::ErrorCode;
use weft_client::{GenerationId, LeaderEpoch, Offset, OffsetAndMetadata, TopicName};

use super::super::durable::OffsetChange;
use super::super::transaction::{Outcome, ProducerId};
use super::super::violations::Violations;
use super::machine::{Group, Phase};
use super::member::Identity;

/// The committed offsets, by topic and partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Committed {
    offsets: BTreeMap<TopicName, BTreeMap<i32, OffsetAndMetadata>>,
    pending: BTreeMap<(TopicName, i32), BTreeMap<ProducerId, Pending>>,
    pending_set: u64,
    /// What changed since [`Self::take_unsaved`], in its order.
    unsaved: Vec<OffsetChange>,
}

/// What a transaction commits when it is committed itself.
#[derive(Clone, Debug)]
struct Pending {
    /// Grows with every one, so that the latest commit wins and not the latest transaction.
    order: u64,
    /// Nothing once a later commit took its place.
    offset: Option<OffsetAndMetadata>,
}

/// Who commits, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committer {
    pub(crate) identity: Identity,
    /// -1 for a consumer that uses the group for its offsets only.
    pub(crate) generation: GenerationId,
}

impl Committed {
    pub(crate) fn offset(&self, topic: &str, partition: i32) -> Option<&OffsetAndMetadata> {
        self.offsets.get(topic)?.get(&partition)
    }

    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<Item = (&TopicName, &BTreeMap<i32, OffsetAndMetadata>)> {
        self.offsets.iter()
    }

    /// Whether a transaction is about to commit an offset of the partition.
    pub(crate) fn has_pending(&self, topic: &str, partition: i32) -> bool {
        let key = (TopicName::from(topic), partition);
        self.pending.contains_key(&key)
    }

    pub(crate) fn set(&mut self, topic: &str, partition: i32, committed: OffsetAndMetadata) {
        self.supersede(topic, partition, u64::MAX);
        let topic = TopicName::from(topic);
        self.unsaved.push(OffsetChange::Committed {
            topic: topic.clone(),
            partition,
            committed: committed.clone(),
        });
        let partitions = self.offsets.entry(topic).or_default();
        partitions.insert(partition, committed);
    }

    /// What happened since the last call, but for what concerns topics that were deleted.
    pub(crate) fn take_unsaved(&mut self) -> Vec<OffsetChange> {
        std::mem::take(&mut self.unsaved)
    }

    /// Takes note of what the transaction of `producer` commits.
    pub(crate) fn set_pending(
        &mut self,
        producer: ProducerId,
        topic: &str,
        partition: i32,
        committed: OffsetAndMetadata,
    ) {
        self.unsaved.push(OffsetChange::Pending {
            producer,
            topic: TopicName::from(topic),
            partition,
            committed: committed.clone(),
        });
        self.pending_set += 1;
        let pending = Pending {
            order: self.pending_set,
            offset: Some(committed),
        };
        let key = (TopicName::from(topic), partition);
        self.pending
            .entry(key)
            .or_default()
            .insert(producer, pending);
    }

    /// The transaction of `producer` is committed, and its offsets with it, or aborted.
    pub(crate) fn end_transaction(&mut self, producer: ProducerId, outcome: Outcome) {
        let mut ended = Vec::new();
        self.pending.retain(|key, by_producer| {
            let pending = by_producer.remove(&producer);
            ended.extend(pending.map(|pending| (key.clone(), pending)));
            !by_producer.is_empty()
        });
        self.unsaved.push(OffsetChange::Ended { producer, outcome });
        if outcome == Outcome::Abort {
            return;
        }
        for ((topic, partition), Pending { order, offset }) in ended {
            if let Some(offset) = offset {
                self.supersede(topic.as_str(), partition, order);
                let partitions = self.offsets.entry(topic).or_default();
                partitions.insert(partition, offset);
            }
        }
    }

    /// Forgets the offset of one partition, also that which a transaction is about to commit.
    pub(crate) fn delete(&mut self, topic: &str, partition: i32) {
        self.unsaved.push(OffsetChange::Deleted {
            topic: TopicName::from(topic),
            partition,
        });
        if let Some(partitions) = self.offsets.get_mut(topic) {
            partitions.remove(&partition);
        }
        self.pending.remove(&(TopicName::from(topic), partition));
    }

    /// Hears of a change that happened before.
    pub(crate) fn restore(&mut self, change: OffsetChange) {
        match change {
            OffsetChange::Committed {
                topic,
                partition,
                committed,
            } => self.set(topic.as_str(), partition, committed),
            OffsetChange::Deleted { topic, partition } => self.delete(topic.as_str(), partition),
            OffsetChange::Pending {
                producer,
                topic,
                partition,
                committed,
            } => self.set_pending(producer, topic.as_str(), partition, committed),
            OffsetChange::Ended { producer, outcome } => self.end_transaction(producer, outcome),
        }
    }

    /// All of this as changes that lead here from nothing. What a later commit superseded comes
    /// first, what is still to be committed last.
    pub(crate) fn changes(&self) -> Vec<OffsetChange> {
        let mut pending: Vec<_> = self
            .pending
            .iter()
            .flat_map(|(key, by_producer)| by_producer.iter().map(move |it| (key, it)))
            .collect();
        pending.sort_by_key(|(_, (_, pending))| pending.order);
        let change = |(key, (producer, pending)): &(&(TopicName, i32), (&ProducerId, &Pending))| {
            let nothing = || OffsetAndMetadata::new(Offset::ZERO);
            OffsetChange::Pending {
                producer: **producer,
                topic: key.0.clone(),
                partition: key.1,
                committed: pending.offset.clone().unwrap_or_else(nothing),
            }
        };
        let is_superseded = |(_, (_, pending)): &&(_, (_, &Pending))| pending.offset.is_none();
        let superseded = pending.iter().filter(is_superseded).map(change);
        let committed = self.offsets.iter().flat_map(|(topic, partitions)| {
            let committed = partitions.iter();
            committed.map(|(partition, committed)| OffsetChange::Committed {
                topic: topic.clone(),
                partition: *partition,
                committed: committed.clone(),
            })
        });
        let waiting = pending.iter().filter(|it| !is_superseded(it)).map(change);
        superseded.chain(committed).chain(waiting).collect()
    }

    pub(crate) fn forget_topic(&mut self, topic: &str) {
        self.offsets.remove(topic);
        self.pending.retain(|(name, _), _| name.as_str() != topic);
        self.unsaved.retain(|change| change.topic() != Some(topic));
    }

    /// What was to be committed before `order` will not be.
    fn supersede(&mut self, topic: &str, partition: i32, order: u64) {
        let key = (TopicName::from(topic), partition);
        for pending in self
            .pending
            .get_mut(&key)
            .into_iter()
            .flat_map(BTreeMap::values_mut)
        {
            if pending.order < order {
                pending.offset = None;
            }
        }
    }
}

impl Group {
    /// Whether these offsets may be committed now. During a rebalance members of the old generation
    /// still may; once everybody has joined nobody may before the new assignment is out.
    pub(crate) fn check_commit(
        &mut self,
        now: Instant,
        committer: &Committer,
        violations: &mut Violations,
    ) -> Result<(), ErrorCode> {
        let Committer {
            identity,
            generation,
        } = committer;
        let is_stranger = *generation < GenerationId::new(0)
            && identity.member_id.is_empty()
            && identity.instance_id.is_none();
        if *generation < GenerationId::new(0) && self.phase == Phase::Empty {
            return Ok(());
        }
        if is_stranger {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        self.identify_in_generation(identity, *generation, "OffsetCommit", violations)?;
        if self.phase == Phase::Completing {
            return Err(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        if let Some(member) = self.members.get_mut(&identity.member_id) {
            member.prove_alive(now);
        }
        Ok(())
    }

    /// Whether a transaction may commit these offsets. Older producers do not name the member for
    /// which they commit; a rebalance is no reason to refuse them, as each member is fenced by its
    /// generation (KIP-447).
    pub(crate) fn check_transactional_commit(
        &self,
        committer: &Committer,
        violations: &mut Violations,
    ) -> Result<(), ErrorCode> {
        let Committer {
            identity,
            generation,
        } = committer;
        let has_generation = *generation >= GenerationId::new(0);
        let is_nameless = identity.member_id.is_empty() && identity.instance_id.is_none();
        if !has_generation && (is_nameless || self.phase == Phase::Empty) {
            return Ok(());
        }
        self.identify_in_generation(identity, *generation, "TxnOffsetCommit", violations)
    }

    pub(crate) fn committed_mut(&mut self) -> &mut Committed {
        &mut self.committed
    }
}

/// What travels in one partition of an OffsetCommit request.
pub(crate) fn commit_value(offset: i64, epoch: i32, metadata: &str) -> OffsetAndMetadata {
    OffsetAndMetadata {
        offset: Offset::new(offset),
        leader_epoch: LeaderEpoch::from_wire(epoch),
        metadata: metadata.to_owned(),
    }
}
