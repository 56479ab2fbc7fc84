//! Requests become frames, frames become responses. It decides nothing about versions: those come
//! from [`super::BrokerVersions`].

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::{Decodable, Encodable};

use super::adapt;
use super::error::{Malformation, WireError};
use super::guard::{self, Encoding};
use super::header::{self, FLEXIBLE_REQUEST_HEADER, RequestHead};
use super::message::{Request, Response, for_each_api};
use super::needs::Needs;
use super::shapes;
use super::versions::ours;
use crate::ids::CorrelationId;

/// Appends the request to `out` as one frame: length, header, body.
///
/// The request is in the canonical shape; older versions are written in theirs.
///
/// # Errors
///
/// [`WireError::Unsupported`] if the version lacks something that the request depends on, and
/// [`WireError::Unencodable`] if a field does not fit the format. `out` is unchanged then.
///
/// # Panics
///
/// If the head announces another API than that of the request.
pub fn encode_request(
    head: &RequestHead,
    request: &Request,
    out: &mut BytesMut,
) -> Result<(), WireError> {
    assert_eq!(
        head.api_key,
        request.api_key(),
        "the head must announce the request that follows it"
    );
    let version = head.api_version;
    Needs::of(request).newest_in(request, Some(version..=version))?;
    let request = adapt::request_for(request, version);
    frame_into(head, out, |out| {
        head.encode(out)?;
        encode_request_body(&request, version, out)
    })
}

/// Reads the response to a request of `api_key` in `version` from one frame without its length.
///
/// The slices inside the response keep the frame alive. The result is in the canonical shape.
///
/// # Errors
///
/// [`WireError::Malformed`] if the frame is not exactly one such response, or announces more than
/// it holds.
pub fn decode_response(
    api_key: ApiKey,
    version: i16,
    frame: Bytes,
) -> Result<(CorrelationId, Response), WireError> {
    let known = ours(api_key);
    if known.is_empty() {
        return Err(WireError::malformed(api_key, version, unknown_api()));
    }
    if !known.contains(&version) {
        let reason = format!("only v{} to v{} are known", known.start(), known.end());
        let reason = Malformation::Schema(reason);
        return Err(WireError::malformed(api_key, version, reason));
    }
    let (correlation_id, response) = decode_exact_response(api_key, version, frame)?;
    Ok((correlation_id, adapt::canonical_response(response, version)))
}

/// Reads a response in the shape that it has on the wire, of any API and version that the schemas
/// know.
///
/// With the feature `broker` it is public, for tests of the mock broker that play a client of
/// another make.
///
/// # Errors
///
/// [`WireError::Malformed`] if the frame is not exactly one such response, or announces more than
/// it holds.
#[cfg_attr(
    not(any(test, feature = "broker")),
    expect(unreachable_pub, reason = "only with the feature it is for others")
)]
pub fn decode_exact_response(
    api_key: ApiKey,
    version: i16,
    mut frame: Bytes,
) -> Result<(CorrelationId, Response), WireError> {
    let malformed = |reason| WireError::malformed(api_key, version, reason);
    let correlation_id =
        header::decode_response_header(api_key, version, &mut frame).map_err(malformed)?;
    let version = body_version(api_key, version, &frame);
    let shape = shapes::response(api_key).ok_or_else(|| malformed(unknown_api()))?;
    guard::check(shape, version, encoding(api_key, version), &frame).map_err(malformed)?;
    let response = decode_response_body(api_key, version, &mut frame)
        .map_err(|reason| malformed(Malformation::Schema(reason)))?;
    if frame.has_remaining() {
        return Err(malformed(Malformation::TrailingBytes(frame.remaining())));
    }
    Ok((correlation_id, response))
}

/// Runs `write` behind a length prefix, and takes everything back if it fails.
pub(super) fn frame_into(
    head: &RequestHead,
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), String>,
) -> Result<(), WireError> {
    let start = out.len();
    out.put_i32(0);
    let written = write(out).and_then(|()| {
        let length = out.len() - start - LENGTH_PREFIX;
        i32::try_from(length).map_err(|_| format!("a frame of {length} bytes"))
    });
    match written {
        Ok(length) => {
            out[start..start + LENGTH_PREFIX].copy_from_slice(&length.to_be_bytes());
            Ok(())
        }
        Err(reason) => {
            out.truncate(start);
            Err(WireError::Unencodable {
                api_key: head.api_key,
                version: head.api_version,
                reason,
            })
        }
    }
}

/// How the body of a message in this version writes its lengths.
pub(super) fn encoding(api_key: ApiKey, version: i16) -> Encoding {
    if api_key.request_header_version(version) >= FLEXIBLE_REQUEST_HEADER {
        Encoding::Flexible
    } else {
        Encoding::Classic
    }
}

pub(super) fn unknown_api() -> Malformation {
    Malformation::Schema("nobody here speaks this API".to_owned())
}

/// A broker that does not know the asked version of ApiVersions answers with a body in version 0.
fn body_version(api_key: ApiKey, version: i16, body: &[u8]) -> i16 {
    let is_refusal = api_key == ApiKey::ApiVersions && body.starts_with(&UNSUPPORTED_VERSION);
    if is_refusal { 0 } else { version }
}

/// Appends a request in the shape that it has on the wire.
pub(super) fn encode_request_body(
    request: &Request,
    version: i16,
    out: &mut BytesMut,
) -> Result<(), String> {
    macro_rules! encode {
        ($($(#[$gate:meta])? $api:ident,)*) => {
            match request {
                $($(#[$gate])? Request::$api(message) => message.encode(out, version),)*
            }
        };
    }
    for_each_api!(encode).map_err(|error| error.to_string())
}

fn decode_response_body(
    api_key: ApiKey,
    version: i16,
    body: &mut Bytes,
) -> Result<Response, String> {
    macro_rules! decode {
        ($($(#[$gate:meta])? $api:ident,)*) => {
            match api_key {
                $(
                    $(#[$gate])?
                    ApiKey::$api => Decodable::decode(body, version).map(Response::$api),
                )*
                _ => return Err(unknown_api().to_string()),
            }
        };
    }
    for_each_api!(decode).map_err(|error| error.to_string())
}

/// Bytes of the length in front of every frame.
pub(super) const LENGTH_PREFIX: usize = 4;

/// The error code with which such a body begins.
const UNSUPPORTED_VERSION: [u8; 2] = 35_i16.to_be_bytes();

#[cfg(test)]
mod tests;
