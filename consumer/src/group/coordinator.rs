//! Finds the coordinator of the group, and notices when it is no longer that.
//!
//! It never decides what becomes of requests that were on their way to a lost coordinator: the
//! network reports each of them as failed, since the connection is closed.

use std::sync::Arc;
use std::time::Instant;

use weft_client::cluster::UpdateReason;
use weft_client::net::{Lane, NetworkEvent, RequestError, RequestToken};
use weft_client::wire::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use weft_client::wire::{Context, ErrorCode, Reaction, Request, StrBytes, reaction};
use weft_client::{Broker, Error, ErrorKind, NodeId};

use super::core::{GroupCore, GroupOutput, Turn};
use super::failure;
use super::requests::{Outstanding, Purpose};

/// What is known of the coordinator.
#[derive(Clone, Debug, Default)]
pub(super) struct Coordinator {
    broker: Option<Arc<Broker>>,
    /// Moves on whenever the connection to the coordinator is given up.
    tenure: u64,
    asked: Option<RequestToken>,
    /// No look-up is made before.
    ask_at: Option<Instant>,
    /// Look-ups in vain and coordinators lost, since one last gave a useful answer.
    failures: u32,
    /// Why there is none.
    last_error: Option<Error>,
}

impl Coordinator {
    pub(super) fn broker(&self) -> Option<&Arc<Broker>> {
        self.broker.as_ref()
    }

    pub(super) fn is_known(&self) -> bool {
        self.broker.is_some()
    }

    pub(super) fn tenure(&self) -> u64 {
        self.tenure
    }

    pub(super) fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// When the next look-up may be made; `None` for at once.
    pub(super) fn ask_at(&self) -> Option<Instant> {
        self.ask_at
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The coordinator gave an answer that only a coordinator gives.
    pub(super) fn confirmed(&mut self) {
        self.failures = 0;
        self.last_error = None;
    }
}

impl GroupCore {
    fn needs_coordinator(&self) -> bool {
        let member = &self.member;
        let is_member =
            member.subscription.is_some() && member.halt.is_none() && member.fenced.is_none();
        is_member || self.commits.is_waiting() || self.questions.is_waiting()
    }

    /// When the next look-up is due.
    pub(super) fn look_up_at(&self) -> Option<Instant> {
        let is_due = !self.coordinator.is_known()
            && !self.coordinator.is_asked()
            && self.needs_coordinator();
        self.coordinator.ask_at().filter(|_| is_due)
    }

    /// Asks for the coordinator, if somebody needs it.
    pub(super) fn look_up_coordinator(&mut self, turn: &mut Turn<'_>) {
        let coordinator = &self.coordinator;
        let is_early = coordinator.ask_at.is_some_and(|at| at > turn.now);
        if coordinator.is_known() || coordinator.is_asked() || is_early || !self.needs_coordinator()
        {
            return;
        }
        let Some(broker) = self.cluster.least_loaded(turn.loads) else {
            let cause = self.coordinator.last_error.take();
            let error = cause.unwrap_or_else(|| {
                Error::new(ErrorKind::NoBrokerAvailable, "no broker can be reached now")
            });
            self.look_up_failed(turn, error);
            return;
        };
        let key = StrBytes::from_string(self.settings.group_id.as_str().to_owned());
        let request = FindCoordinatorRequest::default()
            .with_key_type(GROUP_KEY)
            .with_coordinator_keys(vec![key]);
        let outstanding = self.outstanding(Purpose::FindCoordinator);
        let token = self.requests.add(outstanding);
        let timeout = self.settings.client.request_timeout;
        self.coordinator.asked = Some(token);
        turn.send(
            token,
            broker,
            Lane::General,
            Request::from(request),
            timeout,
        );
    }

    pub(super) fn coordinator_answered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        response: &FindCoordinatorResponse,
    ) {
        if self.coordinator.asked != Some(token) {
            return;
        }
        self.coordinator.asked = None;
        let [answer] = &response.coordinators[..] else {
            let text = format!("{} coordinators for one group", response.coordinators.len());
            self.look_up_failed(turn, Error::new(ErrorKind::MalformedResponse, text));
            return;
        };
        let code = ErrorCode(answer.error_code);
        let error = || {
            let what = format!(
                "looking up the coordinator of group {}",
                self.settings.group_id
            );
            failure::of_code(&self.settings, code).with_context(what)
        };
        match reaction(Context::FindCoordinator, code) {
            Reaction::Accept => {}
            Reaction::Fail => {
                let error = error();
                self.look_up_refused(turn, &error);
                return;
            }
            _ => {
                let error = error();
                self.look_up_failed(turn, error);
                return;
            }
        }
        let Ok(port) = u16::try_from(answer.port) else {
            let text = format!("a coordinator with port {}", answer.port);
            self.look_up_failed(turn, Error::new(ErrorKind::MalformedResponse, text));
            return;
        };
        self.coordinator.broker = Some(Arc::new(Broker {
            id: NodeId::from(answer.node_id),
            host: answer.host.as_str().into(),
            port,
            rack: None,
        }));
        self.member.timers.coordinator_heard(turn.now);
    }

    /// A look-up that the network could not carry out.
    pub(super) fn look_up_unanswered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        error: RequestError,
    ) {
        if self.coordinator.asked != Some(token) {
            return;
        }
        self.coordinator.asked = None;
        let is_final = !error.is_retriable();
        let error = Error::from(error);
        if is_final {
            self.look_up_refused(turn, &error);
        } else {
            self.look_up_failed(turn, error);
        }
    }

    /// Tries again later, after the metadata were updated. Commits that have only one try do not
    /// wait for that.
    fn look_up_failed(&mut self, turn: &mut Turn<'_>, error: Error) {
        self.put_off_look_up(turn.now);
        self.cluster.request_update(UpdateReason::Disconnected);
        self.fail_single_commits(turn, &error);
        self.coordinator.last_error = Some(error);
    }

    /// Asking again would not help, so that everybody who waits is told.
    fn look_up_refused(&mut self, turn: &mut Turn<'_>, error: &Error) {
        self.put_off_look_up(turn.now);
        self.coordinator.last_error = Some(error.clone());
        self.fail_waiting_commits(turn, error);
        self.fail_questions(turn, error);
        if self.member.subscription.is_some() {
            self.report(turn, error.clone());
        }
    }

    fn put_off_look_up(&mut self, now: Instant) {
        let delay = self.backoff(self.coordinator.failures);
        self.coordinator.failures = self.coordinator.failures.saturating_add(1);
        self.coordinator.ask_at = now.checked_add(delay);
    }

    /// The coordinator cannot be reached, or says that it is none: its connection is closed, so
    /// that everything on its way there fails at once.
    pub(super) fn coordinator_lost(&mut self, turn: &mut Turn<'_>, tenure: u64, error: Error) {
        if tenure != self.coordinator.tenure || !self.coordinator.is_known() {
            return;
        }
        tracing::debug!(group = %self.settings.group_id, %error, "the coordinator is lost");
        self.close_coordinator_connection(turn);
        self.coordinator.broker = None;
        self.coordinator.last_error = Some(error);
        self.put_off_look_up(turn.now);
    }

    /// Closes the connection to the coordinator, and with it the way of all that is on it.
    pub(super) fn close_coordinator_connection(&mut self, turn: &mut Turn<'_>) {
        if let Some(broker) = &self.coordinator.broker {
            self.coordinator.tenure += 1;
            turn.out.push(GroupOutput::Disconnect {
                node: broker.id,
                lane: Lane::Coordinator,
            });
        }
    }

    /// Takes note of a connection that was lost or could not be made.
    pub(super) fn connection_closed(&mut self, turn: &mut Turn<'_>, event: &NetworkEvent) {
        let NetworkEvent::ConnectionClosed {
            broker,
            lane,
            error: reason,
        } = event
        else {
            return;
        };
        let error = || Error::new(ErrorKind::Disconnected, format!("{broker}: {reason}"));
        match &self.coordinator.broker {
            Some(known) if known.id == broker.id && *lane == Lane::Coordinator => {
                self.coordinator_lost(turn, self.coordinator.tenure, error());
            }
            Some(_) => {}
            None => self.coordinator.last_error = Some(error()),
        }
    }

    /// Sends to the coordinator. The caller has made sure that it is known.
    pub(super) fn send_to_coordinator(
        &mut self,
        turn: &mut Turn<'_>,
        purpose: Purpose,
        lane: Lane,
        request: Request,
    ) -> Option<RequestToken> {
        let broker = Arc::clone(self.coordinator.broker.as_ref()?);
        let outstanding = self.outstanding(purpose);
        let token = self.requests.add(outstanding);
        let timeout = match purpose {
            Purpose::Join => self.settings.join_timeout(),
            _ => self.settings.client.request_timeout,
        };
        turn.send(token, broker, lane, request, timeout);
        Some(token)
    }

    fn outstanding(&self, purpose: Purpose) -> Outstanding {
        Outstanding {
            purpose,
            tenure: self.coordinator.tenure,
            sent_as: self.member.identity.clone(),
        }
    }
}

const GROUP_KEY: i8 = 0;
