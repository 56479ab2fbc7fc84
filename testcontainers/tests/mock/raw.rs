//! One question to a broker in one version, as it is on the wire, on a connection of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use weft_client::CorrelationId;
use weft_client::wire::{
    Request, RequestHead, Response, decode_exact_response, encode_exact_request,
};

/// Asks the broker at this address.
pub(super) fn ask(address: &str, version: i16, request: &Request) -> Response {
    let api_key = request.api_key();
    let head = RequestHead {
        api_key,
        api_version: version,
        correlation_id: CorrelationId::new(1),
        client_id: None,
    };
    let mut bytes = BytesMut::new();
    encode_exact_request(&head, request, &mut bytes).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&bytes).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).unwrap();
    let decoded = decode_exact_response(api_key, version, Bytes::from(frame));
    decoded.unwrap().1
}
