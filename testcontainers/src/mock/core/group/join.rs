//! JoinGroup: who may become a member, and when that makes the others join again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::wire::ErrorCode;
use weft_client::{GenerationId, GroupInstanceId, MemberId};

use super::super::reply::Ask;
use super::super::violations::Violations;
use super::machine::{Group, GroupAnswer, Phase};
use super::member::{Awaiting, Identity, Member, Protocol};
use super::rebalance::InitialDelay;
use super::sync::SyncAnswer;

/// A request to join.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    pub(crate) ask: Ask,
    pub(crate) identity: Identity,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<Protocol>,
    /// The id that the member gets if it has none.
    pub(crate) fresh_id: MemberId,
    /// How long an empty group waits for more members.
    pub(crate) initial_delay: Duration,
}

/// What a JoinGroup response says, whatever its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinAnswer {
    pub(crate) error: ErrorCode,
    pub(crate) generation: GenerationId,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: String,
    pub(crate) skip_assignment: bool,
    pub(crate) member_id: MemberId,
    pub(crate) members: Vec<JoinedMember>,
}

/// A member, as the leader of its group is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub(crate) member_id: MemberId,
    pub(crate) instance_id: Option<GroupInstanceId>,
    pub(crate) metadata: Bytes,
}

impl JoinAnswer {
    pub(crate) fn error(error: ErrorCode, member_id: MemberId) -> Self {
        Self {
            error,
            generation: GenerationId::NONE,
            protocol_type: None,
            protocol: None,
            leader: String::new(),
            skip_assignment: false,
            member_id,
            members: Vec::new(),
        }
    }
}

impl Join {
    fn refuse(self, error: ErrorCode, out: &mut Vec<GroupAnswer>) {
        let answer = JoinAnswer::error(error, self.identity.member_id);
        out.push(GroupAnswer::Join(self.ask, answer));
    }
}

impl Group {
    pub(crate) fn join(
        &mut self,
        now: Instant,
        join: Join,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) {
        if join.protocols.is_empty() || join.protocol_type.is_empty() {
            violations.add(format_args!("JoinGroup of {} without protocols", self.id));
        }
        if !self.supports(&join) {
            join.refuse(ErrorCode::INCONSISTENT_GROUP_PROTOCOL, out);
        } else if join.identity.member_id.is_empty() {
            self.join_as_new(now, join, out);
        } else {
            self.join_as_known(now, join, violations, out);
        }
        self.advance(now, violations, out);
    }

    /// Whether the members could still agree on a protocol.
    fn supports(&self, join: &Join) -> bool {
        if self.members.is_empty() {
            return !join.protocol_type.is_empty() && !join.protocols.is_empty();
        }
        let all_offer = |protocol: &Protocol| {
            let mut members = self.members.values();
            members.all(|member| member.offers(protocol.name.as_str()))
        };
        join.protocol_type == self.protocol_type && join.protocols.iter().any(all_offer)
    }

    fn join_as_new(&mut self, now: Instant, join: Join, out: &mut Vec<GroupAnswer>) {
        let instance_id = join.identity.instance_id.as_ref();
        let replaced = instance_id.and_then(|id| self.static_member(id.as_str()));
        if let Some(replaced) = replaced.map(|member| member.id.clone()) {
            self.replace_static(now, &replaced, join, out);
        } else if self.members.len() + self.pending.len() >= MEMBERS_MAX {
            join.refuse(ErrorCode::GROUP_MAX_SIZE_REACHED, out);
        } else if join.ask.version() >= MEMBER_ID_REQUIRED_SINCE && instance_id.is_none() {
            let lapses_at = now + join.session_timeout;
            self.pending.insert(join.fresh_id.clone(), lapses_at);
            let answer = JoinAnswer::error(ErrorCode::MEMBER_ID_REQUIRED, join.fresh_id);
            out.push(GroupAnswer::Join(join.ask, answer));
        } else {
            let member_id = join.fresh_id.clone();
            self.add(now, member_id, join, out);
        }
    }

    fn join_as_known(
        &mut self,
        now: Instant,
        join: Join,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) {
        let member_id = join.identity.member_id.clone();
        if self.pending.contains_key(&member_id) && join.identity.instance_id.is_none() {
            self.add(now, member_id, join, out);
            return;
        }
        if let Err(error) = self.identify(&join.identity) {
            join.refuse(error, out);
            return;
        }
        let is_leader = self.leader.as_ref() == Some(&member_id);
        let member = self.members.get(&member_id);
        let is_unchanged = member.is_some_and(|member| member.protocols == join.protocols);
        match self.phase {
            Phase::Empty => join.refuse(ErrorCode::UNKNOWN_MEMBER_ID, out),
            Phase::Preparing { .. } => self.rejoin(join, violations, out),
            // It may have missed the answer, which it then gets again.
            Phase::Completing if is_unchanged => {
                let members = if is_leader {
                    self.joined_members()
                } else {
                    Vec::new()
                };
                let answer = self.joined(&member_id, members);
                out.push(GroupAnswer::Join(join.ask, answer));
            }
            // Nothing changes for a follower that asks again; a leader asks because it wants to
            // assign anew.
            Phase::Stable if is_unchanged && !is_leader => {
                let answer = self.joined(&member_id, Vec::new());
                out.push(GroupAnswer::Join(join.ask, answer));
            }
            Phase::Completing | Phase::Stable => {
                self.prepare_rebalance(now, out);
                self.rejoin(join, violations, out);
            }
        }
    }

    fn add(&mut self, now: Instant, member_id: MemberId, join: Join, out: &mut Vec<GroupAnswer>) {
        self.pending.remove(&member_id);
        if self.members.is_empty() {
            self.protocol_type = join.protocol_type;
        }
        let was_empty = self.phase == Phase::Empty;
        let (delay, rebalance_timeout) = (join.initial_delay, join.rebalance_timeout);
        self.leader.get_or_insert_with(|| member_id.clone());
        let member = Member {
            id: member_id.clone(),
            instance_id: join.identity.instance_id,
            client_id: join.ask.client_id().to_owned(),
            session_timeout: join.session_timeout,
            rebalance_timeout,
            protocols: join.protocols,
            assignment: Bytes::new(),
            awaiting: Awaiting::Join(Some(join.ask)),
            is_new: true,
            has_synced: false,
            expires_at: now + NEW_MEMBER_TIMEOUT,
        };
        self.members.insert(member_id, member);
        if let Phase::Preparing {
            initial: Some(initial),
            ..
        } = &mut self.phase
        {
            initial.has_grown = true;
        }
        self.prepare_rebalance(now, out);
        if was_empty {
            self.phase = Phase::Preparing {
                ends_at: now + delay,
                initial: (!delay.is_zero()).then(|| InitialDelay {
                    delay,
                    remaining: rebalance_timeout.saturating_sub(delay),
                    has_grown: false,
                }),
            };
        }
    }

    /// A member joins again while a rebalance is being prepared.
    fn rejoin(&mut self, join: Join, violations: &mut Violations, out: &mut Vec<GroupAnswer>) {
        let Some(member) = self.members.get_mut(&join.identity.member_id) else {
            return;
        };
        if let Awaiting::Join(Some(_)) = member.awaiting {
            violations.add(format_args!(
                "member {} of group {} joins a second time while it waits for the answer",
                member.id, self.id
            ));
            out.extend(member.refuse(ErrorCode::REBALANCE_IN_PROGRESS));
        }
        member.protocols = join.protocols;
        member.session_timeout = join.session_timeout;
        member.rebalance_timeout = join.rebalance_timeout;
        member.awaiting = Awaiting::Join(Some(join.ask));
    }

    /// A static member comes back without its old id, and takes the place of its former self.
    fn replace_static(
        &mut self,
        now: Instant,
        replaced: &MemberId,
        join: Join,
        out: &mut Vec<GroupAnswer>,
    ) {
        let Some(mut member) = self.members.remove(replaced) else {
            return;
        };
        out.extend(member.refuse(ErrorCode::FENCED_INSTANCE_ID));
        let former_leader = self.leader.clone();
        let member_id = join.fresh_id.clone();
        if former_leader.as_ref() == Some(replaced) {
            self.leader = Some(member_id.clone());
        }
        member.id = member_id.clone();
        member.client_id = join.ask.client_id().to_owned();
        member.protocols = join.protocols;
        member.session_timeout = join.session_timeout;
        member.rebalance_timeout = join.rebalance_timeout;
        member.awaiting = Awaiting::Nothing;
        member.prove_alive(now);
        self.members.insert(member_id.clone(), member);
        if self.phase == Phase::Stable && self.select_protocol() == self.protocol {
            self.keep_image();
            let answer = self.replaced(&member_id, former_leader, join.ask.version());
            out.push(GroupAnswer::Join(join.ask, answer));
            return;
        }
        self.prepare_rebalance(now, out);
        if let Some(member) = self.members.get_mut(&member_id) {
            member.awaiting = Awaiting::Join(Some(join.ask));
        }
    }

    /// The answer to a static member that came back into a stable group: no rebalance. Clients that
    /// know `skip_assignment` are told who leads (KIP-814); others must not take themselves for the
    /// leader, who would assign anew.
    fn replaced(
        &self,
        member_id: &MemberId,
        former_leader: Option<MemberId>,
        version: i16,
    ) -> JoinAnswer {
        let is_leader = self.leader.as_ref() == Some(member_id);
        if version < SKIP_ASSIGNMENT_SINCE {
            let leader = former_leader.map_or_else(String::new, |id| id.as_str().to_owned());
            return JoinAnswer {
                leader,
                ..self.joined(member_id, Vec::new())
            };
        }
        let members = if is_leader {
            self.joined_members()
        } else {
            Vec::new()
        };
        JoinAnswer {
            skip_assignment: is_leader,
            ..self.joined(member_id, members)
        }
    }

    /// The answer that tells a member of the current generation.
    pub(super) fn joined(&self, member_id: &MemberId, members: Vec<JoinedMember>) -> JoinAnswer {
        let leader = self.leader.as_ref();
        JoinAnswer {
            error: ErrorCode::NONE,
            generation: self.generation,
            protocol_type: Some(self.protocol_type.clone()),
            protocol: self.protocol.clone(),
            leader: leader.map_or_else(String::new, |leader| leader.as_str().to_owned()),
            skip_assignment: false,
            member_id: member_id.clone(),
            members,
        }
    }
}

impl Member {
    /// Answers what the member waits for, if anybody is there to hear it.
    pub(super) fn refuse(&self, error: ErrorCode) -> Option<GroupAnswer> {
        match self.awaiting.clone() {
            Awaiting::Join(Some(ask)) => {
                // An unknown member has no id either.
                let is_unknown = error == ErrorCode::UNKNOWN_MEMBER_ID;
                let member_id = if is_unknown {
                    MemberId::from("")
                } else {
                    self.id.clone()
                };
                Some(GroupAnswer::Join(ask, JoinAnswer::error(error, member_id)))
            }
            Awaiting::Sync(Some(ask)) => Some(GroupAnswer::Sync(ask, SyncAnswer::error(error))),
            Awaiting::Nothing | Awaiting::Join(None) | Awaiting::Sync(None) => None,
        }
    }
}

/// The first version in which a new member must join with the id it was given (KIP-394).
const MEMBER_ID_REQUIRED_SINCE: i16 = 4;

/// The first version whose answer can tell a leader to keep the assignment (KIP-814).
const SKIP_ASSIGNMENT_SINCE: i16 = 9;

/// How long a member may wait for its first join to end, since it sends no heartbeats yet.
const NEW_MEMBER_TIMEOUT: Duration = Duration::from_secs(300);

/// How many members a group may have.
const MEMBERS_MAX: usize = 10_000;
