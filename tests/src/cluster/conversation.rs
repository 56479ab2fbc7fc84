//! Shell: one blocking conversation with one broker, request and answer in turn.
//!
//! It shares the messages with the client under test, and nothing else: no routing, no retries.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use weft_client::CorrelationId;
use weft_client::wire::messages::ApiVersionsRequest;
use weft_client::wire::{self, ApiKey, BrokerVersions, Request, RequestHead, Response, StrBytes};

use crate::ensure;
use crate::failure::Failure;

/// A connection to one broker.
#[derive(Debug)]
pub(super) struct Conversation {
    stream: TcpStream,
    versions: BrokerVersions,
    correlation_id: i32,
}

impl Conversation {
    /// Connects to `address`, which is `host:port`, and learns what the broker speaks.
    pub(super) fn open(address: &str) -> Result<Self, Failure> {
        let resolved = address.to_socket_addrs()?.next();
        let resolved = resolved.ok_or_else(|| Failure::because("no such host"))?;
        let stream = TcpStream::connect_timeout(&resolved, CONNECT_TIMEOUT)
            .map_err(|error| Failure::from(error).during(address))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let mut conversation = Self {
            stream,
            versions: BrokerVersions::default(),
            correlation_id: 0,
        };
        let answer = conversation.ask_in(0, &ApiVersionsRequest::default().into())?;
        let Response::ApiVersions(answer) = answer else {
            return Err(Failure::because("ApiVersions was not answered"));
        };
        conversation.versions = BrokerVersions::from_response(&answer);
        Ok(conversation)
    }

    /// Sends a request and waits for its answer.
    pub(super) fn ask(&mut self, request: impl Into<Request>) -> Result<Response, Failure> {
        let request = request.into();
        let version = self.versions.negotiate(&request)?;
        self.ask_in(version, &request)
    }

    fn ask_in(&mut self, version: i16, request: &Request) -> Result<Response, Failure> {
        self.correlation_id += 1;
        let head = RequestHead {
            api_key: request.api_key(),
            api_version: version,
            correlation_id: CorrelationId::new(self.correlation_id),
            client_id: Some(StrBytes::from_static_str("weft-witness")),
        };
        let mut frame = BytesMut::new();
        wire::encode_request(&head, request, &mut frame)?;
        self.stream.write_all(&frame)?;
        let answer = self.read_frame(request.api_key())?;
        let (correlation_id, response) = wire::decode_response(head.api_key, version, answer)?;
        ensure!(
            correlation_id == head.correlation_id,
            "the answer to request {} came for request {correlation_id}",
            head.correlation_id
        );
        Ok(response)
    }

    fn read_frame(&mut self, api_key: ApiKey) -> Result<Bytes, Failure> {
        let mut prefix = [0; 4];
        let mut read = |bytes: &mut [u8]| {
            let read = self.stream.read_exact(bytes);
            read.map_err(|error| Failure::from(error).during(format!("answer to {api_key:?}")))
        };
        read(&mut prefix)?;
        let length = u32::from_be_bytes(prefix) as usize;
        ensure!(length <= FRAME_BYTES_MAX, "an answer of {length} bytes");
        let mut frame = vec![0; length];
        read(&mut frame)?;
        Ok(frame.into())
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a broker may take for an answer on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Answers about a test's cluster are small; anything larger is not from a broker.
const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
