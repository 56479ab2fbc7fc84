//! The blocking loop: sends one request at a time to the broker that the call chose, waits until
//! the call is over, and keeps the metadata coming meanwhile. It takes no decisions.

#![expect(
    clippy::disallowed_methods,
    reason = "the shell that waits must know the time"
)]

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use super::call::{Call, Patience, Question, Step};
use crate::cluster::{Cluster, Topics};
use crate::config::ClientConfig;
use crate::connection::RequestError;
use crate::error::Error;
use crate::net::{Lane, NetworkClient, NetworkEvent, OutboundRequest, RequestToken};
use crate::wire::Response;

/// The network and the belief of one administrator, and the loop that uses them.
#[derive(Debug)]
pub(super) struct Blocking {
    network: NetworkClient,
    cluster: Cluster,
    patience: Patience,
    call_timeout: Duration,
    last_token: u64,
    /// The metadata request under way. It may outlive the call in which it began.
    metadata: Option<RequestToken>,
    seeds: RandomState,
}

impl Blocking {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, Error> {
        let seeds = RandomState::new();
        let seed = seeds.hash_one("cluster");
        Ok(Self {
            network: NetworkClient::new(config)?,
            cluster: Cluster::new(config, Instant::now(), seed),
            patience: Patience {
                request_timeout: config.request_timeout,
                backoff: config.retry_delays(),
            },
            call_timeout: config.default_api_timeout,
            last_token: 0,
            metadata: None,
            seeds,
        })
    }

    /// The time at which a call that begins now has to be over.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.call_timeout.min(CALL_TIMEOUT_MAX)
    }

    /// Sets the topics whose leaders are wanted.
    pub(super) fn set_topics(&mut self, topics: Topics) {
        self.cluster.set_topics(topics);
    }

    /// Runs one call to its end, at most until `deadline_at`.
    pub(super) fn run<Q: Question>(
        &mut self,
        question: Q,
        deadline_at: Instant,
    ) -> Result<Q::Answer, Error> {
        let seed = self.seeds.hash_one(self.last_token);
        let mut call = Call::new(question, self.patience, Instant::now(), deadline_at, seed);
        let mut asked = None;
        let mut events = Vec::new();
        loop {
            let now = Instant::now();
            self.ask_for_metadata(now, deadline_at);
            if let Some(error) = self.cluster.fatal_error() {
                return Err(error);
            }
            let wait_until = match call.next(now, &mut self.cluster, &self.network) {
                Step::Over(result) => {
                    if let Some(token) = asked {
                        self.network.cancel(now, token);
                    }
                    return result;
                }
                Step::Wait(until) => until,
                Step::Send {
                    broker,
                    request,
                    timeout,
                } => {
                    let token = self.token();
                    asked = Some(token);
                    self.network.send(
                        now,
                        OutboundRequest {
                            token,
                            broker,
                            lane: Lane::General,
                            request: *request,
                            timeout,
                        },
                    );
                    deadline_at
                }
            };
            let metadata_at = self.cluster.next_deadline().unwrap_or(deadline_at);
            let timeout = wait_until.min(metadata_at).saturating_duration_since(now);
            self.network.poll(timeout, &mut events);
            let now = Instant::now();
            for event in events.drain(..) {
                self.cluster.note_connection(now, &event);
                let Some((token, outcome)) = outcome(event) else {
                    continue;
                };
                if self.metadata == Some(token) {
                    self.metadata = None;
                    self.metadata_settled(now, outcome, &mut call);
                } else if asked == Some(token) {
                    asked = None;
                    call.handle(now, outcome, &mut self.cluster);
                }
            }
        }
    }

    fn ask_for_metadata(&mut self, now: Instant, deadline_at: Instant) {
        let question = self.cluster.poll(now, &self.network);
        for node in self.cluster.take_abandoned() {
            self.network.disconnect(now, node, Lane::General);
        }
        let Some((broker, request)) = question else {
            return;
        };
        let token = self.token();
        self.metadata = Some(token);
        let left = deadline_at.saturating_duration_since(now);
        self.network.send(
            now,
            OutboundRequest {
                token,
                broker,
                lane: Lane::General,
                request,
                timeout: self.patience.request_timeout.min(left),
            },
        );
    }

    fn metadata_settled<Q: Question>(
        &mut self,
        now: Instant,
        outcome: Result<Response, RequestError>,
        call: &mut Call<Q>,
    ) {
        match outcome {
            Ok(Response::Metadata(answer)) => self.cluster.handle_response(now, &answer),
            Ok(_) => self.cluster.handle_failure(now),
            Err(error) => {
                self.cluster.handle_failure(now);
                call.note_failure(now, error);
            }
        }
    }

    fn token(&mut self) -> RequestToken {
        self.last_token += 1;
        RequestToken::new(self.last_token)
    }
}

/// What became of a request, if the event tells it.
fn outcome(event: NetworkEvent) -> Option<(RequestToken, Result<Response, RequestError>)> {
    match event {
        NetworkEvent::Response {
            token, response, ..
        } => Some((token, Ok(response))),
        NetworkEvent::Failed { token, error } => Some((token, Err(error))),
        // Every request of ours is answered, and a lost connection fails its requests.
        NetworkEvent::Sent { .. }
        | NetworkEvent::ConnectionOpened { .. }
        | NetworkEvent::ConnectionClosed { .. } => None,
    }
}

/// Longer calls are cut, so that their end is a time that the clock can name.
const CALL_TIMEOUT_MAX: Duration = Duration::from_secs(365 * 24 * 3600);
