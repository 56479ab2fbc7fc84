//! The machine: what happens to the cluster, what it keeps, and when something is due. The way of a
//! single request is in `serving.rs`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::record::{Compressor, Decompressor};
use weft_client::{Broker, GroupId, NodeId};

use super::api;
use super::brokers::Brokers;
use super::clock::Clock;
use super::configs::BrokerSettings;
use super::durable::Lifetime;
use super::fault::Rules;
use super::fetch_sessions::FetchSessions;
use super::group::{GroupAnswer, Groups};
use super::hold::Holds;
use super::parked::{Parked, ParkedRequest, Wish};
use super::release::KafkaRelease;
use super::reply::{Ask, ConnectionId, Reply};
use super::request_log::RequestLog;
use super::topics::Topics;
use super::transaction::Transactions;
use super::violations::Violations;

/// The whole cluster. See the folder's text.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(super) options: Options,
    pub(super) brokers: Brokers,
    pub(super) topics: Topics,
    pub(super) broker_settings: BrokerSettings,
    pub(super) groups: Groups,
    pub(super) fetch_sessions: FetchSessions,
    pub(crate) faults: Rules,
    pub(super) holds: Holds,
    pub(crate) request_log: RequestLog,
    pub(super) violations: Violations,
    pub(super) decompressor: Decompressor,
    pub(super) compressor: Compressor,
    pub(super) transactions: Transactions,
    pub(super) clock: Clock,
    pub(super) connections: BTreeMap<ConnectionId, NodeId>,
    pub(super) lifetime: Lifetime,
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
    /// How many bytes the records of all topics may have.
    pub(crate) record_bytes_max: usize,
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
            broker_settings: BrokerSettings::default(),
            groups: Groups::default(),
            fetch_sessions: FetchSessions::default(),
            faults: Rules::default(),
            holds: Holds::default(),
            request_log: RequestLog::default(),
            violations: Violations::default(),
            decompressor: Decompressor::default(),
            compressor: Compressor::default(),
            transactions: Transactions::default(),
            clock: Clock::new(),
            connections: BTreeMap::new(),
            lifetime: Lifetime::default(),
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
            .chain(self.groups.next_deadline(|id| self.is_stopped(id)))
            .chain(self.next_transaction_deadline())
            .chain(self.holds.next_deadline())
            .min()
    }

    /// Does what is due, and wakes the fetches of partitions that have changed.
    pub(super) fn settle(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.release(now, out);
        let mut answers = Vec::new();
        let (brokers, holds) = (&self.brokers, &self.holds);
        let is_stopped = |group: &GroupId| is_stopped(brokers, holds, group);
        self.groups
            .expire(now, is_stopped, &mut self.violations, &mut answers);
        self.answer_group(answers, out);
        self.expire_transactions(now);
        for due in self.parked.take_due(now) {
            self.resume(now, due, out);
        }
        // What was resumed may have ended a transaction.
        self.write_markers(now);
        let changed = self.topics.take_changed();
        if !changed.is_empty() {
            for woken in self.parked.take_changed(&changed) {
                self.resume(now, woken, out);
            }
        }
    }

    fn is_stopped(&self, group: &GroupId) -> bool {
        is_stopped(&self.brokers, &self.holds, group)
    }

    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
        self.parked.forget_connection(connection);
        self.holds.forget_connection(connection);
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
}

/// Whether nothing is done for the group, since the broker that answers for it is frozen.
fn is_stopped(brokers: &Brokers, holds: &Holds, group: &GroupId) -> bool {
    let coordinator = brokers.known_coordinator(group);
    coordinator.is_some_and(|broker| holds.is_frozen(broker))
}
