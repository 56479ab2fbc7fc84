//! Who this consumer is in its group, what it wants, and how far its way into a generation is.
//!
//! It holds state and answers questions; the verbs around it decide.
//!
//! ```text
//!               join sent            answered            answered
//!   Unjoined --------------> Joining ---------> Syncing ----------> Stable
//!      ^                        |        \         ^  |                |
//!      |                        |         `-> Assigning (leader)       |
//!      +--------- failed, or the membership is lost ------+------------+
//! ```
//!
//! The one surprising thing: an unjoined member may still be in its old generation, namely between
//! two attempts to join again. Its partitions are then still its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use weft_client::net::RequestToken;
use weft_client::{Error, GenerationId, MemberId, TopicName};

use super::leader::{LeaderWork, PartitionsSeen};
use super::timers::Timers;
use crate::assign::{Assignor, LastAssignment};
use crate::lane::SubscriptionEpoch;

/// By what the coordinator knows a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) generation: GenerationId,
    pub(super) member_id: MemberId,
}

impl Identity {
    /// Of somebody who is no member, or not yet.
    pub(super) fn none() -> Self {
        Self {
            generation: GenerationId::NONE,
            member_id: MemberId::new(""),
        }
    }

    pub(super) fn is_in_generation(&self) -> bool {
        self.generation != GenerationId::NONE
    }
}

/// The topics wanted, and the life of the subscription that wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) epoch: SubscriptionEpoch,
    pub(super) topics: BTreeSet<TopicName>,
}

/// How far the way into a generation is.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// No JoinGroup is on its way.
    Unjoined,
    Joining(RequestToken),
    /// The leader waits for metadata before it can divide the partitions.
    Assigning(LeaderWork),
    Syncing(RequestToken, Arc<dyn Assignor>),
    Stable,
}

/// A failure was reported; the member waits for the consumer to poll before it tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Halt {
    pub(super) since: Instant,
    /// When to look for a poll.
    pub(super) look_at: Option<Instant>,
}

/// Everything about the membership.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    /// `None`: no membership is wanted.
    pub(super) subscription: Option<Subscription>,
    pub(super) identity: Identity,
    pub(super) state: State,
    /// Why to join again although the member is in a generation.
    pub(super) rejoin_reason: Option<String>,
    /// The topics named in the last JoinGroup.
    pub(super) joined_topics: BTreeSet<TopicName>,
    /// Whether the consumer has given up everything for the coming eager join.
    pub(super) is_prepared: bool,
    /// Attempts to join in a row that failed, or led to another one right away.
    pub(super) join_failures: u32,
    /// No JoinGroup is sent before.
    pub(super) join_at: Option<Instant>,
    pub(super) halt: Option<Halt>,
    /// Failures reported in a row.
    pub(super) halts: u32,
    /// Another process took over `group.instance.id`: there is no way back for this subscription.
    pub(super) fenced: Option<Error>,
    pub(super) last_assignment: Option<LastAssignment>,
    /// As leader: the topics of all members.
    pub(super) group_topics: BTreeSet<TopicName>,
    /// As leader: the partitions on which the assignment rests.
    pub(super) assigned_over: Option<PartitionsSeen>,
    /// As leader: until then those who were to give up partitions must have joined again.
    pub(super) given_up_by: Option<Instant>,
    pub(super) timers: Timers,
}

impl Membership {
    pub(super) fn new(timers: Timers) -> Self {
        Self {
            subscription: None,
            identity: Identity::none(),
            state: State::Unjoined,
            rejoin_reason: None,
            joined_topics: BTreeSet::new(),
            is_prepared: false,
            join_failures: 0,
            join_at: None,
            halt: None,
            halts: 0,
            fenced: None,
            last_assignment: None,
            group_topics: BTreeSet::new(),
            assigned_over: None,
            given_up_by: None,
            timers,
        }
    }

    /// Whether the coordinator expects heartbeats, and the consumer has to poll.
    pub(super) fn is_watched(&self) -> bool {
        match self.state {
            State::Assigning(_) | State::Syncing(..) | State::Stable => true,
            State::Unjoined | State::Joining(_) => false,
        }
    }

    /// Whether a join or sync is outstanding.
    pub(super) fn is_rebalancing(&self) -> bool {
        match self.state {
            State::Joining(_) | State::Assigning(_) | State::Syncing(..) => true,
            // Between two attempts to join again.
            State::Unjoined => self.identity.is_in_generation(),
            State::Stable => false,
        }
    }

    /// Whether a JoinGroup should be sent as soon as nothing is in its way.
    pub(super) fn wants_to_join(&self) -> bool {
        let Some(subscription) = &self.subscription else {
            return false;
        };
        let has_reason = self.rejoin_reason.is_some() || self.joined_topics != subscription.topics;
        let may_begin = match self.state {
            State::Unjoined => true,
            State::Stable => has_reason,
            State::Joining(_) | State::Assigning(_) | State::Syncing(..) => false,
        };
        may_begin && self.fenced.is_none()
    }

    /// Gives a reason to join again. The last one given is told to the coordinator.
    pub(super) fn rejoin_because(&mut self, reason: &str) {
        self.rejoin_reason = Some(reason.to_owned());
    }

    /// Gives a reason to join again, unless there is one.
    pub(super) fn rejoin_also_because(&mut self, reason: &str) {
        self.rejoin_reason.get_or_insert_with(|| reason.to_owned());
    }
}
