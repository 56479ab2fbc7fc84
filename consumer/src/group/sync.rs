//! Comes into a generation: what a JoinGroup gave is taken up, the assignment is asked for, and
//! handed over to the consumer.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use weft_client::net::{Lane, RequestError, RequestToken};
use weft_client::wire::messages::sync_group_request::SyncGroupRequestAssignment;
use weft_client::wire::messages::{JoinGroupResponse, SyncGroupRequest, SyncGroupResponse};
use weft_client::wire::{Context, ErrorCode, Reaction, Request, StrBytes, reaction};
use weft_client::{Error, ErrorKind, GenerationId, MemberId, TopicPartition};

use super::core::{GroupCore, Turn};
use super::failure;
use super::handover::Target;
use super::join::{Pace, assignor_panic, text};
use super::membership::{Identity, State};
use super::protocol::{PROTOCOL_TYPE, decode_assignment};
use super::requests::{Outstanding, Purpose};
use crate::assign::{Assignor, LastAssignment, MemberAssignment, RebalanceProtocol};
use crate::lane::GroupResult;

impl GroupCore {
    /// Takes up the place in a generation that a JoinGroup gave.
    pub(super) fn accept_join(
        &mut self,
        turn: &mut Turn<'_>,
        request: &Outstanding,
        response: JoinGroupResponse,
    ) {
        let chosen = response.protocol_name.as_deref();
        let assignor = self
            .assignors
            .iter()
            .find(|assignor| Some(assignor.name()) == chosen);
        let is_ours = is_our_type(response.protocol_type.as_ref());
        let (Some(assignor), true) = (assignor.map(Arc::clone), is_ours) else {
            let text = format!(
                "the group speaks protocol {:?} of type {:?}",
                response.protocol_name, response.protocol_type
            );
            self.fail_join(turn, self.inconsistent(text));
            return;
        };
        if response.generation_id < 0 || response.member_id.is_empty() {
            let text = "the coordinator gave neither generation nor member id";
            self.fail_join(turn, Error::new(ErrorKind::MalformedResponse, text));
            return;
        }
        self.member.identity = Identity {
            generation: GenerationId::new(response.generation_id),
            member_id: MemberId::new(response.member_id.as_str()),
        };
        self.member.timers.joined(turn.now);
        if !request.sent_as.is_in_generation() {
            // Only a consumer that polls gets here. One that rejoins may have stopped long ago.
            self.member.timers.consumer_seen(turn.now);
        }
        self.member.given_up_by = None;
        if response.leader == response.member_id {
            self.lead(turn, assignor, response);
        } else {
            self.member.group_topics.clear();
            self.member.assigned_over = None;
            self.want_topics();
            self.sync(turn, assignor, Vec::new());
        }
    }

    /// Asks for the assignment; the leader brings everybody's along.
    pub(super) fn sync(
        &mut self,
        turn: &mut Turn<'_>,
        assignor: Arc<dyn Assignor>,
        assignments: Vec<SyncGroupRequestAssignment>,
    ) {
        let identity = &self.member.identity;
        let instance_id = self.settings.group_instance_id.as_ref();
        let request = SyncGroupRequest::default()
            .with_group_id((&self.settings.group_id).into())
            .with_generation_id(identity.generation.value())
            .with_member_id(text(identity.member_id.as_str()))
            .with_group_instance_id(instance_id.map(|id| text(id.as_str())))
            .with_protocol_type(Some(text(PROTOCOL_TYPE)))
            .with_protocol_name(Some(text(assignor.name())))
            .with_assignments(assignments);
        let request = Request::from(request);
        match self.send_to_coordinator(turn, Purpose::Sync, Lane::Coordinator, request) {
            Some(token) => self.member.state = State::Syncing(token, assignor),
            // The coordinator was lost while the leader waited for metadata.
            None => {
                self.member.state = State::Unjoined;
                self.member
                    .rejoin_because("the coordinator was lost before the sync");
            }
        }
    }

    pub(super) fn sync_answered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        request: &Outstanding,
        response: SyncGroupResponse,
    ) {
        let State::Syncing(current, assignor) = &self.member.state else {
            return;
        };
        if *current != token {
            return;
        }
        let assignor = Arc::clone(assignor);
        let code = ErrorCode(response.error_code);
        let reaction = reaction(Context::SyncGroup, code);
        if reaction != Reaction::Accept {
            self.join_refused(turn, request, reaction, code, "taking the assignment");
            return;
        }
        self.coordinator.confirmed();
        let name = response.protocol_name.as_deref();
        let is_same = name.is_none_or(|name| name == assignor.name());
        if !is_same || !is_our_type(response.protocol_type.as_ref()) {
            let text = format!(
                "the group synchronised protocol {:?} of type {:?}",
                response.protocol_name, response.protocol_type
            );
            self.fail_join(turn, self.inconsistent(text));
            return;
        }
        match decode_assignment(response.assignment) {
            Ok(assignment) => self.enter(turn, &*assignor, assignment),
            Err(error) => {
                let text = format!("the leader's assignment cannot be read: {error}");
                self.fail_join(turn, self.inconsistent(text));
            }
        }
    }

    pub(super) fn sync_unanswered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        error: RequestError,
    ) {
        if matches!(&self.member.state, State::Syncing(current, _) if *current == token) {
            self.join_lost(turn, error);
        }
    }

    /// The member is in the generation.
    fn enter(
        &mut self,
        turn: &mut Turn<'_>,
        assignor: &dyn Assignor,
        assignment: MemberAssignment,
    ) {
        let member = &mut self.member;
        member.state = State::Stable;
        member.rejoin_reason = None;
        member.is_prepared = false;
        member.join_at = None;
        member.halts = 0;
        turn.result(GroupResult::Membership(self.metadata()));
        let is_foreign = |partition: &TopicPartition| {
            let subscription = self.member.subscription.as_ref();
            subscription.is_none_or(|wanted| !wanted.topics.contains(partition.topic()))
        };
        if assignment.partitions.iter().any(is_foreign) {
            let reason = "received assignment does not match the current subscription";
            self.member.rejoin_because(reason);
            self.put_off_join(turn.now, Pace::AtOnce);
            return;
        }
        let partitions: BTreeSet<_> = assignment.partitions.iter().cloned().collect();
        let owned = self.handover.owned();
        if self.protocol == RebalanceProtocol::Cooperative && !owned.is_subset(&partitions) {
            let reason = "need to revoke partitions and re-join";
            self.member.rejoin_because(reason);
            self.put_off_join(turn.now, Pace::AtOnce);
        } else {
            self.member.join_failures = 0;
        }
        let generation = self.member.identity.generation;
        let tell = AssertUnwindSafe(|| assignor.on_assignment(&assignment, generation));
        if let Err(payload) = catch_unwind(tell) {
            // The assignment stands all the same, as with Kafka's client.
            turn.result(GroupResult::Failed(assignor_panic(assignor, &*payload)));
        }
        self.member.last_assignment = Some(LastAssignment {
            partitions: assignment.partitions,
            generation,
        });
        self.hand_over(Target {
            assignment: partitions,
            group: self.metadata(),
        });
    }

    fn inconsistent(&self, text: String) -> Error {
        let broker = self.coordinator.broker();
        let context = failure::context("joining", &self.settings.group_id, broker);
        Error::new(ErrorKind::InconsistentGroupProtocol, text).with_context(context)
    }
}

/// Old versions do not name the type.
fn is_our_type(protocol_type: Option<&StrBytes>) -> bool {
    protocol_type.is_none_or(|name| name.as_str() == PROTOCOL_TYPE)
}
