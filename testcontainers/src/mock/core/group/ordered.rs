//! What a test does to a group from outside: members that are thrown out, rebalances out of the
//! blue.

use std::time::Instant;

use weft_client::MemberId;

use super::super::violations::Violations;
use super::machine::{Group, GroupAnswer, Phase};

/// The group has no such member, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchMember;

impl Group {
    /// Ends the session of a member, as if its time were up.
    pub(crate) fn expire_member(
        &mut self,
        now: Instant,
        member_id: &MemberId,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) -> Result<(), NoSuchMember> {
        if !self.members.contains_key(member_id) {
            return Err(NoSuchMember);
        }
        self.remove(now, member_id, out);
        self.advance(now, violations, out);
        Ok(())
    }

    /// Takes out the member with this instance id.
    pub(crate) fn evict_static(
        &mut self,
        now: Instant,
        instance_id: &str,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) -> Result<(), NoSuchMember> {
        let member = self.static_member(instance_id).ok_or(NoSuchMember)?;
        let member_id = member.id.clone();
        self.expire_member(now, &member_id, violations, out)
    }

    /// Starts a rebalance, unless one is being prepared.
    pub(crate) fn force_rebalance(
        &mut self,
        now: Instant,
        out: &mut Vec<GroupAnswer>,
    ) -> Result<(), NoSuchMember> {
        if matches!(self.phase, Phase::Empty) || self.members.is_empty() {
            return Err(NoSuchMember);
        }
        self.prepare_rebalance(now, out);
        Ok(())
    }
}
