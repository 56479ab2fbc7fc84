//! Why a connection ended and why a request failed. Each text names the API, the broker with its
//! address, and what was wrong, so that it can stand alone in a log.

use core::net::SocketAddr;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, CorrelationId};
use crate::wire::{ApiKey, ErrorCode, WireError};

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The connection was lost, or could not be made. If it was open, the broker may have acted on
    /// the request all the same.
    Disconnected {
        /// What was asked.
        api_key: ApiKey,
        /// Of whom.
        broker: Arc<Broker>,
        /// What ended the connection.
        reason: CloseReason,
    },
    /// The time given to the request was over.
    TimedOut {
        /// What was asked.
        api_key: ApiKey,
        /// Of whom.
        broker: Arc<Broker>,
        /// The time that was given, without throttling.
        timeout: Duration,
        /// What it was spent on last.
        stage: Stage,
    },
    /// The broker does not speak a version that can carry the request; it was not sent.
    Unsupported {
        /// What was asked.
        api_key: ApiKey,
        /// Of whom.
        broker: Arc<Broker>,
        /// What is missing, on either side.
        reason: WireError,
    },
    /// The answer cannot be read. The connection was closed.
    Malformed {
        /// What was asked.
        api_key: ApiKey,
        /// Of whom.
        broker: Arc<Broker>,
        /// Where the answer came from.
        address: SocketAddr,
        /// What is wrong with the answer.
        reason: WireError,
    },
    /// Too many requests wait for the same connection; this one was not sent.
    QueueFull {
        /// What was asked.
        api_key: ApiKey,
        /// Of whom.
        broker: Arc<Broker>,
        /// How many may wait.
        limit: usize,
    },
}

/// What a request was waiting for when its time was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// For the next attempt to connect, after this failure of the last one.
    Reconnecting(Option<CloseReason>),
    /// For the name look-up.
    Resolving,
    /// For the connection to open.
    Connecting(SocketAddr),
    /// For the broker to list its versions.
    Negotiating(SocketAddr),
    /// For earlier requests, or for the end of a throttle time.
    Queueing(SocketAddr),
    /// For the answer.
    Answering(SocketAddr),
}

/// Why a connection ended, or did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The name of the host has no address; the text is the operating system's.
    Unresolved(Arc<str>),
    /// The socket could not be connected; the text is the operating system's. Where a name has
    /// several addresses this is the last that was tried.
    Unreachable(SocketAddr, Arc<str>),
    /// Neither the look-up nor the connection came about in time. Without an address it was the
    /// look-up.
    SetupTimedOut(Option<SocketAddr>, Duration),
    /// The peer closed the connection.
    ClosedByPeer(SocketAddr, MissingBytes),
    /// Reading or writing failed; the text is the operating system's.
    Broken(SocketAddr, Arc<str>),
    /// What arrived is not a frame of the protocol; the text says what it looks like.
    NotAFrame(SocketAddr, Arc<str>),
    /// A request was not answered in time.
    RequestTimedOut(SocketAddr, ApiKey, Duration),
    /// An answer carries another number than the oldest request.
    WrongCorrelation {
        /// The peer.
        address: SocketAddr,
        /// The number of the oldest request.
        expected: CorrelationId,
        /// The number of the answer.
        received: CorrelationId,
    },
    /// An answer arrived though nothing was asked.
    Unasked(SocketAddr),
    /// An answer cannot be read.
    Malformed(SocketAddr, WireError),
    /// The broker refuses to list its versions, with this error code.
    VersionsRefused(SocketAddr, ErrorCode),
    /// The broker has moved to another host or port.
    Moved,
    /// The caller asked for it.
    Requested,
}

impl CloseReason {
    /// Whether nothing was tried but looking up the name of the host.
    pub const fn is_unresolved(&self) -> bool {
        matches!(self, Self::Unresolved(_) | Self::SetupTimedOut(None, _))
    }
}

/// How much of a response was outstanding when the peer closed the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingBytes {
    /// The last response was complete.
    None,
    /// The peer stopped inside the length of a response.
    Length,
    /// The peer stopped inside a response.
    Frame {
        /// Bytes that arrived, the length prefix not counted.
        received: usize,
        /// Bytes that were announced.
        announced: usize,
    },
}

impl RequestError {
    /// What was asked.
    pub const fn api_key(&self) -> ApiKey {
        match self {
            Self::Disconnected { api_key, .. }
            | Self::TimedOut { api_key, .. }
            | Self::Unsupported { api_key, .. }
            | Self::Malformed { api_key, .. }
            | Self::QueueFull { api_key, .. } => *api_key,
        }
    }

    /// Of whom it was asked.
    pub const fn broker(&self) -> &Arc<Broker> {
        match self {
            Self::Disconnected { broker, .. }
            | Self::TimedOut { broker, .. }
            | Self::Unsupported { broker, .. }
            | Self::Malformed { broker, .. }
            | Self::QueueFull { broker, .. } => broker,
        }
    }

    /// Whether the same request may succeed later, with this broker or another.
    pub const fn is_retriable(&self) -> bool {
        !matches!(self, Self::Unsupported { .. })
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} request to {}", self.api_key(), self.broker())?;
        match self {
            Self::Disconnected { reason, .. } => write!(f, " failed: {reason}"),
            Self::TimedOut { timeout, stage, .. } => {
                write!(
                    f,
                    " timed out after {:?} while {stage}",
                    whole_millis(*timeout)
                )
            }
            Self::Unsupported { reason, .. } => write!(f, " was not sent: {reason}"),
            Self::Malformed {
                address, reason, ..
            } => write!(f, " failed: the answer of {address} is {reason}"),
            Self::QueueFull { limit, .. } => {
                write!(
                    f,
                    " was not sent: {limit} requests wait for the connection already"
                )
            }
        }
    }
}

impl std::error::Error for RequestError {}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        let kind = match &error {
            RequestError::Disconnected { .. } => ErrorKind::Disconnected,
            RequestError::TimedOut { .. } => ErrorKind::Timeout,
            RequestError::Unsupported { .. } => ErrorKind::UnsupportedVersion,
            RequestError::Malformed { .. } => ErrorKind::MalformedResponse,
            RequestError::QueueFull { .. } => ErrorKind::BufferExhausted,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reconnecting(None) => f.write_str("waiting to connect"),
            Self::Reconnecting(Some(reason)) => write!(f, "waiting to connect again: {reason}"),
            Self::Resolving => f.write_str("looking up the address of the host"),
            Self::Connecting(address) => write!(f, "connecting to {address}"),
            Self::Negotiating(address) => write!(
                f,
                "asking {address} for its versions; is a Kafka broker listening there?"
            ),
            Self::Queueing(address) => {
                write!(f, "waiting for earlier requests or throttling at {address}")
            }
            Self::Answering(address) => write!(f, "waiting for the answer of {address}"),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved(detail) => write!(f, "the host name cannot be resolved: {detail}"),
            Self::Unreachable(address, detail) => write!(f, "connecting to {address}: {detail}"),
            Self::SetupTimedOut(None, waited) => {
                write!(f, "the name of the host was not resolved within {waited:?}")
            }
            Self::SetupTimedOut(Some(address), waited) => {
                write!(f, "connecting to {address} took more than {waited:?}")
            }
            Self::ClosedByPeer(address, MissingBytes::None) => {
                write!(f, "{address} closed the connection")
            }
            Self::ClosedByPeer(address, MissingBytes::Length) => {
                write!(
                    f,
                    "{address} closed the connection inside the length of a response"
                )
            }
            Self::ClosedByPeer(
                address,
                MissingBytes::Frame {
                    received,
                    announced,
                },
            ) => write!(
                f,
                "{address} closed the connection after {received} of the {announced} bytes of a \
                 response"
            ),
            Self::Broken(address, detail) | Self::NotAFrame(address, detail) => {
                write!(f, "{address}: {detail}")
            }
            Self::RequestTimedOut(address, api_key, timeout) => {
                let timeout = whole_millis(*timeout);
                write!(f, "{address} left {api_key:?} unanswered for {timeout:?}")
            }
            Self::WrongCorrelation {
                address,
                expected,
                received,
            } => write!(
                f,
                "{address} answered request {received} where the oldest unanswered is {expected}"
            ),
            Self::Unasked(address) => write!(f, "{address} answered though nothing was asked"),
            Self::Malformed(address, reason) => write!(f, "{address}: {reason}"),
            Self::VersionsRefused(address, code) => {
                write!(f, "{address} refuses to list its versions: {code}")
            }
            Self::Moved => f.write_str("the broker has moved to another address"),
            Self::Requested => f.write_str("the connection was closed by this client"),
        }
    }
}

impl std::error::Error for CloseReason {}

/// A time for people: what is left of a call may be any number of nanoseconds.
pub(crate) fn whole_millis(span: Duration) -> Duration {
    let millis = (span.as_micros() + 500) / 1000;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
