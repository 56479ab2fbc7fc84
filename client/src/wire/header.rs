//! The headers in front of every message (KIP-482): which version of the header goes with which
//! version of a message, and their bytes. It knows nothing about bodies.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;

use super::error::Malformation;
use crate::ids::CorrelationId;

/// What precedes the body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The API of the body.
    pub api_key: ApiKey,
    /// The version of the body.
    pub api_version: i16,
    /// Comes back in the response.
    pub correlation_id: CorrelationId,
    /// The client's name for itself, `client.id`; at most 32767 bytes.
    pub client_id: Option<StrBytes>,
}

impl RequestHead {
    /// Appends the header. Fails if the client id is longer than 32767 bytes.
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), String> {
        out.put_i16(self.api_key as i16);
        out.put_i16(self.api_version);
        out.put_i32(self.correlation_id.value());
        match &self.client_id {
            None => out.put_i16(-1),
            Some(client_id) => {
                let length = i16::try_from(client_id.len())
                    .map_err(|_| format!("a client id of {} bytes", client_id.len()))?;
                out.put_i16(length);
                out.put_slice(client_id.as_bytes());
            }
        }
        if self.api_key.request_header_version(self.api_version) >= FLEXIBLE_REQUEST_HEADER {
            out.put_u8(NO_TAGGED_FIELDS);
        }
        Ok(())
    }
}

/// Whether the response header ends in tagged fields. Never for ApiVersions: a client that does not
/// know the broker's versions yet must be able to read it.
pub(super) fn has_tagged_response_header(api_key: ApiKey, version: i16) -> bool {
    api_key != ApiKey::ApiVersions && api_key.response_header_version(version) >= 1
}

/// Takes the response header off the front of `frame`.
pub(super) fn decode_response_header(
    api_key: ApiKey,
    version: i16,
    frame: &mut Bytes,
) -> Result<CorrelationId, Malformation> {
    if frame.remaining() < 4 {
        return Err(Malformation::Truncated);
    }
    let correlation_id = CorrelationId::new(frame.get_i32());
    if has_tagged_response_header(api_key, version) {
        skip_tagged_fields(frame)?;
    }
    Ok(correlation_id)
}

/// Appends the response header.
#[cfg(any(test, feature = "broker"))]
pub(super) fn encode_response_header(head: &RequestHead, out: &mut BytesMut) {
    out.put_i32(head.correlation_id.value());
    if has_tagged_response_header(head.api_key, head.api_version) {
        out.put_u8(NO_TAGGED_FIELDS);
    }
}

/// Takes a block of tagged fields, none of which is known, off the front of `bytes`.
pub(super) fn skip_tagged_fields(bytes: &mut Bytes) -> Result<(), Malformation> {
    let count = unsigned_varint(bytes)?;
    for _ in 0..count {
        unsigned_varint(bytes)?;
        let size = unsigned_varint(bytes)? as usize;
        if bytes.remaining() < size {
            return Err(Malformation::LyingLength {
                field: "tagged field of the header",
                announced: size,
                remaining: bytes.remaining(),
            });
        }
        bytes.advance(size);
    }
    Ok(())
}

fn unsigned_varint(bytes: &mut Bytes) -> Result<u32, Malformation> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        if !bytes.has_remaining() {
            return Err(Malformation::Truncated);
        }
        let byte = bytes.get_u8();
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    Ok(value)
}

/// The first version of the request header that carries tagged fields.
pub(super) const FLEXIBLE_REQUEST_HEADER: i16 = 2;

const NO_TAGGED_FIELDS: u8 = 0;
