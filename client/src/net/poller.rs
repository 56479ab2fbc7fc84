//! Waiting for sockets, and being woken from another thread.

#![expect(clippy::disallowed_types, reason = "the shell that waits for sockets")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::event::Source;
use mio::{Events, Interest, Poll, Token, Waker};

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
    waker: Waker,
    /// Whether a wake is under way already; another one would be a system call for nothing.
    is_pending: AtomicBool,
}

/// Readiness of all sockets of one client.
#[derive(Debug)]
pub(super) struct Poller {
    poll: Poll,
    events: Events,
    waker: NetworkWaker,
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
        let poll = Poll::new()?;
        let shared = SharedWaker {
            waker: Waker::new(poll.registry(), WAKER)?,
            is_pending: AtomicBool::new(false),
        };
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            waker: NetworkWaker {
                shared: Arc::new(shared),
            },
        })
    }

    pub(super) fn waker(&self) -> &NetworkWaker {
        &self.waker
    }

    /// Watches a socket, edge-triggered, under a token of the caller's choice.
    pub(super) fn register(&self, source: &mut impl Source, token: usize) -> io::Result<()> {
        let interests = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(source, Token(token), interests)
    }

    pub(super) fn deregister(&self, source: &mut impl Source) {
        if let Err(error) = self.poll.registry().deregister(source) {
            tracing::debug!(%error, "a socket could not be deregistered");
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
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Ok(Wakeup::NotWoken);
            }
            Err(error) => return Err(error),
        }
        let mut wakeup = Wakeup::NotWoken;
        for event in &self.events {
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
