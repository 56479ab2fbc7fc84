//! The user's end of a proxy.

#![expect(
    clippy::disallowed_types,
    reason = "a shell: any thread tells the proxy's what to do"
)]

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use mio::Waker;

use super::impairment::{Direction, Impairment};
use super::shell;

/// A proxy in front of one TCP server. Dropping it closes all its connections and its port.
///
/// All methods may be called from any thread; none of them waits.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the user wants, and what the thread tells.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) wish: Mutex<Wish>,
    pub(super) waker: Waker,
    pub(super) connections: AtomicUsize,
    pub(super) accepted: AtomicU64,
    pub(super) to_server_bytes: AtomicU64,
    pub(super) to_client_bytes: AtomicU64,
}

/// What the user wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) to_server: Impairment,
    pub(super) to_client: Impairment,
    pub(super) is_refusing: bool,
    /// How often everything was to be cut so far.
    pub(super) cuts: u64,
    pub(super) is_over: bool,
}

impl Shared {
    pub(super) fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Starts one on a port of 127.0.0.1 that the system chooses. The server need not be there yet:
    /// a connection to it is made for each connection that comes in. The seed decides which bits
    /// [`Impairment::corrupt_every`] turns.
    ///
    /// # Errors
    ///
    /// What the operating system refuses: the port, the thread, or the means to wait for sockets.
    pub fn start(upstream: SocketAddr, seed: u64) -> io::Result<Self> {
        let (port, shared, thread) = shell::start(upstream, seed)?;
        Ok(Self {
            port,
            shared,
            thread: Some(thread),
        })
    }

    /// The port on 127.0.0.1 that clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on this is wrong with the line in this direction, on all connections; it takes the
    /// place of what was wrong before.
    pub fn impair(&self, direction: Direction, impairment: Impairment) {
        self.change(|wish| match direction {
            Direction::ToServer => wish.to_server = impairment,
            Direction::ToClient => wish.to_client = impairment,
        });
    }

    /// From now on nothing is wrong with the line, and connections are taken.
    pub fn heal(&self) {
        self.change(|wish| {
            wish.to_server = Impairment::none();
            wish.to_client = Impairment::none();
            wish.is_refusing = false;
        });
    }

    /// Cuts all connections at once; bytes on their way are lost. New ones can be made.
    pub fn cut(&self) {
        self.change(|wish| wish.cuts += 1);
    }

    /// From now on connections are closed as soon as they come in. Those that are there stay.
    pub fn refuse(&self) {
        self.change(|wish| wish.is_refusing = true);
    }

    /// How many connections there are now.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many connections came in so far, those that were refused among them.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How many bytes were read so far that go in this direction.
    pub fn bytes(&self, direction: Direction) -> u64 {
        let bytes = match direction {
            Direction::ToServer => &self.shared.to_server_bytes,
            Direction::ToClient => &self.shared.to_client_bytes,
        };
        bytes.load(Ordering::Relaxed)
    }

    fn change(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.shared.wish());
        // Without being woken the thread would act on it when something else happens.
        let _ = self.shared.waker.wake();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.change(|wish| wish.is_over = true);
        if let Some(thread) = self.thread.take() {
            // It ends at its next turn, and waits for nobody.
            let _ = thread.join();
        }
    }
}
