//! The thread of a proxy: waits for sockets, for bytes to become due, and for what the user wants.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a shell: owns a thread, sockets and the clock"
)]

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use super::handle::{Shared, Wish};
use super::pair::{Pair, Side, Turn};

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);

/// Starts the thread. Returns the port, too.
pub(super) fn start(
    upstream: SocketAddr,
    seed: u64,
) -> io::Result<(u16, Arc<Shared>, JoinHandle<()>)> {
    let poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let port = listener.local_addr()?.port();
    let registry = poll.registry();
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let shared = Arc::new(Shared {
        wish: Mutex::new(Wish::default()),
        waker: Waker::new(registry, WAKER)?,
        connections: AtomicUsize::new(0),
        accepted: AtomicU64::new(0),
        to_server_bytes: AtomicU64::new(0),
        to_client_bytes: AtomicU64::new(0),
    });
    let shell = Shell {
        poll,
        listener,
        upstream,
        seed,
        shared: Arc::clone(&shared),
        pairs: BTreeMap::new(),
        next_pair: 1,
        cuts: 0,
    };
    let name = format!("weft-proxy-{port}");
    let thread = thread::Builder::new()
        .name(name)
        .spawn(move || shell.run())?;
    Ok((port, shared, thread))
}

struct Shell {
    poll: Poll,
    listener: TcpListener,
    upstream: SocketAddr,
    seed: u64,
    shared: Arc<Shared>,
    pairs: BTreeMap<usize, Pair>,
    next_pair: usize,
    /// How often everything was cut.
    cuts: u64,
}

impl Shell {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut has_more = false;
        loop {
            let timeout = self.time_to_wait(has_more);
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(%error, "a proxy cannot wait for sockets any more");
                    return;
                }
            }
            let wish = self.shared.wish().clone();
            if wish.is_over {
                return;
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(&wish),
                    WAKER => {}
                    Token(token) => {
                        let (id, side) = of_token(token);
                        let is_readable = event.is_readable() || event.is_read_closed();
                        let is_writable = event.is_writable();
                        if let Some(pair) = self.pairs.get_mut(&id) {
                            pair.note(side, is_readable || event.is_error(), is_writable);
                        }
                    }
                }
            }
            if wish.cuts != self.cuts {
                self.cuts = wish.cuts;
                self.pairs.clear();
            }
            has_more = self.turn(&wish);
            let connections = self.pairs.len();
            self.shared
                .connections
                .store(connections, Ordering::Relaxed);
        }
    }

    fn time_to_wait(&self, has_more: bool) -> Option<Duration> {
        if has_more {
            return Some(Duration::ZERO);
        }
        let deadlines = self.pairs.values().filter_map(Pair::next_deadline);
        let deadline = deadlines.min()?;
        // A wait of less than a millisecond is rounded down to none by some systems.
        Some(deadline.saturating_duration_since(Instant::now()) + Duration::from_micros(500))
    }

    fn accept(&mut self, wish: &Wish) {
        loop {
            let client = match self.listener.accept() {
                Ok((client, _)) => client,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    tracing::warn!(%error, "a proxy could not take a connection");
                    return;
                }
            };
            self.shared.accepted.fetch_add(1, Ordering::Relaxed);
            if wish.is_refusing || self.pairs.len() >= PAIRS_MAX {
                continue;
            }
            if let Err(error) = self.open(client) {
                tracing::debug!(%error, "a proxy could not connect to its server");
            }
        }
    }

    fn open(&mut self, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.upstream)?;
        client.set_nodelay(true)?;
        let id = self.next_pair;
        self.next_pair += 1;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut client, token_of(id, Side::Client), both)?;
        registry.register(&mut server, token_of(id, Side::Server), both)?;
        let pair = Pair::new(client, server, self.seed ^ id as u64);
        self.pairs.insert(id, pair);
        Ok(())
    }

    /// Gives every connection its turn. Tells whether one has more to do at once.
    fn turn(&mut self, wish: &Wish) -> bool {
        let now = Instant::now();
        let mut has_more = false;
        let shared = &self.shared;
        let registry = self.poll.registry();
        self.pairs.retain(|_, pair| {
            let (out, back) = (pair.to_server.taken_in(), pair.to_client.taken_in());
            let turn = pair.turn(now, &wish.to_server, &wish.to_client);
            let out = pair.to_server.taken_in() - out;
            shared.to_server_bytes.fetch_add(out, Ordering::Relaxed);
            let back = pair.to_client.taken_in() - back;
            shared.to_client_bytes.fetch_add(back, Ordering::Relaxed);
            match turn {
                Ok(Turn::Done) => true,
                Ok(Turn::More) => {
                    has_more = true;
                    true
                }
                Ok(Turn::Over) | Err(_) => {
                    for side in [Side::Client, Side::Server] {
                        // Closing it deregisters it in any case.
                        let _ = registry.deregister(pair.stream(side));
                    }
                    false
                }
            }
        });
        has_more
    }
}

fn token_of(id: usize, side: Side) -> Token {
    Token(2 * id + usize::from(side == Side::Server))
}

fn of_token(token: usize) -> (usize, Side) {
    let side = if token.is_multiple_of(2) {
        Side::Client
    } else {
        Side::Server
    };
    (token / 2, side)
}

/// Connections that one proxy carries; more are closed as they come.
const PAIRS_MAX: usize = 1_024;

const EVENTS_MAX: usize = 256;
