//! Shell: the one thread of a mock cluster. It waits for sockets, commands and deadlines, feeds the
//! core, and does what the core says. It takes no decisions.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: it listens and reads the clock"
)]
#![expect(clippy::disallowed_types, reason = "a shell: it waits for sockets")]

mod accepting;
mod keeping;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use mio::{Events, Poll, Token, Waker};
use weft_client::{Broker, NodeId};

use super::buffered::Buffered;
use super::connection::Connection;
use super::core::{Cluster, ConnectionId, Input, Obeyed, Options, Order, OrderRefused, Output};
use super::directory::{Directory, Recovery, Store};
use super::error::MockError;
use super::ports::{Listening, Ports};
use super::requests::Watch;
use super::scripts::RunningScript;
use super::time::Time;
use super::witness::Witness;

/// What the thread is told to do.
pub(super) enum Command {
    Run(Box<dyn FnOnce(&mut Server) + Send>),
    Stop,
}

/// The ends of a running server that its owner holds.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) brokers: Vec<Broker>,
    pub(super) commands: Sender<Command>,
    pub(super) waker: Waker,
    pub(super) thread: JoinHandle<()>,
    pub(super) recovery: Option<Recovery>,
}

/// What a server is started with.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) options: Options,
    pub(super) brokers: usize,
    pub(super) racks: Vec<Arc<str>>,
    pub(super) listening: Listening,
    pub(super) witness: Option<Witness>,
    pub(super) failure_witness: Option<Witness>,
    pub(super) directory: Option<PathBuf>,
    pub(super) time: Time,
    pub(super) connections_max: usize,
    pub(super) buffered_bytes_max: usize,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) cluster: Cluster,
    poll: Poll,
    ports: Ports,
    /// Who hears of violations as they happen.
    witness: Option<Witness>,
    pub(super) time: Time,
    pub(super) scripts: Vec<RunningScript>,
    /// Who waits for requests.
    watches: BTreeMap<u64, Watch>,
    watches_given: u64,
    failure_witness: Option<Witness>,
    /// Where the cluster is written down, if anywhere.
    store: Option<Store>,
    /// Why all brokers died.
    failure: Option<String>,
    connections: BTreeMap<ConnectionId, Connection>,
    connections_opened: u64,
    connections_max: usize,
    buffered: Buffered,
    /// Brokers at whose ports connections may wait that the operating system had no place for,
    /// and whether one has ended since they were looked at.
    waiting: BTreeSet<NodeId>,
    has_closed: bool,
    commands: Receiver<Command>,
    /// What the core wants done.
    pub(super) outputs: Vec<Output>,
    /// Connections that may have something to read or to be served.
    ready: VecDeque<ConnectionId>,
    scratch: Box<[u8]>,
}

impl Server {
    /// Opens a port for each broker and starts the thread.
    pub(super) fn start(
        setting: Setting,
        set_up: impl FnOnce(&mut Cluster) -> Result<(), MockError>,
    ) -> Result<Running, MockError> {
        let doing = "starting a mock cluster";
        let poll = Poll::new().map_err(|source| MockError::io(doing, source))?;
        let waker = Waker::new(poll.registry(), WAKE);
        let waker = waker.map_err(|source| MockError::io(doing, source))?;
        let (sender, commands) = channel();
        let directory = setting.directory.as_deref().map(Directory::open);
        let directory = directory.transpose()?;
        let mut ports = Ports::new(setting.listening, setting.brokers, FIRST_LISTENER);
        let brokers = (0..).take(setting.brokers).map(NodeId::new);
        let brokers = brokers.map(|id| ports.open(&poll, id));
        let mut brokers = brokers.collect::<Result<Vec<Broker>, MockError>>()?;
        for (broker, rack) in brokers.iter_mut().zip(setting.racks.iter().cycle()) {
            broker.rack = Some(Arc::clone(rack));
        }
        let mut cluster = Cluster::new(setting.options, brokers.clone());
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let since_1970 = since_1970.map_or(0, |since| since.as_millis());
        cluster.set_clock(setting.time.now(), i64::try_from(since_1970).unwrap_or(0));
        let recovered = directory.map(|it| it.recover(setting.time.now(), &mut cluster));
        let (store, recovery) = recovered.transpose()?.unzip();
        set_up(&mut cluster)?;
        let mut server = Self {
            cluster,
            poll,
            ports,
            witness: setting.witness,
            time: setting.time,
            scripts: Vec::new(),
            watches: BTreeMap::new(),
            watches_given: 0,
            failure_witness: setting.failure_witness,
            store,
            failure: None,
            connections: BTreeMap::new(),
            connections_opened: 0,
            connections_max: setting.connections_max,
            buffered: Buffered::new(setting.buffered_bytes_max),
            waiting: BTreeSet::new(),
            has_closed: false,
            commands,
            outputs: Vec::new(),
            ready: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
        };
        server
            .save()
            .map_err(|source| MockError::io("writing the journal", source))?;
        let thread = thread::Builder::new()
            .name("mock-cluster".into())
            .spawn(move || server.run())
            .map_err(|source| MockError::io(doing, source))?;
        Ok(Running {
            brokers,
            commands: sender,
            waker,
            thread,
            recovery,
        })
    }

    /// Opens the port that a broker had before.
    pub(super) fn listen(&mut self, broker: NodeId) -> Result<(), MockError> {
        self.ports.open(&self.poll, broker).map(drop)
    }

    /// Does all that the core wants done, and all that follows from it.
    pub(super) fn work(&mut self) {
        loop {
            if let Err(error) = self.save() {
                self.die(&error);
            }
            for output in std::mem::take(&mut self.outputs) {
                self.perform(output);
            }
            if !self.outputs.is_empty() {
                continue;
            }
            match self.ready.pop_front() {
                Some(connection) => self.serve(connection),
                None => break,
            }
        }
        if let Some(witness) = &mut self.witness {
            witness.hear(self.cluster.violations());
        }
        let log = &self.cluster.request_log;
        self.watches.retain(|_, watch| watch.goes_on(log));
    }

    /// Carries out an order of a test.
    pub(super) fn obey(&mut self, order: Order) -> Result<Obeyed, OrderRefused> {
        if let Order::Restart(broker) = order {
            self.cluster.check_broker(broker)?;
            if !self.cluster.is_alive(broker) {
                let opened = self.listen(broker);
                opened.map_err(|_| OrderRefused::PortTaken(broker))?;
            }
        }
        self.cluster.obey(self.time.now(), order, &mut self.outputs)
    }

    /// When something is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let deadlines = [self.cluster.next_deadline(), self.next_statement_at()];
        deadlines.into_iter().flatten().min()
    }

    /// Does what is due, and all that follows from it.
    pub(super) fn go_on(&mut self) {
        self.feed(Input::Tick);
        self.go_on_with_scripts();
        self.work();
    }

    /// Looks at requests for somebody, as many at a time as there are threads that wait.
    pub(super) fn watch(&mut self, watch: Watch) -> u64 {
        self.watches_given += 1;
        self.watches.insert(self.watches_given, watch);
        self.watches_given
    }

    pub(super) fn unwatch(&mut self, id: u64) {
        self.watches.remove(&id);
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            self.accept_waiting();
            self.work();
            let timeout = self.time.until(self.next_deadline());
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(%error, "the mock cluster cannot wait for its sockets");
                    return;
                }
            }
            for event in &events {
                let Token(token) = event.token();
                if token >= FIRST_CONNECTION {
                    let id = ConnectionId(token as u64);
                    if let Some(connection) = self.connections.get_mut(&id) {
                        let is_closed = event.is_read_closed() || event.is_error();
                        connection.set_ready(event.is_readable() || is_closed, event.is_writable());
                        self.ready.push_back(id);
                    }
                } else if token >= FIRST_LISTENER {
                    self.accept(NodeId::new((token - FIRST_LISTENER) as i32));
                }
            }
            self.close_abandoned();
            while let Ok(command) = self.commands.try_recv() {
                match command {
                    Command::Run(run) => run(&mut self),
                    Command::Stop => return self.end(),
                }
            }
            self.go_on();
        }
    }

    fn feed(&mut self, input: Input) {
        self.cluster
            .handle(self.time.now(), input, &mut self.outputs);
    }

    /// Clients that are gone are gone before others are served: one of these may be the same
    /// client, back on another connection.
    fn close_abandoned(&mut self) {
        for id in self.ready.clone() {
            let Some(connection) = self.connections.get_mut(&id) else {
                continue;
            };
            match connection.read(&mut self.scratch) {
                Ok(()) if connection.is_abandoned() => self.lose(id, None),
                Ok(()) => self.count(id),
                Err(error) => self.lose(id, Some(&error)),
            }
        }
    }

    /// Reads, writes, and hands one frame to the core.
    fn serve(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let written = if connection.has_output() {
            connection.write().map(drop)
        } else {
            Ok(())
        };
        let frame = written
            .and_then(|()| connection.read(&mut self.scratch))
            .and_then(|()| connection.take_frame());
        match frame {
            Ok(Some(frame)) => self.feed(Input::Request(id, frame)),
            Ok(None) if connection.is_abandoned() => self.lose(id, None),
            Ok(None) => {}
            Err(error) => self.lose(id, Some(&error)),
        }
        self.count(id);
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Answer(id, chunks) => self.answer(id, chunks),
            Output::NoAnswer(id) => self.answer(id, Vec::new()),
            Output::Close(id) => self.close(id),
            Output::StopListening(broker) => {
                self.ports.close(broker);
            }
        }
    }

    fn answer(&mut self, id: ConnectionId, chunks: Vec<bytes::Bytes>) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        connection.answer(chunks);
        match connection.write() {
            Ok(true) => self.ready.push_back(id),
            Ok(false) => {}
            Err(error) => self.lose(id, Some(&error)),
        }
        self.count(id);
    }

    /// The client is gone, or of no use any more.
    fn lose(&mut self, id: ConnectionId, error: Option<&io::Error>) {
        self.close(id);
        match error {
            Some(error) if error.kind() == ErrorKind::InvalidData => {
                self.feed(Input::Garbled(id, error.to_string()));
            }
            _ => self.feed(Input::Closed(id)),
        }
    }

    fn close(&mut self, id: ConnectionId) {
        if let Some(mut connection) = self.connections.remove(&id) {
            // A socket that is dropped is not watched any more in any case.
            let _ = self.poll.registry().deregister(connection.stream_mut());
            self.buffered.set(id, 0);
            self.has_closed = true;
        }
    }
}

const WAKE: Token = Token(0);

/// The token of the first broker's port; the others follow.
const FIRST_LISTENER: usize = 1;

/// The token of the first connection; the others follow.
const FIRST_CONNECTION: usize = FIRST_LISTENER + BROKERS_MAX;

/// How many brokers a cluster may have.
pub(super) const BROKERS_MAX: usize = 1_000;

const EVENTS_MAX: usize = 1_024;

/// How much is read from a socket at once.
const SCRATCH_BYTES: usize = 64 * 1024;
