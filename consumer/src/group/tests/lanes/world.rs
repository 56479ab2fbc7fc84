//! Both machines, the lanes, the wire between member and coordinator, and the clock.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use weft_client::net::{CloseReason, Lane, NetworkEvent, OutboundRequest};
use weft_client::wire::messages::FindCoordinatorResponse;
use weft_client::wire::messages::find_coordinator_response::Coordinator as Found;
use weft_client::wire::messages::offset_fetch_response::OffsetFetchResponseGroup;
use weft_client::wire::messages::{
    BrokerId, HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse, OffsetFetchResponse,
    SyncGroupResponse,
};
use weft_client::wire::{Request, Response};

use super::super::bench::{
    Idle, commit_response, cooperative, eager, failed, metadata, settings, start, str_bytes,
};
use super::coordinator::{ALL, Coordinator};
use super::reader::{Call, Reader};
use super::steps::{Budget, Step};
use crate::assign::RebalanceProtocol;
use crate::group::{GroupCore, GroupInput, GroupOutput};
use crate::lane::{Change, Command, GroupResult};

#[derive(Clone)]
pub(super) struct World {
    group: GroupCore,
    pub(super) reader: Reader,
    pub(super) coordinator: Coordinator,
    pub(super) now: Instant,
    pub(super) last_poll: Option<Instant>,
    pub(super) commands: VecDeque<Command>,
    pub(super) slot: Option<Change>,
    pub(super) results: Vec<GroupResult>,
    wire: VecDeque<OutboundRequest>,
    budget: Budget,
}

impl World {
    pub(super) fn new(protocol: RebalanceProtocol, budget: Budget) -> Self {
        let now = start();
        let assignors = match protocol {
            RebalanceProtocol::Eager => eager(),
            RebalanceProtocol::Cooperative => cooperative(),
        };
        let mut world = Self {
            group: GroupCore::new(settings(&[]), assignors, now, 7),
            reader: Reader::new(now),
            coordinator: Coordinator::new(protocol),
            now,
            last_poll: Some(now),
            commands: VecDeque::new(),
            slot: None,
            results: Vec::new(),
            wire: VecDeque::new(),
            budget,
        };
        world.subscribe();
        world
    }

    pub(super) fn commits_when_revoked(&self) -> bool {
        self.budget.commits_when_revoked
    }

    /// Whether the coordinator has given up on the member, which may not know it yet.
    pub(super) fn is_expelled(&self) -> bool {
        let known = self.coordinator.member.as_deref();
        let mine = self.group.metadata();
        known != Some(mine.member_id.as_str())
            || mine.generation.value() != self.coordinator.generation
    }

    /// A hash of all that matters for what can come.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let group = &self.group;
        let requests: Vec<_> = self
            .wire
            .iter()
            .map(|sent| (sent.token, sent.lane))
            .collect();
        let text = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {requests:?}",
            group.requests,
            group.coordinator,
            group.member,
            group.handover,
            group.commits,
            group.questions,
            group.leaving,
            self.coordinator,
            self.commands,
            self.slot,
            self.results,
            self.reader.waiting,
        );
        text.hash(&mut hasher);
        self.reader.core.assignment().hash(&mut hasher);
        self.reader.positions().hash(&mut hasher);
        self.reader.call.hash(&mut hasher);
        (self.reader.epoch, self.reader.is_subscribed).hash(&mut hasher);
        (self.now, self.last_poll, self.budget).hash(&mut hasher);
        hasher.finish()
    }

    /// What can happen now.
    pub(super) fn enabled(&self) -> Vec<Step> {
        let (reader, budget) = (&self.reader, &self.budget);
        let is_free = reader.call == Call::None;
        let is_idle = is_free && reader.is_subscribed;
        let has_change = is_free && self.slot.is_some();
        let may_poll = reader.is_subscribed || !is_free;
        let is_on_its_way = |lane| self.wire.iter().any(|sent| sent.lane == lane);
        let is_coordinating = is_on_its_way(Lane::Coordinator);
        let may_fail = budget.faults > 0 && is_coordinating;
        let is_known = self.coordinator.member.is_some();
        let may_begin = budget.generations > 0 || !self.is_join(Lane::Coordinator);
        let may_commit =
            is_idle && budget.commits > 0 && !reader.core.consumed_offsets().is_empty();
        let is_alive = budget.deadlines > 0 && self.next_deadline().is_some();
        [
            (Step::Heartbeat, !self.commands.is_empty()),
            (
                Step::Poll,
                may_poll
                    && (has_change || !self.results.is_empty() || is_free && reader.has_work()),
            ),
            (Step::Answer(Lane::General), is_on_its_way(Lane::General)),
            (
                Step::Answer(Lane::Coordinator),
                is_coordinating && may_begin,
            ),
            (Step::Commit, may_commit),
            (Step::CommitAsync, may_commit),
            (Step::Unsubscribe, is_idle && budget.unsubscribes > 0),
            (Step::Subscribe, is_free && !reader.is_subscribed),
            (Step::Moved, may_fail),
            (Step::CutBefore, may_fail),
            (Step::CutAfter, may_fail && may_begin),
            (
                Step::Rebalance,
                budget.rebalances > 0 && self.coordinator.is_stable(),
            ),
            (Step::Evict, budget.evictions > 0 && is_known),
            (Step::Silence, budget.silences > 0 && is_idle && is_known),
            (Step::Deadline, is_alive),
        ]
        .into_iter()
        .filter_map(|(step, is_enabled)| is_enabled.then_some(step))
        .collect()
    }

    fn is_join(&self, lane: Lane) -> bool {
        let first = self.wire.iter().find(|sent| sent.lane == lane);
        first.is_some_and(|sent| matches!(sent.request, Request::JoinGroup(_)))
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.group.next_deadline(self.last_poll)
    }

    /// The next time at which either thread has something to do by itself.
    fn next_time(&self) -> Option<Instant> {
        // What is due already is asked for with the next poll.
        let reader = self.reader.core.next_deadline().filter(|at| *at > self.now);
        reader.into_iter().chain(self.next_deadline()).min()
    }

    pub(super) fn take(&mut self, step: Step) {
        let budget = &mut self.budget;
        match step {
            Step::Heartbeat => {
                if let Some(command) = self.commands.pop_front() {
                    self.feed(GroupInput::Command(command));
                }
            }
            Step::Poll => self.poll(),
            Step::Commit => {
                budget.commits -= 1;
                self.commit();
            }
            Step::CommitAsync => {
                budget.commits -= 1;
                self.commit_async();
            }
            Step::Unsubscribe => {
                budget.unsubscribes -= 1;
                self.unsubscribe();
            }
            Step::Subscribe => self.subscribe(),
            Step::Answer(lane) => self.serve(lane),
            Step::Moved => {
                budget.faults -= 1;
                let request = self.pick(Lane::Coordinator);
                let response = refused(&request);
                self.respond(&request, response);
            }
            Step::CutBefore => {
                budget.faults -= 1;
                self.cut();
            }
            Step::CutAfter => {
                budget.faults -= 1;
                if let Some(first) = self.first(Lane::Coordinator).cloned() {
                    self.carry_out(&first);
                }
                self.cut();
            }
            Step::Rebalance => {
                budget.rebalances -= 1;
                self.coordinator.rebalance();
            }
            Step::Evict => {
                budget.evictions -= 1;
                self.coordinator.evict();
            }
            Step::Silence => {
                budget.silences -= 1;
                self.now += SILENCE;
                self.feed(GroupInput::Tick);
            }
            Step::Deadline => {
                budget.deadlines -= 1;
                self.pass_to_deadline();
            }
        }
        self.check();
    }

    fn pass_to_deadline(&mut self) {
        if let Some(deadline) = self.next_time() {
            self.now = self.now.max(deadline);
            // A consumer that waits in `poll` polls.
            if self.reader.call == Call::None && self.reader.is_subscribed {
                self.last_poll = Some(self.now);
            }
            self.feed(GroupInput::Tick);
        }
    }

    /// What holds in every state.
    fn check(&self) {
        let is_due = self.next_deadline().is_some_and(|at| at <= self.now);
        assert!(!is_due, "the heartbeat thread would spin");
        let joins = |sent: &&OutboundRequest| matches!(sent.request, Request::JoinGroup(_));
        let commits = |sent: &&OutboundRequest| matches!(sent.request, Request::OffsetCommit(_));
        assert!(
            self.wire.iter().filter(joins).count() <= 1,
            "two joins at once"
        );
        let is_joining = self.wire.iter().any(|sent| joins(&sent));
        let is_committing = self.wire.iter().any(|sent| commits(&sent));
        // Those of the life before the last leave may still be there; no join waits for them.
        let is_first_life = self.reader.epoch == 0;
        assert!(
            !(is_joining && is_committing && is_first_life),
            "a commit during a join"
        );
        let stranger =
            self.reader.core.assignment().iter().find(|partition| {
                self.coordinator.others.contains(partition) && !self.is_expelled()
            });
        assert_eq!(stranger, None, "a partition is owned by two");
    }

    pub(super) fn feed(&mut self, input: GroupInput) {
        let mut inputs = VecDeque::from([input]);
        let mut has_ticked = false;
        while let Some(input) = inputs.pop_front() {
            let mut outputs = Vec::new();
            self.group
                .handle(self.now, input, self.last_poll, &Idle, &mut outputs);
            for output in outputs {
                match output {
                    GroupOutput::Send(request) => self.sent(request),
                    GroupOutput::Disconnect { lane, .. } => {
                        inputs.extend(self.fail_all(lane, &CloseReason::Requested));
                    }
                    GroupOutput::Publish(change) => {
                        assert!(self.slot.is_none(), "two changes are unanswered");
                        self.slot = Some(change);
                    }
                    GroupOutput::Withdraw(change) => {
                        if self.slot.take_if(|there| there.id == change).is_some() {
                            inputs.push_front(GroupInput::Withdrawn(change));
                        }
                    }
                    GroupOutput::Result(result) => self.results.push(result),
                }
            }
            // What was asked for when its time was over already is sent first, and ended by the
            // turn after that, which follows at once.
            let is_due = self.next_deadline().is_some_and(|at| at <= self.now);
            if is_due && inputs.is_empty() && !std::mem::replace(&mut has_ticked, true) {
                inputs.push_back(GroupInput::Tick);
            }
        }
    }

    fn sent(&mut self, request: OutboundRequest) {
        let is_leaving = |command: &Command| matches!(command, Command::Leave { .. });
        if let Request::JoinGroup(join) = &request.request
            && !self.commands.iter().any(is_leaving)
        {
            self.coordinator
                .check_join(join, self.reader.core.assignment());
        }
        self.wire.push_back(request);
    }

    fn fail_all(&mut self, lane: Lane, reason: &CloseReason) -> Vec<GroupInput> {
        let all = std::mem::take(&mut self.wire);
        let (cut, kept): (VecDeque<_>, _) = all.into_iter().partition(|sent| sent.lane == lane);
        self.wire = kept;
        let cut = cut.iter();
        cut.map(|request| failed(request, reason.clone())).collect()
    }

    fn cut(&mut self) {
        let reason = CloseReason::Unresolved("cut".into());
        for input in self.fail_all(Lane::Coordinator, &reason) {
            self.feed(input);
        }
    }

    fn first(&self, lane: Lane) -> Option<&OutboundRequest> {
        self.wire.iter().find(|sent| sent.lane == lane)
    }

    fn pick(&mut self, lane: Lane) -> OutboundRequest {
        let place = self.wire.iter().position(|sent| sent.lane == lane);
        let request = place.and_then(|place| self.wire.remove(place));
        request.expect("a request is on its way")
    }

    fn carry_out(&mut self, request: &OutboundRequest) -> Response {
        if matches!(request.request, Request::JoinGroup(_)) {
            self.budget.generations = self.budget.generations.saturating_sub(1);
        }
        self.coordinator.serve(request)
    }

    fn serve(&mut self, lane: Lane) {
        let request = self.pick(lane);
        let response = match &request.request {
            Request::Metadata(_) => metadata(&[("t", ALL.len() as i32)]).into(),
            Request::FindCoordinator(_) => found().into(),
            _ => self.carry_out(&request),
        };
        self.respond(&request, response);
    }

    fn respond(&mut self, request: &OutboundRequest, response: Response) {
        self.feed(GroupInput::Network(NetworkEvent::Response {
            token: request.token,
            response,
            bytes: 0,
            throttle: Duration::ZERO,
            latency: Duration::ZERO,
        }));
    }

    /// From here on nothing goes wrong: everything is answered, and the member owns what it was
    /// given.
    pub(super) fn settle(mut self) {
        self.budget.generations = u8::MAX;
        if self.reader.call == Call::None && !self.reader.is_subscribed {
            self.subscribe();
        }
        for _ in 0..ROUNDS_MAX {
            if self.is_settled() {
                return;
            }
            let before = self.fingerprint();
            for step in self.enabled() {
                // An earlier one of the round may have made it impossible.
                if !step.is_spontaneous() && self.enabled().contains(&step) {
                    self.take(step);
                }
            }
            if self.fingerprint() == before {
                self.pass_to_deadline();
            }
        }
        panic!(
            "no end: {:?}, waiting for {:?}, in the slot {:?}, owns {:?} of {:?} at {:?}",
            self.reader.call,
            self.reader.waiting,
            self.slot,
            self.reader.core.assignment(),
            self.coordinator.given,
            self.reader.positions(),
        );
    }

    fn is_settled(&self) -> bool {
        self.coordinator.is_stable()
            && !self.is_expelled()
            && self.commands.is_empty()
            && self.slot.is_none()
            && self.results.is_empty()
            && self.reader.call == Call::None
            && self.reader.waiting.is_empty()
            && !self.reader.has_work()
            && *self.reader.core.assignment() == self.coordinator.given
    }
}

fn found() -> FindCoordinatorResponse {
    let coordinator = Found::default()
        .with_node_id(BrokerId(1))
        .with_host(str_bytes("one"))
        .with_port(9092);
    FindCoordinatorResponse::default().with_coordinators(vec![coordinator])
}

/// The answer of a broker that is not the coordinator.
fn refused(request: &OutboundRequest) -> Response {
    const NOT_COORDINATOR: i16 = 16;
    match &request.request {
        Request::JoinGroup(_) => JoinGroupResponse::default()
            .with_error_code(NOT_COORDINATOR)
            .into(),
        Request::SyncGroup(_) => SyncGroupResponse::default()
            .with_error_code(NOT_COORDINATOR)
            .into(),
        Request::Heartbeat(_) => HeartbeatResponse::default()
            .with_error_code(NOT_COORDINATOR)
            .into(),
        Request::OffsetCommit(_) => commit_response(request, NOT_COORDINATOR).into(),
        Request::OffsetFetch(_) => {
            let group = OffsetFetchResponseGroup::default().with_error_code(NOT_COORDINATOR);
            OffsetFetchResponse::default()
                .with_groups(vec![group])
                .into()
        }
        Request::LeaveGroup(_) => LeaveGroupResponse::default()
            .with_error_code(NOT_COORDINATOR)
            .into(),
        other => panic!("not for a coordinator: {other:?}"),
    }
}

/// Longer than `max.poll.interval.ms`.
const SILENCE: Duration = Duration::from_secs(301);
const ROUNDS_MAX: usize = 2_000;
