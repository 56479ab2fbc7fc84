//! The simulated network: bytes on their way between processes and brokers, in order within a
//! connection and in any order between connections. Links may be cut for a while, and connections
//! reset.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use weft_client::NodeId;
use weft_client::backoff::Random;
use weft_client::host::simulated::{PollerId, SocketId};
use weft_testcontainers::mock::simulated::Effect;

use super::inner::{Event, Inner};
use super::world::Moment;

/// Where brokers listen: broker `n` at this port plus `n`.
pub(super) const FIRST_PORT: u16 = 9_000;

/// All connections, and the state of the links.
pub(super) struct Network {
    pub(super) sockets: BTreeMap<SocketId, Socket>,
    pub(super) last_socket: u64,
    /// Until when nothing passes between a process and a broker.
    cut_until: BTreeMap<(usize, NodeId), Moment>,
    pub(super) random: Random,
}

pub(super) struct Socket {
    pub(super) process: usize,
    pub(super) poller: PollerId,
    pub(super) token: usize,
    pub(super) broker: NodeId,
    /// How long a piece takes at least.
    pub(super) latency: Duration,
    pub(super) outcome: Option<bool>,
    /// On the way to the broker.
    pub(super) up: VecDeque<Bytes>,
    /// On the way to the client.
    pub(super) down: VecDeque<Piece>,
    /// Arrived at the client.
    pub(super) inbox: VecDeque<Bytes>,
    pub(super) has_ended: bool,
    pub(super) is_reset: bool,
    pub(super) is_closed: bool,
    pub(super) is_served: bool,
    /// The API and the version of the last request.
    pub(super) asked: (i16, i16),
}

pub(super) enum Piece {
    Bytes(Bytes),
    End,
    Reset,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            sockets: BTreeMap::new(),
            last_socket: 0,
            cut_until: BTreeMap::new(),
            random: Random::new(seed ^ 0x2e70_0fca_b1e5),
        }
    }

    /// Nothing passes between a process and a broker until then. What is on its way waits.
    pub(super) fn cut(&mut self, process: usize, broker: NodeId, until: Moment) {
        let end = self.cut_until.entry((process, broker)).or_default();
        *end = until.max(*end);
    }

    /// All links are whole again.
    pub(super) fn mend(&mut self) {
        self.cut_until.clear();
    }

    /// Nothing that a process has sent arrives any more.
    pub(super) fn silence(&mut self, process: usize) {
        for socket in self.sockets.values_mut() {
            if socket.process == process {
                socket.up.clear();
            }
        }
    }

    pub(super) fn blocked_until(&self, socket: &Socket, now: Moment) -> Option<Moment> {
        let until = *self.cut_until.get(&(socket.process, socket.broker))?;
        (until > now).then_some(until)
    }

    pub(super) fn delay(&mut self, latency: Duration) -> Duration {
        latency + latency.mul_f64(self.random.fraction())
    }
}

impl Inner {
    /// The broker notices that the client is gone.
    pub(super) fn gone(&mut self, id: SocketId) {
        if self.network.sockets.remove(&id).is_some() {
            let now = self.instant();
            let mut effects = Vec::new();
            self.cluster.close(now, id.0, &mut effects);
            self.perform(effects);
        }
    }

    pub(super) fn connect_arrives(&mut self, id: SocketId) {
        let Some(socket) = self.network.sockets.get(&id) else {
            return;
        };
        if let Some(until) = self.network.blocked_until(socket, self.now) {
            return self.schedule(until + socket.latency, Event::Connect(id));
        }
        let (broker, latency) = (socket.broker, socket.latency);
        let is_accepted = self.cluster.is_alive(broker);
        if is_accepted {
            if let Some(socket) = self.network.sockets.get_mut(&id) {
                socket.is_served = true;
            }
            let now = self.instant();
            let mut effects = Vec::new();
            self.cluster.open(now, id.0, broker, &mut effects);
            self.perform(effects);
        }
        let at = self.now + self.network.delay(latency);
        self.schedule(at, Event::Connected(id, is_accepted));
    }

    pub(super) fn connected(&mut self, id: SocketId, is_accepted: bool) {
        let Some(socket) = self.network.sockets.get_mut(&id) else {
            return;
        };
        socket.outcome = Some(is_accepted && !socket.is_reset);
        self.tell(id, false, true, false);
    }

    pub(super) fn writable(&mut self, id: SocketId) {
        self.tell(id, false, true, false);
    }

    pub(super) fn up_arrives(&mut self, id: SocketId) {
        let Some(socket) = self.network.sockets.get(&id) else {
            return;
        };
        if let Some(until) = self.network.blocked_until(socket, self.now) {
            return self.schedule(until + socket.latency, Event::Up(id));
        }
        let socket = self.network.sockets.get_mut(&id);
        if let Some(piece) = socket.and_then(|socket| socket.up.pop_front()) {
            self.give_to_cluster(id, &piece);
        }
    }

    pub(super) fn give_to_cluster(&mut self, id: SocketId, piece: &[u8]) {
        let now = self.instant();
        let mut effects = Vec::new();
        self.cluster.receive(now, id.0, piece, &mut effects);
        self.perform(effects);
    }

    pub(super) fn tick_cluster(&mut self) {
        self.ticks_at = None;
        let now = self.instant();
        let mut effects = Vec::new();
        self.cluster.tick(now, &mut effects);
        self.perform(effects);
    }

    /// Does what the cluster wants, looks at what is committed, and sees to its next deadline.
    pub(super) fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Request(id, frame) => self.observe_request(SocketId(id), &frame),
                Effect::Write(id, chunks) => self.send_down(SocketId(id), &chunks),
                Effect::Close(id) => self.push_down(SocketId(id), Piece::End),
                Effect::StopListening(_) => {}
            }
        }
        self.observe_commits();
        let Some(deadline) = self.cluster.next_deadline() else {
            return;
        };
        let at = deadline.saturating_duration_since(self.start).max(self.now);
        if self.ticks_at.is_none_or(|earlier| at < earlier) {
            self.ticks_at = Some(at);
            self.schedule(at, Event::Tick);
        }
    }

    fn observe_request(&mut self, id: SocketId, frame: &Bytes) {
        let &[a, b, c, d, ..] = &frame[..] else {
            return;
        };
        if let Some(socket) = self.network.sockets.get_mut(&id) {
            socket.asked = (i16::from_be_bytes([a, b]), i16::from_be_bytes([c, d]));
            let process = socket.process;
            self.observe(process, frame);
        }
    }

    fn send_down(&mut self, id: SocketId, chunks: &[Bytes]) {
        let mut bytes = Bytes::from(chunks.concat());
        if let Some(socket) = self.network.sockets.get(&id) {
            let asked = socket.asked;
            self.observe_response(asked, &bytes);
        }
        if self.network.random.below(8) == 0 {
            let first = bytes.split_to(self.network.random.below(bytes.len()));
            if !first.is_empty() {
                self.push_down(id, Piece::Bytes(first));
            }
        }
        self.push_down(id, Piece::Bytes(bytes));
    }

    fn push_down(&mut self, id: SocketId, piece: Piece) {
        let network = &mut self.network;
        let Some(socket) = network.sockets.get_mut(&id) else {
            return;
        };
        socket.down.push_back(piece);
        let latency = socket.latency;
        let at = self.now + network.delay(latency);
        self.schedule(at, Event::Down(id));
    }

    pub(super) fn down_arrives(&mut self, id: SocketId) {
        let Some(socket) = self.network.sockets.get(&id) else {
            return;
        };
        if let Some(until) = self.network.blocked_until(socket, self.now) {
            return self.schedule(until + socket.latency, Event::Down(id));
        }
        let Some(socket) = self.network.sockets.get_mut(&id) else {
            return;
        };
        let is_last = match socket.down.pop_front() {
            Some(Piece::Bytes(bytes)) => {
                socket.inbox.push_back(bytes);
                false
            }
            Some(Piece::End) => {
                socket.has_ended = true;
                true
            }
            Some(Piece::Reset) => {
                socket.is_reset = true;
                true
            }
            None => return,
        };
        self.tell(id, true, is_last, is_last);
    }

    /// Resets the connections between a process and a broker: both sides lose what is on its way.
    pub(super) fn reset(&mut self, process: usize, broker: Option<NodeId>) {
        let sockets = self.network.sockets.iter();
        let hit: Vec<SocketId> = sockets
            .filter(|(_, socket)| {
                socket.process == process
                    && broker.is_none_or(|broker| socket.broker == broker)
                    && socket.outcome == Some(true)
                    && !socket.is_closed
            })
            .map(|(id, _)| *id)
            .collect();
        for id in hit {
            if let Some(socket) = self.network.sockets.get_mut(&id) {
                socket.up.clear();
                socket.down.clear();
            }
            let now = self.instant();
            let mut effects = Vec::new();
            self.cluster.close(now, id.0, &mut effects);
            self.perform(effects);
            self.push_down(id, Piece::Reset);
        }
    }
}
