//! The machine: takes requests apart, lets the right API serve them, and brings back what waits.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use weft_client::record::Decompressor;
use weft_client::wire::{self, ApiKey, Request, RequestHead, UnsupportedRequest, WireError};
use weft_client::{Broker, NodeId};

use super::api;
use super::brokers::Brokers;
use super::clock::Clock;
use super::fetch_sessions::FetchSessions;
use super::group::{GroupAnswer, Groups};
use super::parked::{Parked, ParkedRequest, Wish};
use super::release::KafkaRelease;
use super::reply::{Ask, ConnectionId, Reply};
use super::script::{Arrival, Script};
use super::topics::Topics;
use super::transaction::Transactions;
use super::violations::Violations;

/// The whole cluster. See the folder's text.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(super) options: Options,
    pub(super) brokers: Brokers,
    pub(super) topics: Topics,
    pub(super) groups: Groups,
    pub(super) fetch_sessions: FetchSessions,
    pub(super) script: Script,
    pub(super) violations: Violations,
    pub(super) decompressor: Decompressor,
    pub(super) transactions: Transactions,
    pub(super) clock: Clock,
    pub(super) connections: BTreeMap<ConnectionId, NodeId>,
    parked: Parked,
}

/// What a real broker would read from its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Which release the brokers pretend to be.
    pub(crate) release: KafkaRelease,
    /// `max.incremental.fetch.session.cache.slots`
    pub(crate) fetch_sessions_max: usize,
    /// Whether leaders send clients to a replica in their rack (`replica.selector.class`).
    pub(crate) rack_aware_reads: bool,
    /// `group.initial.rebalance.delay.ms`
    pub(crate) group_initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`
    pub(crate) session_timeout_min: Duration,
    /// How many partitions topics get that are created because somebody asked for them; nothing if
    /// they are not created.
    pub(crate) auto_create_partitions: Option<usize>,
}

/// What happens to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Opened(ConnectionId, NodeId),
    Closed(ConnectionId),
    /// What came is no frame, for this reason; the connection is closed.
    Garbled(ConnectionId, String),
    /// A frame without its length. The next one may come once this one was answered.
    Request(ConnectionId, Bytes),
    Kill(NodeId),
    /// The broker listens again.
    Restart(NodeId),
    /// Time went by.
    Tick,
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Write these bytes, and then read the next request.
    Answer(ConnectionId, Vec<Bytes>),
    /// Read the next request: there is no answer to this one.
    NoAnswer(ConnectionId),
    Close(ConnectionId),
    StopListening(NodeId),
}

impl Cluster {
    pub(crate) fn new(options: Options, brokers: Vec<Broker>) -> Self {
        Self {
            options,
            brokers: Brokers::new(brokers),
            topics: Topics::default(),
            groups: Groups::default(),
            fetch_sessions: FetchSessions::default(),
            script: Script::default(),
            violations: Violations::default(),
            decompressor: Decompressor::default(),
            transactions: Transactions::default(),
            clock: Clock::new(),
            connections: BTreeMap::new(),
            parked: Parked::default(),
        }
    }

    pub(crate) fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        self.clock.start(now);
        match input {
            Input::Opened(connection, broker) if self.brokers.is_alive(broker) => {
                self.connections.insert(connection, broker);
            }
            Input::Opened(connection, _) => out.push(Output::Close(connection)),
            Input::Closed(connection) => self.forget(connection),
            Input::Garbled(connection, reason) => {
                self.violations.add(reason);
                self.forget(connection);
            }
            Input::Request(connection, frame) => self.take_request(now, connection, frame, out),
            Input::Kill(broker) => self.kill(now, broker, out),
            Input::Restart(broker) => self.restart(broker),
            Input::Tick => {}
        }
        self.settle(now, out);
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let parked = self.parked.next_deadline();
        parked
            .into_iter()
            .chain(self.groups.next_deadline())
            .chain(self.transactions.next_deadline())
            .min()
    }

    /// Does what is due, and wakes the fetches of partitions that have changed.
    pub(super) fn settle(&mut self, now: Instant, out: &mut Vec<Output>) {
        let mut answers = Vec::new();
        self.groups.expire(now, &mut self.violations, &mut answers);
        self.answer_group(answers, out);
        self.transactions.expire(now, self.transaction_version());
        self.write_markers(now);
        for due in self.parked.take_due(now) {
            self.resume(now, due, out);
        }
        let changed = self.topics.take_changed();
        if !changed.is_empty() {
            for woken in self.parked.take_changed(&changed) {
                self.resume(now, woken, out);
            }
        }
    }

    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
        self.parked.forget_connection(connection);
        self.groups.forget_connection(connection);
    }

    pub(super) fn park(&mut self, ask: Ask, until: Instant, wish: Wish) -> Reply {
        self.parked.park(ParkedRequest { ask, until, wish });
        Reply::Parked
    }

    pub(super) fn answer_group(&mut self, answers: Vec<GroupAnswer>, out: &mut Vec<Output>) {
        for answer in answers {
            let (ask, response) = api::membership::response(answer);
            self.perform(&ask, response.into(), out);
        }
    }

    fn take_request(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        frame: Bytes,
        out: &mut Vec<Output>,
    ) {
        let Some(broker) = self.connections.get(&connection).copied() else {
            // It was closed with the frame on its way here.
            return;
        };
        let decoded = wire::decode_request(frame).and_then(|(head, request)| {
            let spoken = api::versions::spoken(self.options.release, head.api_key);
            match spoken {
                Some(versions) if versions.contains(&head.api_version) => Ok((head, request)),
                _ => Err(unknown(head)),
            }
        });
        let (head, request) = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return self.refuse_frame(now, connection, broker, &error, out),
        };
        let api_key = head.api_key;
        let ask = Ask {
            now,
            connection,
            broker,
            head,
        };
        match self.script.arrival(api_key) {
            Arrival::Welcome => self.serve(&ask, request, out),
            Arrival::Delay(delay) => {
                self.park(ask, now + delay, Wish::Serve(request));
            }
            Arrival::DropConnection => self.perform(&ask, Reply::Close, out),
        }
    }

    /// Like a broker, ends the connection over anything that cannot be read; but a version of
    /// ApiVersions that is too new gets an answer that even the oldest client reads (KIP-511).
    fn refuse_frame(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        broker: NodeId,
        error: &WireError,
        out: &mut Vec<Output>,
    ) {
        if let WireError::UnknownRequest(raw) = error
            && raw.api_key == ApiKey::ApiVersions as i16
        {
            self.script.arrival(ApiKey::ApiVersions);
            let head = RequestHead {
                api_key: ApiKey::ApiVersions,
                api_version: 0,
                correlation_id: raw.correlation_id,
                client_id: None,
            };
            let ask = Ask {
                now,
                connection,
                broker,
                head,
            };
            self.perform(&ask, api::versions::unsupported(self.options.release), out);
            return;
        }
        self.violations.add(format_args!(
            "broker {broker} cannot read a request: {error}"
        ));
        out.push(Output::Close(connection));
        self.forget(connection);
    }

    fn serve(&mut self, ask: &Ask, request: Request, out: &mut Vec<Output>) {
        let reply = match self.script.failure(ask.head.api_key) {
            Some(code) => api::refuse::response(ask, &request, code).into(),
            None => api::serve(self, ask, request, out),
        };
        self.perform(ask, reply, out);
    }

    fn resume(&mut self, now: Instant, parked: ParkedRequest, out: &mut Vec<Output>) {
        let ParkedRequest { ask, until, wish } = parked;
        let ask = Ask { now, ..ask };
        match wish {
            Wish::Serve(request) => self.serve(&ask, request, out),
            Wish::Fetch {
                request,
                partitions,
            } => {
                let reply = api::fetch::resume(self, &ask, request, until, &partitions);
                self.perform(&ask, reply, out);
            }
        }
    }

    fn perform(&mut self, ask: &Ask, reply: Reply, out: &mut Vec<Output>) {
        let connection = ask.connection;
        match reply {
            Reply::Answer(response) => {
                let mut frame = BytesMut::new();
                match wire::encode_response(&ask.head, &response, &mut frame) {
                    Ok(()) => out.push(Output::Answer(connection, vec![frame.freeze()])),
                    Err(error) => self.fail_to_answer(ask, &error, out),
                }
            }
            Reply::Frame(Ok(chunks)) => out.push(Output::Answer(connection, chunks)),
            Reply::Frame(Err(error)) => self.fail_to_answer(ask, &error, out),
            Reply::Parked => {}
            Reply::Silent => out.push(Output::NoAnswer(connection)),
            Reply::Close => {
                out.push(Output::Close(connection));
                self.forget(connection);
            }
        }
    }

    /// A fault of ours. The test shall see it, and the cluster go on.
    fn fail_to_answer(&mut self, ask: &Ask, error: &WireError, out: &mut Vec<Output>) {
        self.violations
            .add(format_args!("the mock cannot write its answer: {error}"));
        out.push(Output::Close(ask.connection));
        self.forget(ask.connection);
    }
}

/// What comes of a request that the wire layer can read and no broker serves.
fn unknown(head: RequestHead) -> WireError {
    WireError::UnknownRequest(UnsupportedRequest {
        api_key: head.api_key as i16,
        api_version: head.api_version,
        correlation_id: head.correlation_id,
        client_id: head.client_id,
    })
}
