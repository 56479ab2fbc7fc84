//! The closed lists of what a connection takes in and gives out.

use core::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::error::CloseReason;
use super::event::NetworkEvent;
use super::request::{OutboundRequest, RequestToken};

/// What can happen to a [`super::Connection`]. Inputs that do not fit its state change nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The caller wants this sent.
    Send(OutboundRequest),
    /// The caller no longer cares for this request. What is on the wire already stays there; its
    /// answer is read and dropped.
    Cancel(RequestToken),
    /// The caller wants the connection closed. The next request opens it again.
    Disconnect,
    /// The look-up that [`Output::Resolve`] asked for is over.
    Resolved {
        /// The number that came with the order; an answer to an older order is ignored.
        attempt: u64,
        /// The addresses in the order of the operating system, or what it complained about.
        addresses: Result<Vec<SocketAddr>, Arc<str>>,
    },
    /// The socket that [`Output::Connect`] asked for is connected.
    Connected,
    /// It could not be connected; the text is the operating system's.
    ConnectFailed(Arc<str>),
    /// So many bytes of [`Output::Transmit`] were taken by the operating system.
    Written(usize),
    /// One whole frame arrived, here without its length prefix.
    Frame(Bytes),
    /// The socket is of no use any more: the peer closed it, an operation failed, or what arrived
    /// is not a frame.
    Lost(CloseReason),
    /// Time has passed.
    Tick,
}

/// What a [`super::Connection`] wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "outputs pass through a vector that is kept; a box would be an allocation an answer"
)]
pub enum Output {
    /// Look up the addresses of the broker's host.
    Resolve {
        /// Comes back in [`Input::Resolved`].
        attempt: u64,
    },
    /// Open a socket to this address.
    Connect(SocketAddr),
    /// Write these bytes after those before; report with [`Input::Written`].
    Transmit(Bytes),
    /// Close the socket and forget what is not written yet.
    CloseSocket,
    /// Tell the caller.
    Event(NetworkEvent),
}
