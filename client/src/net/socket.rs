//! One TCP socket, set up as Kafka's clients do. It decides nothing.

#![expect(clippy::disallowed_types, reason = "the shell that makes sockets")]

use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use super::poller::Poller;
use crate::config::ClientConfig;
#[cfg(feature = "simulation")]
use crate::host::simulated::SimulatedSocket;

/// What the options say about sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketOptions {
    /// `send.buffer.bytes`; `None` leaves it to the operating system.
    pub(super) send_buffer_bytes: Option<usize>,
    /// `receive.buffer.bytes`; `None` leaves it to the operating system.
    pub(super) receive_buffer_bytes: Option<usize>,
}

impl SocketOptions {
    pub(super) fn from_config(config: &ClientConfig) -> Self {
        Self {
            send_buffer_bytes: config.send_buffer_bytes,
            receive_buffer_bytes: config.receive_buffer_bytes,
        }
    }
}

/// A TCP stream that does not block, from the beginning of the attempt to connect it.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(feature = "simulation")]
    Simulated(SimulatedSocket),
}

impl Stream {
    /// Begins to connect, watched by `poller` under this token. Success shows when the socket
    /// becomes writable; see [`connect_outcome`](Self::connect_outcome).
    pub(super) fn connect(
        address: SocketAddr,
        options: SocketOptions,
        poller: &Poller,
        token: usize,
    ) -> io::Result<Self> {
        #[cfg(feature = "simulation")]
        if let Some(socket) = poller.connect_simulated(token, address) {
            return socket.map(Self::Simulated);
        }
        let mut stream = begin_connect(address, options)?;
        poller.register(&mut stream, token)?;
        Ok(Self::Tcp(stream))
    }

    /// Has the poller watch it no longer.
    pub(super) fn deregister(&mut self, poller: &Poller) {
        match self {
            Self::Tcp(stream) => poller.deregister(stream),
            #[cfg(feature = "simulation")]
            Self::Simulated(_) => {}
        }
    }

    /// What became of an attempt to connect: `None` while it goes on.
    pub(super) fn connect_outcome(&self) -> Option<io::Result<()>> {
        match self {
            Self::Tcp(stream) => connect_outcome(stream),
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => socket.connect_outcome(),
        }
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => socket.read(into),
        }
    }

    pub(super) fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(slices),
            #[cfg(feature = "simulation")]
            Self::Simulated(socket) => {
                let first = slices.iter().find(|slice| !slice.is_empty());
                socket.write(first.map_or(&[], |slice| slice))
            }
        }
    }
}

fn begin_connect(address: SocketAddr, options: SocketOptions) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_keepalive(true)?;
    // Before connecting: the window scale is settled in the first packet.
    if let Some(bytes) = options.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = options.send_buffer_bytes {
        socket.set_send_buffer_size(bytes)?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if is_in_progress(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

fn connect_outcome(stream: &TcpStream) -> Option<io::Result<()>> {
    match stream.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => return Some(Err(error)),
    }
    match stream.peer_addr() {
        Ok(_) => Some(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => None,
        Err(error) if is_in_progress(&error) => None,
        Err(error) => Some(Err(error)),
    }
}

/// Whether a socket that does not block is still connecting.
fn is_in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}
