//! The words between shells and a simulated host: what [`host`](super) and `net` ask for in its
//! place of the operating system.
//!
//! It decides nothing; whoever implements [`Host`] does. All threads of a simulated host are turns
//! of one thread of the operating system, so that this finds the host in a thread-local.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A thread of a simulated host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u64);

/// What one thread waits for sockets with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PollerId(pub u64);

/// A socket of a simulated host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// What a socket is ready for, as an edge: told once for each time that it became so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The token that the socket was connected with.
    pub token: usize,
    /// There are bytes to read, or the end of the stream.
    pub is_readable: bool,
    /// The connection was made or refused, or there is room for bytes again.
    pub is_writable: bool,
    /// Nothing follows what can be read now.
    pub is_read_closed: bool,
}

/// A condition that simulated threads wait for. It gets its number with the first wait or notice.
#[derive(Debug, Default)]
pub struct Signal(AtomicU64);

impl Signal {
    /// Its number, from `next` if it has none so far.
    pub fn number(&self, next: impl FnOnce() -> u64) -> u64 {
        match self.0.load(Ordering::Relaxed) {
            0 => {
                let number = next();
                self.0.store(number, Ordering::Relaxed);
                number
            }
            number => number,
        }
    }
}

/// A simulated operating system. Every method may be called from any of its threads, and those that
/// wait let the other threads run meanwhile.
pub trait Host {
    /// The present.
    fn now(&self) -> Instant;
    /// The time since the beginning of 1970.
    fn wall_time(&self) -> Duration;
    /// A number that differs from call to call.
    fn random_seed(&self) -> u64;

    /// Starts a thread of the process that the calling thread belongs to.
    fn spawn(&self, name: String, body: Box<dyn FnOnce() + Send>) -> ThreadId;
    /// Whether a thread has ended.
    fn has_ended(&self, thread: ThreadId) -> bool;
    /// Waits for the end of a thread.
    fn join(&self, thread: ThreadId);
    /// Waits to be notified, at most for `timeout`.
    fn wait(&self, signal: &Signal, timeout: Option<Duration>);
    /// Wakes one of those that wait, or all.
    fn notify(&self, signal: &Signal, is_for_all: bool);

    /// What one thread will wait for sockets with.
    fn new_poller(&self) -> PollerId;
    /// Waits until a socket is ready or somebody wakes this, at most for `timeout`. Appends what is
    /// ready, and says whether it was woken.
    fn poll(&self, poller: PollerId, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> bool;
    /// Ends the wait of a poller, or its next one.
    fn wake(&self, poller: PollerId);
    /// It is not used any more.
    fn drop_poller(&self, poller: PollerId);

    /// Begins to connect; what came of it is told as readiness to write.
    ///
    /// # Errors
    ///
    /// If there is no way to that address.
    fn connect(&self, poller: PollerId, token: usize, address: SocketAddr) -> io::Result<SocketId>;
    /// What became of an attempt to connect: `None` while it goes on.
    fn connect_outcome(&self, socket: SocketId) -> Option<io::Result<()>>;
    /// Reads what there is, none at the end of the stream. Fewer bytes than there is room for mean
    /// that there are no more.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is nothing; others if the connection is broken.
    fn read(&self, socket: SocketId, into: &mut [u8]) -> io::Result<usize>;
    /// Takes bytes over, as many as there is room for.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is no room; others if the connection is broken.
    fn write(&self, socket: SocketId, bytes: &[u8]) -> io::Result<usize>;
    /// Closes a socket.
    fn close(&self, socket: SocketId);
}

thread_local! {
    static HOST: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
}

/// Runs `body` with this host in place of the operating system.
///
/// # Panics
///
/// If this thread is inside a host already.
pub fn enter<T>(simulated: Rc<dyn Host>, body: impl FnOnce() -> T) -> T {
    let before = HOST.with(|host| host.replace(Some(simulated)));
    assert!(before.is_none(), "one simulated host at a time");
    let _leave = Leave;
    body()
}

struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        HOST.with(|host| host.replace(None));
    }
}

/// The host that this thread is inside, if any.
#[inline]
pub(crate) fn host() -> Option<Rc<dyn Host>> {
    // A thread that is ending is inside none.
    HOST.try_with(|host| host.borrow().clone()).ok().flatten()
}

/// A poller of the host; dropped with its last owner.
pub(crate) struct SimulatedPoller(pub(crate) PollerId);

impl SimulatedPoller {
    /// One of the host that this thread is inside, if any.
    pub(crate) fn new() -> Option<Self> {
        Some(Self(host()?.new_poller()))
    }
}

impl fmt::Debug for SimulatedPoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Drop for SimulatedPoller {
    fn drop(&mut self) {
        if let Some(host) = host() {
            host.drop_poller(self.0);
        }
    }
}

/// A socket of the host; closed when it is dropped.
#[derive(Debug)]
pub(crate) struct SimulatedSocket(pub(crate) SocketId);

impl SimulatedSocket {
    pub(crate) fn connect_outcome(&self) -> Option<io::Result<()>> {
        let Some(host) = host() else {
            return Some(Err(gone()));
        };
        host.connect_outcome(self.0)
    }

    pub(crate) fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        host().map_or_else(|| Err(gone()), |host| host.read(self.0, into))
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        host().map_or_else(|| Err(gone()), |host| host.write(self.0, bytes))
    }
}

impl Drop for SimulatedSocket {
    fn drop(&mut self) {
        if let Some(host) = host() {
            host.close(self.0);
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the simulated host is gone")
}
