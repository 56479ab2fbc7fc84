//! The words between the cluster and its APIs: who asks, and what comes of it.

use std::time::Instant;

use bytes::Bytes;
use weft_client::NodeId;
use weft_client::wire::{ErrorCode, RequestHead, Response, StrBytes, WireError};

use super::fault::{Fate, milliseconds};

/// One TCP connection, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Who asks for an answer, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) now: Instant,
    pub(crate) connection: ConnectionId,
    /// The broker at whose port the connection came in.
    pub(crate) broker: NodeId,
    pub(crate) head: RequestHead,
    /// The request's number in the log.
    pub(crate) number: u64,
    /// What faults do to it.
    pub(crate) fate: Fate,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Answer(Response),
    /// The answer as the bytes of one frame.
    Frame(Result<Vec<Bytes>, WireError>),
    /// The answer comes later.
    Parked,
    /// The client expects no answer.
    Silent,
    /// The connection is of no use any more.
    Close,
}

impl Ask {
    /// A request that has no number yet, and nothing comes upon it.
    pub(crate) fn new(
        now: Instant,
        connection: ConnectionId,
        broker: NodeId,
        head: RequestHead,
    ) -> Self {
        Self {
            now,
            connection,
            broker,
            head,
            number: 0,
            fate: Fate::default(),
        }
    }

    pub(crate) fn version(&self) -> i16 {
        self.head.api_version
    }

    /// The error with which a fault has this partition refused, if one does.
    pub(crate) fn check_partition(&self, topic: &str, partition: i32) -> Result<(), ErrorCode> {
        match self.fate.refuses_partition(topic, partition) {
            Some(code) => Err(code),
            None => Ok(()),
        }
    }

    /// For how long the client is told that it is throttled, which it mostly is not.
    pub(crate) fn throttle_time_ms(&self) -> i32 {
        self.fate.throttle.map_or(0, milliseconds)
    }

    pub(crate) fn client_id(&self) -> &str {
        self.head.client_id.as_deref().unwrap_or_default()
    }
}

impl<T: Into<Response>> From<T> for Reply {
    fn from(response: T) -> Self {
        Self::Answer(response.into())
    }
}

/// What an error means, for people; nothing where there is none.
pub(crate) fn message(error: ErrorCode) -> Option<StrBytes> {
    (error != ErrorCode::NONE).then(|| text(&error.to_string()))
}

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
