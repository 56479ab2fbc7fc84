//! What a simulated machine consists of, apart from stacks: its clock, its queue of events, its
//! threads, and everything around them. What happens when, and who runs next, is decided here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use weft_client::backoff::Random;
use weft_client::host::simulated::{PollerId, Ready, SocketId, ThreadId};
use weft_client::{MemberId, Offset};
use weft_testcontainers::mock::simulated::SimulatedCluster;

use super::TOPICS;
use super::coverage::Coverage;
use super::fault::Fault;
use super::history::{History, number_of};
use super::network::Network;
use super::pace::{Pace, Spinning};
use super::plan::Plan;
use super::process::Process;
use super::world::Moment;

/// What the world consists of, apart from stacks.
pub(super) struct Inner {
    pub(super) start: Instant,
    pub(super) now: Moment,
    pub(super) random: Random,
    queue: BinaryHeap<Reverse<(Moment, u64, Event)>>,
    sequence: u64,
    pub(super) threads: BTreeMap<ThreadId, Thread>,
    pub(super) runnable: Vec<ThreadId>,
    /// Runnable, but of processes that get no processor.
    frozen: Vec<ThreadId>,
    pub(super) current: ThreadId,
    /// It runs at the moment.
    pub(super) is_in_thread: bool,
    pub(super) signals: BTreeMap<u64, Vec<ThreadId>>,
    pub(super) last_signal: u64,
    pub(super) pollers: BTreeMap<PollerId, PollerState>,
    pub(super) last_poller: u64,
    pub(super) processes: Vec<Process>,
    pub(super) network: Network,
    pub(super) cluster: SimulatedCluster,
    pub(super) plan: Rc<Plan>,
    pub(super) history: History,
    pub(super) coverage: Coverage,
    /// The moment of the tick that the cluster is going to get.
    pub(super) ticks_at: Option<Moment>,
    /// Processes whose threads are to be started, and consumers to be woken.
    pub(super) to_start: Vec<usize>,
    pub(super) to_wake: Vec<usize>,
    /// All faults are over.
    pub(super) is_calm: bool,
    /// The member that a heartbeat came from last.
    pub(super) last_member: Option<MemberId>,
    pub(super) pace: Pace,
    /// It spins, and is not gone on with.
    pub(super) is_hopeless: bool,
}

/// Something that happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The wait with this number is over.
    Timeout(ThreadId, u64),
    /// An attempt to connect reaches the broker.
    Connect(SocketId),
    /// The answer to it reaches the client.
    Connected(SocketId, bool),
    /// The next piece from the client arrives.
    Up(SocketId),
    /// The next piece from the broker arrives.
    Down(SocketId),
    /// There is room for bytes again.
    Writable(SocketId),
    /// A broker notices that the client is gone.
    Gone(SocketId),
    /// The cluster's own deadline.
    Tick,
    /// A process gets the processor again.
    Thaw(usize),
    /// A broker does something again.
    ThawBroker(i32),
    /// An event of the plan.
    Planned(usize),
    /// The transaction that an event of the plan has begun is over.
    EndTransaction(usize),
}

/// A simulated thread.
pub(super) struct Thread {
    pub(super) process: usize,
    pub(super) name: String,
    /// Counts its waits; a timeout for an earlier one is void.
    pub(super) waits: u64,
    pub(super) is_waiting: bool,
    pub(super) has_ended: bool,
    /// Who waits for its end.
    pub(super) joiners: Vec<ThreadId>,
}

/// Readiness that a poller was not told of yet.
#[derive(Default)]
pub(super) struct PollerState {
    pub(super) ready: Vec<Ready>,
    pub(super) is_woken: bool,
    pub(super) waiter: Option<ThreadId>,
}

/// What one step of the loop came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Something ran, or the clock moved.
    Moved,
    /// Nothing can ever happen again.
    Stuck,
}

impl Inner {
    /// The beginning.
    pub(super) fn new(
        plan: Rc<Plan>,
        cluster: SimulatedCluster,
        start: Instant,
        is_traced: bool,
    ) -> Self {
        Self {
            start,
            now: Moment::ZERO,
            random: Random::new(plan.seed ^ 0x5eed_0f7e_b011_ed00),
            queue: BinaryHeap::new(),
            sequence: 0,
            threads: BTreeMap::new(),
            runnable: Vec::new(),
            frozen: Vec::new(),
            current: ThreadId(0),
            is_in_thread: false,
            signals: BTreeMap::new(),
            last_signal: 0,
            pollers: BTreeMap::new(),
            last_poller: 0,
            processes: Vec::new(),
            network: Network::new(plan.seed),
            cluster,
            plan,
            history: History::new(is_traced),
            coverage: Coverage::default(),
            ticks_at: None,
            to_start: Vec::new(),
            to_wake: Vec::new(),
            is_calm: false,
            last_member: None,
            pace: Pace::default(),
            is_hopeless: false,
        }
    }

    pub(super) fn schedule(&mut self, at: Moment, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence, event)));
    }

    /// Puts everything that was planned into the queue.
    pub(super) fn set_up(&mut self) {
        let plan = Rc::clone(&self.plan);
        let happening = (0..plan.events.len()).filter(|index| !plan.without.contains(index));
        for index in happening {
            let at = self.plan.events[index].0;
            self.schedule(at, Event::Planned(index));
        }
        for (topic, partitions) in TOPICS.iter().zip(&self.plan.partitions) {
            for partition in 0..*partitions {
                let number = number_of(topic, partition);
                self.history.ends.insert(number, Offset::ZERO);
                self.history.stable.insert(number, Offset::ZERO);
            }
        }
    }

    pub(super) fn instant(&self) -> Instant {
        self.start + self.now
    }

    pub(super) fn thread(&mut self, id: ThreadId) -> &mut Thread {
        self.threads
            .get_mut(&id)
            .expect("threads are never forgotten")
    }

    pub(super) fn current_process(&mut self) -> &mut Process {
        let process = self.threads[&self.current].process;
        &mut self.processes[process]
    }

    pub(super) fn wake_thread(&mut self, id: ThreadId) {
        let thread = self.thread(id);
        if thread.is_waiting {
            thread.is_waiting = false;
            self.runnable.push(id);
        }
    }

    pub(super) fn complain(&mut self, guarantee: &'static str, text: &str) {
        let now = self.now;
        self.history.complain(now, guarantee, text);
    }

    /// A process gets no processor until it is thawed.
    pub(super) fn thaw(&mut self, process: usize) {
        if self.processes[process].frozen_until > self.now {
            return;
        }
        let threads = &self.threads;
        let (thawed, frozen) = std::mem::take(&mut self.frozen)
            .into_iter()
            .partition(|thread| threads[thread].process == process);
        self.frozen = frozen;
        self.runnable.extend::<Vec<_>>(thawed);
    }

    pub(super) fn happen_until_now(&mut self) {
        while !self.is_hopeless
            && let Some(Reverse((at, _, _))) = self.queue.peek()
            && *at <= self.now
            && let Some(Reverse((_, _, event))) = self.queue.pop()
        {
            let paced = self.pace.event(self.now);
            self.check_pace(paced);
            self.happen(event);
        }
    }

    pub(super) fn jump(&mut self) -> Step {
        let Some(Reverse((at, _, _))) = self.queue.peek() else {
            return Step::Stuck;
        };
        self.now = self.now.max(*at);
        Step::Moved
    }

    pub(super) fn choose(&mut self) -> Option<ThreadId> {
        while !self.runnable.is_empty() {
            let index = self.random.below(self.runnable.len());
            let chosen = self.runnable.swap_remove(index);
            let process = self.threads[&chosen].process;
            if self.processes[process].frozen_until > self.now {
                self.frozen.push(chosen);
                continue;
            }
            self.current = chosen;
            self.now += Duration::from_micros(1 + self.random.below(TURN_MICROS_MAX) as u64);
            let paced = self.pace.turn(self.now);
            self.check_pace(paced);
            let now = self.now;
            self.history.mark(now, chosen.0);
            return Some(chosen);
        }
        None
    }

    /// What spins is a fault, not a simulation that takes long.
    pub(super) fn check_pace(&mut self, paced: Result<(), Spinning>) {
        let Err(spinning) = paced else { return };
        if std::mem::replace(&mut self.is_hopeless, true) {
            return;
        }
        let thread = self.threads.get(&self.current);
        let name = thread.map_or("none", |thread| thread.name.as_str());
        let text = match spinning {
            Spinning::Thread => format!("{name} never waits"),
            Spinning::Threads => format!("threads wake each other, {name} among them"),
            Spinning::Events => format!("events follow events; {name} ran last"),
        };
        self.complain("no spinning", &text);
    }

    pub(super) fn ended(&mut self, id: ThreadId) {
        let thread = self.thread(id);
        thread.has_ended = true;
        for joiner in std::mem::take(&mut thread.joiners) {
            self.wake_thread(joiner);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Timeout(id, number) => {
                if self.thread(id).waits == number {
                    self.wake_thread(id);
                }
            }
            Event::Tick => self.tick_cluster(),
            Event::Thaw(process) => self.thaw(process),
            Event::ThawBroker(broker) => self.thaw_broker(broker),
            Event::Planned(index) => self.carry_out(index),
            Event::EndTransaction(index) => {
                if let Fault::Transact(transaction) = self.plan.events[index].1 {
                    self.end_transaction(index, transaction);
                }
            }
            Event::Connect(socket) => self.connect_arrives(socket),
            Event::Connected(socket, is_accepted) => self.connected(socket, is_accepted),
            Event::Up(socket) => self.up_arrives(socket),
            Event::Down(socket) => self.down_arrives(socket),
            Event::Writable(socket) => self.writable(socket),
            Event::Gone(socket) => self.gone(socket),
        }
    }
}

/// The longest turn of a thread.
const TURN_MICROS_MAX: usize = 30;
