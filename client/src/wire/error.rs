//! What can be wrong with bytes, and with a request that has to become bytes.

use std::fmt;
use std::ops::RangeInclusive;

use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;

use crate::ids::CorrelationId;

/// Why a message could not be written or read. Each names the API, so that the text stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The bytes are not the message they should be. The connection is of no use any more.
    Malformed {
        /// The API that was expected, if the bytes got that far.
        api_key: Option<ApiKey>,
        /// The version that was expected; -1 if the bytes did not get that far.
        version: i16,
        /// What is wrong.
        reason: Malformation,
    },
    /// The broker lacks what the request needs.
    Unsupported {
        /// The API of the request.
        api_key: ApiKey,
        /// The versions that would do.
        needed: RangeInclusive<i16>,
        /// What the broker speaks of this API; `None` if it does not know it at all.
        broker: Option<RangeInclusive<i16>>,
        /// What needs those versions.
        feature: &'static str,
    },
    /// A request of an API or in a version that this side does not know (mock broker only).
    UnknownRequest(UnsupportedRequest),
    /// The message cannot be written: a text or a list is longer than the format allows, or it has
    /// a field set that the version lacks.
    Unencodable {
        /// The API of the message.
        api_key: ApiKey,
        /// The version it should have been written in.
        version: i16,
        /// The schema's own words.
        reason: String,
    },
}

/// The head of a request whose API or version nobody here knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedRequest {
    /// The API, as the number on the wire.
    pub api_key: i16,
    /// The version asked for.
    pub api_version: i16,
    /// Ties the answer to the request.
    pub correlation_id: CorrelationId,
    /// The name the client gave itself.
    pub client_id: Option<StrBytes>,
}

/// What is wrong with the bytes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformation {
    /// The frame ends inside the message.
    Truncated,
    /// `n` bytes follow after the end of the message.
    TrailingBytes(usize),
    /// A list, text or tagged field announces more than the rest of the frame can hold.
    LyingLength {
        /// The field, as the schema names it.
        field: &'static str,
        /// The length it announces: elements of a list, bytes of a text.
        announced: usize,
        /// How many bytes are left in the frame.
        remaining: usize,
    },
    /// A length is negative where the schema knows no null.
    NegativeLength {
        /// The field, as the schema names it.
        field: &'static str,
        /// The length it announces.
        announced: i64,
    },
    /// A known tagged field is not as long as it announces.
    TaggedFieldSize {
        /// The field, as the schema names it.
        field: &'static str,
        /// The size it announces, in bytes.
        announced: usize,
        /// The size it has, in bytes.
        walked: usize,
    },
    /// A tagged field has this number, which is beyond 2,147,483,647: Kafka's tags are `int32`, and
    /// the schemas would not write it again.
    TagOutOfRange(u32),
    /// Decoded, the message would take more memory than any honest message of its size.
    TooDense {
        /// The field with which the limit was passed, as the schema names it.
        field: &'static str,
        /// The limit for a frame of this size, in bytes.
        limit: usize,
    },
    /// The schema's own complaint.
    Schema(String),
}

impl WireError {
    pub(super) fn malformed(api_key: ApiKey, version: i16, reason: Malformation) -> Self {
        Self::Malformed {
            api_key: Some(api_key),
            version,
            reason,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed {
                api_key: Some(api_key),
                version,
                reason,
            } => write!(f, "malformed {api_key:?} v{version}: {reason}"),
            Self::Malformed {
                api_key: None,
                reason,
                ..
            } => write!(f, "malformed message: {reason}"),
            Self::Unsupported {
                api_key,
                needed,
                broker,
                feature,
            } => {
                write!(f, "{feature} needs {api_key:?} ")?;
                write_versions(f, needed)?;
                match broker {
                    Some(broker) => {
                        f.write_str(", the broker speaks ")?;
                        write_versions(f, broker)
                    }
                    None => f.write_str(", which the broker does not know"),
                }
            }
            Self::UnknownRequest(head) => write!(
                f,
                "request with unknown API {} or version {} (correlation id {})",
                head.api_key, head.api_version, head.correlation_id
            ),
            Self::Unencodable {
                api_key,
                version,
                reason,
            } => write!(f, "{api_key:?} v{version} cannot be written: {reason}"),
        }
    }
}

fn write_versions(f: &mut fmt::Formatter<'_>, versions: &RangeInclusive<i16>) -> fmt::Result {
    if versions.start() == versions.end() {
        write!(f, "v{}", versions.start())
    } else {
        write!(f, "v{} to v{}", versions.start(), versions.end())
    }
}

impl fmt::Display for Malformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends too early"),
            Self::TrailingBytes(count) => write!(f, "{count} bytes follow its end"),
            Self::LyingLength {
                field,
                announced,
                remaining,
            } => write!(
                f,
                "`{field}` announces a length of {announced} with {remaining} bytes left"
            ),
            Self::NegativeLength { field, announced } => {
                write!(f, "`{field}` announces a length of {announced}")
            }
            Self::TaggedFieldSize {
                field,
                announced,
                walked,
            } => write!(
                f,
                "tagged field `{field}` announces {announced} bytes and has {walked}"
            ),
            Self::TagOutOfRange(tag) => write!(f, "a field has the tag {tag}, beyond 2147483647"),
            Self::TooDense { field, limit } => write!(
                f,
                "decoded up to `{field}` it would take more than the {limit} bytes that a \
                 frame of its size may take"
            ),
            Self::Schema(reason) => f.write_str(reason.trim_end()),
        }
    }
}

impl std::error::Error for WireError {}
