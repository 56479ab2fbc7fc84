//! The simulated machine: the stacks of its threads, and the loop that lets one of them run at a
//! time.
//!
//! ```text
//!            runnable ---- chosen by chance ----> runs until it waits
//!               ^                                        |
//!               |  timeout, wake, readiness              v
//!               +------------ queue of events <------ waits
//! ```
//!
//! When nothing is runnable the clock jumps to the next event. All chance comes from one seed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use weft_client::host::simulated::ThreadId;
use weft_testcontainers::mock::simulated::SimulatedCluster;

use super::fiber::{Fiber, suspend};
use super::inner::{Event, Inner, Step, Thread};
use super::plan::Plan;

/// A moment, as the time since the simulation began.
pub(super) type Moment = Duration;

/// See the module's text.
pub(super) struct World {
    pub(super) inner: RefCell<Inner>,
    fibers: RefCell<BTreeMap<ThreadId, Fiber>>,
}

impl World {
    pub(super) fn new(plan: Rc<Plan>, cluster: SimulatedCluster, is_traced: bool) -> Rc<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "instants cannot be made of nothing; all others are counted from this one"
        )]
        let start = Instant::now();
        let inner = Inner::new(plan, cluster, start, is_traced);
        Rc::new(Self {
            inner: RefCell::new(inner),
            fibers: RefCell::default(),
        })
    }

    /// Starts a thread of a process.
    pub(super) fn spawn(
        &self,
        process: usize,
        name: String,
        body: Box<dyn FnOnce() + Send>,
    ) -> ThreadId {
        let mut inner = self.inner.borrow_mut();
        let id = ThreadId(inner.threads.len() as u64 + 1);
        let caught = move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                let text = text.unwrap_or_default();
                with(|world| world.complain("panic", &format!("a thread panicked: {text}")));
            }
        };
        self.fibers
            .borrow_mut()
            .insert(id, Fiber::new(Box::new(caught)));
        inner.threads.insert(
            id,
            Thread {
                process,
                name,
                waits: 0,
                is_waiting: false,
                has_ended: false,
                joiners: Vec::new(),
            },
        );
        inner.runnable.push(id);
        id
    }

    /// Lets one thread run until it waits, or moves the clock to the next event.
    pub(super) fn step(&self) -> Step {
        let chosen = {
            let mut inner = self.inner.borrow_mut();
            inner.happen_until_now();
            if !inner.to_start.is_empty() || !inner.to_wake.is_empty() {
                return Step::Moved;
            }
            match inner.choose() {
                Some(thread) => thread,
                None => return inner.jump(),
            }
        };
        let fiber = self.fibers.borrow_mut().remove(&chosen);
        let Some(mut fiber) = fiber else {
            return Step::Moved;
        };
        self.inner.borrow_mut().is_in_thread = true;
        let has_ended = fiber.resume();
        let mut inner = self.inner.borrow_mut();
        inner.is_in_thread = false;
        if has_ended {
            inner.ended(chosen);
        } else {
            self.fibers.borrow_mut().insert(chosen, fiber);
        }
        Step::Moved
    }

    /// Whether a thread of any process has not ended.
    pub(super) fn has_threads(&self) -> bool {
        !self.fibers.borrow().is_empty()
    }

    /// Gives up what hangs.
    pub(super) fn forget_threads(&self) {
        for (_, fiber) in std::mem::take(&mut *self.fibers.borrow_mut()) {
            fiber.forget();
        }
    }

    /// Has the running thread wait until somebody makes it runnable, at most for `timeout`.
    pub(super) fn block(&self, timeout: Option<Duration>) {
        {
            let mut inner = self.inner.borrow_mut();
            let (now, current) = (inner.now, inner.current);
            let thread = inner.thread(current);
            thread.waits += 1;
            thread.is_waiting = true;
            let number = thread.waits;
            let end = timeout.and_then(|timeout| now.checked_add(timeout));
            if let Some(end) = end {
                inner.schedule(end, Event::Timeout(current, number));
            }
        }
        suspend();
    }

    /// Counts what a thread asks for, as it may ask in a loop and never wait. Such a thread does
    /// not go on, and with it the whole simulation.
    pub(super) fn count_call(&self) {
        let is_hopeless = {
            let mut inner = self.inner.borrow_mut();
            let paced = inner.pace.call();
            inner.check_pace(paced);
            inner.is_hopeless && inner.is_in_thread
        };
        if is_hopeless {
            self.block(None);
        }
    }

    /// Lets other threads run.
    pub(super) fn yield_now(&self) {
        self.block(Some(Duration::ZERO));
    }

    /// Whoever tells others something may be overtaken by them before it goes on. Only threads are:
    /// the world itself has nowhere to wait.
    pub(super) fn yield_perhaps(&self) {
        let is_thread_polite = {
            let mut inner = self.inner.borrow_mut();
            inner.is_in_thread && inner.random.below(4) == 0
        };
        if is_thread_polite {
            self.yield_now();
        }
    }

    /// Has the running thread do something that takes so long. Nobody can cut it short but death.
    pub(super) fn sleep(&self, duration: Duration) {
        if !self.pass_if_dead(Some(duration)) {
            self.block(Some(duration));
        }
    }

    /// For a process that has crashed there is nothing to wait for: its own clock moves on, so that
    /// its threads come to their end. Says whether it is so.
    pub(super) fn pass_if_dead(&self, timeout: Option<Duration>) -> bool {
        let mut inner = self.inner.borrow_mut();
        let Some(timeout) = timeout else { return false };
        let process = inner.current_process();
        if process.is_alive {
            return false;
        }
        process.ahead += timeout.min(DEAD_STEP_MAX) + Duration::from_millis(1);
        drop(inner);
        self.yield_now();
        true
    }

    /// Takes note of a broken promise.
    pub(super) fn complain(&self, guarantee: &'static str, text: &str) {
        self.inner.borrow_mut().complain(guarantee, text);
    }
}

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// Runs `body` with `world` for [`with`].
pub(super) fn enter<T>(world: &Rc<World>, body: impl FnOnce() -> T) -> T {
    WORLD.with(|slot| slot.replace(Some(Rc::clone(world))));
    let result = body();
    WORLD.with(|slot| slot.replace(None));
    result
}

/// The world that the running thread is part of.
///
/// # Panics
///
/// Outside of a simulation.
pub(super) fn with<T>(body: impl FnOnce(&World) -> T) -> T {
    let world = WORLD.with(|slot| slot.borrow().clone());
    body(&world.expect("only simulated threads ask for their world"))
}

/// How far the clock of a dead process moves at once.
const DEAD_STEP_MAX: Duration = Duration::from_secs(10);
