//! The simulated machine as shells see it, in place of the operating system.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use weft_client::host::simulated::{Host, PollerId, Ready, Signal, SocketId, ThreadId};

use super::world::World;

impl Host for World {
    fn now(&self) -> Instant {
        self.count_call();
        let mut inner = self.inner.borrow_mut();
        let now = inner.instant();
        now + inner.current_process().ahead
    }

    fn wall_time(&self) -> Duration {
        WALL_TIME_AT_START + self.inner.borrow().now
    }

    fn random_seed(&self) -> u64 {
        self.inner.borrow_mut().random.next_u64()
    }

    fn spawn(&self, name: String, body: Box<dyn FnOnce() + Send>) -> ThreadId {
        let process = {
            let inner = self.inner.borrow();
            inner.threads[&inner.current].process
        };
        Self::spawn(self, process, name, body)
    }

    fn has_ended(&self, thread: ThreadId) -> bool {
        self.count_call();
        self.inner.borrow_mut().thread(thread).has_ended
    }

    fn join(&self, thread: ThreadId) {
        while !self.has_ended(thread) {
            let mut inner = self.inner.borrow_mut();
            let current = inner.current;
            inner.thread(thread).joiners.push(current);
            drop(inner);
            self.block(None);
        }
    }

    fn wait(&self, signal: &Signal, timeout: Option<Duration>) {
        if self.pass_if_dead(timeout) {
            return;
        }
        let (number, current) = {
            let mut inner = self.inner.borrow_mut();
            let number = number_of(signal, &mut inner.last_signal);
            let current = inner.current;
            inner.signals.entry(number).or_default().push(current);
            (number, current)
        };
        self.block(timeout);
        let mut inner = self.inner.borrow_mut();
        if let Some(waiting) = inner.signals.get_mut(&number) {
            waiting.retain(|thread| *thread != current);
        }
    }

    fn notify(&self, signal: &Signal, is_for_all: bool) {
        self.count_call();
        {
            let mut inner = self.inner.borrow_mut();
            let number = number_of(signal, &mut inner.last_signal);
            let Some(waiting) = inner.signals.get_mut(&number) else {
                return;
            };
            let mut woken = std::mem::take(waiting);
            if !is_for_all && woken.len() > 1 {
                let index = inner.random.below(woken.len());
                let one = woken.swap_remove(index);
                inner.signals.insert(number, woken);
                woken = vec![one];
            }
            for thread in woken {
                inner.wake_thread(thread);
            }
        }
        self.yield_perhaps();
    }

    fn new_poller(&self) -> PollerId {
        let mut inner = self.inner.borrow_mut();
        inner.last_poller += 1;
        let poller = PollerId(inner.last_poller);
        inner
            .pollers
            .insert(poller, super::inner::PollerState::default());
        poller
    }

    fn poll(&self, poller: PollerId, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> bool {
        self.count_call();
        let has_something = {
            let mut inner = self.inner.borrow_mut();
            let is_polite = inner.random.below(4) == 0;
            let state = inner.pollers.entry(poller).or_default();
            let has_something = state.is_woken || !state.ready.is_empty();
            has_something && !is_polite
        };
        if !has_something && !self.pass_if_dead(timeout) {
            let mut inner = self.inner.borrow_mut();
            let current = inner.current;
            let state = inner.pollers.entry(poller).or_default();
            let is_ready = state.is_woken || !state.ready.is_empty();
            state.waiter = Some(current);
            drop(inner);
            self.block(if is_ready {
                Some(Duration::ZERO)
            } else {
                timeout
            });
        }
        let mut inner = self.inner.borrow_mut();
        let state = inner.pollers.entry(poller).or_default();
        state.waiter = None;
        ready.append(&mut state.ready);
        std::mem::take(&mut state.is_woken)
    }

    fn wake(&self, poller: PollerId) {
        self.count_call();
        {
            let mut inner = self.inner.borrow_mut();
            let Some(state) = inner.pollers.get_mut(&poller) else {
                return;
            };
            state.is_woken = true;
            if let Some(waiter) = state.waiter {
                inner.wake_thread(waiter);
            }
        }
        self.yield_perhaps();
    }

    fn drop_poller(&self, poller: PollerId) {
        self.inner.borrow_mut().pollers.remove(&poller);
    }

    fn connect(&self, poller: PollerId, token: usize, address: SocketAddr) -> io::Result<SocketId> {
        self.count_call();
        self.inner.borrow_mut().connect(poller, token, address)
    }

    fn connect_outcome(&self, socket: SocketId) -> Option<io::Result<()>> {
        self.inner.borrow().connect_outcome(socket)
    }

    fn read(&self, socket: SocketId, into: &mut [u8]) -> io::Result<usize> {
        self.count_call();
        self.inner.borrow_mut().read(socket, into)
    }

    fn write(&self, socket: SocketId, bytes: &[u8]) -> io::Result<usize> {
        self.count_call();
        self.inner.borrow_mut().write(socket, bytes)
    }

    fn close(&self, socket: SocketId) {
        self.inner.borrow_mut().close(socket);
    }
}

fn number_of(signal: &Signal, last: &mut u64) -> u64 {
    signal.number(|| {
        *last += 1;
        *last
    })
}

/// Some day in 2026.
const WALL_TIME_AT_START: Duration = Duration::from_secs(1_780_000_000);
