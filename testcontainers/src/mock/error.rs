//! Why a mock cluster could not do what a test asked of it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use weft_client::NodeId;
use weft_client::record::RecordError;
use weft_client::wire::ErrorCode;

use super::core::OrderRefused;

/// Why a mock cluster could not be started or could not do what was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum MockError {
    /// The operating system refused something.
    Io {
        /// What was being done, as the rest of "while ...".
        doing: String,
        /// The refusal.
        source: io::Error,
    },
    /// The cluster refused, as it would refuse a client.
    Refused {
        /// What was asked.
        what: String,
        /// The code that a client would have got.
        code: ErrorCode,
    },
    /// The records that were to be appended are no sound batches.
    Records(RecordError),
    /// The records that were to be appended are no whole batches of magic 2.
    NoBatch {
        /// What they are instead.
        what: &'static str,
    },
    /// There is no such topic or partition.
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// The cluster has no such broker.
    UnknownBroker(NodeId),
    /// The order cannot be carried out.
    Order(OrderRefused),
    /// The requests that were waited for did not come in time.
    TimedOut {
        /// How many came.
        found: usize,
        /// How many were waited for.
        wanted: usize,
    },
    /// The directory cannot be used, or what is in it cannot be read.
    Directory {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What is wrong with it, and what can be done.
        what: String,
    },
    /// The builder was given something it cannot do.
    Configuration {
        /// What is wrong with it.
        what: &'static str,
    },
}

impl MockError {
    pub(super) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            doing: doing.into(),
            source,
        }
    }
}

impl fmt::Display for MockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => write!(f, "while {doing}: {source}"),
            Self::Refused { what, code } => write!(f, "{what} was refused: {code}"),
            Self::Records(source) => write!(f, "the records cannot be appended: {source}"),
            Self::NoBatch { what } => write!(f, "the records cannot be appended: {what}"),
            Self::UnknownPartition { topic, partition } => {
                write!(f, "the mock cluster has no partition {topic}-{partition}")
            }
            Self::UnknownBroker(id) => write!(f, "the mock cluster has no broker {id}"),
            Self::Order(refused) => write!(f, "the order cannot be carried out: {refused}"),
            Self::TimedOut { found, wanted } => {
                write!(f, "{found} of {wanted} requests came in time")
            }
            Self::Directory { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Configuration { what } => write!(f, "cannot start such a cluster: {what}"),
        }
    }
}

impl std::error::Error for MockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Records(source) => Some(source),
            Self::Order(source) => Some(source),
            _ => None,
        }
    }
}
