//! Waiting for sockets, and being woken from another thread.

#![expect(clippy::disallowed_types, reason = "the shell that waits for sockets")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::event::Source;
use mio::{Events, Interest, Poll, Token, Waker};

#[cfg(feature = "simulation")]
use crate::host::simulated::{self, SimulatedPoller};

/// Sockets whose readiness is taken note of in one wait; the others follow with the next.
const EVENTS_MAX: usize = 256;

/// The token that stands for the waker; sockets count up from zero.
const WAKER: Token = Token(usize::MAX);

/// What a socket is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Readiness {
    /// The socket, as it was registered.
    pub(super) token: usize,
    pub(super) is_readable: bool,
    pub(super) is_writable: bool,
    /// Nothing follows what can be read now.
    pub(super) is_read_closed: bool,
}

/// Whether a wait was ended by a [`NetworkWaker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wakeup {
    /// By another thread.
    Woken,
    /// By sockets or by time.
    NotWoken,
}

/// Makes `poll` of the client it came from return, from any thread.
#[derive(Clone, Debug)]
pub struct NetworkWaker {
    shared: Arc<SharedWaker>,
}

#[derive(Debug)]
struct SharedWaker {
    waker: WakerKind,
    /// Whether a wake is under way already; another one would be a system call for nothing.
    is_pending: AtomicBool,
}

#[derive(Debug)]
enum WakerKind {
    Real(Waker),
    #[cfg(feature = "simulation")]
    Simulated(simulated::PollerId),
}

impl WakerKind {
    fn wake(&self) -> io::Result<()> {
        match self {
            Self::Real(waker) => waker.wake(),
            #[cfg(feature = "simulation")]
            Self::Simulated(poller) => {
                if let Some(host) = simulated::host() {
                    host.wake(*poller);
                }
                Ok(())
            }
        }
    }
}

/// Readiness of all sockets of one client.
#[derive(Debug)]
pub(super) struct Poller {
    poll: PollKind,
    waker: NetworkWaker,
}

#[derive(Debug)]
enum PollKind {
    Real(Poll, Events),
    #[cfg(feature = "simulation")]
    Simulated(SimulatedPoller, Vec<simulated::Ready>),
}

impl NetworkWaker {
    /// Makes the running `poll` return, or the next one if none is running. Several calls before
    /// that count as one.
    pub fn wake(&self) {
        // Whoever clears the flag afterwards sees what was written before this call.
        if self.shared.is_pending.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.shared.waker.wake() {
            self.shared.is_pending.store(false, Ordering::Release);
            tracing::error!(%error, "a network client could not be woken");
        }
    }
}

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        #[cfg(feature = "simulation")]
        if let Some(poller) = SimulatedPoller::new() {
            let waker = WakerKind::Simulated(poller.0);
            return Ok(Self::with(PollKind::Simulated(poller, Vec::new()), waker));
        }
        let poll = Poll::new()?;
        let waker = WakerKind::Real(Waker::new(poll.registry(), WAKER)?);
        let events = Events::with_capacity(EVENTS_MAX);
        Ok(Self::with(PollKind::Real(poll, events), waker))
    }

    fn with(poll: PollKind, waker: WakerKind) -> Self {
        let shared = SharedWaker {
            waker,
            is_pending: AtomicBool::new(false),
        };
        Self {
            poll,
            waker: NetworkWaker {
                shared: Arc::new(shared),
            },
        }
    }

    pub(super) fn waker(&self) -> &NetworkWaker {
        &self.waker
    }

    /// Watches a socket, edge-triggered, under a token of the caller's choice.
    pub(super) fn register(&self, source: &mut impl Source, token: usize) -> io::Result<()> {
        let interests = Interest::READABLE | Interest::WRITABLE;
        match &self.poll {
            PollKind::Real(poll, _) => poll.registry().register(source, Token(token), interests),
            #[cfg(feature = "simulation")]
            PollKind::Simulated(..) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Begins to connect a socket of the simulated host, if this is one of its pollers.
    #[cfg(feature = "simulation")]
    pub(super) fn connect_simulated(
        &self,
        token: usize,
        address: std::net::SocketAddr,
    ) -> Option<io::Result<simulated::SimulatedSocket>> {
        let PollKind::Simulated(poller, _) = &self.poll else {
            return None;
        };
        let socket = simulated::host()?.connect(poller.0, token, address);
        Some(socket.map(simulated::SimulatedSocket))
    }

    pub(super) fn deregister(&self, source: &mut impl Source) {
        match &self.poll {
            PollKind::Real(poll, _) => {
                if let Err(error) = poll.registry().deregister(source) {
                    tracing::debug!(%error, "a socket could not be deregistered");
                }
            }
            #[cfg(feature = "simulation")]
            PollKind::Simulated(..) => {}
        }
    }

    /// Waits until something is ready, at most for `timeout`, and appends it to `ready`.
    ///
    /// # Errors
    ///
    /// The operating system's; being interrupted is none.
    pub(super) fn wait(
        &mut self,
        timeout: Option<Duration>,
        ready: &mut Vec<Readiness>,
    ) -> io::Result<Wakeup> {
        let (poll, events) = match &mut self.poll {
            PollKind::Real(poll, events) => (poll, events),
            #[cfg(feature = "simulation")]
            PollKind::Simulated(poller, simulated) => {
                let woken = wait_simulated(poller, simulated, timeout, ready);
                if woken == Wakeup::Woken {
                    self.waker.shared.is_pending.store(false, Ordering::Release);
                }
                return Ok(woken);
            }
        };
        match poll.poll(events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Ok(Wakeup::NotWoken);
            }
            Err(error) => return Err(error),
        }
        let mut wakeup = Wakeup::NotWoken;
        for event in &*events {
            if event.token() == WAKER {
                self.waker.shared.is_pending.swap(false, Ordering::AcqRel);
                wakeup = Wakeup::Woken;
                continue;
            }
            let is_read_closed = event.is_read_closed() || event.is_error();
            ready.push(Readiness {
                token: event.token().0,
                is_readable: event.is_readable() || is_read_closed,
                is_writable: event.is_writable() || event.is_write_closed() || event.is_error(),
                is_read_closed,
            });
        }
        Ok(wakeup)
    }
}

/// As [`Poller::wait`], in a simulated host.
#[cfg(feature = "simulation")]
fn wait_simulated(
    poller: &SimulatedPoller,
    scratch: &mut Vec<simulated::Ready>,
    timeout: Option<Duration>,
    ready: &mut Vec<Readiness>,
) -> Wakeup {
    let is_woken = simulated::host().is_some_and(|host| host.poll(poller.0, timeout, scratch));
    ready.extend(scratch.drain(..).map(|socket| Readiness {
        token: socket.token,
        is_readable: socket.is_readable || socket.is_read_closed,
        is_writable: socket.is_writable,
        is_read_closed: socket.is_read_closed,
    }));
    if is_woken {
        Wakeup::Woken
    } else {
        Wakeup::NotWoken
    }
}
