//! The machines of one thread, each with its socket, and where to find them.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::transport::Transport;
use crate::connection::{Connection, Lane};
use crate::ids::{Broker, NodeId};

/// Beyond so many connections, those that are closed and have nothing to remember are dropped
/// before another is added. Brokers come and go, and metadata may name any number of them.
const CONNECTIONS_BEFORE_SWEEP: usize = 64;

/// One machine and its socket.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) connection: Connection,
    pub(super) transport: Option<Transport>,
    /// When the machine wants to be looked at.
    pub(super) deadline: Option<Instant>,
}

/// All machines, by token. Tokens count up and are never used again, so that nothing that comes
/// late can be mistaken for something else.
#[derive(Debug, Default)]
pub(super) struct Slots {
    by_token: BTreeMap<usize, Slot>,
    places: HashMap<(NodeId, Lane), usize>,
    next_token: usize,
}

/// Whether there is a machine for a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Yes.
    Here(usize),
    /// Yes, but for another host or port.
    Elsewhere(usize),
    /// No.
    Nowhere,
}

impl Slots {
    pub(super) fn find(&self, broker: &Broker, lane: Lane) -> Found {
        let Some(token) = self.token(broker.id, lane) else {
            return Found::Nowhere;
        };
        let is_same = self.by_token.get(&token).is_some_and(|slot| {
            let known = slot.connection.broker();
            known.host == broker.host && known.port == broker.port
        });
        if is_same {
            Found::Here(token)
        } else {
            Found::Elsewhere(token)
        }
    }

    /// Adds a machine; returns its token.
    pub(super) fn insert(&mut self, now: Instant, connection: Connection) -> usize {
        if self.by_token.len() >= CONNECTIONS_BEFORE_SWEEP {
            self.sweep(now);
        }
        let token = self.next_token;
        self.next_token += 1;
        let place = (connection.broker().id, connection.lane());
        let slot = Slot {
            connection,
            transport: None,
            deadline: None,
        };
        self.by_token.insert(token, slot);
        self.places.insert(place, token);
        token
    }

    pub(super) fn remove(&mut self, token: usize) {
        if let Some(Slot { connection, .. }) = self.by_token.remove(&token) {
            self.places
                .remove(&(connection.broker().id, connection.lane()));
        }
    }

    pub(super) fn token(&self, node: NodeId, lane: Lane) -> Option<usize> {
        self.places.get(&(node, lane)).copied()
    }

    /// The connection to a broker, if there was a reason for one so far.
    pub(super) fn connection(&self, node: NodeId, lane: Lane) -> Option<&Connection> {
        let slot = self.by_token.get(&self.token(node, lane)?)?;
        Some(&slot.connection)
    }

    pub(super) fn slot(&mut self, token: usize) -> Option<&mut Slot> {
        self.by_token.get_mut(&token)
    }

    pub(super) fn transport(&mut self, token: usize) -> Option<&mut Transport> {
        self.slot(token)?.transport.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.by_token.iter().map(|(token, slot)| (*token, slot))
    }

    fn sweep(&mut self, now: Instant) {
        self.by_token
            .retain(|_, slot| !slot.connection.is_forgettable(now));
        let by_token = &self.by_token;
        self.places.retain(|_, token| by_token.contains_key(token));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any time will do as the first")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::connection::{ConnectionSettings, Input, OutboundRequest, RequestToken};
    use crate::wire::messages::MetadataRequest;

    fn broker(id: usize) -> Arc<Broker> {
        Arc::new(Broker {
            id: NodeId::new(i32::try_from(id).unwrap()),
            host: Arc::from("broker"),
            port: 9092,
            rack: None,
        })
    }

    fn connection(id: usize) -> Connection {
        let settings = Arc::new(ConnectionSettings::default());
        Connection::new(broker(id), Lane::General, settings, 0)
    }

    #[test]
    fn a_broker_with_nothing_to_remember_is_dropped_when_there_are_many() {
        let now = Instant::now();
        let mut slots = Slots::default();
        let tokens: Vec<usize> = (0..CONNECTIONS_BEFORE_SWEEP)
            .map(|id| slots.insert(now, connection(id)))
            .collect();
        assert_eq!(slots.iter().count(), CONNECTIONS_BEFORE_SWEEP);
        let request = OutboundRequest {
            token: RequestToken::new(1),
            broker: broker(5),
            lane: Lane::General,
            request: MetadataRequest::default().into(),
            timeout: std::time::Duration::from_secs(30),
        };
        let waiting = &mut slots.slot(tokens[5]).unwrap().connection;
        waiting.handle(now, Input::Send(request), &mut Vec::new());

        let last = slots.insert(now, connection(CONNECTIONS_BEFORE_SWEEP));

        let left: Vec<usize> = slots.iter().map(|(token, _)| token).collect();
        assert_eq!(left, [tokens[5], last]);
        assert_eq!(
            slots.find(&broker(5), Lane::General),
            Found::Here(tokens[5])
        );
        assert_eq!(slots.find(&broker(6), Lane::General), Found::Nowhere);
        let again = slots.insert(now, connection(6));
        assert!(again > last, "a token is never used again");
    }
}
