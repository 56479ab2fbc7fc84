//! The language of the brokers: frames, headers, messages and versions, and what their error codes
//! mean. Everything here is pure: bytes in, values or errors out.
//!
//! `kafka-protocol` supplies the message schemas and nothing else. Its decoders trust the lengths a
//! peer announces, so they only ever see bytes that this module has walked before.

mod adapt;
mod codec;
mod error;
mod error_code;
mod frame;
mod guard;
mod header;
mod message;
mod names;
mod needs;
mod reaction;
#[cfg(any(test, feature = "broker"))]
mod server;
mod shapes;
#[cfg(any(test, feature = "specimens"))]
pub mod specimen;
mod versions;

/// The message structs, and the newtypes inside them.
pub use kafka_protocol::messages;
/// The number that names an API on the wire.
pub use kafka_protocol::messages::ApiKey;
/// Text inside a message: a checked slice of the frame it came in.
pub use kafka_protocol::protocol::StrBytes;

#[cfg(any(test, feature = "broker"))]
pub use codec::decode_exact_response;
pub use codec::{decode_response, encode_request};
pub use error::{Malformation, UnsupportedRequest, WireError};
pub use error_code::ErrorCode;
pub use frame::{FRAME_BYTES_MAX_DEFAULT, FrameError, FrameSplitter};
pub use guard::decoding_bytes_max;
pub use header::RequestHead;
pub use message::{Request, Response};
pub use reaction::{Context, Membership, Reaction, SessionRestart, reaction};
#[cfg(any(test, feature = "broker"))]
pub use server::{decode_request, encode_exact_request, encode_response};
#[cfg(any(test, feature = "broker"))]
pub use versions::schema_versions;
pub use versions::{BrokerVersions, ours};
