//! One TCP socket, set up as Kafka's clients do. It decides nothing.

#![expect(clippy::disallowed_types, reason = "the shell that makes sockets")]

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::ClientConfig;

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

/// Begins to connect. Success shows when the socket becomes writable; see [`connect_outcome`].
pub(super) fn begin_connect(address: SocketAddr, options: SocketOptions) -> io::Result<TcpStream> {
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

/// What became of an attempt to connect: `None` while it goes on.
pub(super) fn connect_outcome(stream: &TcpStream) -> Option<io::Result<()>> {
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
