//! A mock cluster without sockets, clock and thread: whoever owns it carries the bytes and tells
//! the time. For simulators; [`MockCluster`](super::MockCluster) is the same core behind ports.
//!
//! It cuts what arrives into frames and serves one request of a connection at a time, as the shell
//! does. What happens when, its owner decides.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use weft_client::wire::{ApiKey, ErrorCode, FrameSplitter};
use weft_client::{Broker, NodeId, Offset};

use super::builder::MockClusterBuilder;
use super::core::{
    Cluster, ConnectionId, FaultAction, GroupState, Input, Obeyed, Options, Order, OrderRefused,
    Output,
};
use super::error::MockError;

/// What its owner has to do, or may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A request was cut out of the stream of this connection and is served next: the frame without
    /// its length.
    Request(u64, Bytes),
    /// These bytes go to the client.
    Write(u64, Vec<Bytes>),
    /// The connection ends, behind what was written before.
    Close(u64),
    /// Nobody can connect to this broker any more.
    StopListening(NodeId),
}

/// See the module's text. Connections have numbers, which their owner chooses.
#[derive(Debug)]
pub struct SimulatedCluster {
    cluster: Cluster,
    connections: BTreeMap<u64, Stream>,
    outputs: Vec<Output>,
}

/// What came of one connection and is not served yet.
#[derive(Debug, Default)]
struct Stream {
    splitter: FrameSplitter,
    input: BytesMut,
    frame_size: Option<usize>,
    is_busy: bool,
}

impl MockClusterBuilder {
    /// The cluster that [`start`](Self::start) would run, without sockets and thread. Broker `n` is
    /// at port `first_port + n`.
    ///
    /// # Errors
    ///
    /// [`MockError::Refused`] for a topic that cannot be created.
    pub fn simulate(self, first_port: u16) -> Result<SimulatedCluster, MockError> {
        let (options, brokers, topics) = self.into_parts();
        let brokers = (0..u16::try_from(brokers).unwrap_or(u16::MAX)).map(|number| Broker {
            id: NodeId::new(i32::from(number)),
            host: "127.0.0.1".into(),
            port: first_port.saturating_add(number),
            rack: None,
        });
        SimulatedCluster::new(options, brokers.collect(), &topics)
    }
}

impl SimulatedCluster {
    fn new(
        options: Options,
        brokers: Vec<Broker>,
        topics: &[(String, usize)],
    ) -> Result<Self, MockError> {
        let mut cluster = Cluster::new(options, brokers);
        for (name, partitions) in topics {
            cluster
                .create_topic(name, *partitions)
                .map_err(|code| MockError::Refused {
                    what: format!("topic {name} with {partitions} partitions"),
                    code,
                })?;
        }
        Ok(Self {
            cluster,
            connections: BTreeMap::new(),
            outputs: Vec::new(),
        })
    }

    /// A client has connected.
    pub fn open(&mut self, now: Instant, connection: u64, broker: NodeId, out: &mut Vec<Effect>) {
        self.connections.insert(connection, Stream::default());
        self.feed(now, Input::Opened(ConnectionId(connection), broker), out);
    }

    /// Bytes of a client have arrived.
    pub fn receive(&mut self, now: Instant, connection: u64, bytes: &[u8], out: &mut Vec<Effect>) {
        if let Some(stream) = self.connections.get_mut(&connection) {
            stream.input.extend_from_slice(bytes);
            self.serve(now, VecDeque::from([connection]), out);
        }
    }

    /// The client is gone.
    pub fn close(&mut self, now: Instant, connection: u64, out: &mut Vec<Effect>) {
        if self.connections.remove(&connection).is_some() {
            self.feed(now, Input::Closed(ConnectionId(connection)), out);
        }
    }

    /// A broker dies; see [`MockCluster::kill_broker`](super::MockCluster::kill_broker).
    pub fn kill(&mut self, now: Instant, broker: NodeId, out: &mut Vec<Effect>) {
        self.feed(now, Input::Kill(broker), out);
    }

    /// A broker comes back.
    pub fn restart(&mut self, now: Instant, broker: NodeId, out: &mut Vec<Effect>) {
        self.feed(now, Input::Restart(broker), out);
    }

    /// Time went by.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.feed(now, Input::Tick, out);
    }

    /// When the next [`tick`](Self::tick) is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.cluster.next_deadline()
    }

    /// Appends whole batches; see [`MockCluster::append`](super::MockCluster::append). `None` if
    /// they are refused.
    pub fn append(
        &mut self,
        now: Instant,
        (topic, partition): (&str, i32),
        records: Bytes,
        out: &mut Vec<Effect>,
    ) -> Option<Offset> {
        let outputs = &mut self.outputs;
        let appended = self.cluster.append(now, topic, partition, records, outputs);
        self.work(now, VecDeque::new(), out);
        appended.ok()
    }

    /// Forgets the records before `offset`, as retention does; says whether it may.
    pub fn delete_records_before(&mut self, topic: &str, partition: i32, offset: Offset) -> bool {
        let deleted = self.cluster.delete_records_before(topic, partition, offset);
        deleted.is_ok()
    }

    /// Gives a topic so many partitions; says whether it may have them.
    pub fn grow(&mut self, topic: &str, partitions: usize) -> bool {
        self.cluster.grow(topic, partitions).is_ok()
    }

    /// The offset of the next record of a partition.
    pub fn end_offset(&self, topic: &str, partition: i32) -> Option<Offset> {
        self.cluster.end_offset(topic, partition)
    }

    /// Up to where a partition has no open transaction: its end for consumers that read only what
    /// is committed.
    pub fn last_stable_offset(&self, topic: &str, partition: i32) -> Option<Offset> {
        self.cluster.last_stable_offset(topic, partition)
    }

    /// What a group has committed.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<Offset> {
        let committed = self.cluster.committed(group, topic, partition)?;
        Some(committed.offset)
    }

    /// Where a group stands.
    pub fn group_state(&self, group: &str) -> Option<GroupState> {
        self.cluster.group_state(group)
    }

    /// Who leads a partition.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<NodeId> {
        self.cluster.leader(topic, partition)
    }

    /// Who answers for a group.
    pub fn coordinator(&mut self, group: &str) -> Option<NodeId> {
        self.cluster.coordinator(group)
    }

    /// Whether a broker lives.
    pub fn is_alive(&self, broker: NodeId) -> bool {
        self.cluster.is_alive(broker)
    }

    /// Carries out an order; see [`MockCluster::order`](super::MockCluster::order).
    ///
    /// # Errors
    ///
    /// As the order is refused.
    pub fn order(
        &mut self,
        now: Instant,
        order: Order,
        out: &mut Vec<Effect>,
    ) -> Result<Obeyed, OrderRefused> {
        let obeyed = self.cluster.obey(now, order, &mut self.outputs);
        self.work(now, VecDeque::new(), out);
        obeyed
    }

    /// Refuses the next requests of an API.
    ///
    /// # Panics
    ///
    /// This and the two that follow, if a thousand faults can still hit something.
    pub fn fail_next(&mut self, api_key: ApiKey, code: ErrorCode, count: usize) {
        self.set_on_next(api_key, FaultAction::Answer(code), count);
    }

    /// Lets the next requests of an API wait.
    pub fn delay_next(&mut self, api_key: ApiKey, delay: Duration, count: usize) {
        self.set_on_next(api_key, FaultAction::DelayBefore(delay), count);
    }

    /// Closes the connection on which the next request of an API comes.
    pub fn drop_connection_on_next(&mut self, api_key: ApiKey) {
        self.set_on_next(api_key, FaultAction::CutBefore, 1);
    }

    /// Forgets the faults that were ordered and did not happen yet.
    pub fn forget_faults(&mut self) {
        self.cluster.faults.lift_all();
    }

    /// What clients did that a correct client never does.
    pub fn violations(&self) -> &[String] {
        self.cluster.violations()
    }

    fn set_on_next(&mut self, api_key: ApiKey, action: FaultAction, count: usize) {
        let set = self.cluster.faults.set_on_next(api_key, action, count);
        if let Err(refused) = set {
            panic!("the fault cannot be set: {refused}");
        }
    }

    fn feed(&mut self, now: Instant, input: Input, out: &mut Vec<Effect>) {
        self.cluster.handle(now, input, &mut self.outputs);
        self.work(now, VecDeque::new(), out);
    }

    /// Does what the core wants done, and serves connections that are free for their next request.
    fn work(&mut self, now: Instant, mut ready: VecDeque<u64>, out: &mut Vec<Effect>) {
        // Nothing outlives a simulation.
        self.cluster.take_facts();
        for output in std::mem::take(&mut self.outputs) {
            match output {
                Output::Answer(ConnectionId(id), chunks) => {
                    out.push(Effect::Write(id, chunks));
                    ready.push_back(id);
                }
                Output::NoAnswer(ConnectionId(id)) => ready.push_back(id),
                Output::Close(ConnectionId(id)) => {
                    self.connections.remove(&id);
                    out.push(Effect::Close(id));
                }
                Output::StopListening(broker) => out.push(Effect::StopListening(broker)),
            }
        }
        for id in &ready {
            if let Some(stream) = self.connections.get_mut(id) {
                stream.is_busy = false;
            }
        }
        self.serve(now, ready, out);
    }

    fn serve(&mut self, now: Instant, mut ready: VecDeque<u64>, out: &mut Vec<Effect>) {
        while let Some(id) = ready.pop_front() {
            let Some(stream) = self.connections.get_mut(&id) else {
                continue;
            };
            match stream.take_frame() {
                Ok(Some(frame)) => {
                    out.push(Effect::Request(id, frame.clone()));
                    self.feed(now, Input::Request(ConnectionId(id), frame), out);
                }
                Ok(None) => {}
                Err(reason) => {
                    self.connections.remove(&id);
                    out.push(Effect::Close(id));
                    self.feed(now, Input::Garbled(ConnectionId(id), reason), out);
                }
            }
        }
    }
}

impl Stream {
    fn take_frame(&mut self) -> Result<Option<Bytes>, String> {
        if self.is_busy {
            return Ok(None);
        }
        while self.frame_size.is_none() && !self.input.is_empty() {
            let mut bytes = &self.input[..];
            let size = self.splitter.feed(&mut bytes);
            let taken = self.input.len() - bytes.len();
            self.input.advance(taken);
            self.frame_size = size.map_err(|error| error.to_string())?;
        }
        match self.frame_size {
            Some(size) if self.input.len() >= size => {
                self.frame_size = None;
                self.is_busy = true;
                Ok(Some(self.input.split_to(size).freeze()))
            }
            _ => Ok(None),
        }
    }
}
