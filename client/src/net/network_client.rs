//! What a thread talks to brokers through: requests go in, events come out.
//!
//! It reads the clock and waits; everything it decides is decided by [`crate::connection`].

#![expect(
    clippy::disallowed_methods,
    reason = "the shell that waits must know the time"
)]

use std::time::{Duration, Instant};

use super::activity::NodeActivity;
use super::counters::NetworkCounters;
use super::driver::Driver;
use super::poller::{NetworkWaker, Wakeup};
use super::socket::SocketOptions;
use crate::cluster::{NodeLoad, NodeLoads};
use crate::config::ClientConfig;
use crate::connection::{
    Connection, ConnectionSettings, Input, Lane, NetworkEvent, NodeState, OutboundRequest,
    RequestToken,
};
use crate::error::{Error, ErrorKind};
use crate::host;
use crate::ids::NodeId;
use crate::wire::{BrokerVersions, FRAME_BYTES_MAX_DEFAULT, StrBytes};

/// The connections of one thread: one for each broker and [`Lane`].
///
/// [`send`](Self::send) accepts every request and [`poll`](Self::poll) does the work: looking up
/// names, connecting, agreeing on versions, writing, reading. What became of each request comes out
/// of `poll` as an event.
///
/// Responses of more than a few kilobytes are received into recycled buffers, which a response
/// keeps until its last slice is dropped. At most 16 buffers and 64 MiB are kept for reuse.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), weft_client::Error> {
/// use std::time::{Duration, Instant};
///
/// use weft_client::ClientConfig;
/// use weft_client::net::{Lane, NetworkClient, OutboundRequest, RequestToken};
/// use weft_client::wire::{Request, messages::MetadataRequest};
///
/// let config = ClientConfig::builder().bootstrap_servers("localhost:9092").build()?;
/// let mut network = NetworkClient::new(&config)?;
/// network.send(
///     Instant::now(),
///     OutboundRequest {
///         token: RequestToken::new(1),
///         broker: config.bootstrap_brokers()[0].clone(),
///         lane: Lane::General,
///         request: Request::from(MetadataRequest::default()),
///         timeout: config.request_timeout,
///     },
/// );
/// let mut events = Vec::new();
/// while events.is_empty() {
///     network.poll(Duration::from_secs(1), &mut events);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NetworkClient {
    driver: Driver,
    wait_time: Duration,
    io_time: Duration,
}

impl NetworkClient {
    /// A client without connections.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the operating system refuses the means to wait for sockets.
    pub fn new(config: &ClientConfig) -> Result<Self, Error> {
        let driver = Driver::new(
            settings(config),
            SocketOptions::from_config(config),
            FRAME_BYTES_MAX_DEFAULT,
            host::random_seed(),
        )
        .map_err(|error| {
            Error::new(
                ErrorKind::Io,
                "the operating system refuses to wait for sockets",
            )
            .with_source(error)
        })?;
        Ok(Self {
            driver,
            wait_time: Duration::ZERO,
            io_time: Duration::ZERO,
        })
    }

    /// Sets the largest response, in bytes, that connections opened from now on accept; 100 MiB
    /// unless set. A peer that announces more is cut off. Memory is only spent on bytes that
    /// really arrive.
    ///
    /// # Panics
    ///
    /// The next connection panics if the limit does not fit an `i32`.
    pub fn set_frame_bytes_max(&mut self, bytes: usize) {
        self.driver.set_frame_bytes_max(bytes);
    }

    /// Makes [`poll`](Self::poll) return from any thread.
    pub fn waker(&self) -> NetworkWaker {
        self.driver.waker().clone()
    }

    /// Takes over a request. It is always accepted; failures come as events. Nothing is written
    /// before the next [`flush`](Self::flush) or [`poll`](Self::poll), so that several requests to
    /// one broker go out together.
    ///
    /// A request to a broker that was found under another address before closes that connection.
    pub fn send(&mut self, now: Instant, request: OutboundRequest) {
        let broker = request.broker.clone();
        let lane = request.lane;
        self.driver
            .feed_place(now, &broker, lane, Input::Send(request));
    }

    /// Waits until something happened, at most for `timeout`, and appends it to `events`.
    ///
    /// All input and output that is possible is done, also with a timeout of zero. Returns early,
    /// possibly without events, when a [`NetworkWaker`] says so.
    pub fn poll(&mut self, timeout: Duration, events: &mut Vec<NetworkEvent>) {
        let mut now = host::now();
        let end = now.checked_add(timeout);
        loop {
            // Nothing is overdue before what has arrived meanwhile was read: the caller may have
            // been away for longer than a request may take.
            self.driver.flush(now);
            let timeout = self.time_to_wait(now, end);
            let began = now;
            let wakeup = self.driver.wait(timeout);
            now = host::now();
            self.driver.receive(now);
            self.driver.expire(now);
            self.driver.flush(now);
            let woke = std::mem::replace(&mut now, host::now());
            self.wait_time += woke - began;
            self.io_time += now - woke;
            let is_over = end.is_some_and(|end| end <= now);
            match wakeup {
                Ok(Wakeup::NotWoken) if !is_over && self.driver.events().is_empty() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(%error, "waiting for sockets failed");
                    break;
                }
            }
        }
        events.append(self.driver.events());
    }

    /// Writes what can be written without waiting. Reads nothing; what it comes to, failures
    /// included, is told by the next [`poll`](Self::poll).
    pub fn flush(&mut self, now: Instant) {
        self.driver.flush(now);
    }

    /// Closes a connection. Its requests fail as disconnected; the next one opens it again, without
    /// backoff.
    pub fn disconnect(&mut self, now: Instant, node: NodeId, lane: Lane) {
        self.driver
            .feed_existing(now, node, lane, Input::Disconnect);
    }

    /// Closes all connections, as [`disconnect`](Self::disconnect) does.
    pub fn disconnect_all(&mut self, now: Instant) {
        self.driver.feed_all(now, &Input::Disconnect);
    }

    /// Forgets a request: no event comes for it any more. If it is on the wire already, the broker
    /// acts on it all the same, and requests behind it wait for its answer.
    pub fn cancel(&mut self, now: Instant, token: RequestToken) {
        self.driver.events().retain(|event| match event {
            NetworkEvent::Response { token: of, .. }
            | NetworkEvent::Sent { token: of }
            | NetworkEvent::Failed { token: of, .. } => *of != token,
            NetworkEvent::ConnectionOpened { .. } | NetworkEvent::ConnectionClosed { .. } => true,
        });
        self.driver.feed_all(now, &Input::Cancel(token));
    }

    /// How ready the connection to a broker is.
    pub fn state(&self, now: Instant, node: NodeId, lane: Lane) -> NodeState {
        self.driver
            .slots()
            .connection(node, lane)
            .map_or(NodeState::Disconnected, |connection| connection.state(now))
    }

    /// Requests to a broker that are not settled, over all lanes.
    pub fn in_flight(&self, node: NodeId) -> usize {
        self.driver
            .slots()
            .iter()
            .map(|(_, slot)| &slot.connection)
            .filter(|connection| connection.broker().id == node)
            .map(Connection::pending)
            .sum()
    }

    /// When the last attempt to connect to a broker began.
    pub fn last_attempt(&self, node: NodeId, lane: Lane) -> Option<Instant> {
        self.driver.slots().connection(node, lane)?.last_attempt()
    }

    /// What a broker speaks, while it is connected.
    pub fn versions(&self, node: NodeId, lane: Lane) -> Option<&BrokerVersions> {
        self.driver.slots().connection(node, lane)?.versions()
    }

    /// What the client did so far.
    pub fn counters(&self) -> NetworkCounters {
        NetworkCounters {
            wait_time: self.wait_time,
            io_time: self.io_time,
            ..self.driver.counters()
        }
    }

    /// What went on with each broker since this was asked last.
    pub fn take_activity(&mut self) -> impl Iterator<Item = (NodeId, Lane, NodeActivity)> + '_ {
        self.driver.take_activity()
    }

    /// How many sockets are open, those that are still connecting among them.
    pub fn connections(&self) -> usize {
        let slots = self.driver.slots().iter();
        slots.filter(|(_, slot)| slot.transport.is_some()).count()
    }

    #[cfg(test)]
    pub(super) fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }

    fn load_at(&self, now: Instant, node: NodeId) -> NodeLoad {
        let Some(connection) = self.driver.slots().connection(node, Lane::General) else {
            return NodeLoad::Unconnected {
                last_attempt_at: None,
            };
        };
        match connection.state(now) {
            NodeState::Disconnected => NodeLoad::Unconnected {
                last_attempt_at: connection.last_attempt(),
            },
            NodeState::BackingOff { until } => NodeLoad::Backoff { until },
            NodeState::Connecting => NodeLoad::Connecting,
            NodeState::Ready => NodeLoad::Ready {
                in_flight: connection.pending(),
            },
            NodeState::Throttled { until } => NodeLoad::Throttled { until },
        }
    }

    fn time_to_wait(&mut self, now: Instant, end: Option<Instant>) -> Option<Duration> {
        if !self.driver.events().is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = self.driver.next_deadline(now).into_iter().chain(end).min();
        deadline.map(|deadline| deadline.saturating_duration_since(now))
    }
}

impl NodeLoads for NetworkClient {
    /// The load of the general lane, which is what metadata requests use.
    fn load(&self, node: NodeId) -> NodeLoad {
        self.load_at(host::now(), node)
    }
}

fn settings(config: &ClientConfig) -> ConnectionSettings {
    ConnectionSettings {
        // Never null, as old as that is in the protocol: Kafka 2.8 fails on the SyncGroup request
        // of a leader without a client id.
        client_id: Some(StrBytes::from_string(config.client_id.clone())),
        request_timeout: config.request_timeout,
        reconnect_backoff: config.reconnect_delays(),
        setup_timeout: config.connection_setup_timeouts(),
        idle_timeout: config.connections_max_idle,
    }
}
