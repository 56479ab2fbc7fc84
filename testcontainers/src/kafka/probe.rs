//! Shell: one short blocking conversation with a broker, to learn whether it is usable and to
//! create topics. It does not use the client it helps to test, so that a fault there cannot pass
//! for a fault of the cluster.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    MetadataRequest, MetadataResponse, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

/// A connection to one broker.
#[derive(Debug)]
pub(super) struct Probe {
    stream: TcpStream,
    correlation_id: i32,
}

/// What one broker believes about its cluster.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) brokers: BTreeSet<i32>,
    pub(super) has_controller: bool,
}

impl Probe {
    /// Connects and lets the broker tell which versions it speaks: proof that it serves requests.
    pub(super) fn connect(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let mut probe = Self {
            stream,
            correlation_id: 0,
        };
        let request = ApiVersionsRequest::default();
        let response: ApiVersionsResponse = probe.ask(ApiKey::ApiVersions, 0, &request)?;
        if response.error_code != 0 || response.api_keys.is_empty() {
            return Err(io::Error::other(format!(
                "ApiVersions answers {response:?}"
            )));
        }
        Ok(probe)
    }

    pub(super) fn view(&mut self) -> io::Result<View> {
        let request = MetadataRequest::default().with_topics(Some(Vec::new()));
        let response: MetadataResponse = self.ask(ApiKey::Metadata, METADATA_VERSION, &request)?;
        Ok(View {
            brokers: response
                .brokers
                .iter()
                .map(|broker| broker.node_id.0)
                .collect(),
            has_controller: response.controller_id.0 >= 0,
        })
    }

    /// Creates a topic with the broker's default replication factor. `Err` holds the answer if it
    /// is no success.
    pub(super) fn create_topic(
        &mut self,
        topic: &str,
        partitions: i32,
    ) -> io::Result<Result<(), String>> {
        self.stream.set_read_timeout(Some(CREATION_TIMEOUT))?;
        let creatable = CreatableTopic::default()
            .with_name(topic_name(topic))
            .with_num_partitions(partitions)
            // -1: the broker's default.
            .with_replication_factor(-1);
        let timeout_ms = i32::try_from(CREATION_TIMEOUT.as_millis()).unwrap_or(i32::MAX);
        let request = CreateTopicsRequest::default()
            .with_topics(vec![creatable])
            .with_timeout_ms(timeout_ms);
        let response: CreateTopicsResponse =
            self.ask(ApiKey::CreateTopics, CREATE_TOPICS_VERSION, &request)?;
        Ok(match response.topics.first() {
            Some(result) if result.error_code == 0 => Ok(()),
            Some(result) => {
                let message = result
                    .error_message
                    .as_ref()
                    .map_or("", |text| text.as_str());
                Err(format!("error code {}: {message}", result.error_code))
            }
            None => Err("the answer names no topic".into()),
        })
    }

    /// The leaders of the partitions that the broker knows to have one.
    pub(super) fn partition_leaders(&mut self, topic: &str) -> io::Result<Vec<(i32, i32)>> {
        let asked = MetadataRequestTopic::default().with_name(Some(topic_name(topic)));
        let request = MetadataRequest::default().with_topics(Some(vec![asked]));
        let response: MetadataResponse = self.ask(ApiKey::Metadata, METADATA_VERSION, &request)?;
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        Ok(partitions
            .filter(|partition| partition.error_code == 0 && partition.leader_id.0 >= 0)
            .map(|partition| (partition.partition_index, partition.leader_id.0))
            .collect())
    }

    /// Only for versions without tagged fields, so that the headers are those of old.
    fn ask<T: Decodable>(
        &mut self,
        api_key: ApiKey,
        version: i16,
        request: &impl Encodable,
    ) -> io::Result<T> {
        self.correlation_id += 1;
        let header = RequestHeader::default()
            .with_request_api_key(api_key as i16)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("weft-probe")));
        let mut body = BytesMut::new();
        header.encode(&mut body, 1).map_err(malformed)?;
        request.encode(&mut body, version).map_err(malformed)?;
        let mut frame = BytesMut::new();
        frame.put_u32(u32::try_from(body.len()).map_err(io::Error::other)?);
        frame.extend_from_slice(&body);
        self.stream.write_all(&frame)?;

        let mut answer = self.read_frame()?;
        let header = ResponseHeader::decode(&mut answer, 0).map_err(malformed)?;
        if header.correlation_id != self.correlation_id {
            return Err(io::Error::other("the answer belongs to another request"));
        }
        T::decode(&mut answer, version).map_err(malformed)
    }

    fn read_frame(&mut self) -> io::Result<Bytes> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix)?;
        let length = (&prefix[..]).get_u32() as usize;
        if length > FRAME_BYTES_MAX {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }
}

fn topic_name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

fn malformed(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

/// The last version without tagged fields; every broker that can be started here speaks it.
const METADATA_VERSION: i16 = 8;

/// As for [`METADATA_VERSION`].
const CREATE_TOPICS_VERSION: i16 = 4;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a broker may take to tell what it knows; a paused one takes all of it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a broker may take to create a topic.
const CREATION_TIMEOUT: Duration = Duration::from_secs(15);

/// Answers about a test's cluster are small; anything larger is not from a broker.
const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
