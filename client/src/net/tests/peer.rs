//! A scripted peer: a thread that accepts connections on a port of its own and plays a broker, or
//! something else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::ids::{Broker, NodeId};
use crate::wire::messages::api_versions_response::ApiVersion;
use crate::wire::messages::{ApiVersionsResponse, MetadataRequest, MetadataResponse};
use crate::wire::{self, ApiKey, Request, RequestHead, Response, ours};

/// How long a script waits for the other side before the test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listening peer. Dropping it waits for the script and fails the test if the script failed.
pub(super) struct Peer {
    address: SocketAddr,
    script: Option<JoinHandle<()>>,
}

impl Peer {
    pub(super) fn start(script: impl FnOnce(TcpListener) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script = thread::Builder::new()
            .name("scripted peer".to_owned())
            .spawn(move || script(listener))
            .unwrap();
        Self {
            address,
            script: Some(script),
        }
    }

    /// A peer that accepts one connection, agrees on versions and then follows the script.
    pub(super) fn broker(script: impl FnOnce(&mut Conversation) + Send + 'static) -> Self {
        Self::start(move |listener| {
            let mut conversation = Conversation::accept(&listener);
            conversation.agree_on_versions();
            script(&mut conversation);
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn as_broker(&self) -> Arc<Broker> {
        broker(7, self.address)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(script) = self.script.take()
            && let Err(panic) = script.join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

pub(super) fn broker(id: i32, address: SocketAddr) -> Arc<Broker> {
    Arc::new(Broker {
        id: NodeId::new(id),
        host: address.ip().to_string().into(),
        port: address.port(),
        rack: None,
    })
}

/// One connection, seen from the broker's end.
pub(super) struct Conversation {
    pub(super) stream: TcpStream,
}

impl Conversation {
    pub(super) fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    pub(super) fn read_request(&mut self) -> (RequestHead, Request) {
        wire::decode_request(self.read_frame()).unwrap()
    }

    pub(super) fn read_frame(&mut self) -> Bytes {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).unwrap();
        let mut frame = vec![0; u32::from_be_bytes(prefix) as usize];
        self.stream.read_exact(&mut frame).unwrap();
        frame.into()
    }

    pub(super) fn respond(&mut self, head: &RequestHead, response: impl Into<Response>) {
        self.stream.write_all(&encoded(head, response)).unwrap();
    }

    pub(super) fn agree_on_versions(&mut self) {
        let (head, request) = self.read_request();
        assert!(matches!(request, Request::ApiVersions(_)), "{request:?}");
        self.respond(&head, versions());
    }

    /// Waits until the client closes the connection.
    pub(super) fn wait_for_close(&mut self) {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = self.stream.read_to_end(&mut rest);
    }
}

/// One response as bytes, with its length prefix.
pub(super) fn encoded(head: &RequestHead, response: impl Into<Response>) -> Bytes {
    let mut out = BytesMut::new();
    wire::encode_response(head, &response.into(), &mut out).unwrap();
    out.freeze()
}

/// A broker that speaks what we speak.
pub(super) fn versions() -> ApiVersionsResponse {
    let apis = [ApiKey::ApiVersions, ApiKey::Metadata, ApiKey::Produce];
    let ranges = apis.map(|api_key| {
        ApiVersion::default()
            .with_api_key(api_key as i16)
            .with_min_version(*ours(api_key).start())
            .with_max_version(*ours(api_key).end())
    });
    ApiVersionsResponse::default().with_api_keys(ranges.into())
}

pub(super) fn metadata_request() -> Request {
    MetadataRequest::default().into()
}

/// A metadata response that can be told from others, of at least `padding` bytes.
pub(super) fn metadata_response(cluster_id: &str, padding: usize) -> MetadataResponse {
    let topic = wire::messages::metadata_response::MetadataResponseTopic::default();
    let name = wire::StrBytes::from_string("t".repeat(200));
    let topics = (0..padding / 200)
        .map(|_| topic.clone().with_name(Some(name.clone().into())))
        .collect();
    MetadataResponse::default()
        .with_cluster_id(Some(wire::StrBytes::from_string(cluster_id.to_owned())))
        .with_topics(topics)
}
