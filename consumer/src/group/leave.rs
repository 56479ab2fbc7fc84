//! Gives up membership: because the consumer wants that, or because it does not poll, or because it
//! cannot lead.
//!
//! It never waits for a coordinator that is not known, and never longer than the command allows.

use std::time::Instant;

use weft_client::net::{Lane, RequestToken};
use weft_client::wire::Request;
use weft_client::wire::messages::LeaveGroupRequest;
use weft_client::wire::messages::leave_group_request::MemberIdentity;
use weft_client::{Error, ErrorKind, MemberId};

use super::core::{GroupCore, Turn};
use super::handover::Loss;
use super::join::{text, truncated};
use super::membership::State;
use super::requests::Purpose;
use crate::lane::{CommandId, GroupResult, MembershipOperation};

/// The leaves that were asked for and not answered yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaving {
    pending: Vec<PendingLeave>,
}

#[derive(Clone, Debug)]
struct PendingLeave {
    id: CommandId,
    /// The LeaveGroup without answer; `None` if only commits are waited for.
    token: Option<RequestToken>,
    until: Instant,
}

impl Leaving {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pending.iter().map(|leave| leave.until).min()
    }
}

impl GroupCore {
    /// The consumer leaves. What waits fails at once; what is on the wire fails when the leave is
    /// answered, unless the coordinator answers it first.
    pub(super) fn leave(
        &mut self,
        turn: &mut Turn<'_>,
        id: CommandId,
        reason: &str,
        operation: MembershipOperation,
        wait_until: Option<Instant>,
    ) {
        let error = has_left(ErrorKind::CommitFailed);
        self.fail_waiting_commits(turn, &error);
        self.fail_questions(turn, &has_left(ErrorKind::IllegalState));
        let token = self.send_leave(turn, reason, operation);
        self.reset_membership(turn, MemberId::new(""));
        self.end_handover(turn);
        let member = &mut self.member;
        member.subscription = None;
        member.rejoin_reason = None;
        member.joined_topics.clear();
        member.join_failures = 0;
        member.join_at = None;
        member.halt = None;
        member.halts = 0;
        member.fenced = None;
        self.want_topics();
        let until = wait_until.unwrap_or(turn.now);
        self.leaving.pending.push(PendingLeave { id, token, until });
    }

    /// The member leaves by itself; the consumer stays subscribed. Static members go without a
    /// word, so that they find their place again.
    pub(super) fn leave_because(&mut self, turn: &mut Turn<'_>, reason: &str, loss: Loss) {
        self.send_leave(turn, reason, MembershipOperation::Default);
        self.reset_membership(turn, MemberId::new(""));
        self.hand_over_loss(turn, loss);
    }

    fn send_leave(
        &mut self,
        turn: &mut Turn<'_>,
        reason: &str,
        operation: MembershipOperation,
    ) -> Option<RequestToken> {
        let member_id = self.member.identity.member_id.clone();
        let is_told = match operation {
            MembershipOperation::Default => self.settings.group_instance_id.is_none(),
            MembershipOperation::LeaveGroup => true,
            MembershipOperation::RemainInGroup => false,
        };
        if matches!(self.member.state, State::Joining(_) | State::Syncing(..)) {
            // The coordinator reads nothing behind a join on the same connection before it has
            // answered that, which may take as long as the slowest member.
            self.close_coordinator_connection(turn);
        }
        if !is_told || member_id.is_empty() || !self.coordinator.is_known() {
            return None;
        }
        let identity = MemberIdentity::default()
            .with_member_id(text(member_id.as_str()))
            .with_reason(Some(truncated(reason)));
        let request = LeaveGroupRequest::default()
            .with_group_id((&self.settings.group_id).into())
            .with_members(vec![identity]);
        let request = Request::from(request);
        self.send_to_coordinator(turn, Purpose::Leave, Lane::Coordinator, request)
    }

    /// A LeaveGroup was answered, or cannot be: what the coordinator thinks of it is all the same.
    pub(super) fn leave_answered(&mut self, token: RequestToken) {
        for leave in &mut self.leaving.pending {
            leave.token.take_if(|waiting| *waiting == token);
        }
    }

    /// Answers every leave that has nothing left to wait for, or no time.
    pub(super) fn end_leaves(&mut self, turn: &mut Turn<'_>) {
        for leave in std::mem::take(&mut self.leaving.pending) {
            let waits = leave.token.is_some() || self.commits.is_waiting();
            if waits && leave.until > turn.now {
                self.leaving.pending.push(leave);
            } else {
                self.fail_all_commits(turn, &has_left(ErrorKind::CommitFailed));
                turn.result(GroupResult::Left { id: leave.id });
            }
        }
    }
}

fn has_left(kind: ErrorKind) -> Error {
    Error::new(
        kind,
        "the consumer left the group before the coordinator answered",
    )
}
