//! One administrative call as a machine: whom to ask, when to ask again, when to give up.
//!
//! It decides the broker (after metadata, and for groups after a look-up of the coordinator), the
//! pauses between attempts, and which failure explains a call whose time is over. It never sends,
//! and never looks into an answer: that is the [`Question`]'s affair.
//!
//! ```text
//!            next: a broker is known            answer
//!   Idle -----------------------------> Asking --------> Over, or Idle for the rest
//!    |  ^                                 |
//!    |  +--- backoff over, metadata newer-+--- refused for now, or disconnected: Paused
//!    +---> LookingUp the coordinator --> Idle
//! ```
//!
//! The one surprising thing: a request whose time ends with the call explains nothing, so an
//! earlier failure, such as a refused connection, is what the caller is told.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::coordinator;
use crate::backoff::{ExponentialBackoff, Random};
use crate::cluster::{Cluster, NodeLoads, UpdateReason};
use crate::connection::{CloseReason, RequestError, Stage};
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, GroupId, NodeId, TopicPartition};
use crate::wire::{ErrorCode, Reaction, Request, Response};

/// Which broker can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Any broker.
    Any,
    /// This broker, or any other if it has gone.
    Node(NodeId),
    /// The controller, or a broker that passes on what is meant for it.
    Controller,
    /// The coordinator of this group.
    Coordinator(GroupId),
    /// The leader of this partition.
    Leader(TopicPartition),
}

/// What a call asks, and what it makes of the answers.
pub(super) trait Question {
    /// What comes out in the end.
    type Answer;

    /// What is asked, for error texts: Kafka's name of the API.
    fn name(&self) -> &'static str;

    /// Whom to ask next.
    fn target(&self) -> Target;

    /// The next request to this broker, which may take `timeout` to answer.
    fn request(&self, broker: &Broker, cluster: &Cluster, timeout: Duration) -> Request;

    /// Takes a broker's answer to the last request.
    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<Self::Answer>;
}

/// What an answer comes to.
pub(super) type Outcome<T> = Result<Progress<T>, Refusal>;

/// How far an answer brought the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress<T> {
    /// To its end.
    Done(T),
    /// A step; the next request goes out at once.
    More,
}

/// A broker's refusal: what it asks for, and the error if nothing comes of it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) reaction: Reaction,
    pub(super) error: Error,
}

/// What the shell has to do next.
#[derive(Debug)]
pub(super) enum Step<T> {
    /// Send this request; what becomes of it goes to [`Call::handle`].
    Send {
        broker: Arc<Broker>,
        request: Box<Request>,
        timeout: Duration,
    },
    /// Wait for an event, for metadata, or for this time.
    Wait(Instant),
    /// The call is over.
    Over(Result<T, Error>),
}

/// How patient calls are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) request_timeout: Duration,
    pub(super) backoff: ExponentialBackoff,
}

/// A call under way. See the module's text.
#[derive(Debug)]
pub(super) struct Call<Q: Question> {
    question: Q,
    patience: Patience,
    began_at: Instant,
    deadline_at: Instant,
    phase: Phase,
    failures: u32,
    coordinator: Option<Arc<Broker>>,
    last_error: Option<Error>,
    result: Option<Result<Q::Answer, Error>>,
    random: Random,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// Until this time, and until the cluster's version is greater than this one.
    Paused {
        until: Instant,
        version: Option<u64>,
    },
    LookingUp(Arc<Broker>),
    Asking(Arc<Broker>),
}

impl<Q: Question> Call<Q> {
    pub(super) fn new(
        question: Q,
        patience: Patience,
        now: Instant,
        deadline_at: Instant,
        seed: u64,
    ) -> Self {
        Self {
            question,
            patience,
            began_at: now,
            deadline_at,
            phase: Phase::Idle,
            failures: 0,
            coordinator: None,
            last_error: None,
            result: None,
            random: Random::new(seed),
        }
    }

    /// What to do now.
    pub(super) fn next(
        &mut self,
        now: Instant,
        cluster: &mut Cluster,
        loads: &dyn NodeLoads,
    ) -> Step<Q::Answer> {
        if let Some(result) = self.result.take() {
            return Step::Over(result);
        }
        if now >= self.deadline_at {
            return Step::Over(Err(self.expired()));
        }
        match &self.phase {
            Phase::LookingUp(_) | Phase::Asking(_) => return Step::Wait(self.deadline_at),
            Phase::Paused { until, .. } if *until > now => {
                return Step::Wait(self.deadline_at.min(*until));
            }
            Phase::Paused {
                version: Some(version),
                ..
            } if cluster.version() <= *version => return Step::Wait(self.deadline_at),
            Phase::Paused { .. } | Phase::Idle => {}
        }
        // The first answer replaces the bootstrap addresses by brokers with ids.
        if cluster.version() == 0 {
            return Step::Wait(self.deadline_at);
        }
        self.ask(now, cluster, loads)
    }

    /// Takes what became of the request sent last. Without one it is ignored.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        outcome: Result<Response, RequestError>,
        cluster: &mut Cluster,
    ) {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        match (phase, outcome) {
            (Phase::Asking(broker), Ok(response)) => {
                match self.question.handle(&broker, response) {
                    Ok(Progress::Done(answer)) => self.result = Some(Ok(answer)),
                    Ok(Progress::More) => self.failures = 0,
                    Err(refusal) => self.refused(now, refusal, cluster),
                }
            }
            (Phase::LookingUp(broker), Ok(response)) => {
                match coordinator::found(&broker, &response) {
                    Ok(coordinator) => self.coordinator = Some(coordinator),
                    Err(refusal) => self.refused(now, refusal, cluster),
                }
            }
            (Phase::Asking(_) | Phase::LookingUp(_), Err(error)) => {
                if !error.is_retriable() {
                    self.result = Some(Err(error.into()));
                    return;
                }
                self.note_failure(now, error);
                self.coordinator = None;
                let version = cluster.request_update(UpdateReason::Disconnected);
                self.pause(now, Some(version));
            }
            (phase @ (Phase::Idle | Phase::Paused { .. }), _) => self.phase = phase,
        }
    }

    /// Takes note of a failure that may explain why the call does not succeed.
    pub(super) fn note_failure(&mut self, now: Instant, error: RequestError) {
        let ends_with_the_call = now >= self.deadline_at
            && matches!(error, RequestError::TimedOut { .. })
            && self.last_error.is_some();
        if !ends_with_the_call {
            let kind = kind_of(&error);
            self.last_error = Some(Error::new(kind, error.to_string()).with_source(error));
        }
    }

    fn ask(
        &mut self,
        now: Instant,
        cluster: &mut Cluster,
        loads: &dyn NodeLoads,
    ) -> Step<Q::Answer> {
        let target = self.question.target();
        let Some(broker) = self.find_broker(&target, cluster, loads) else {
            return self.wait_for_broker(now, &target, cluster);
        };
        let left = self.deadline_at.saturating_duration_since(now);
        let timeout = self.patience.request_timeout.min(left);
        let request = match &target {
            Target::Coordinator(group) if self.coordinator.is_none() => {
                self.phase = Phase::LookingUp(Arc::clone(&broker));
                coordinator::look_up(group)
            }
            _ => {
                self.phase = Phase::Asking(Arc::clone(&broker));
                self.question.request(&broker, cluster, timeout)
            }
        };
        Step::Send {
            broker,
            request: Box::new(request),
            timeout,
        }
    }

    fn find_broker(
        &self,
        target: &Target,
        cluster: &mut Cluster,
        loads: &dyn NodeLoads,
    ) -> Option<Arc<Broker>> {
        match target {
            Target::Any => cluster.least_loaded(loads),
            Target::Node(node) => cluster
                .broker(*node)
                .or_else(|| cluster.least_loaded(loads)),
            Target::Coordinator(_) => match &self.coordinator {
                Some(coordinator) => Some(Arc::clone(coordinator)),
                None => cluster.least_loaded(loads),
            },
            Target::Controller => cluster.snapshot().controller().map(Arc::clone),
            Target::Leader(partition) => cluster.leader(partition).map(|(leader, _)| leader),
        }
    }

    /// Metadata may tell a controller or a leader; an unreachable broker needs time alone.
    fn wait_for_broker(
        &mut self,
        now: Instant,
        target: &Target,
        cluster: &mut Cluster,
    ) -> Step<Q::Answer> {
        let name = self.question.name();
        let version = match target {
            Target::Controller => {
                self.last_error = Some(Error::new(
                    ErrorKind::NoBrokerAvailable,
                    format!("{name}: the cluster names no controller"),
                ));
                Some(cluster.request_update(UpdateReason::LeaderUnknown))
            }
            Target::Leader(partition) => {
                cluster.add_topic(partition.topic());
                if let Some(code) = missing_leader(partition, cluster) {
                    let text = format!("{name}: no leader is known: {code}");
                    let error = Error::broker(code, text);
                    self.last_error = Some(error.with_topic_partition(partition.clone()));
                }
                Some(cluster.request_update(UpdateReason::LeaderUnknown))
            }
            Target::Any | Target::Node(_) | Target::Coordinator(_) => None,
        };
        let until = self.pause(now, version);
        Step::Wait(until.min(self.deadline_at))
    }

    fn refused(&mut self, now: Instant, refusal: Refusal, cluster: &mut Cluster) {
        let version = match refusal.reaction {
            Reaction::Retry => None,
            Reaction::RefreshMetadata | Reaction::FindController | Reaction::Rebootstrap => {
                Some(cluster.request_update(UpdateReason::BeliefRefused))
            }
            Reaction::FindCoordinator => {
                self.coordinator = None;
                None
            }
            _ => {
                self.result = Some(Err(refusal.error));
                return;
            }
        };
        self.last_error = Some(refusal.error);
        self.pause(now, version);
    }

    fn pause(&mut self, now: Instant, version: Option<u64>) -> Instant {
        let fraction = self.random.fraction();
        let delay = self.patience.backoff.delay(self.failures, fraction);
        self.failures = self.failures.saturating_add(1);
        let until = now + delay;
        self.phase = Phase::Paused { until, version };
        until
    }

    fn expired(&mut self) -> Error {
        let span = self.deadline_at.saturating_duration_since(self.began_at);
        let name = self.question.name();
        let span = crate::connection::whole_millis(span);
        let mut text = format!("{name} did not succeed within {span:?}");
        let Some(last) = self.last_error.take() else {
            text.push_str("; no broker was heard of");
            return Error::new(ErrorKind::Timeout, text);
        };
        let _ = write!(text, "; the last failure: {last}");
        let kind = match last.kind() {
            kind @ (ErrorKind::Disconnected | ErrorKind::MalformedResponse) => kind,
            _ => ErrorKind::Timeout,
        };
        Error::new(kind, text).with_source(last)
    }
}

/// The refusal that stands for an answer to something else. The connection matches answers to
/// requests, so only a bug of ours gets here.
pub(super) fn unexpected(name: &str, broker: &Broker) -> Refusal {
    let text = format!("{name} was answered with another message by {broker}");
    Refusal {
        reaction: Reaction::Fail,
        error: Error::new(ErrorKind::MalformedResponse, text),
    }
}

/// The code with which the brokers last answered for the partition, if they refused.
fn missing_leader(partition: &TopicPartition, cluster: &Cluster) -> Option<ErrorCode> {
    let snapshot = cluster.snapshot();
    let of_partition = || snapshot.partition(partition).map(|known| known.error_code);
    snapshot
        .topic_error(partition.topic().as_str())
        .or_else(of_partition)
        .filter(|code| !code.is_none())
}

/// What kind of failure it is for somebody who waits in vain: that of the connection underneath.
fn kind_of(error: &RequestError) -> ErrorKind {
    let reason = match error {
        RequestError::Disconnected { reason, .. }
        | RequestError::TimedOut {
            stage: Stage::Reconnecting(Some(reason)),
            ..
        } => reason,
        RequestError::Malformed { .. } => return ErrorKind::MalformedResponse,
        RequestError::TimedOut { .. }
        | RequestError::Unsupported { .. }
        | RequestError::QueueFull { .. } => return ErrorKind::Timeout,
    };
    match reason {
        CloseReason::NotAFrame(..)
        | CloseReason::Malformed(..)
        | CloseReason::WrongCorrelation { .. }
        | CloseReason::Unasked(_) => ErrorKind::MalformedResponse,
        CloseReason::SetupTimedOut(..) | CloseReason::RequestTimedOut(..) => ErrorKind::Timeout,
        _ => ErrorKind::Disconnected,
    }
}

#[cfg(test)]
mod tests;
