//! The threads of one runtime: started with a name, watched, and asked to stop together.
//!
//! It decides that a thread which ends with an error or a panic stops all others: a dead thread is
//! never silent. What the threads do, and how they wind up, they know themselves.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this shell starts threads and waits for them"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weft_client::host::{self, Condvar, Thread};
use weft_client::{Error, ErrorKind};
use weft_consumer::WakeupHandle;

use crate::attempt::panic_text;
use crate::fence::Fence;

/// What was left when the threads ended.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// Records that were polled and never started. The next owner of their partitions has them.
    pub discarded: u64,
    /// Records whose handler was still running, or about to be tried again, when the time for the
    /// shutdown was over.
    pub abandoned: u64,
    /// Records that are finished but lie beyond an unfinished one, so that the next owner of their
    /// partitions repeats them.
    pub repeated: u64,
    /// Threads that did not end in time, by name. They are left alone, and their results count no
    /// more.
    pub stuck_threads: Vec<String>,
}

impl Report {
    fn add(&mut self, other: &Self) {
        self.discarded += other.discarded;
        self.abandoned += other.abandoned;
        self.repeated += other.repeated;
    }
}

/// Whether a thread takes records in or only handles them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It owns a consumer.
    Poller,
    /// It ends when the pollers have.
    Worker,
}

#[derive(Default)]
struct State {
    error: Option<Error>,
    stop_requested_at: Option<Instant>,
    /// How to wake each poller, by its number; and what to drain beside it.
    pollers: BTreeMap<usize, (WakeupHandle, Option<Arc<Fence>>)>,
    running: Vec<(String, Role)>,
    threads: Vec<Thread>,
    report: Report,
}

/// The threads of one runtime.
#[derive(Default)]
pub(crate) struct Crew {
    is_stopping: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

impl Crew {
    /// Starts a thread. If it ends with an error or a panic, all others are asked to stop.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        name: &str,
        role: Role,
        body: impl FnOnce() -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.state().running.push((name.to_owned(), role));
        let crew = Arc::clone(self);
        let own_name = name.to_owned();
        let thread = host::spawn(name.to_owned(), move || {
            let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
                let text = format!("thread {own_name} panicked: {}", panic_text(&*panic));
                Err(Error::new(ErrorKind::IllegalState, text))
            });
            crew.ended(&own_name, result);
        });
        match thread {
            Ok(thread) => {
                self.state().threads.push(thread);
                Ok(())
            }
            Err(error) => {
                let text = format!("thread {name} could not be started");
                let error = Error::new(ErrorKind::Io, text).with_source(error);
                self.ended(name, Err(error.clone()));
                Err(error)
            }
        }
    }

    fn ended(&self, name: &str, result: Result<(), Error>) {
        if let Err(error) = result {
            tracing::error!("thread {name} ended: {error:?}");
            self.fail(error);
        }
        self.state().running.retain(|(running, _)| running != name);
        self.changed.notify_all();
    }

    /// Keeps the error if it is the first one, and asks all threads to stop.
    pub(crate) fn fail(&self, error: Error) {
        self.state().error.get_or_insert(error);
        self.request_stop();
    }

    /// Asks all threads to stop. May be called at any time, from any thread, more than once.
    pub(crate) fn request_stop(&self) {
        // First the flag, then the wakeups: who is woken sees it.
        self.is_stopping.store(true, Ordering::Release);
        let mut state = self.state();
        state.stop_requested_at.get_or_insert_with(host::now);
        let pollers: Vec<_> = state.pollers.values().cloned().collect();
        drop(state);
        for (wakeup, fence) in pollers {
            if let Some(fence) = fence {
                fence.drain();
            }
            wakeup.wakeup();
        }
        self.changed.notify_all();
    }

    /// Whether the threads are to stop.
    #[inline]
    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Has the consumer of a poller woken, and a fence drained, when the threads are to stop.
    pub(crate) fn register(&self, poller: usize, wakeup: WakeupHandle, fence: Option<Arc<Fence>>) {
        self.state().pollers.insert(poller, (wakeup, fence));
        if self.is_stopping() {
            self.request_stop();
        }
    }

    /// Waits, unless the threads are to stop; says whether they are.
    pub(crate) fn pause(&self, delay: Duration) -> bool {
        let until = host::now() + delay;
        let mut state = self.state();
        while !self.is_stopping() {
            let left = until.saturating_duration_since(host::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(&self.state, state, left);
        }
        self.is_stopping()
    }

    /// Adds what one poller left behind.
    pub(crate) fn add_leftovers(&self, report: &Report) {
        self.state().report.add(report);
    }

    /// Waits until no thread of a role runs; says whether that is so. Once a stop was requested it
    /// gives up after `patience`, but not before `grace` from now.
    pub(crate) fn wait_for(&self, role: Role, patience: Duration, grace: Duration) -> bool {
        let least = host::now() + grace;
        let mut state = self.state();
        loop {
            if state.running.iter().all(|(_, running)| *running != role) {
                return true;
            }
            let give_up_at = state.stop_requested_at.map(|at| least.max(at + patience));
            let left = give_up_at.map(|at| at.saturating_duration_since(host::now()));
            state = match left {
                Some(Duration::ZERO) => return false,
                Some(left) => self.changed.wait_timeout(&self.state, state, left),
                None => self.changed.wait(&self.state, state),
            };
        }
    }

    /// Joins the threads that have ended, and tells the first error or what was left.
    pub(crate) fn conclude(&self) -> Result<Report, Error> {
        let mut state = self.state();
        let threads = std::mem::take(&mut state.threads);
        let (ended, stuck): (Vec<_>, Vec<_>) = threads.into_iter().partition(Thread::is_finished);
        state.threads = stuck;
        let stuck_threads: Vec<_> = state.running.iter().map(|(name, _)| name.clone()).collect();
        let mut report = state.report.clone();
        let error = state.error.clone();
        drop(state);
        for thread in ended {
            // A panic was caught inside, so that there is nothing to learn here.
            thread.join();
        }
        report.stuck_threads = stuck_threads;
        error.map_or(Ok(report), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
