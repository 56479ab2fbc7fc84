//! The broker's side of the codec, for the mock broker. It reads and writes exactly what is on the
//! wire: no canonical shape here.

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use super::codec::{encode_request_body, encoding, frame_into, unknown_api};
use super::error::{Malformation, UnsupportedRequest, WireError};
use super::guard;
use super::header::{self, FLEXIBLE_REQUEST_HEADER, RequestHead};
use super::message::{Request, Response, for_each_api};
use super::shapes;
use super::versions::schema_versions;
use crate::ids::CorrelationId;

/// Reads a request from one frame without its length.
///
/// # Errors
///
/// [`WireError::UnknownRequest`], with the head, for an API or a version that nobody here knows;
/// [`WireError::Malformed`] for anything that is not exactly one request.
pub fn decode_request(mut frame: Bytes) -> Result<(RequestHead, Request), WireError> {
    let raw = decode_raw_head(&mut frame).map_err(|reason| WireError::Malformed {
        api_key: None,
        version: -1,
        reason,
    })?;
    let known = ApiKey::try_from(raw.api_key)
        .ok()
        .filter(|api_key| schema_versions(*api_key).contains(&raw.api_version));
    let Some(api_key) = known else {
        return Err(WireError::UnknownRequest(raw));
    };
    let version = raw.api_version;
    let malformed = |reason| WireError::malformed(api_key, version, reason);
    if api_key.request_header_version(version) >= FLEXIBLE_REQUEST_HEADER {
        header::skip_tagged_fields(&mut frame).map_err(malformed)?;
    }
    let shape = shapes::request(api_key).ok_or_else(|| malformed(unknown_api()))?;
    guard::check(shape, version, encoding(api_key, version), &frame).map_err(malformed)?;
    let request = decode_request_body(api_key, version, &mut frame)
        .map_err(|reason| malformed(Malformation::Schema(reason)))?;
    if frame.has_remaining() {
        return Err(malformed(Malformation::TrailingBytes(frame.remaining())));
    }
    let head = RequestHead {
        api_key,
        api_version: version,
        correlation_id: raw.correlation_id,
        client_id: raw.client_id,
    };
    Ok((head, request))
}

/// Appends a request to `out` as one frame, in the shape that the version has on the wire: what a
/// client of another make would send.
///
/// # Errors
///
/// [`WireError::Unencodable`] if the head announces another API or a version that the schemas do
/// not know, or if the message does not fit the version or the format. `out` is unchanged then.
pub fn encode_exact_request(
    head: &RequestHead,
    request: &Request,
    out: &mut BytesMut,
) -> Result<(), WireError> {
    check_known(head, request.api_key())?;
    frame_into(head, out, |out| {
        head.encode(out)?;
        encode_request_body(request, head.api_version, out)
    })
}

/// Appends the answer to the request with this `head` to `out` as one frame.
///
/// A refusal of an unknown ApiVersions version is written with `api_version` 0 in the head.
///
/// # Errors
///
/// [`WireError::Unencodable`] if the message does not fit the version or the format. `out` is
/// unchanged then.
pub fn encode_response(
    head: &RequestHead,
    response: &Response,
    out: &mut BytesMut,
) -> Result<(), WireError> {
    check_known(head, response.api_key())?;
    frame_into(head, out, |out| {
        header::encode_response_header(head, out);
        encode_response_body(response, head.api_version, out)
    })
}

/// Refuses a message of `api_key` behind a head of another API or of an unknown version.
fn check_known(head: &RequestHead, api_key: ApiKey) -> Result<(), WireError> {
    let range = schema_versions(head.api_key);
    if head.api_key == api_key && range.contains(&head.api_version) {
        return Ok(());
    }
    Err(WireError::Unencodable {
        api_key,
        version: head.api_version,
        reason: format!(
            "its head says {:?}, which is known in v{} to v{}",
            head.api_key,
            range.start(),
            range.end()
        ),
    })
}

/// The part of the header that has been the same since the first version of it.
fn decode_raw_head(frame: &mut Bytes) -> Result<UnsupportedRequest, Malformation> {
    if frame.remaining() < 10 {
        return Err(Malformation::Truncated);
    }
    let api_key = frame.get_i16();
    let api_version = frame.get_i16();
    let correlation_id = CorrelationId::new(frame.get_i32());
    let client_id = match frame.get_i16() {
        -1 => None,
        announced => Some(decode_client_id(announced, frame)?),
    };
    Ok(UnsupportedRequest {
        api_key,
        api_version,
        correlation_id,
        client_id,
    })
}

fn decode_client_id(announced: i16, frame: &mut Bytes) -> Result<StrBytes, Malformation> {
    let length = usize::try_from(announced).map_err(|_| Malformation::NegativeLength {
        field: "client_id",
        announced: announced.into(),
    })?;
    if frame.remaining() < length {
        return Err(Malformation::Truncated);
    }
    StrBytes::from_utf8(frame.split_to(length))
        .map_err(|error| Malformation::Schema(error.to_string()))
}

fn decode_request_body(api_key: ApiKey, version: i16, body: &mut Bytes) -> Result<Request, String> {
    macro_rules! decode {
        ($($(#[$gate:meta])? $api:ident,)*) => {
            match api_key {
                $(ApiKey::$api => Decodable::decode(body, version).map(Request::$api),)*
                _ => return Err(unknown_api().to_string()),
            }
        };
    }
    for_each_api!(decode).map_err(|error| error.to_string())
}

fn encode_response_body(
    response: &Response,
    version: i16,
    out: &mut BytesMut,
) -> Result<(), String> {
    macro_rules! encode {
        ($($(#[$gate:meta])? $api:ident,)*) => {
            match response {
                $(Response::$api(message) => message.encode(out, version),)*
            }
        };
    }
    for_each_api!(encode).map_err(|error| error.to_string())
}
