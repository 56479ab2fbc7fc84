//! Between machines and operating system: feeds each [`Connection`] with what happened to its
//! socket, and performs what it answers. It takes no decision of its own.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::activity::{Activity, NodeActivity};
use super::buffer_pool::BufferPool;
use super::counters::NetworkCounters;
use super::frame_reader::{FrameReader, SCRATCH_BYTES};
use super::poller::{NetworkWaker, Poller, Readiness, Wakeup};
use super::resolve::{LookUp, Resolver};
use super::slots::{Found, Slot, Slots};
use super::socket::{SocketOptions, Stream};
use super::transport::{ConnectProgress, ReadOutcome, Transport};
use crate::backoff::Random;
use crate::connection::{Connection, ConnectionSettings, Input, Lane, NetworkEvent, Output};
use crate::ids::{Broker, NodeId};
use crate::wire::Response;

/// Bytes that are read from one connection before the others have their turn.
const READ_TURN_BYTES: u64 = 2 * 1024 * 1024;

/// All connections of one thread.
#[derive(Debug)]
pub(super) struct Driver {
    slots: Slots,
    settings: Arc<ConnectionSettings>,
    socket_options: SocketOptions,
    frame_bytes_max: usize,
    read_turn_bytes: u64,
    seeds: Random,
    poller: Poller,
    resolver: Resolver,
    pool: BufferPool,
    events: Vec<NetworkEvent>,
    counters: NetworkCounters,
    activity: Activity,
    to_read: Vec<usize>,
    to_write: Vec<usize>,
    // Kept for their memory; empty between calls.
    inputs: VecDeque<(usize, Input)>,
    outputs: Vec<Output>,
    ready: Vec<Readiness>,
    turn: Vec<usize>,
    frames: Vec<Bytes>,
    scratch: Vec<u8>,
}

impl Driver {
    pub(super) fn new(
        settings: ConnectionSettings,
        socket_options: SocketOptions,
        frame_bytes_max: usize,
        seed: u64,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        Ok(Self {
            slots: Slots::default(),
            settings: Arc::new(settings),
            socket_options,
            frame_bytes_max,
            read_turn_bytes: READ_TURN_BYTES,
            seeds: Random::new(seed),
            resolver: Resolver::new(poller.waker().clone()),
            poller,
            pool: BufferPool::default(),
            events: Vec::new(),
            counters: NetworkCounters::default(),
            activity: Activity::default(),
            to_read: Vec::new(),
            to_write: Vec::new(),
            inputs: VecDeque::new(),
            outputs: Vec::new(),
            ready: Vec::new(),
            turn: Vec::new(),
            frames: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    pub(super) fn waker(&self) -> &NetworkWaker {
        self.poller.waker()
    }

    pub(super) fn counters(&self) -> NetworkCounters {
        self.counters
    }

    /// What went on since this was asked last.
    pub(super) fn take_activity(
        &mut self,
    ) -> impl Iterator<Item = (NodeId, Lane, NodeActivity)> + '_ {
        self.activity.drain()
    }

    pub(super) fn set_frame_bytes_max(&mut self, bytes: usize) {
        self.frame_bytes_max = bytes;
    }

    #[cfg(test)]
    pub(super) fn set_read_turn_bytes(&mut self, bytes: u64) {
        self.read_turn_bytes = bytes;
    }

    /// What happened and was not taken yet.
    pub(super) fn events(&mut self) -> &mut Vec<NetworkEvent> {
        &mut self.events
    }

    /// All connections.
    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Feeds the machine for this broker and lane, which comes into being with it.
    pub(super) fn feed_place(
        &mut self,
        now: Instant,
        broker: &Arc<Broker>,
        lane: Lane,
        input: Input,
    ) {
        let token = self.place(now, broker, lane);
        self.feed(now, token, input);
    }

    /// Feeds the machine for this node and lane, if there is one.
    pub(super) fn feed_existing(&mut self, now: Instant, node: NodeId, lane: Lane, input: Input) {
        if let Some(token) = self.slots.token(node, lane) {
            self.feed(now, token, input);
        }
    }

    /// Feeds every machine.
    pub(super) fn feed_all(&mut self, now: Instant, input: &Input) {
        let mut turn = std::mem::take(&mut self.turn);
        turn.extend(self.slots.iter().map(|(token, _)| token));
        for token in turn.drain(..) {
            self.feed(now, token, input.clone());
        }
        self.turn = turn;
    }

    /// The earliest time at which a machine wants to be looked at; at once if some socket was left
    /// before it was empty.
    pub(super) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if !self.to_read.is_empty() {
            return Some(now);
        }
        self.slots
            .iter()
            .filter_map(|(_, slot)| slot.deadline)
            .min()
    }

    /// Tells the machines whose time has come, apart from those that have more to read at once:
    /// that may be what they wait for.
    pub(super) fn expire(&mut self, now: Instant) {
        let mut turn = std::mem::take(&mut self.turn);
        let is_due = |slot: &Slot| slot.deadline.is_some_and(|deadline| deadline <= now);
        let due = self.slots.iter();
        let due = due.filter(|(token, slot)| is_due(slot) && !self.to_read.contains(token));
        turn.extend(due.map(|(token, _)| token));
        for token in turn.drain(..) {
            self.feed(now, token, Input::Tick);
        }
        self.turn = turn;
    }

    /// Waits for readiness and takes note of all of it. Reads and writes nothing yet.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Wakeup> {
        self.counters.waits += 1;
        self.poller.wait(timeout, &mut self.ready)
    }

    /// Acts on what the last wait brought: connections made or refused, addresses found, bytes to
    /// read.
    pub(super) fn receive(&mut self, now: Instant) {
        let mut ready = std::mem::take(&mut self.ready);
        for readiness in ready.drain(..) {
            self.note(now, readiness);
        }
        self.ready = ready;
        while let Some((look_up, addresses)) = self.resolver.next_answer() {
            let LookUp { token, attempt } = look_up;
            self.feed(now, token, Input::Resolved { attempt, addresses });
        }
        let mut turn = std::mem::take(&mut self.turn);
        turn.append(&mut self.to_read);
        for token in turn.drain(..) {
            self.read(now, token);
        }
        self.turn = turn;
    }

    /// Writes what the sockets take.
    pub(super) fn flush(&mut self, now: Instant) {
        while let Some(token) = self.to_write.pop() {
            let Some(transport) = self.slots.transport(token) else {
                continue;
            };
            let written = transport.write(&mut self.counters);
            if transport.write_failure().is_some() {
                // What the peer said before it stopped listening may be worth reading.
                mark(&mut self.to_read, token);
            }
            if written > 0 {
                self.feed(now, token, Input::Written(written));
            }
        }
    }

    fn note(&mut self, now: Instant, readiness: Readiness) {
        let token = readiness.token;
        let Some(transport) = self.slots.transport(token) else {
            return;
        };
        let progress = transport.note(readiness);
        if readiness.is_readable {
            mark(&mut self.to_read, token);
        }
        if transport.can_write() {
            mark(&mut self.to_write, token);
        }
        match progress {
            ConnectProgress::Unchanged => {}
            ConnectProgress::Connected => self.feed(now, token, Input::Connected),
            ConnectProgress::Failed(detail) => {
                self.feed(now, token, Input::ConnectFailed(detail));
            }
        }
    }

    /// Reads until the socket is empty or its turn is over.
    fn read(&mut self, now: Instant, token: usize) {
        let turn_ends_at = self.counters.bytes_read + self.read_turn_bytes;
        let mut frames = std::mem::take(&mut self.frames);
        while let Some(transport) = self.slots.transport(token) {
            let outcome = transport.read_once(&mut self.scratch, &mut frames, &mut self.counters);
            let write_failure = transport.write_failure();
            for frame in frames.drain(..) {
                self.feed(now, token, Input::Frame(frame));
            }
            let lost = match outcome {
                ReadOutcome::More if self.counters.bytes_read < turn_ends_at => continue,
                ReadOutcome::More => {
                    mark(&mut self.to_read, token);
                    None
                }
                ReadOutcome::Blocked => write_failure,
                ReadOutcome::Lost(reason) => Some(reason),
            };
            if let Some(reason) = lost {
                self.feed(now, token, Input::Lost(reason));
            }
            break;
        }
        self.frames = frames;
    }

    /// Feeds one machine and performs what it answers, and what comes of that at once.
    fn feed(&mut self, now: Instant, token: usize, input: Input) {
        self.inputs.push_back((token, input));
        while let Some((token, input)) = self.inputs.pop_front() {
            let Some(slot) = self.slots.slot(token) else {
                continue;
            };
            let mut outputs = std::mem::take(&mut self.outputs);
            slot.connection.handle(now, input, &mut outputs);
            slot.deadline = slot.connection.next_deadline(now);
            for output in outputs.drain(..) {
                self.perform(token, output);
            }
            self.outputs = outputs;
        }
    }

    fn perform(&mut self, token: usize, output: Output) {
        let Some(slot) = self.slots.slot(token) else {
            return;
        };
        match output {
            Output::Resolve { attempt } => {
                let Broker { host, port, .. } = &**slot.connection.broker();
                let look_up = LookUp { token, attempt };
                if let Some(addresses) = self.resolver.resolve(look_up, host, *port) {
                    let input = Input::Resolved { attempt, addresses };
                    self.inputs.push_back((token, input));
                }
            }
            Output::Connect(address) => match self.open(token, address) {
                Ok(()) => {}
                Err(error) => {
                    let input = Input::ConnectFailed(error.to_string().into());
                    self.inputs.push_back((token, input));
                }
            },
            Output::Transmit(bytes) => {
                self.counters.requests += 1;
                let (node, lane) = (slot.connection.broker().id, slot.connection.lane());
                self.activity.sent(node, lane, bytes.len());
                if let Some(transport) = &mut slot.transport {
                    transport.queue(bytes);
                    if transport.can_write() {
                        mark(&mut self.to_write, token);
                    }
                }
            }
            Output::CloseSocket => {
                let (broker, lane) = (slot.connection.broker(), slot.connection.lane());
                tracing::debug!(%broker, %lane, "socket closed");
                if let Some(mut transport) = slot.transport.take() {
                    transport.deregister(&self.poller);
                    self.counters.connections_closed += 1;
                }
            }
            Output::Event(event) => {
                if let NetworkEvent::Response { bytes, latency, .. } = &event {
                    let (node, lane) = (slot.connection.broker().id, slot.connection.lane());
                    self.activity.received(node, lane, *bytes, *latency);
                }
                self.record(event);
            }
        }
    }

    fn open(&mut self, token: usize, address: SocketAddr) -> io::Result<()> {
        let stream = Stream::connect(address, self.socket_options, &self.poller, token)?;
        let reader = FrameReader::new(self.frame_bytes_max, self.pool.clone());
        let transport = Transport::new(stream, address, reader);
        if let Some(slot) = self.slots.slot(token) {
            slot.transport = Some(transport);
        }
        Ok(())
    }

    fn record(&mut self, event: NetworkEvent) {
        match &event {
            NetworkEvent::Response { response, .. } => {
                self.counters.responses += 1;
                if matches!(response, Response::Fetch(_)) {
                    self.counters.fetch_responses += 1;
                }
            }
            NetworkEvent::ConnectionOpened { broker, lane } => {
                self.counters.connections_opened += 1;
                tracing::debug!(%broker, %lane, "connected");
            }
            NetworkEvent::ConnectionClosed {
                broker,
                lane,
                error,
            } => tracing::debug!(%broker, %lane, %error, "connection closed"),
            NetworkEvent::Sent { .. } | NetworkEvent::Failed { .. } => {}
        }
        self.events.push(event);
    }

    /// The token of the machine for this broker and lane. A broker that has moved gets a new one.
    fn place(&mut self, now: Instant, broker: &Arc<Broker>, lane: Lane) -> usize {
        match self.slots.find(broker, lane) {
            Found::Here(token) => return token,
            Found::Elsewhere(token) => self.remove(token),
            Found::Nowhere => {}
        }
        let connection = Connection::new(
            Arc::clone(broker),
            lane,
            Arc::clone(&self.settings),
            self.seeds.next_u64(),
        );
        self.slots.insert(now, connection)
    }

    /// Drops a machine whose broker has moved.
    fn remove(&mut self, token: usize) {
        if let Some(slot) = self.slots.slot(token) {
            let mut outputs = std::mem::take(&mut self.outputs);
            slot.connection.abandon(&mut outputs);
            for output in outputs.drain(..) {
                self.perform(token, output);
            }
            self.outputs = outputs;
        }
        self.slots.remove(token);
    }
}

/// Adds a token once.
fn mark(tokens: &mut Vec<usize>, token: usize) {
    if !tokens.contains(&token) {
        tokens.push(token);
    }
}
