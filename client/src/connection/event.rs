//! What becomes of requests and connections, as the caller of the network learns it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::{CloseReason, RequestError};
use super::request::{Lane, RequestToken};
use crate::ids::Broker;
use crate::wire::Response;

/// One thing that happened. For every request that was sent and not cancelled, exactly one of
/// `Response`, `Sent` and `Failed` comes.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkEvent {
    /// The broker answered.
    Response {
        /// The request.
        token: RequestToken,
        /// The answer, in the canonical shape; its slices keep the received frame alive.
        response: Response,
        /// The size of the frame in bytes, without its length prefix.
        bytes: usize,
        /// For how long the broker asks us to be quiet; the connection sees to it.
        throttle: Duration,
        /// The time since the request was given to the operating system.
        latency: Duration,
    },
    /// A request that the broker does not answer was handed to the operating system in full.
    Sent {
        /// The request.
        token: RequestToken,
    },
    /// The request failed. The broker may or may not have acted on it.
    Failed {
        /// The request.
        token: RequestToken,
        /// Why.
        error: RequestError,
    },
    /// A connection is ready for requests: opened, and its versions known.
    ConnectionOpened {
        /// The other end.
        broker: Arc<Broker>,
        /// Which of the connections to it.
        lane: Lane,
    },
    /// A connection was lost, or could not be made. Idle connections that are closed by this side,
    /// and connections closed on request, are not reported.
    ConnectionClosed {
        /// The other end.
        broker: Arc<Broker>,
        /// Which of the connections to it.
        lane: Lane,
        /// Why.
        error: CloseReason,
    },
}

/// How ready a connection is for another request, at the moment of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Not connected; a request connects at once.
    Disconnected,
    /// Not connected; the next attempt is made at this time.
    BackingOff {
        /// When.
        until: Instant,
    },
    /// Looking up the name, connecting, or asking for versions.
    Connecting,
    /// Requests go out at once.
    Ready,
    /// Connected, but the broker asked for silence up to this time (KIP-219).
    Throttled {
        /// When requests go out again.
        until: Instant,
    },
}

impl NodeState {
    /// Whether the connection is open and its versions are known.
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Ready | Self::Throttled { .. })
    }

    /// Whether the last attempt failed and the next is not due yet.
    pub const fn is_backing_off(self) -> bool {
        matches!(self, Self::BackingOff { .. })
    }
}
