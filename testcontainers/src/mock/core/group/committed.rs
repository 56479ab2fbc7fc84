//! The offsets that a group has committed, and who may commit.

use std::collections::BTreeMap;
use std::time::Instant;

use weft_client::wire::ErrorCode;
use weft_client::{GenerationId, LeaderEpoch, Offset, OffsetAndMetadata, TopicName};

use super::super::violations::Violations;
use super::machine::{Group, Phase};
use super::member::Identity;

/// The committed offsets, by topic and partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Committed {
    offsets: BTreeMap<TopicName, BTreeMap<i32, OffsetAndMetadata>>,
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

    pub(crate) fn set(&mut self, topic: &str, partition: i32, committed: OffsetAndMetadata) {
        let partitions = self.offsets.entry(TopicName::from(topic)).or_default();
        partitions.insert(partition, committed);
    }

    pub(crate) fn forget_topic(&mut self, topic: &str) {
        self.offsets.remove(topic);
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
