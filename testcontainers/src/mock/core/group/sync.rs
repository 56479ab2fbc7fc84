//! SyncGroup and Heartbeat: how members get their assignment, and how they show that they live.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use weft_client::wire::ErrorCode;
use weft_client::{GenerationId, MemberId};

use super::super::reply::Ask;
use super::super::violations::Violations;
use super::claims;
use super::machine::{Group, GroupAnswer, Phase};
use super::member::{Awaiting, Identity};

/// A request for the assignment; the leader's brings everybody's.
#[derive(Clone, Debug)]
pub(crate) struct GroupSync {
    pub(crate) ask: Ask,
    pub(crate) identity: Identity,
    pub(crate) generation: GenerationId,
    /// What the member takes the protocol for; nothing if it does not say.
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignments: BTreeMap<MemberId, Bytes>,
}

/// What a SyncGroup response says, whatever its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyncAnswer {
    pub(crate) error: ErrorCode,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignment: Bytes,
}

impl SyncAnswer {
    pub(crate) fn error(error: ErrorCode) -> Self {
        Self {
            error,
            protocol_type: None,
            protocol: None,
            assignment: Bytes::new(),
        }
    }
}

impl Group {
    pub(crate) fn sync(
        &mut self,
        now: Instant,
        sync: GroupSync,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) {
        if let Err(error) = self.check_sync(&sync, violations) {
            out.push(GroupAnswer::Sync(sync.ask, SyncAnswer::error(error)));
            return;
        }
        let is_leader = self.leader.as_ref() == Some(&sync.identity.member_id);
        if !is_leader && !sync.assignments.is_empty() {
            violations.add(format_args!(
                "member {} of group {} hands out assignments and is not the leader",
                sync.identity.member_id, self.id
            ));
        }
        let Some(member) = self.members.get_mut(&sync.identity.member_id) else {
            return;
        };
        if let Awaiting::Sync(Some(_)) = member.awaiting {
            violations.add(format_args!(
                "member {} of group {} syncs a second time while it waits for the answer",
                member.id, self.id
            ));
            out.extend(member.refuse(ErrorCode::REBALANCE_IN_PROGRESS));
        }
        member.has_synced = true;
        member.awaiting = Awaiting::Sync(Some(sync.ask));
        if self.phase == Phase::Completing && is_leader {
            self.assign(&sync.assignments, violations);
            self.phase = Phase::Stable;
            self.keep_image();
            for member in self.members.values_mut() {
                member.prove_alive(now);
            }
        }
        if self.phase == Phase::Stable {
            self.answer_syncs(now, out);
        }
        if self.members.values().all(|member| member.has_synced) {
            self.sync_until = None;
        }
    }

    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        identity: &Identity,
        generation: GenerationId,
        violations: &mut Violations,
    ) -> ErrorCode {
        if let Err(error) =
            self.identify_in_generation(identity, generation, "Heartbeat", violations)
        {
            return error;
        }
        if let Some(member) = self.members.get_mut(&identity.member_id) {
            member.prove_alive(now);
        }
        match self.phase {
            Phase::Empty => ErrorCode::UNKNOWN_MEMBER_ID,
            Phase::Preparing { .. } => ErrorCode::REBALANCE_IN_PROGRESS,
            Phase::Completing | Phase::Stable => ErrorCode::NONE,
        }
    }

    fn check_sync(&self, sync: &GroupSync, violations: &mut Violations) -> Result<(), ErrorCode> {
        self.identify_in_generation(&sync.identity, sync.generation, "SyncGroup", violations)?;
        let is_other =
            |said: &Option<String>, known: &str| said.as_deref().is_some_and(|said| said != known);
        if is_other(&sync.protocol_type, &self.protocol_type)
            || is_other(&sync.protocol, self.protocol.as_deref().unwrap_or_default())
        {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        match self.phase {
            Phase::Empty => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            Phase::Preparing { .. } => Err(ErrorCode::REBALANCE_IN_PROGRESS),
            Phase::Completing | Phase::Stable => Ok(()),
        }
    }

    /// Takes over the leader's work; members that it forgot get nothing.
    fn assign(&mut self, assignments: &BTreeMap<MemberId, Bytes>, violations: &mut Violations) {
        for unknown in assignments
            .keys()
            .filter(|id| !self.members.contains_key(*id))
        {
            violations.add(format_args!(
                "the leader of group {} assigns to {unknown}, who is no member",
                self.id
            ));
        }
        for member in self.members.values_mut() {
            member.assignment = assignments.get(&member.id).cloned().unwrap_or_default();
        }
        claims::check_assignment(self, violations);
    }

    fn answer_syncs(&mut self, now: Instant, out: &mut Vec<GroupAnswer>) {
        for member in self.members.values_mut() {
            let Awaiting::Sync(waiting) = &mut member.awaiting else {
                continue;
            };
            let answer = SyncAnswer {
                error: ErrorCode::NONE,
                protocol_type: Some(self.protocol_type.clone()),
                protocol: self.protocol.clone(),
                assignment: member.assignment.clone(),
            };
            out.extend(waiting.take().map(|ask| GroupAnswer::Sync(ask, answer)));
            member.awaiting = Awaiting::Nothing;
            member.prove_alive(now);
        }
    }
}
