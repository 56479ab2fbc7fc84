//! One question to a broker in one version, as it is on the wire.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use weft_client::CorrelationId;
use weft_client::wire::{
    Request, RequestHead, Response, decode_exact_response, encode_exact_request,
};

/// Asks the broker at this address, on a connection of its own.
pub(super) fn ask(address: &str, version: i16, request: &Request) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    ask_on(&mut stream, version, request).unwrap()
}

/// Asks on this connection; fails if that is closed.
pub(super) fn ask_on(
    stream: &mut TcpStream,
    version: i16,
    request: &Request,
) -> io::Result<Response> {
    stream.write_all(&encoded(version, request))?;
    let frame = receive(stream)?;
    let decoded = decode_exact_response(request.api_key(), version, frame);
    Ok(decoded.unwrap().1)
}

/// The bytes of a question.
pub(super) fn encoded(version: i16, request: &Request) -> Bytes {
    let head = RequestHead {
        api_key: request.api_key(),
        api_version: version,
        correlation_id: CorrelationId::new(1),
        client_id: None,
    };
    let mut bytes = BytesMut::new();
    encode_exact_request(&head, request, &mut bytes).unwrap();
    bytes.freeze()
}

/// The frame of the next answer.
pub(super) fn receive(stream: &mut TcpStream) -> io::Result<Bytes> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame)?;
    Ok(Bytes::from(frame))
}
