//! The whole cluster without sockets: frames in, frames out, time as an argument.

mod administration;
mod apis;
mod configs;
mod durable;
mod faults;
mod fetching;
mod further;
mod groups;
mod leaders;
mod orders;
mod releases;
mod sessions;
mod transactions;
mod versions;

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::wire::{
    ApiKey, Request, RequestHead, Response, StrBytes, decode_exact_response, decode_response,
    encode_exact_request, encode_request, ours, schema_versions,
};
use weft_client::{Broker, CorrelationId, NodeId};

use super::*;

/// A cluster and its clock.
pub(super) struct Bench {
    pub(super) cluster: Cluster,
    pub(super) now: Instant,
    connections: u64,
}

/// A connection to one of the brokers.
#[derive(Clone, Copy)]
pub(super) struct Wire {
    pub(super) id: ConnectionId,
}

impl Bench {
    pub(super) fn new(brokers: i32) -> Self {
        Self::with(brokers, Duration::ZERO)
    }

    pub(super) fn with(brokers: i32, group_initial_rebalance_delay: Duration) -> Self {
        let options = Options {
            release: KafkaRelease::Newest,
            fetch_sessions_max: FETCH_SESSIONS_DEFAULT,
            rack_aware_reads: false,
            group_initial_rebalance_delay,
            session_timeout_min: Duration::from_secs(1),
            auto_create_partitions: None,
            record_bytes_max: usize::MAX,
        };
        let broker = |id: i32| Broker {
            id: NodeId::new(id),
            host: "127.0.0.1".into(),
            port: 9092 + id as u16,
            rack: None,
        };
        #[expect(clippy::disallowed_methods, reason = "any time will do as the first")]
        let now = Instant::now();
        Self {
            cluster: Cluster::new(options, (0..brokers).map(broker).collect()),
            now,
            connections: 0,
        }
    }

    pub(super) fn connect(&mut self, broker: i32) -> Wire {
        self.connections += 1;
        let id = ConnectionId(self.connections);
        self.feed(Input::Opened(id, NodeId::new(broker)));
        Wire { id }
    }

    pub(super) fn feed(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.cluster.handle(self.now, input, &mut out);
        out
    }

    pub(super) fn wait(&mut self, time: Duration) -> Vec<Output> {
        self.now += time;
        self.feed(Input::Tick)
    }

    pub(super) fn send(
        &mut self,
        wire: Wire,
        version: i16,
        request: impl Into<Request>,
    ) -> Vec<Output> {
        let frame = frame(version, &request.into());
        self.feed(Input::Request(wire.id, frame))
    }

    /// Sends a request in the newest version and returns its answer.
    pub(super) fn ask(&mut self, wire: Wire, request: impl Into<Request>) -> Response {
        let request = request.into();
        let version = newest(request.api_key());
        self.ask_in(wire, version, request)
    }

    pub(super) fn ask_in(
        &mut self,
        wire: Wire,
        version: i16,
        request: impl Into<Request>,
    ) -> Response {
        let request = request.into();
        let api_key = request.api_key();
        let out = self.send(wire, version, request);
        answer_to(wire, api_key, version, &out).unwrap_or_else(|| panic!("{api_key:?}: {out:?}"))
    }
}

pub(super) fn newest(api_key: ApiKey) -> i16 {
    *schema_versions(api_key).end()
}

/// The answer among `out` for this connection.
pub(super) fn answer_to(
    wire: Wire,
    api_key: ApiKey,
    version: i16,
    out: &[Output],
) -> Option<Response> {
    out.iter().find_map(|output| match output {
        Output::Answer(id, chunks) if *id == wire.id => {
            let frame = Bytes::from(chunks.concat()).slice(4..);
            let decode = if ours(api_key).is_empty() {
                decode_exact_response
            } else {
                decode_response
            };
            let (correlation_id, response) = decode(api_key, version, frame).unwrap();
            assert_eq!(correlation_id, CorrelationId::new(5));
            Some(response)
        }
        _ => None,
    })
}

/// A request as it is on the wire, without its length. Where Weft's client speaks the API it is in
/// the canonical shape, else as the version has it.
pub(super) fn frame(version: i16, request: &Request) -> Bytes {
    let head = head(request.api_key(), version);
    let mut frame = BytesMut::new();
    if ours(request.api_key()).is_empty() {
        encode_exact_request(&head, request, &mut frame).unwrap();
    } else {
        encode_request(&head, request, &mut frame).unwrap();
    }
    frame.freeze().slice(4..)
}

pub(super) fn head(api_key: ApiKey, version: i16) -> RequestHead {
    RequestHead {
        api_key,
        api_version: version,
        correlation_id: CorrelationId::new(5),
        client_id: Some(StrBytes::from_static_str("client")),
    }
}

/// One batch of so many records.
pub(super) fn batch(records: usize) -> Bytes {
    let mut builder = BatchBuilder::new();
    for _ in 0..records {
        builder.append(1, None, Some(b"value"), &[]).unwrap();
    }
    builder
        .build(Compression::None, &mut Compressor::default())
        .unwrap()
}

pub(super) fn string(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
