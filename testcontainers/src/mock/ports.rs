//! Shell: where the brokers listen, and what they tell clients about it.

#![expect(clippy::disallowed_types, reason = "a shell: it waits for sockets")]

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use mio::net::TcpListener;
use mio::{Interest, Poll, Token};
use weft_client::{Broker, NodeId};

use super::error::MockError;

/// What the builder was told about addresses and ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listening {
    pub(super) address: IpAddr,
    /// The host that clients are told; nothing for the address itself.
    pub(super) advertised_host: Option<String>,
    /// The port of the first broker; nothing if the system chooses all of them.
    pub(super) first_port: Option<u16>,
}

/// The ports of all brokers, those of dead ones as well.
#[derive(Debug)]
pub(super) struct Ports {
    address: IpAddr,
    host: Arc<str>,
    first_token: usize,
    numbers: BTreeMap<NodeId, u16>,
    listeners: BTreeMap<NodeId, TcpListener>,
}

impl Default for Listening {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            advertised_host: None,
            first_port: None,
        }
    }
}

impl Listening {
    /// Whether so many brokers can listen like this.
    pub(super) fn check(&self, brokers: usize) -> Result<(), MockError> {
        if self.address.is_unspecified() && self.advertised_host.is_none() {
            return Err(MockError::Configuration {
                what: "brokers that listen on every address need an advertised host: clients \
                       cannot connect to \"every address\"",
            });
        }
        if self.advertised_host.as_deref().is_some_and(str::is_empty) {
            return Err(MockError::Configuration {
                what: "the advertised host is empty",
            });
        }
        let last = usize::from(self.first_port.unwrap_or_default()) + brokers - 1;
        if last > usize::from(u16::MAX) {
            return Err(MockError::Configuration {
                what: "the last broker's port would be above 65535",
            });
        }
        Ok(())
    }
}

impl Ports {
    /// Sockets get the tokens from `first_token` on, in the order of the brokers' ids.
    pub(super) fn new(listening: Listening, brokers: usize, first_token: usize) -> Self {
        let Listening {
            address,
            advertised_host,
            first_port,
        } = listening;
        let host = advertised_host.unwrap_or_else(|| address.to_string());
        let numbers = first_port.map(|first| (first..=u16::MAX).take(brokers));
        let ids = (0..).map(NodeId::new);
        Self {
            address,
            host: host.into(),
            first_token,
            numbers: ids.zip(numbers.into_iter().flatten()).collect(),
            listeners: BTreeMap::new(),
        }
    }

    /// Listens at the port that the broker has, or had before, or at one that the system chooses.
    pub(super) fn open(&mut self, poll: &Poll, id: NodeId) -> Result<Broker, MockError> {
        let port = self.numbers.get(&id).copied().unwrap_or_default();
        let address = SocketAddr::from((self.address, port));
        let port = self.listen(poll, id, address).map_err(|source| {
            MockError::io(format!("opening {address} for broker {id}"), source)
        })?;
        Ok(Broker {
            id,
            host: Arc::clone(&self.host),
            port,
            rack: None,
        })
    }

    pub(super) fn listener(&self, id: NodeId) -> Option<&TcpListener> {
        self.listeners.get(&id)
    }

    pub(super) fn close(&mut self, id: NodeId) {
        self.listeners.remove(&id);
    }

    pub(super) fn close_all(&mut self) {
        self.listeners.clear();
    }

    fn listen(&mut self, poll: &Poll, id: NodeId, address: SocketAddr) -> io::Result<u16> {
        let mut listener = TcpListener::bind(address)?;
        let port = listener.local_addr()?.port();
        let token = Token(self.first_token + id.value().unsigned_abs() as usize);
        let registry = poll.registry();
        registry.register(&mut listener, token, Interest::READABLE)?;
        self.numbers.insert(id, port);
        self.listeners.insert(id, listener);
        Ok(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_possible(listening: &Listening, brokers: usize) -> bool {
        listening.check(brokers).is_ok()
    }

    #[test]
    fn the_last_broker_has_a_port_as_well() {
        let with = |first_port| Listening {
            first_port,
            ..Listening::default()
        };
        assert!(is_possible(&with(Some(65_533)), 3));
        assert!(!is_possible(&with(Some(65_534)), 3));
        assert!(is_possible(&with(None), 3));
    }

    #[test]
    fn clients_are_not_sent_to_every_address() {
        let everywhere = Listening {
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            ..Listening::default()
        };
        let named = |host: &str| Listening {
            advertised_host: Some(host.to_owned()),
            ..everywhere.clone()
        };
        assert!(!is_possible(&everywhere, 1));
        assert!(!is_possible(&named(""), 1));
        assert!(is_possible(&named("kafka.test"), 1));
    }
}
