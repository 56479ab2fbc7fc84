//! The state of one group: its generation, its timers, and how it goes from one state to the next.
//! What the requests do to it is in the files beside this one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weft_client::wire::ErrorCode;
use weft_client::{GenerationId, GroupId, MemberId};

use super::super::durable::GroupImage;
use super::super::reply::{Ask, ConnectionId};
use super::super::violations::Violations;
use super::committed::Committed;
use super::join::JoinAnswer;
use super::member::{Awaiting, Identity, Member};
use super::rebalance::InitialDelay;
use super::sync::SyncAnswer;

/// Where a group stands, by Kafka's names. A group that is `Dead` does not exist here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// It has no members, but may have committed offsets.
    Empty,
    /// Its members are to join again.
    PreparingRebalance,
    /// All have joined, and the leader is to hand out the assignment.
    CompletingRebalance,
    /// Every member has its assignment.
    Stable,
}

/// An answer to a request, possibly one that came long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupAnswer {
    Join(Ask, JoinAnswer),
    Sync(Ask, SyncAnswer),
}

/// See the module's text.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(super) phase: Phase,
    pub(super) generation: GenerationId,
    pub(super) protocol_type: String,
    /// The protocol of this generation; nothing before the first.
    pub(super) protocol: Option<String>,
    pub(super) leader: Option<MemberId>,
    pub(super) members: BTreeMap<MemberId, Member>,
    /// The ids that were given out and not used yet (KIP-394), and when they lapse.
    pub(super) pending: BTreeMap<MemberId, Instant>,
    /// Until when every member must have asked for its assignment.
    pub(super) sync_until: Option<Instant>,
    pub(super) committed: Committed,
    /// The last state that outlives the coordinator; nothing before the first.
    pub(super) image: Option<GroupImage>,
    /// Whether that changed since [`Self::take_image`].
    pub(super) is_unsaved: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Empty,
    Preparing {
        ends_at: Instant,
        /// Set while the first members of an empty group are waited for.
        initial: Option<InitialDelay>,
    },
    Completing,
    Stable,
}

impl Group {
    pub(crate) fn new(id: GroupId) -> Self {
        Self {
            id,
            phase: Phase::Empty,
            generation: GenerationId::new(0),
            protocol_type: String::new(),
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            pending: BTreeMap::new(),
            sync_until: None,
            committed: Committed::default(),
            image: None,
            is_unsaved: false,
        }
    }

    pub(crate) fn state(&self) -> GroupState {
        match self.phase {
            Phase::Empty => GroupState::Empty,
            Phase::Preparing { .. } => GroupState::PreparingRebalance,
            Phase::Completing => GroupState::CompletingRebalance,
            Phase::Stable => GroupState::Stable,
        }
    }

    pub(crate) fn generation(&self) -> GenerationId {
        self.generation
    }

    pub(crate) fn protocol_type(&self) -> &str {
        &self.protocol_type
    }

    pub(crate) fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub(crate) fn committed(&self) -> &Committed {
        &self.committed
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let rebalance = match self.phase {
            Phase::Preparing { ends_at, .. } => Some(ends_at),
            Phase::Empty | Phase::Completing | Phase::Stable => None,
        };
        self.members
            .values()
            .filter_map(Member::deadline)
            .chain(self.pending.values().copied())
            .chain(self.sync_until)
            .chain(rebalance)
            .min()
    }

    /// Does what is due.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) {
        self.pending.retain(|_, lapses_at| *lapses_at > now);
        let is_late = |member: &&Member| member.deadline().is_some_and(|at| at <= now);
        let late: Vec<MemberId> = self
            .members
            .values()
            .filter(is_late)
            .map(|member| member.id.clone())
            .collect();
        for member_id in late {
            self.remove(now, &member_id, out);
        }
        if self.sync_until.is_some_and(|until| until <= now) {
            self.remove_unsynced(now, out);
        }
        self.advance(now, violations, out);
    }

    /// Forgets that somebody on this connection waits for an answer; the member stays.
    pub(crate) fn forget_connection(&mut self, connection: ConnectionId) {
        for member in self.members.values_mut() {
            if let Awaiting::Join(waiting) | Awaiting::Sync(waiting) = &mut member.awaiting {
                waiting.take_if(|ask| ask.connection == connection);
            }
        }
    }

    /// Another broker takes the group over: it must hear from the members anew.
    pub(crate) fn move_to_another_broker(&mut self, now: Instant, out: &mut Vec<GroupAnswer>) {
        if matches!(self.phase, Phase::Preparing { .. } | Phase::Completing) {
            self.phase = Phase::Preparing {
                ends_at: now + self.rebalance_timeout(),
                initial: None,
            };
            self.sync_until = None;
        }
        for member in self.members.values_mut() {
            out.extend(member.refuse(ErrorCode::NOT_COORDINATOR));
            member.awaiting = Awaiting::Nothing;
            member.prove_alive(now);
        }
    }

    /// Whether a member is who it says; the checks that all requests share.
    pub(super) fn identify(&self, identity: &Identity) -> Result<(), ErrorCode> {
        if let Some(instance_id) = &identity.instance_id {
            return match self.static_member(instance_id.as_str()) {
                None => Err(ErrorCode::UNKNOWN_MEMBER_ID),
                Some(member) if member.id != identity.member_id => {
                    Err(ErrorCode::FENCED_INSTANCE_ID)
                }
                Some(_) => Ok(()),
            };
        }
        if self.members.contains_key(&identity.member_id) {
            Ok(())
        } else {
            Err(ErrorCode::UNKNOWN_MEMBER_ID)
        }
    }

    /// As [`Self::identify`], and the generation is the current one.
    pub(super) fn identify_in_generation(
        &self,
        identity: &Identity,
        generation: GenerationId,
        request: &str,
        violations: &mut Violations,
    ) -> Result<(), ErrorCode> {
        if generation > self.generation {
            violations.add(format_args!(
                "{request} of group {} in generation {generation}, the newest is {}",
                self.id, self.generation
            ));
        }
        self.identify(identity)?;
        if generation == self.generation {
            Ok(())
        } else {
            Err(ErrorCode::ILLEGAL_GENERATION)
        }
    }

    pub(super) fn static_member(&self, instance_id: &str) -> Option<&Member> {
        self.members.values().find(|member| {
            let known = member.instance_id.as_ref();
            known.is_some_and(|known| known.as_str() == instance_id)
        })
    }

    /// Starts a rebalance, unless one is being prepared.
    pub(super) fn prepare_rebalance(&mut self, now: Instant, out: &mut Vec<GroupAnswer>) {
        if matches!(self.phase, Phase::Preparing { .. }) {
            return;
        }
        for member in self.members.values_mut() {
            if let Awaiting::Sync(waiting) = &mut member.awaiting {
                let waiting = waiting.take();
                member.awaiting = Awaiting::Nothing;
                member.prove_alive(now);
                out.extend(waiting.map(|ask| {
                    GroupAnswer::Sync(ask, SyncAnswer::error(ErrorCode::REBALANCE_IN_PROGRESS))
                }));
            }
        }
        self.sync_until = None;
        self.phase = Phase::Preparing {
            ends_at: now + self.rebalance_timeout(),
            initial: None,
        };
    }

    /// Takes a member out and lets the others know by a rebalance.
    pub(super) fn remove(
        &mut self,
        now: Instant,
        member_id: &MemberId,
        out: &mut Vec<GroupAnswer>,
    ) {
        self.take_out(member_id, out);
        if matches!(self.phase, Phase::Completing | Phase::Stable) {
            self.prepare_rebalance(now, out);
        }
    }

    pub(super) fn take_out(&mut self, member_id: &MemberId, out: &mut Vec<GroupAnswer>) {
        let Some(member) = self.members.remove(member_id) else {
            return;
        };
        // The client may still be there, and shall join as somebody new then.
        out.extend(member.refuse(ErrorCode::UNKNOWN_MEMBER_ID));
    }

    /// The longest of the members' own; never nothing, so that a rebalance cannot end in the moment
    /// it begins again and again.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        self.members
            .values()
            .map(|member| member.rebalance_timeout)
            .fold(SHORTEST_REBALANCE, Duration::max)
    }

    fn remove_unsynced(&mut self, now: Instant, out: &mut Vec<GroupAnswer>) {
        self.sync_until = None;
        let silent: Vec<MemberId> = self
            .members
            .values()
            .filter(|member| !member.has_synced)
            .map(|member| member.id.clone())
            .collect();
        for member_id in silent {
            self.remove(now, &member_id, out);
        }
    }
}

/// Every rebalance is given at least this long.
const SHORTEST_REBALANCE: Duration = Duration::from_millis(1);
