//! The sockets of simulated processes, as the client's shell uses them.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes};
use weft_client::NodeId;
use weft_client::host::simulated::{PollerId, Ready, SocketId};

use super::inner::{Event, Inner};
use super::network::{FIRST_PORT, Socket};

impl Inner {
    pub(super) fn connect(
        &mut self,
        poller: PollerId,
        token: usize,
        address: SocketAddr,
    ) -> io::Result<SocketId> {
        let process = self.threads[&self.current].process;
        if !self.processes[process].is_alive {
            return Err(io::ErrorKind::NetworkDown.into());
        }
        let broker = NodeId::new(i32::from(address.port()) - i32::from(FIRST_PORT));
        let network = &mut self.network;
        network.last_socket += 1;
        let id = SocketId(network.last_socket);
        let spread = network.random.fraction();
        let latency = Duration::from_micros(100) + Duration::from_millis(4).mul_f64(spread);
        network.sockets.insert(
            id,
            Socket {
                process,
                poller,
                token,
                broker,
                latency,
                outcome: None,
                up: VecDeque::new(),
                down: VecDeque::new(),
                inbox: VecDeque::new(),
                has_ended: false,
                is_reset: false,
                is_closed: false,
                is_served: false,
                asked: (-1, 0),
            },
        );
        let at = self.now + network.delay(latency);
        self.schedule(at, Event::Connect(id));
        Ok(id)
    }

    pub(super) fn connect_outcome(&self, id: SocketId) -> Option<io::Result<()>> {
        let socket = self.network.sockets.get(&id)?;
        let is_accepted = socket.outcome?;
        Some(if is_accepted {
            Ok(())
        } else {
            Err(io::ErrorKind::ConnectionRefused.into())
        })
    }

    pub(super) fn read(&mut self, id: SocketId, into: &mut [u8]) -> io::Result<usize> {
        let Some(socket) = self.network.sockets.get_mut(&id) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if socket.is_reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut filled = 0;
        while filled < into.len()
            && let Some(first) = socket.inbox.front_mut()
        {
            let count = first.len().min(into.len() - filled);
            into[filled..filled + count].copy_from_slice(&first[..count]);
            first.advance(count);
            filled += count;
            if first.is_empty() {
                socket.inbox.pop_front();
            }
        }
        if filled == 0 && !socket.has_ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(filled)
    }

    pub(super) fn write(&mut self, id: SocketId, bytes: &[u8]) -> io::Result<usize> {
        let Some(socket) = self.network.sockets.get_mut(&id) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if socket.is_reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if !self.processes[socket.process].is_alive {
            return Ok(bytes.len());
        }
        let mut count = bytes.len();
        let network = &mut self.network;
        if network.random.below(16) == 0 {
            // The buffer is full: the rest follows when there is room again.
            count = network.random.below(count);
            let at = self.now + Duration::from_millis(1);
            self.schedule(at, Event::Writable(id));
        }
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.send_up(id, Bytes::copy_from_slice(&bytes[..count]));
        Ok(count)
    }

    fn send_up(&mut self, id: SocketId, bytes: Bytes) {
        let network = &mut self.network;
        let Some(socket) = network.sockets.get_mut(&id) else {
            return;
        };
        socket.up.push_back(bytes);
        let latency = socket.latency;
        let at = self.now + network.delay(latency);
        self.schedule(at, Event::Up(id));
    }

    /// The client closes. Of what is on its way to the broker all arrives before anything that the
    /// client sends later on other connections, or nothing.
    pub(super) fn close(&mut self, id: SocketId) {
        let Some(socket) = self.network.sockets.get_mut(&id) else {
            return;
        };
        socket.is_closed = true;
        let pieces = std::mem::take(&mut socket.up);
        let is_served = socket.is_served;
        let socket = &self.network.sockets[&id];
        let blocked = self.network.blocked_until(socket, self.now);
        let is_lost = blocked.is_some()
            || !self.processes[socket.process].is_alive
            || self.network.random.below(2) == 0;
        if !is_served {
            self.network.sockets.remove(&id);
            return;
        }
        if !is_lost {
            for piece in pieces {
                self.give_to_cluster(id, &piece);
            }
        }
        match blocked {
            Some(until) => self.schedule(until, Event::Gone(id)),
            None => self.gone(id),
        }
    }

    /// Tells the poller of a socket what it is ready for.
    pub(super) fn tell(
        &mut self,
        id: SocketId,
        is_readable: bool,
        is_writable: bool,
        is_read_closed: bool,
    ) {
        let Some(socket) = self.network.sockets.get(&id) else {
            return;
        };
        if socket.is_closed {
            return;
        }
        let Some(state) = self.pollers.get_mut(&socket.poller) else {
            return;
        };
        state.ready.push(Ready {
            token: socket.token,
            is_readable,
            is_writable,
            is_read_closed,
        });
        if let Some(waiter) = state.waiter {
            self.wake_thread(waiter);
        }
    }
}
