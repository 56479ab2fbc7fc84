//! One client's connection and the one to the server that belongs to it.

#![expect(clippy::disallowed_types, reason = "a shell: reads and writes sockets")]

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Instant;

use mio::net::TcpStream;

use super::flow::Flow;
use super::impairment::Impairment;

/// Both sockets and what is on its way between them.
#[derive(Debug)]
pub(super) struct Pair {
    client: End,
    server: End,
    pub(super) to_server: Flow,
    pub(super) to_client: Flow,
}

/// One of the sockets.
#[derive(Debug)]
struct End {
    stream: TcpStream,
    is_readable: bool,
    is_writable: bool,
    /// The peer has said all it has to say.
    has_ended: bool,
    /// So has the other one, and this one was told.
    is_shut: bool,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing more can be done until something happens.
    Done,
    /// There is more to do at once.
    More,
    /// The connection is over.
    Over,
}

/// Which of the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

impl Pair {
    pub(super) fn new(client: TcpStream, server: TcpStream, seed: u64) -> Self {
        Self {
            client: End::new(client),
            server: End::new(server),
            to_server: Flow::new(seed),
            to_client: Flow::new(seed ^ 0x5bd1_e995),
        }
    }

    pub(super) fn stream(&mut self, side: Side) -> &mut TcpStream {
        &mut self.end(side).stream
    }

    /// Takes note of what the poll told.
    pub(super) fn note(&mut self, side: Side, is_readable: bool, is_writable: bool) {
        let end = self.end(side);
        end.is_readable |= is_readable;
        end.is_writable |= is_writable;
    }

    /// Reads and writes what can be.
    pub(super) fn turn(
        &mut self,
        now: Instant,
        to_server: &Impairment,
        to_client: &Impairment,
    ) -> io::Result<Turn> {
        let Self {
            client,
            server,
            to_server: out,
            to_client: back,
        } = self;
        let mut is_more = pass(now, client, server, out, to_server)?;
        is_more |= pass(now, server, client, back, to_client)?;
        let is_cut = |flow: &Flow| flow.is_cut() && flow.is_empty();
        if is_cut(out) || is_cut(back) || (client.is_shut && server.is_shut) {
            return Ok(Turn::Over);
        }
        Ok(if is_more { Turn::More } else { Turn::Done })
    }

    /// When bytes that wait may leave. None, if their socket takes none at the moment.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let out = self.to_server.next_deadline();
        let out = out.filter(|_| self.server.is_writable);
        let back = self.to_client.next_deadline();
        let back = back.filter(|_| self.client.is_writable);
        out.into_iter().chain(back).min()
    }

    fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

impl End {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            is_readable: false,
            is_writable: false,
            has_ended: false,
            is_shut: false,
        }
    }
}

/// Moves bytes in one direction. Tells whether there is more to move at once.
fn pass(
    now: Instant,
    from: &mut End,
    to: &mut End,
    flow: &mut Flow,
    impairment: &Impairment,
) -> io::Result<bool> {
    let mut scratch = [0; TURN_BYTES];
    let room = flow.room(impairment).min(scratch.len());
    let mut is_more = false;
    if from.is_readable && !from.has_ended && room > 0 {
        match from.stream.read(&mut scratch[..room]) {
            Ok(0) => from.has_ended = true,
            Ok(bytes) => {
                flow.take_in(now, impairment, &scratch[..bytes]);
                is_more = true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => from.is_readable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => is_more = true,
            Err(error) => return Err(error),
        }
    }
    while to.is_writable
        && let Some(due) = flow.due(now)
    {
        match to.stream.write(due) {
            Ok(bytes) => flow.left(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => to.is_writable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if from.has_ended && flow.is_empty() && !to.is_shut {
        to.is_shut = true;
        // It may be gone already, which is what this is about.
        let _ = to.stream.shutdown(Shutdown::Write);
    }
    Ok(is_more)
}

/// The bytes that one connection reads before the others have their turn.
const TURN_BYTES: usize = 64 * 1024;
