//! The machine that is a member of a group on behalf of one consumer.
//!
//! It decides everything about membership: whom to ask, when to join, what to divide (as leader),
//! what the consumer is told, which generation a commit carries, when to leave. It never touches a
//! socket or a clock, never changes what the consumer owns by itself, and never has more than one
//! change unanswered.
//!
//! Inputs: commands of the consumer thread, events of the network, time. Outputs: requests, changes
//! of the assignment, results. Every input is taken in, and then `advance` looks at everything that
//! may be possible now, in an order that matters: losses first, then what goes out on the wire.
//!
//! The one surprising thing: the time of the last poll is an argument rather than an input. The
//! consumer only stamps it, so that a `poll` with data costs one atomic store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_client::backoff::Random;
use weft_client::cluster::{Cluster, NodeLoads};
use weft_client::net::{Lane, NetworkEvent, OutboundRequest, RequestError, RequestToken};
use weft_client::wire::{Request, Response};
use weft_client::{Broker, Error, NodeId};

use super::commit::Commits;
use super::committed::Questions;
use super::coordinator::Coordinator;
use super::handover::Handover;
use super::leave::Leaving;
use super::membership::{Membership, State};
use super::requests::{Outstanding, Purpose, Requests};
use super::settings::GroupSettings;
use super::timers::{Intervals, Timers};
use crate::assign::{Assignor, RebalanceProtocol};
use crate::lane::{Change, ChangeId, Command, GroupMetadata, GroupResult};
use crate::metrics::Progress;

/// What can happen to a member.
#[derive(Debug)]
pub(crate) enum GroupInput {
    /// The consumer thread asks for something.
    Command(Command),
    /// Something happened to a request or a connection.
    Network(NetworkEvent),
    /// The consumer had not taken this change yet, and will not: see [`GroupOutput::Withdraw`].
    Withdrawn(ChangeId),
    /// Time has passed.
    Tick,
}

/// What a member wants done, in this order.
#[derive(Debug)]
pub(crate) enum GroupOutput {
    /// Send a request.
    Send(OutboundRequest),
    /// Close a connection, so that what is on it fails.
    Disconnect {
        /// The broker at the other end.
        node: NodeId,
        /// Which of the connections to it.
        lane: Lane,
    },
    /// Put a change into the slot, which is empty.
    Publish(Change),
    /// Take a change out of the slot again. If it was still there, say so with
    /// [`GroupInput::Withdrawn`]; if not, the consumer is about to answer it.
    Withdraw(ChangeId),
    /// Tell the consumer what became of something.
    Result(GroupResult),
}

/// The member. See the module's text.
#[derive(Clone, Debug)]
pub(crate) struct GroupCore {
    pub(super) settings: GroupSettings,
    pub(super) assignors: Vec<Arc<dyn Assignor>>,
    /// The most that all assignors can do.
    pub(super) protocol: RebalanceProtocol,
    random: Random,
    pub(super) cluster: Cluster,
    /// The version of the metadata that the leader has looked at.
    pub(super) cluster_seen: u64,
    pub(super) requests: Requests,
    pub(super) coordinator: Coordinator,
    pub(super) member: Membership,
    pub(super) handover: Handover,
    pub(super) commits: Commits,
    pub(super) questions: Questions,
    pub(super) leaving: Leaving,
}

/// What one input is handled with.
pub(super) struct Turn<'a> {
    pub(super) now: Instant,
    pub(super) last_poll: Option<Instant>,
    pub(super) loads: &'a dyn NodeLoads,
    pub(super) out: &'a mut Vec<GroupOutput>,
}

impl Turn<'_> {
    pub(super) fn send(
        &mut self,
        token: RequestToken,
        broker: Arc<Broker>,
        lane: Lane,
        request: Request,
        timeout: Duration,
    ) {
        self.out.push(GroupOutput::Send(OutboundRequest {
            token,
            broker,
            lane,
            request,
            timeout,
        }));
    }

    pub(super) fn result(&mut self, result: GroupResult) {
        self.out.push(GroupOutput::Result(result));
    }
}

impl GroupCore {
    /// A member that wants nothing yet. The rebalance protocol is the most that all `assignors`
    /// support; without any in common it is the eager one.
    pub(crate) fn new(
        settings: GroupSettings,
        assignors: Vec<Arc<dyn Assignor>>,
        now: Instant,
        seed: u64,
    ) -> Self {
        let mut random = Random::new(seed);
        let intervals = Intervals {
            heartbeat: settings.heartbeat_interval,
            session: settings.session_timeout,
            max_poll: settings.max_poll_interval,
        };
        Self {
            protocol: protocol_of(&assignors),
            cluster: Cluster::new(&settings.client, now, random.next_u64()),
            cluster_seen: 0,
            settings,
            assignors,
            random,
            requests: Requests::default(),
            coordinator: Coordinator::default(),
            member: Membership::new(Timers::new(now, intervals)),
            handover: Handover::default(),
            commits: Commits::default(),
            questions: Questions::default(),
            leaving: Leaving::default(),
        }
    }

    /// Takes one input and appends what it leads to. `last_poll` is the last time the consumer
    /// polled; `loads` tells which broker has the least to do.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        input: GroupInput,
        last_poll: Option<Instant>,
        loads: &dyn NodeLoads,
        out: &mut Vec<GroupOutput>,
    ) {
        let mut turn = Turn {
            now,
            last_poll,
            loads,
            out,
        };
        match input {
            GroupInput::Command(command) => self.command(&mut turn, command),
            GroupInput::Network(event) => self.network(&mut turn, event),
            GroupInput::Withdrawn(change) => self.handover.withdrawn(change),
            GroupInput::Tick => {}
        }
        self.advance(&mut turn);
    }

    /// The time of the next `Tick`, if nothing happens before.
    pub(crate) fn next_deadline(&self, last_poll: Option<Instant>) -> Option<Instant> {
        let metadata_at = self
            .cluster
            .next_deadline()
            .filter(|_| self.wants_metadata());
        [
            metadata_at,
            self.look_up_at(),
            self.membership_deadline(last_poll),
            self.commit_deadline(),
            self.question_deadline(),
            self.leaving.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How far the membership is, for the metrics.
    pub(crate) fn progress(&self) -> Progress {
        Progress {
            is_rebalancing: self.member.is_rebalancing(),
            is_stable: matches!(self.member.state, State::Stable),
            failures: self.member.join_failures,
        }
    }

    /// Whether every command was answered and no LeaveGroup is on its way: the thread may end.
    pub(crate) fn is_finished(&self) -> bool {
        !self.requests.has(Purpose::Leave)
            && self.leaving.is_empty()
            && !self.commits.is_waiting()
            && !self.questions.is_waiting()
    }

    fn command(&mut self, turn: &mut Turn<'_>, command: Command) {
        match command {
            Command::Subscribe { epoch, topics } => self.subscribe(turn, epoch, topics),
            Command::Answer { change, owned } => self.answered(turn, change, owned),
            Command::Commit {
                id,
                offsets,
                retry_until,
            } => self.commit(turn, id, offsets, retry_until),
            Command::FetchCommitted {
                id,
                partitions,
                retry_until,
            } => self.ask_committed(turn, id, partitions, retry_until),
            Command::Rejoin { reason } => self.member.rejoin_because(&reason),
            Command::Leave {
                id,
                reason,
                operation,
                wait_until,
            } => self.leave(turn, id, &reason, operation, wait_until),
        }
    }

    fn network(&mut self, turn: &mut Turn<'_>, event: NetworkEvent) {
        self.cluster.note_connection(turn.now, &event);
        match event {
            NetworkEvent::Response {
                token, response, ..
            } => {
                if let Some(request) = self.requests.take(token) {
                    self.response(turn, token, &request, response);
                }
            }
            NetworkEvent::Failed { token, error } => {
                if let Some(request) = self.requests.take(token) {
                    self.failure(turn, token, &request, error);
                }
            }
            NetworkEvent::ConnectionClosed { .. } => self.connection_closed(turn, &event),
            NetworkEvent::Sent { .. } | NetworkEvent::ConnectionOpened { .. } => {}
        }
    }

    /// The network answers in the API that was asked; anything else would be ignored.
    fn response(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        request: &Outstanding,
        response: Response,
    ) {
        match response {
            Response::Metadata(response) => self.cluster.handle_response(turn.now, &response),
            Response::FindCoordinator(response) => {
                self.coordinator_answered(turn, token, &response);
            }
            Response::JoinGroup(response) => self.join_answered(turn, token, request, response),
            Response::SyncGroup(response) => self.sync_answered(turn, token, request, response),
            Response::Heartbeat(response) => self.heartbeat_answered(turn, request, &response),
            Response::OffsetCommit(response) => {
                self.commit_answered(turn, token, request, &response);
            }
            Response::OffsetFetch(response) => {
                self.committed_answered(turn, token, request, &response);
            }
            Response::LeaveGroup(_) => self.leave_answered(token),
            _ => {}
        }
    }

    fn failure(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        request: &Outstanding,
        error: RequestError,
    ) {
        match request.purpose {
            Purpose::Metadata => {
                self.cluster.handle_failure(turn.now);
                return;
            }
            Purpose::FindCoordinator => {
                self.look_up_unanswered(turn, token, error);
                return;
            }
            _ => {}
        }
        // Before the request's own failure is dealt with, so that whoever hears of it finds the
        // coordinator unknown.
        if error.is_retriable() {
            let error = Error::from(error.clone());
            self.coordinator_lost(turn, request.tenure, error);
        }
        match request.purpose {
            Purpose::Join => self.join_unanswered(turn, token, error),
            Purpose::Sync => self.sync_unanswered(turn, token, error),
            Purpose::Heartbeat => self.heartbeat_failed(turn.now),
            Purpose::Commit => self.commit_unanswered(turn, token, request, error),
            Purpose::Committed => self.committed_unanswered(turn, token, error),
            Purpose::Leave => self.leave_answered(token),
            Purpose::Metadata | Purpose::FindCoordinator => {}
        }
    }

    /// Does everything that is possible and due.
    fn advance(&mut self, turn: &mut Turn<'_>) {
        self.end_leaves(turn);
        self.watch_poll_interval(turn);
        self.watch_session(turn);
        self.expire_commits(turn);
        self.expire_questions(turn);
        self.end_halt(turn);
        self.watch_partitions();
        self.watch_hand_over(turn.now);
        self.ask_metadata(turn);
        self.look_up_coordinator(turn);
        self.assign_when_ready(turn);
        self.publish(turn);
        self.send_commits(turn);
        self.send_questions(turn);
        self.join(turn);
        self.heartbeat(turn);
    }

    fn wants_metadata(&self) -> bool {
        self.member.subscription.is_some()
            || self.commits.is_waiting()
            || self.questions.is_waiting()
    }

    fn ask_metadata(&mut self, turn: &mut Turn<'_>) {
        if !self.wants_metadata() {
            return;
        }
        let question = self.cluster.poll(turn.now, turn.loads);
        for node in self.cluster.take_abandoned() {
            let lane = Lane::General;
            turn.out.push(GroupOutput::Disconnect { node, lane });
        }
        if let Some((broker, request)) = question {
            let token = self.requests.add(Outstanding {
                purpose: Purpose::Metadata,
                tenure: self.coordinator.tenure(),
                sent_as: self.member.identity.clone(),
            });
            let timeout = self.settings.client.request_timeout;
            turn.send(token, broker, Lane::General, request, timeout);
        }
    }

    /// The delay after so many failures.
    pub(super) fn backoff(&mut self, failures: u32) -> Duration {
        let delays = self.settings.client.retry_delays();
        delays.delay(failures, self.jitter())
    }

    /// A place within the jitter of a delay.
    pub(super) fn jitter(&mut self) -> f64 {
        self.random.fraction()
    }

    /// Who this consumer is now, for the consumer.
    pub(super) fn metadata(&self) -> GroupMetadata {
        GroupMetadata {
            group_id: self.settings.group_id.clone(),
            generation: self.member.identity.generation,
            member_id: self.member.identity.member_id.clone(),
            group_instance_id: self.settings.group_instance_id.clone(),
        }
    }
}

/// The most that all assignors can do (Kafka's choice in `ConsumerCoordinator`).
fn protocol_of(assignors: &[Arc<dyn Assignor>]) -> RebalanceProtocol {
    let can_all = |protocol| {
        let mut each = assignors.iter();
        each.all(|assignor| assignor.supported_protocols().contains(&protocol))
    };
    if !assignors.is_empty() && can_all(RebalanceProtocol::Cooperative) {
        RebalanceProtocol::Cooperative
    } else {
        RebalanceProtocol::Eager
    }
}
