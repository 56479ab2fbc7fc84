//! Who gets nothing through at the moment: brokers that are frozen, brokers that some client cannot
//! reach, connections that are muted. And what waits for the end of it, one thing for each
//! connection, since a broker serves the requests of a connection one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::Bytes;
use weft_client::NodeId;

use super::fault::Outgoing;
use super::parked::ParkedRequest;
use super::reply::{Ask, ConnectionId};

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds {
    frozen: BTreeSet<NodeId>,
    /// Brokers, and the `client.id` that gets nothing through to them.
    isolated: BTreeSet<(NodeId, String)>,
    muted: BTreeMap<ConnectionId, Instant>,
    waiting: BTreeMap<ConnectionId, Waiting>,
}

/// What waits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Held {
    /// A request that nobody has read.
    Frame(Bytes),
    /// A request that is to go on.
    Parked(Box<ParkedRequest>),
    /// An answer that is to leave.
    Answer(Box<Ask>, Outgoing),
}

#[derive(Clone, Debug)]
struct Waiting {
    broker: NodeId,
    /// Nothing while no request was read.
    client_id: Option<String>,
    held: Held,
}

/// There are too many already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyIsolated;

impl Holds {
    pub(crate) fn freeze(&mut self, broker: NodeId) {
        self.frozen.insert(broker);
    }

    pub(crate) fn thaw(&mut self, broker: NodeId) {
        self.frozen.remove(&broker);
    }

    pub(crate) fn is_frozen(&self, broker: NodeId) -> bool {
        self.frozen.contains(&broker)
    }

    pub(crate) fn isolate(
        &mut self,
        broker: NodeId,
        client_id: &str,
    ) -> Result<(), TooManyIsolated> {
        if self.isolated.len() >= ISOLATED_MAX {
            return Err(TooManyIsolated);
        }
        self.isolated.insert((broker, client_id.to_owned()));
        Ok(())
    }

    pub(crate) fn heal(&mut self, broker: NodeId, client_id: &str) {
        self.isolated.remove(&(broker, client_id.to_owned()));
    }

    /// Nothing more is read from the connection until then (KIP-219).
    pub(crate) fn mute(&mut self, connection: ConnectionId, until: Instant) {
        self.muted.insert(connection, until);
    }

    pub(crate) fn is_muted(&self, now: Instant, connection: ConnectionId) -> bool {
        self.muted
            .get(&connection)
            .is_some_and(|until| *until > now)
    }

    /// Whether nothing goes through between this broker and this client.
    pub(crate) fn is_stopped(&self, broker: NodeId, client_id: Option<&str>) -> bool {
        self.is_frozen(broker)
            || client_id.is_some_and(|client_id| {
                let mut isolated = self.isolated.iter();
                isolated.any(|(of, isolated)| *of == broker && isolated == client_id)
            })
    }

    pub(crate) fn hold(
        &mut self,
        connection: ConnectionId,
        broker: NodeId,
        client_id: Option<&str>,
        held: Held,
    ) {
        let client_id = client_id.map(str::to_owned);
        let waiting = Waiting {
            broker,
            client_id,
            held,
        };
        self.waiting.insert(connection, waiting);
    }

    pub(crate) fn forget_connection(&mut self, connection: ConnectionId) {
        self.muted.remove(&connection);
        self.waiting.remove(&connection);
    }

    /// When the next connection is read from again.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let waiting = self.waiting.iter();
        waiting
            .filter(|(_, waiting)| !self.is_stopped(waiting.broker, waiting.client_id.as_deref()))
            .filter_map(|(connection, _)| self.muted.get(connection).copied())
            .min()
    }

    /// Takes out what has to wait no longer.
    pub(crate) fn take_released(&mut self, now: Instant) -> Vec<(ConnectionId, Held)> {
        let is_released = |(connection, waiting): &(&ConnectionId, &Waiting)| {
            let is_unread = matches!(waiting.held, Held::Frame(_));
            let is_muted = is_unread && self.is_muted(now, **connection);
            !is_muted && !self.is_stopped(waiting.broker, waiting.client_id.as_deref())
        };
        let released = self.waiting.iter().filter(is_released);
        let released: Vec<ConnectionId> = released.map(|(connection, _)| *connection).collect();
        let mut taken = Vec::new();
        for connection in released {
            if let Some(waiting) = self.waiting.remove(&connection) {
                taken.push((connection, waiting.held));
            }
        }
        taken
    }
}

/// How many pairs of a broker and a client may be kept apart at a time.
const ISOLATED_MAX: usize = 1_000;
