//! What callers ask of the network. It decides nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::Broker;
use crate::wire::Request;

/// The caller's name for one request: comes back with whatever becomes of it. The network never
/// interprets it; uniqueness is the caller's affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestToken(u64);

impl RequestToken {
    /// Wraps a number of the caller's choice.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn value(self) -> u64 {
        self.0
    }
}

/// Which of the connections to a broker carries a request.
///
/// A broker answers one connection strictly in order, so that a long poll holds back everything
/// behind it. What must be quick therefore never shares a connection with what may take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Short requests: metadata, offsets, administration, and everything that a producer sends.
    General,
    /// Fetches, which a broker may hold for `fetch.max.wait.ms`.
    Fetch,
    /// Everything for the coordinator of a group; a join may take minutes.
    Coordinator,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::General => "general",
            Self::Fetch => "fetch",
            Self::Coordinator => "coordinator",
        })
    }
}

/// One request to one broker.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboundRequest {
    /// Comes back with the outcome.
    pub token: RequestToken,
    /// Where the request goes.
    pub broker: Arc<Broker>,
    /// The connection to use.
    pub lane: Lane,
    /// The request, in the canonical shape (see [`crate::wire`]).
    pub request: Request,
    /// How long everything may take: waiting, connecting, writing and the answer. The time for
    /// which the broker throttles the connection comes on top.
    pub timeout: Duration,
}

impl OutboundRequest {
    /// Whether the broker will answer. It never answers a produce request with `acks=0`.
    pub(super) fn is_answered(&self) -> bool {
        !matches!(&self.request, Request::Produce(produce) if produce.acks == 0)
    }
}
