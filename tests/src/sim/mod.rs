//! A deterministic simulator: the real consumers and runtimes, several programs with them, and the
//! real core of the mock cluster, all in one thread and under virtual time.
//!
//! ```text
//!   programs (plain consumers, both patterns)      the mock's core
//!      consumer, heartbeat thread, workers           ^        |
//!          |  clock, threads, waiting, sockets       | bytes  | bytes
//!          v                                         |        v
//!   world: threads taking turns, event queue  <--> network with faults
//! ```
//!
//! Everything above the operating system is the code that users run: the shells of the client, the
//! consumer and the runtime get their clock, threads and sockets from [`weft_client::host`], and
//! here that is a `World`. One seed decides everything: the plan, the order in which
//! threads run, how long bytes take. The same seed gives the same history, to the last bit. In
//! every fourth plan there are transactions, and members that read only what is committed.
//!
//! A history is judged as a whole by [`crate::guarantee`]. One that breaks a promise is shrunk:
//! events of its plan are left out one by one as long as the promise stays broken.

mod answers;
mod coverage;
mod fault;
mod fiber;
mod history;
mod host;
mod inner;
mod judge;
mod network;
mod pace;
mod patterns;
mod plain;
mod plan;
mod process;
mod shrink;
mod socket;
mod strike;
mod transactions;
mod witness;
mod world;

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use weft_client::host::simulated::{self, Host};
use weft_testcontainers::mock::MockCluster;

pub use coverage::Coverage;
pub use shrink::{replay_line, report, shrink};

use inner::{Inner, Step};
use plan::Plan;
use world::{Moment, World};

/// What to simulate.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// Decides everything.
    pub seed: u64,
    /// The events of the plan that do not happen, by their place in it.
    pub without: BTreeSet<usize>,
    /// Whether to write down what happens, for people.
    pub is_traced: bool,
    /// A promise that is broken on purpose, to see that the simulator finds it.
    pub planted: Option<Planted>,
}

/// Something wrong that the simulator has to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Records of this offset are said never to have been handled.
    Forgotten(i64),
    /// A thread asks for the time for ever.
    NeverWaits,
    /// A thread waits for ever, each time for nothing.
    WaitsForNothing,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub guarantee: &'static str,
    /// What happened.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.guarantee, self.text)
    }
}

/// What came of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was simulated.
    pub options: Options,
    /// Broken promises; none if all is well.
    pub violations: Vec<Violation>,
    /// Stands for the whole history.
    pub hash: u64,
    /// What was gone through.
    pub coverage: Coverage,
    /// Records handled, repeats among them.
    pub handled: usize,
    /// How long it took in virtual time.
    pub took: Duration,
    /// How many steps it took: turns of threads and jumps of the clock.
    pub steps: u64,
    /// The number of events in the plan.
    pub events: usize,
    /// Lines for people, if they were asked for.
    pub trace: Vec<String>,
}

/// The group of all members.
const GROUP: &str = "group";

/// The topics that there may be.
const TOPICS: [&str; 2] = ["orders", "invoices"];

/// Simulates one seed.
///
/// # Panics
///
/// If called inside of a simulation.
pub fn run(options: &Options) -> Outcome {
    let mut plan = Plan::of(options.seed);
    let events = plan.events.len();
    plan.without = options.without.clone();
    // The end of all faults cannot be left out.
    plan.without.remove(&(events - 1));
    let plan = Rc::new(plan);
    let mut builder = MockCluster::builder()
        .brokers(usize::try_from(plan.brokers).unwrap_or(1))
        .release(plan.release)
        .group_initial_rebalance_delay(plan.initial_rebalance_delay);
    for (topic, partitions) in TOPICS.iter().zip(&plan.partitions) {
        builder = builder.topic(topic, usize::try_from(*partitions).unwrap_or(1));
    }
    let cluster = builder
        .simulate(network::FIRST_PORT)
        .expect("the topics of a plan are valid");
    let world = World::new(Rc::clone(&plan), cluster, options.is_traced);
    let host: Rc<dyn Host> = Rc::clone(&world) as Rc<dyn Host>;
    simulated::enter(host, || {
        world::enter(&world, || live(&world, options.planted));
    });
    let mut inner = world.inner.borrow_mut();
    if let Some(Planted::Forgotten(offset)) = options.planted {
        inner
            .history
            .handled
            .retain(|handled| handled.offset.value() != offset);
    }
    // What was broken off has kept no promise.
    if !inner.is_hopeless {
        inner.judge();
    }
    outcome(options, &mut inner, events)
}

fn outcome(options: &Options, inner: &mut Inner, events: usize) -> Outcome {
    let plan = Rc::clone(&inner.plan);
    let mut coverage = std::mem::take(&mut inner.coverage);
    coverage.count("assignor", plan.assignor);
    coverage.count("release", plan.release.as_str());
    Outcome {
        options: options.clone(),
        violations: std::mem::take(&mut inner.history.complaints),
        hash: inner.history.hash,
        coverage,
        handled: inner.history.handled.len(),
        took: inner.now,
        steps: inner.pace.steps(),
        events,
        trace: inner.history.take_trace(),
    }
}

/// Runs the world from its beginning to its end.
fn live(world: &World, planted: Option<Planted>) {
    world.inner.borrow_mut().set_up();
    if let Some(planted) = planted {
        plant(world, planted);
    }
    // The plan, and then time to recover.
    let is_settled = run_until(world, |inner| {
        let is_late = inner.now > inner.history.progressed_at + PATIENCE;
        let is_settled = inner.is_calm && inner.history.is_all_committed();
        is_settled || inner.is_calm && is_late
    });
    if is_settled {
        let mut inner = world.inner.borrow_mut();
        if !inner.history.is_all_committed() {
            let committed = &inner.history.committed;
            let text = format!("ends {:?}, committed {committed:?}", inner.history.ends);
            inner.complain("progress after the last fault", &text);
        }
    }
    if world.inner.borrow().is_hopeless {
        return world.forget_threads();
    }
    // Everybody goes home.
    let end_by = {
        let mut inner = world.inner.borrow_mut();
        for process in 0..inner.processes.len() {
            inner.stop_process(process);
        }
        inner.now + CLOSING_TIME
    };
    let has_ended = run_until(world, |inner| {
        inner.now > end_by || inner.threads.values().all(|thread| thread.has_ended)
    });
    if !has_ended || world.has_threads() {
        let mut inner = world.inner.borrow_mut();
        let alive = inner.threads.values().filter(|thread| !thread.has_ended);
        let names: Vec<_> = alive.map(|thread| thread.name.clone()).collect();
        inner.complain("everything ends", &format!("still running: {names:?}"));
        drop(inner);
        world.forget_threads();
    }
}

/// Adds a thread to the first process that gets nowhere.
fn plant(world: &World, planted: Planted) {
    let body: Box<dyn FnOnce() + Send> = match planted {
        Planted::Forgotten(_) => return,
        Planted::NeverWaits => Box::new(|| {
            loop {
                world::with(Host::now);
            }
        }),
        Planted::WaitsForNothing => Box::new(|| {
            loop {
                world::with(World::yield_now);
            }
        }),
    };
    world.inner.borrow_mut().start_another(0);
    world.spawn(0, "spinner".to_owned(), body);
}

/// Runs until something is so, or nothing can happen any more. Says no if it takes too long.
fn run_until(world: &World, is_so: impl Fn(&Inner) -> bool) -> bool {
    while world.inner.borrow_mut().pace.step() {
        if is_so(&world.inner.borrow()) {
            return true;
        }
        let step = world.step();
        if world.inner.borrow().is_hopeless {
            return false;
        }
        world.follow_up();
        if step == Step::Stuck {
            return true;
        }
    }
    world.complain("progress", "the simulation does not come to its end");
    world.inner.borrow_mut().is_hopeless = true;
    false
}

/// With nothing new for so long after all faults, nothing new is expected any more. A member that
/// was thrown out of the group and a session that has to expire are both quicker.
const PATIENCE: Moment = Duration::from_secs(150);

/// So long programs may take to end.
const CLOSING_TIME: Duration = Duration::from_secs(120);
