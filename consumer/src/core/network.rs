//! What is on the wire, and whom an answer is for.

use std::time::Instant;

use weft_client::cluster::{NodeLoads, UpdateReason};
use weft_client::net::{Lane, NetworkEvent, OutboundRequest, RequestToken};
use weft_client::wire::{Request, Response};
use weft_client::{Broker, Error, ErrorKind};

use std::sync::Arc;

use super::ConsumerCore;
use super::list_offsets::AskedOffsets;
use super::repetition::Effect;
use super::topics::TopicQuestionId;
use super::validation::AskedEpoch;

/// A request that is not settled.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    Metadata {
        of_all_topics: bool,
    },
    /// On behalf of a call that waits.
    Topics(TopicQuestionId),
    Fetch {
        broker: Arc<Broker>,
    },
    CloseSession,
    Validation {
        broker: Arc<Broker>,
        asked: Vec<AskedEpoch>,
    },
    Offsets {
        broker: Arc<Broker>,
        asked: AskedOffsets,
    },
}

impl ConsumerCore {
    /// Appends all requests that are due.
    pub(crate) fn take_requests(
        &mut self,
        now: Instant,
        loads: &dyn NodeLoads,
        out: &mut Vec<OutboundRequest>,
    ) {
        if let Some((broker, request)) = self.cluster.poll(now, loads) {
            let of_all_topics =
                matches!(&request, Request::Metadata(request) if request.topics.is_none());
            let pending = Pending::Metadata { of_all_topics };
            out.push(self.request(&broker, Lane::General, request, pending));
        }
        if let Some(error) = self.cluster.take_topic_error() {
            self.push_error(error);
        }
        if self.seen_version != self.cluster.version() {
            self.seen_version = self.cluster.version();
            self.forget_nodes();
            self.is_confirmation_due = true;
            self.is_plan_stale = true;
        }
        let is_due = self.plan_at.is_some_and(|plan_at| plan_at <= now);
        if self.is_plan_stale || is_due {
            self.is_plan_stale = false;
            self.plan_at = None;
            self.end_pauses(now);
            self.fail_unplaced();
            self.plan_topic_questions(now, loads, out);
            if std::mem::take(&mut self.is_confirmation_due) {
                self.doubt_positions();
            }
            self.plan_validations(now, out);
            self.plan_offsets(now, out);
            self.plan_fetches(now, out);
        } else {
            self.repeat_fetches(now, out);
        }
    }

    /// The earliest time at which [`take_requests`](Self::take_requests) has something new.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let own = self.plan_at.into_iter();
        own.chain(self.cluster.next_deadline()).min()
    }

    /// Forgets pauses that are over, and plans again when the others are.
    fn end_pauses(&mut self, now: Instant) {
        let mut next: Option<Instant> = None;
        for partition in self.partitions.values_mut() {
            match partition.retry_at {
                Some(at) if at > now => next = Some(next.map_or(at, |known| known.min(at))),
                _ => partition.retry_at = None,
            }
        }
        if let Some(next) = next {
            self.plan_by(next);
        }
    }

    /// Takes in what became of a request or a connection.
    pub(crate) fn handle_event(&mut self, now: Instant, event: NetworkEvent) {
        self.cluster.note_connection(now, &event);
        match event {
            NetworkEvent::Response {
                token, response, ..
            } => {
                if self.handle_response(now, token, response) == Effect::Nothing {
                    return;
                }
            }
            NetworkEvent::Failed { token, error } => {
                if let Some(pending) = self.pending.remove(&token) {
                    let error = Error::from(error);
                    self.handle_failure(now, pending, &error);
                    self.last_connection_error = Some(error);
                }
            }
            NetworkEvent::ConnectionClosed { broker, error, .. } => {
                let text = format!("the connection to {broker} was lost: {error}");
                // A broker that is down fails in the same way with every attempt.
                if self.logged.get(&broker.id) != Some(&text) {
                    tracing::warn!(%broker, %error, "the connection was lost");
                    self.logged.insert(broker.id, text.clone());
                }
                self.last_connection_error = Some(Error::new(ErrorKind::Disconnected, text));
                self.cluster.request_update(UpdateReason::Disconnected);
            }
            NetworkEvent::ConnectionOpened { broker, .. } => {
                self.logged.remove(&broker.id);
            }
            NetworkEvent::Sent { .. } => return,
        }
        self.is_plan_stale = true;
    }

    pub(super) fn request(
        &mut self,
        broker: &Arc<Broker>,
        lane: Lane,
        request: Request,
        pending: Pending,
    ) -> OutboundRequest {
        let token = RequestToken::new(self.number());
        self.pending.insert(token, pending);
        OutboundRequest {
            token,
            broker: Arc::clone(broker),
            lane,
            request,
            timeout: self.options.request_timeout,
        }
    }

    fn handle_response(&mut self, now: Instant, token: RequestToken, response: Response) -> Effect {
        match (self.pending.remove(&token), response) {
            (Some(Pending::Metadata { of_all_topics }), Response::Metadata(response)) => {
                let version = self.cluster.version();
                self.cluster.handle_response(now, &response);
                if of_all_topics && self.cluster.version() > version {
                    self.all_topics_listed();
                }
            }
            (Some(Pending::Topics(id)), Response::Metadata(response)) => {
                self.topics_answered(now, id, &response);
            }
            (Some(Pending::Fetch { broker }), Response::Fetch(response)) => {
                return self.handle_fetch(now, &broker, response);
            }
            (
                Some(Pending::Validation { broker, asked }),
                Response::OffsetForLeaderEpoch(response),
            ) => self.handle_epochs(now, &broker, &asked, &response),
            (Some(Pending::Offsets { broker, asked }), Response::ListOffsets(response)) => {
                self.handle_offsets(now, &broker, asked, &response);
            }
            // The network matches responses with their requests, so this cannot be another API's.
            _ => {}
        }
        Effect::Anything
    }

    fn handle_failure(&mut self, now: Instant, pending: Pending, error: &Error) {
        match pending {
            Pending::Metadata { .. } => {
                // Asking again is all there is, but whoever waits should know why nothing comes.
                if error.kind() == ErrorKind::UnsupportedVersion {
                    self.push_error(error.clone());
                }
                self.cluster.handle_failure(now);
            }
            Pending::Topics(id) => self.ask_again(now, id),
            Pending::CloseSession => {}
            Pending::Fetch { broker } => {
                self.cluster.request_update(UpdateReason::Disconnected);
                self.fetch_failed(now, &broker, error);
            }
            Pending::Validation { asked, .. } => {
                self.cluster.request_update(UpdateReason::Disconnected);
                self.epochs_failed(now, &asked, error);
            }
            Pending::Offsets { broker, asked } => {
                self.cluster.request_update(UpdateReason::Disconnected);
                self.offsets_failed(now, &broker, asked, error);
            }
        }
    }
}
