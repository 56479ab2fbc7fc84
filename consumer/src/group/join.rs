//! Wants a membership, and asks for a place in the next generation.
//!
//! It never asks while a change is unanswered, or a commit of the old generation is on the wire.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::net::{Lane, RequestError, RequestToken};
use weft_client::wire::messages::join_group_request::JoinGroupRequestProtocol;
use weft_client::wire::messages::{JoinGroupRequest, JoinGroupResponse};
use weft_client::wire::{
    Context, ErrorCode, Membership as Remains, Reaction, Request, StrBytes, reaction,
};
use weft_client::{Error, ErrorKind, GenerationId, MemberId, TopicName};

use super::core::{GroupCore, Turn};
use super::failure;
use super::handover::Loss;
use super::membership::{Halt, Identity, State, Subscription};
use super::protocol::{BlobVersion, PROTOCOL_TYPE, encode_subscription};
use super::requests::{Outstanding, Purpose};
use crate::assign::{Assignor, MemberSubscription};
use crate::lane::{GroupResult, SubscriptionEpoch};

/// How soon to try again after a join that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once, unless that has been done several times in a row.
    AtOnce,
    /// After `retry.backoff.ms`, which does not grow: the group waits for its members.
    Slowly,
}

impl GroupCore {
    /// Wants these topics from now on.
    pub(super) fn subscribe(
        &mut self,
        turn: &mut Turn<'_>,
        epoch: SubscriptionEpoch,
        topics: BTreeSet<TopicName>,
    ) {
        self.member.timers.consumer_seen(turn.now);
        if self.member.subscription.is_none() {
            // What was asked for without a membership may not be stamped with one.
            let text = "the consumer subscribed before the commit was sent";
            let error = Error::new(ErrorKind::CommitFailed, text);
            self.fail_waiting_commits(turn, &error);
        }
        self.member.subscription = Some(Subscription { epoch, topics });
        self.member.halt = None;
        if self.member.identity.is_in_generation() && self.member.wants_to_join() {
            self.member.rejoin_also_because("subscription has changed");
        }
        self.want_topics();
    }

    /// Joins, if that is wanted and nothing is in the way.
    pub(super) fn join(&mut self, turn: &mut Turn<'_>) {
        let member = &self.member;
        let is_early = member.join_at.is_some_and(|at| at > turn.now) || member.halt.is_some();
        let is_blocked = is_early || !self.coordinator.is_known() || self.handover.is_pending();
        if is_blocked || !member.wants_to_join() {
            return;
        }
        self.prepare_to_join(turn);
        if self.handover.is_pending() || self.commits.is_on_the_wire() {
            return;
        }
        self.assert_may_join();
        let text = "the group is rebalancing: poll, then commit again";
        let error = Error::new(ErrorKind::RebalanceInProgress, text);
        self.fail_waiting_commits(turn, &error);
        match self.join_request() {
            Ok(request) => {
                let request = Request::from(request);
                let token =
                    self.send_to_coordinator(turn, Purpose::Join, Lane::Coordinator, request);
                if let Some(token) = token {
                    self.member.state = State::Joining(token);
                    // Whatever becomes of this attempt, the next one needs no other revocation.
                    self.member.is_prepared = true;
                }
            }
            Err(error) => self.fail_join(turn, error),
        }
    }

    fn join_request(&mut self) -> Result<JoinGroupRequest, Error> {
        let member = &self.member;
        let topics = member
            .subscription
            .as_ref()
            .map(|wanted| wanted.topics.clone());
        let topics = topics.unwrap_or_default();
        let protocols: Result<Vec<_>, Error> = self
            .assignors
            .iter()
            .map(|assignor| {
                let name = assignor.name();
                let metadata = self.subscription_bytes(&**assignor, &topics)?;
                Ok(JoinGroupRequestProtocol::default()
                    .with_name(text(name))
                    .with_metadata(metadata))
            })
            .collect();
        let instance_id = self.settings.group_instance_id.as_ref();
        let reason = member.rejoin_reason.as_deref().map(truncated);
        let request = JoinGroupRequest::default()
            .with_group_id((&self.settings.group_id).into())
            .with_session_timeout_ms(millis(self.settings.session_timeout))
            .with_rebalance_timeout_ms(millis(self.settings.max_poll_interval))
            .with_member_id(text(member.identity.member_id.as_str()))
            .with_group_instance_id(instance_id.map(|id| text(id.as_str())))
            .with_protocol_type(text(PROTOCOL_TYPE))
            .with_protocols(protocols?)
            .with_reason(reason);
        self.member.joined_topics = topics;
        Ok(request)
    }

    /// What the member tells the leader, if this assignor is chosen.
    fn subscription_bytes(
        &self,
        assignor: &dyn Assignor,
        topics: &BTreeSet<TopicName>,
    ) -> Result<Bytes, Error> {
        let last = self.member.last_assignment.as_ref();
        let ask = AssertUnwindSafe(|| assignor.subscription_user_data(topics, last));
        let user_data = catch_unwind(ask).map_err(|payload| assignor_panic(assignor, &*payload))?;
        let generation = self.member.identity.generation;
        let rack = &self.settings.client.client_rack;
        let subscription = MemberSubscription {
            topics: topics.iter().cloned().collect(),
            user_data,
            owned_partitions: self.handover.owned().iter().cloned().collect(),
            generation: (generation != GenerationId::NONE).then_some(generation),
            rack: (!rack.is_empty()).then(|| rack.as_str().into()),
            group_instance_id: None,
        };
        encode_subscription(&subscription, BlobVersion::LATEST).map_err(|error| {
            let text = format!("the subscription for assignor {}", assignor.name());
            Error::new(ErrorKind::IllegalArgument, error.to_string()).with_context(text)
        })
    }

    pub(super) fn join_answered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        request: &Outstanding,
        response: JoinGroupResponse,
    ) {
        if !matches!(self.member.state, State::Joining(current) if current == token) {
            return;
        }
        let code = ErrorCode(response.error_code);
        let reaction = reaction(Context::JoinGroup, code);
        if reaction == Reaction::AdoptMemberId {
            let member_id = response.member_id.as_str();
            self.adopt(turn, MemberId::new(member_id));
            self.member.rejoin_because(&format!(
                "need to re-join with the given member-id: {member_id}"
            ));
            self.retry_join(turn.now, Pace::AtOnce);
        } else if reaction == Reaction::Accept {
            self.coordinator.confirmed();
            self.accept_join(turn, request, response);
        } else {
            self.join_refused(turn, request, reaction, code, "joining");
        }
    }

    /// Takes the id that the coordinator gave. Whoever has to be given one is in no generation.
    fn adopt(&mut self, turn: &mut Turn<'_>, member_id: MemberId) {
        if self.member.identity.is_in_generation() {
            self.reset_membership(turn, member_id);
            self.hand_over_loss(turn, Loss::OfPartitions);
        } else {
            self.member.identity.member_id = member_id;
        }
    }

    /// A JoinGroup or SyncGroup was answered with a code.
    pub(super) fn join_refused(
        &mut self,
        turn: &mut Turn<'_>,
        request: &Outstanding,
        reaction: Reaction,
        code: ErrorCode,
        what: &str,
    ) {
        let context = failure::context(what, &self.settings.group_id, self.coordinator.broker());
        let error = failure::of_code(&self.settings, code).with_context(context);
        match reaction {
            Reaction::Retry => self.retry_join_because(turn, Pace::Slowly, code),
            Reaction::FindCoordinator => {
                self.retry_join_because(turn, Pace::Slowly, code);
                self.coordinator_lost(turn, request.tenure, error);
            }
            Reaction::Rejoin(remains) => {
                self.retry_join_because(turn, Pace::AtOnce, code);
                self.disowned(turn, &request.sent_as, remains);
            }
            Reaction::Fenced => self.fenced(turn, error),
            _ => self.fail_join(turn, error),
        }
    }

    pub(super) fn join_unanswered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        error: RequestError,
    ) {
        if matches!(self.member.state, State::Joining(current) if current == token) {
            self.join_lost(turn, error);
        }
    }

    /// A JoinGroup or SyncGroup came to nothing on its way.
    pub(super) fn join_lost(&mut self, turn: &mut Turn<'_>, error: RequestError) {
        if error.is_retriable() {
            self.member
                .rejoin_because("rebalance failed because the connection was lost");
            self.retry_join(turn.now, Pace::Slowly);
        } else {
            let what = format!("joining group {}", self.settings.group_id);
            self.fail_join(turn, Error::from(error).with_context(what));
        }
    }

    fn retry_join_because(&mut self, turn: &mut Turn<'_>, pace: Pace, code: ErrorCode) {
        let name = code.name().unwrap_or("an unknown error");
        self.member
            .rejoin_because(&format!("rebalance failed due to {name}"));
        self.retry_join(turn.now, pace);
    }

    fn retry_join(&mut self, now: Instant, pace: Pace) {
        self.member.state = State::Unjoined;
        self.put_off_join(now, pace);
    }

    /// Counts a join in vain, and says when the next one is due.
    pub(super) fn put_off_join(&mut self, now: Instant, pace: Pace) {
        let failures = self.member.join_failures;
        self.member.join_failures = failures.saturating_add(1);
        self.member.join_at = match pace {
            Pace::AtOnce if failures < JOINS_AT_ONCE_MAX => None,
            Pace::AtOnce => now.checked_add(self.backoff(failures - JOINS_AT_ONCE_MAX)),
            Pace::Slowly => now.checked_add(self.settings.client.retry_backoff),
        };
    }

    /// The coordinator no longer knows the member as what it was when it asked. If it has become
    /// somebody else meanwhile, that is old news.
    pub(super) fn disowned(&mut self, turn: &mut Turn<'_>, sent_as: &Identity, remains: Remains) {
        if self.member.identity != *sent_as || *sent_as == Identity::none() {
            return;
        }
        let member_id = match remains {
            Remains::KeepGeneration => return,
            Remains::KeepMemberId => sent_as.member_id.clone(),
            Remains::DropMemberId => MemberId::new(""),
        };
        self.reset_membership(turn, member_id);
        self.hand_over_loss(turn, Loss::OfPartitions);
    }

    /// The generation is over for this member, whatever the consumer owns.
    pub(super) fn reset_membership(&mut self, turn: &mut Turn<'_>, member_id: MemberId) {
        let was_in_generation = self.member.identity.is_in_generation();
        self.member.identity = Identity {
            generation: GenerationId::NONE,
            member_id,
        };
        self.member.state = State::Unjoined;
        self.member.is_prepared = false;
        self.member.assigned_over = None;
        self.member.given_up_by = None;
        self.member.group_topics.clear();
        self.want_topics();
        let text =
            "the member is no longer part of the group; its partitions may be read by others";
        let error = Error::new(ErrorKind::CommitFailed, text);
        self.fail_waiting_commits(turn, &error);
        if was_in_generation {
            turn.result(GroupResult::Membership(self.metadata()));
        }
    }

    /// Another process took over the instance id. Joining again would only take it back, and the
    /// two would go on fencing each other, as two Java consumers do that ignore the error. So the
    /// member stays out until the consumer unsubscribes.
    pub(super) fn fenced(&mut self, turn: &mut Turn<'_>, error: Error) {
        self.member.fenced = Some(error.clone());
        self.reset_membership(turn, MemberId::new(""));
        self.hand_over_loss(turn, Loss::OfPartitions);
        turn.result(GroupResult::Failed(error));
    }

    /// The join failed in a way that the user has to know; the next poll tries again.
    pub(super) fn fail_join(&mut self, turn: &mut Turn<'_>, error: Error) {
        self.member.state = State::Unjoined;
        self.report(turn, error);
    }

    /// Tells the user, once, and does nothing more towards a membership until the consumer polls
    /// again.
    pub(super) fn report(&mut self, turn: &mut Turn<'_>, error: Error) {
        let delay = self.backoff(self.member.halts);
        self.member.halts = self.member.halts.saturating_add(1);
        self.member.halt = Some(Halt {
            since: turn.now,
            look_at: turn.now.checked_add(delay),
        });
        turn.result(GroupResult::Failed(error));
    }

    /// Goes on after a failure, if the consumer polled and the backoff is over.
    pub(super) fn end_halt(&mut self, turn: &mut Turn<'_>) {
        let Some(halt) = self.member.halt else {
            return;
        };
        if halt.look_at.is_some_and(|at| at > turn.now) {
            return;
        }
        if turn.last_poll.is_some_and(|poll| poll > halt.since) {
            self.member.halt = None;
        } else {
            let delay = self.settings.client.retry_backoff_max.max(LOOK_DELAY_MIN);
            self.member.halt = Some(Halt {
                look_at: turn.now.checked_add(delay),
                ..halt
            });
        }
    }
}

/// The error of an assignor that panicked.
pub(super) fn assignor_panic(
    assignor: &dyn Assignor,
    payload: &(dyn std::any::Any + Send),
) -> Error {
    let panic = failure::panic_text(payload);
    let text = format!("assignor {} panicked: {panic}", assignor.name());
    Error::new(ErrorKind::Callback, text)
}

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Reasons beyond this length are cut off, as Kafka's client does it.
pub(super) fn truncated(reason: &str) -> StrBytes {
    StrBytes::from_string(reason.chars().take(REASON_CHARS_MAX).collect())
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

const REASON_CHARS_MAX: usize = 255;

/// Joins in a row that are repeated without waiting. Kafka's client knows no limit here, and asks a
/// coordinator that never comes to a decision as fast as it can.
const JOINS_AT_ONCE_MAX: u32 = 5;

/// How often a halted member looks for a poll, if the backoff is configured to be very short.
const LOOK_DELAY_MIN: Duration = Duration::from_millis(100);
