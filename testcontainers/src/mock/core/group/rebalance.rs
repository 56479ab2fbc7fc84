//! How a rebalance ends: who has joined stays, one of them leads, a protocol is voted for, and the
//! next generation begins.

use std::time::{Duration, Instant};

use weft_client::{GenerationId, MemberId};

use super::super::violations::Violations;
use super::claims;
use super::join::JoinedMember;
use super::machine::{Group, GroupAnswer, Phase};
use super::member::{Awaiting, Member};

/// `group.initial.rebalance.delay.ms`: the first rebalance waits, and longer while members come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InitialDelay {
    pub(super) delay: Duration,
    pub(super) remaining: Duration,
    pub(super) has_grown: bool,
}

impl Group {
    /// Ends the rebalance if it can end. Called after everything that may make it end.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) {
        let Phase::Preparing { ends_at, initial } = &mut self.phase else {
            return;
        };
        let is_over = *ends_at <= now;
        if is_over
            && let Some(initial) = initial
            && initial.has_grown
            && initial.remaining > Duration::ZERO
        {
            let longer = initial.delay.min(initial.remaining);
            initial.remaining -= longer;
            initial.has_grown = false;
            *ends_at = now + longer;
            return;
        }
        let is_initial = initial.is_some();
        let all_joined = self.pending.is_empty() && self.members.values().all(Member::is_joining);
        if is_over || (all_joined && !is_initial) {
            self.complete_join(now, violations, out);
        }
    }

    fn complete_join(
        &mut self,
        now: Instant,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) {
        let gone: Vec<MemberId> = self
            .members
            .values()
            // A static member may come back until its session ends.
            .filter(|member| !member.is_joining() && member.instance_id.is_none())
            .map(|member| member.id.clone())
            .collect();
        for member_id in gone {
            self.take_out(&member_id, out);
        }
        if !self.members.is_empty() && !self.elect_joined_leader() {
            self.phase = Phase::Preparing {
                ends_at: now + self.rebalance_timeout(),
                initial: None,
            };
            return;
        }
        self.generation = GenerationId::new(self.generation.value().saturating_add(1));
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            self.protocol = None;
            self.leader = None;
            self.keep_image();
            return;
        }
        self.protocol = self.select_protocol();
        self.phase = Phase::Completing;
        self.sync_until = Some(now + self.rebalance_timeout());
        claims::check_owned(self, violations);
        self.answer_joins(now, out);
    }

    /// Whether a member that has joined leads the group; elects one if it must.
    fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &MemberId| self.members.get(id).is_some_and(Member::is_joining);
        if self.leader.as_ref().is_some_and(joined) {
            return true;
        }
        let first = self.members.values().find(|member| member.is_joining());
        let Some(first) = first.map(|member| member.id.clone()) else {
            return false;
        };
        self.leader = Some(first);
        true
    }

    /// Each member votes for the protocol it likes best among those that all offer. Between equals
    /// the leader's preference decides.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let leader = self
            .leader
            .as_ref()
            .and_then(|leader| self.members.get(leader))?;
        let candidates: Vec<&str> = leader
            .protocols
            .iter()
            .map(|protocol| protocol.name.as_str())
            .filter(|name| self.members.values().all(|member| member.offers(name)))
            .collect();
        let votes = |candidate: &str| {
            let likes_best = |member: &&Member| {
                let mut offered = member.protocols.iter().map(|offer| offer.name.as_str());
                offered.find(|name| candidates.contains(name)) == Some(candidate)
            };
            self.members.values().filter(likes_best).count()
        };
        // The last of equal maxima wins, so the leader's favourite must come last.
        let winner = candidates.iter().rev().max_by_key(|name| votes(name));
        winner.map(|winner| (*winner).to_owned())
    }

    fn answer_joins(&mut self, now: Instant, out: &mut Vec<GroupAnswer>) {
        let members = self.joined_members();
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let is_leader = self.leader.as_ref() == Some(&id);
            let told = if is_leader {
                members.clone()
            } else {
                Vec::new()
            };
            let answer = self.joined(&id, told);
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            member.has_synced = false;
            if let Awaiting::Join(waiting) = &mut member.awaiting {
                out.extend(waiting.take().map(|ask| GroupAnswer::Join(ask, answer)));
                member.awaiting = Awaiting::Nothing;
                member.is_new = false;
                member.prove_alive(now);
            }
        }
    }

    /// What the leader is told of all members.
    pub(super) fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        self.members
            .values()
            .map(|member| JoinedMember {
                member_id: member.id.clone(),
                instance_id: member.instance_id.clone(),
                metadata: member.metadata(protocol),
            })
            .collect()
    }
}
