//! Keeps the membership alive, and notices when it is not: signs of life for the coordinator, the
//! session, and the consumer's polls.
//!
//! It never takes anything from the consumer because the coordinator is silent. Only an answer that
//! disowns the member, or a consumer that does not poll, ends a membership.

use std::time::Instant;

use weft_client::net::Lane;
use weft_client::wire::messages::{HeartbeatRequest, HeartbeatResponse};
use weft_client::wire::{Context, ErrorCode, Membership as Remains, Reaction, Request, reaction};
use weft_client::{Error, ErrorKind};

use super::core::{GroupCore, Turn};
use super::failure;
use super::handover::Loss;
use super::join::text;
use super::membership::State;
use super::requests::{Outstanding, Purpose};

impl GroupCore {
    /// Gives a sign of life, if one is due.
    pub(super) fn heartbeat(&mut self, turn: &mut Turn<'_>) {
        let due_at = self.member.timers.heartbeat_at();
        let is_due = due_at.is_some_and(|due_at| due_at <= turn.now);
        if !is_due || !self.member.is_watched() || !self.coordinator.is_known() {
            return;
        }
        let identity = &self.member.identity;
        let instance_id = self.settings.group_instance_id.as_ref();
        let request = HeartbeatRequest::default()
            .with_group_id((&self.settings.group_id).into())
            .with_generation_id(identity.generation.value())
            .with_member_id(text(identity.member_id.as_str()))
            .with_group_instance_id(instance_id.map(|id| text(id.as_str())));
        let request = Request::from(request);
        self.send_to_coordinator(turn, Purpose::Heartbeat, Lane::Coordinator, request);
        self.member.timers.heartbeat_sent(turn.now);
    }

    pub(super) fn heartbeat_answered(
        &mut self,
        turn: &mut Turn<'_>,
        request: &Outstanding,
        response: &HeartbeatResponse,
    ) {
        let code = ErrorCode(response.error_code);
        let broker = self.coordinator.broker();
        let context = failure::context("heartbeat", &self.settings.group_id, broker);
        let error = failure::of_code(&self.settings, code).with_context(context);
        match reaction(Context::Heartbeat, code) {
            Reaction::Accept => {
                self.coordinator.confirmed();
                self.member.timers.heartbeat_succeeded(turn.now);
            }
            Reaction::Rejoin(Remains::KeepGeneration) => {
                self.coordinator.confirmed();
                self.member.timers.heartbeat_succeeded(turn.now);
                if matches!(self.member.state, State::Stable) {
                    self.member.rejoin_because("group is already rebalancing");
                }
            }
            // Old news if the member has come into another generation meanwhile, or is about to:
            // the answer to its JoinGroup will say the same, if it still is so.
            Reaction::Rejoin(_) | Reaction::Fenced
                if self.member.identity != request.sent_as
                    || matches!(self.member.state, State::Joining(_)) =>
            {
                self.member.timers.heartbeat_succeeded(turn.now);
            }
            Reaction::Rejoin(remains) => {
                self.heartbeat_failed(turn.now);
                let name = code.name().unwrap_or("an unknown error");
                self.member
                    .rejoin_because(&format!("heartbeat failed due to {name}"));
                self.disowned(turn, &request.sent_as, remains);
            }
            Reaction::Fenced => {
                self.heartbeat_failed(turn.now);
                self.fenced(turn, error);
            }
            Reaction::FindCoordinator => {
                self.heartbeat_failed(turn.now);
                self.coordinator_lost(turn, request.tenure, error);
            }
            _ => {
                tracing::warn!(%error, "the heartbeat is tried again");
                self.heartbeat_failed(turn.now);
            }
        }
    }

    pub(super) fn heartbeat_failed(&mut self, now: Instant) {
        let delays = self.settings.client.retry_delays();
        let jitter = self.jitter();
        let timers = &mut self.member.timers;
        timers.heartbeat_failed(now, |failures| delays.delay(failures, jitter));
    }

    /// Looks for another coordinator, if this one has been silent for the session timeout.
    pub(super) fn watch_session(&mut self, turn: &mut Turn<'_>) {
        let ends_at = self.session_deadline();
        if ends_at.is_some_and(|ends_at| ends_at <= turn.now) {
            let timeout = self.settings.session_timeout;
            let text = format!("the coordinator has been silent for {timeout:?}");
            let error = Error::new(ErrorKind::Timeout, text);
            let tenure = self.coordinator.tenure();
            self.coordinator_lost(turn, tenure, error);
        }
    }

    /// Leaves, if the consumer has not polled for too long. It joins again when it shows that it is
    /// alive, by answering that its partitions are lost.
    pub(super) fn watch_poll_interval(&mut self, turn: &mut Turn<'_>) {
        let ends_at = self.poll_deadline(turn.last_poll);
        if ends_at.is_none_or(|ends_at| ends_at > turn.now) {
            return;
        }
        tracing::warn!(
            group = %self.settings.group_id,
            max_poll_interval = ?self.settings.max_poll_interval,
            "the consumer has not polled for longer than max.poll.interval.ms and leaves the \
             group: handle records faster, or fewer at a time (max.poll.records)"
        );
        self.leave_because(turn, "consumer poll timeout has expired.", Loss::OfLife);
    }

    /// When something about the membership is due.
    pub(super) fn membership_deadline(&self, last_poll: Option<Instant>) -> Option<Instant> {
        let member = &self.member;
        let may_beat = member.is_watched() && self.coordinator.is_known();
        let heartbeat_at = member.timers.heartbeat_at().filter(|_| may_beat);
        let may_join = member.halt.is_none()
            && member.wants_to_join()
            && self.coordinator.is_known()
            && !self.handover.is_pending();
        let join_at = member.join_at.filter(|_| may_join);
        [
            heartbeat_at,
            self.session_deadline(),
            self.poll_deadline(last_poll),
            join_at,
            member.halt.and_then(|halt| halt.look_at),
            member
                .given_up_by
                .filter(|_| matches!(member.state, State::Stable)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn session_deadline(&self) -> Option<Instant> {
        let is_on = self.member.is_watched() && self.coordinator.is_known();
        self.member.timers.session_ends_at().filter(|_| is_on)
    }

    fn poll_deadline(&self, last_poll: Option<Instant>) -> Option<Instant> {
        let is_on = self.member.is_watched();
        let ends_at = self.member.timers.poll_ends_at(last_poll);
        ends_at.filter(|_| is_on)
    }
}
