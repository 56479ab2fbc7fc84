//! Shell: what the thread does about new connections, and about too many of them or too much in
//! them.

#![expect(clippy::disallowed_types, reason = "a shell: it takes over sockets")]

use std::io::{self, ErrorKind};

use mio::net::TcpStream;
use mio::{Interest, Token};
use weft_client::NodeId;

use super::super::connection::Connection;
use super::super::core::{ConnectionId, Input};
use super::{FIRST_CONNECTION, Server};

impl Server {
    /// Takes over the connections that wait at a broker's port. Those beyond the limit are closed
    /// at once.
    pub(super) fn accept(&mut self, broker: NodeId) {
        loop {
            let Some(listener) = self.ports.listener(broker) else {
                return;
            };
            match listener.accept() {
                Ok((stream, _)) if self.connections.len() < self.connections_max => {
                    // A client that is gone again already is noticed when it is read from.
                    if let Err(error) = self.open(stream, broker) {
                        tracing::debug!(%error, "a connection was lost at once");
                    }
                }
                Ok(_) => tracing::warn!("the mock cluster has too many connections"),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    tracing::warn!(%error, "the mock cluster cannot accept a connection");
                    self.waiting.insert(broker);
                    return;
                }
            }
        }
    }

    /// Takes over connections that the operating system had no place for, if some have ended:
    /// nothing else tells of those that wait already.
    pub(super) fn accept_waiting(&mut self) {
        if std::mem::take(&mut self.has_closed) {
            for broker in std::mem::take(&mut self.waiting) {
                self.accept(broker);
            }
        }
    }

    fn open(&mut self, mut stream: TcpStream, broker: NodeId) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let token = FIRST_CONNECTION + self.connections_opened as usize;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut stream, Token(token), interest)?;
        self.connections_opened += 1;
        let id = ConnectionId(token as u64);
        self.connections.insert(id, Connection::new(stream));
        self.feed(Input::Opened(id, broker));
        self.ready.push_back(id);
        Ok(())
    }

    /// Counts what a connection keeps, and closes the greediest ones if it is too much.
    pub(super) fn count(&mut self, id: ConnectionId) {
        let connection = self.connections.get(&id);
        let bytes = connection.map_or(0, Connection::buffered_bytes);
        self.buffered.set(id, bytes);
        while let Some(greediest) = self.buffered.excess() {
            tracing::warn!("the mock cluster keeps too many bytes, and closes a connection");
            self.lose(greediest, None);
        }
    }
}
