//! Weft's own network client against the mock: ports, connections, faults, and how fast it is.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::net::{Lane, NetworkClient, NetworkEvent, OutboundRequest, RequestToken};
use weft_client::record::{BatchBuilder, Batches, Compression, Compressor};
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::{
    FetchRequest, FindCoordinatorRequest, ListGroupsRequest, MetadataRequest, TopicName,
};
use weft_client::wire::{ApiKey, ErrorCode, Request, Response, StrBytes};
use weft_client::{Broker, ClientConfig, NodeId};
use weft_testcontainers::mock::{MockCluster, MockError};

struct Client {
    network: NetworkClient,
    tokens: u64,
    settled: VecDeque<(u64, Result<Response, String>)>,
}

impl Client {
    fn new() -> Self {
        let config = ClientConfig::builder()
            .bootstrap_servers("localhost:9092")
            .build()
            .unwrap();
        Self {
            network: NetworkClient::new(&config).unwrap(),
            tokens: 0,
            settled: VecDeque::new(),
        }
    }

    fn send(&mut self, broker: &Broker, lane: Lane, request: impl Into<Request>) -> u64 {
        self.tokens += 1;
        let request = OutboundRequest {
            token: RequestToken::new(self.tokens),
            broker: Arc::new(broker.clone()),
            lane,
            request: request.into(),
            timeout: PATIENCE,
        };
        self.network.send(Instant::now(), request);
        self.tokens
    }

    /// Waits for the outcome of the request that is settled next.
    fn next(&mut self) -> (u64, Result<Response, String>) {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            if let Some(settled) = self.settled.pop_front() {
                return settled;
            }
            assert!(Instant::now() < give_up_at, "nothing is answered");
            self.poll(Duration::from_millis(100));
        }
    }

    fn poll(&mut self, timeout: Duration) {
        let mut events = Vec::new();
        self.network.poll(timeout, &mut events);
        let settled = events.into_iter().filter_map(|event| match event {
            NetworkEvent::Response {
                token, response, ..
            } => Some((token.value(), Ok(response))),
            NetworkEvent::Failed { token, error } => Some((token.value(), Err(error.to_string()))),
            _ => None,
        });
        self.settled.extend(settled);
    }

    fn ask(&mut self, broker: &Broker, request: impl Into<Request>) -> Result<Response, String> {
        let token = self.send(broker, Lane::General, request);
        let (answered, outcome) = self.next();
        assert_eq!(answered, token);
        outcome
    }

    fn metadata(&mut self, broker: &Broker) -> weft_client::wire::messages::MetadataResponse {
        let request = MetadataRequest::default()
            .with_topics(None)
            .with_allow_auto_topic_creation(true);
        match self.ask(broker, request) {
            Ok(Response::Metadata(response)) => response,
            other => panic!("{other:?}"),
        }
    }
}

fn start(brokers: usize) -> MockCluster {
    MockCluster::builder()
        .brokers(brokers)
        .topic("topic", 3)
        .start()
        .unwrap()
}

/// One batch of records of 100 bytes.
fn batch(records: usize) -> Bytes {
    let mut builder = BatchBuilder::new();
    for _ in 0..records {
        builder.append(1, None, Some(&[7; 100]), &[]).unwrap();
    }
    builder
        .build(Compression::None, &mut Compressor::default())
        .unwrap()
}

fn fetch(topic_id: uuid::Uuid, partition: i32, offset: i64) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(offset)
        .with_current_leader_epoch(-1)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default()
        .with_topic(TopicName(StrBytes::from_static_str("topic")))
        .with_topic_id(topic_id)
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(30_000)
        .with_min_bytes(1)
        .with_max_bytes(50 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

fn topic_id(client: &mut Client, broker: &Broker) -> uuid::Uuid {
    client.metadata(broker).topics[0].topic_id
}

#[test]
fn a_long_poll_holds_back_its_own_connection_only() {
    let cluster = start(1);
    let broker = &cluster.brokers()[0];
    let mut client = Client::new();
    let topic_id = topic_id(&mut client, broker);

    let poll = client.send(broker, Lane::Fetch, fetch(topic_id, 0, 0));
    let behind = client.send(broker, Lane::Fetch, ListGroupsRequest::default());
    assert!(client.ask(broker, ListGroupsRequest::default()).is_ok());
    assert_eq!(cluster.append("topic", 0, batch(3)).unwrap(), 0);

    let (first, answer) = client.next();
    assert_eq!(first, poll);
    let Ok(Response::Fetch(answer)) = answer else {
        panic!("{answer:?}");
    };
    let records = answer.responses[0].partitions[0].records.clone().unwrap();
    let read = Batches::new(records).next().unwrap().unwrap();
    assert_eq!(read.header().record_count(), 3);
    assert_eq!(client.next().0, behind);
    assert_eq!(cluster.requests(ApiKey::ListGroups), 2);
    assert_eq!(cluster.violations(), Vec::<String>::new());
}

#[test]
fn a_killed_broker_hangs_up_and_comes_back_at_its_port() {
    let cluster = start(2);
    let [first, second] = [0, 1].map(|id| cluster.brokers()[id].clone());
    let mut client = Client::new();
    let partitions = |client: &mut Client| {
        let metadata = client.metadata(&first);
        let brokers: Vec<i32> = metadata.brokers.iter().map(|it| it.node_id.0).collect();
        let partition = &metadata.topics[0].partitions[1];
        (brokers, partition.leader_id.0, partition.leader_epoch)
    };
    assert_eq!(partitions(&mut client), (vec![0, 1], 1, 0));
    client.send(&second, Lane::General, ListGroupsRequest::default());
    client.next().1.unwrap();
    let topic_id = topic_id(&mut client, &first);
    client.send(&second, Lane::General, fetch(topic_id, 1, 0));
    while cluster.requests(ApiKey::Fetch) == 0 {
        client
            .network
            .poll(Duration::from_millis(1), &mut Vec::new());
    }

    cluster.kill_broker(1).unwrap();

    assert!(client.next().1.is_err(), "the connection is cut");
    assert!(TcpStream::connect(("127.0.0.1", second.port)).is_err());
    assert_eq!(partitions(&mut client), (vec![0], 0, 1));
    assert_eq!(cluster.leader("topic", 1), Some(NodeId::new(0)));

    cluster.restart_broker(1).unwrap();
    cluster.restart_broker(1).unwrap();
    assert_eq!(partitions(&mut client), (vec![0, 1], 0, 1));
    assert!(client.ask(&second, ListGroupsRequest::default()).is_ok());
    let unknown = cluster.kill_broker(7);
    assert!(matches!(unknown, Err(MockError::UnknownBroker(_))));
}

#[test]
fn ordered_faults_reach_the_client() {
    let cluster = start(1);
    let broker = &cluster.brokers()[0];
    let mut client = Client::new();
    let find = || {
        let key = StrBytes::from_static_str("group");
        FindCoordinatorRequest::default().with_coordinator_keys(vec![key])
    };
    let error = |answer: Result<Response, String>| match answer {
        Ok(Response::FindCoordinator(answer)) => ErrorCode(answer.coordinators[0].error_code),
        other => panic!("{other:?}"),
    };
    let refusal = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
    cluster.fail_next(ApiKey::FindCoordinator, refusal, 1);
    assert_eq!(error(client.ask(broker, find())), refusal);

    cluster.drop_connection_on_next(ApiKey::FindCoordinator);
    assert!(client.ask(broker, find()).is_err());

    let delay = Duration::from_millis(200);
    cluster.delay_next(ApiKey::FindCoordinator, delay, 1);
    let asked_at = Instant::now();
    assert_eq!(error(client.ask(broker, find())), ErrorCode::NONE);
    assert!(asked_at.elapsed() >= delay);
    assert_eq!(cluster.requests(ApiKey::FindCoordinator), 3);
}

#[test]
fn bytes_that_are_no_kafka_end_the_connection_and_nothing_else() {
    let cluster = start(1);
    let broker = &cluster.brokers()[0];
    for hostile in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 64],
        &[0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 9],
        &[0, 0, 0, 4, 0, 3, 0, 9],
        &[0, 0, 0, 0],
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", broker.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(hostile).unwrap();
        let mut rest = Vec::new();
        match stream.read_to_end(&mut rest) {
            Ok(_) => assert!(rest.is_empty(), "{rest:?}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
    assert_eq!(cluster.violations().len(), 5);
    assert_eq!(Client::new().metadata(broker).topics.len(), 1);
}

#[test]
fn what_is_appended_must_be_whole_batches() {
    let cluster = start(1);
    let two: Bytes = [batch(2), batch(3)].concat().into();
    assert_eq!(cluster.append("topic", 2, two.clone()).unwrap(), 0);
    assert_eq!(cluster.append("topic", 2, two.clone()).unwrap(), 5);
    assert_eq!(cluster.end_offset("topic", 2), Some(10));
    let cut = cluster.append("topic", 2, two.slice(..two.len() - 1));
    assert!(matches!(cut, Err(MockError::NoBatch { .. })), "{cut:?}");
    let mut corrupt = two.to_vec();
    corrupt[80] ^= 1;
    let corrupt = cluster.append("topic", 2, corrupt.into());
    assert!(matches!(corrupt, Err(MockError::Records(_))), "{corrupt:?}");
    assert_eq!(cluster.end_offset("topic", 2), Some(10));
    let unknown = cluster.append("topic", 9, two);
    assert!(
        matches!(unknown, Err(MockError::UnknownPartition { .. })),
        "{unknown:?}"
    );
    cluster.delete_records_before("topic", 2, 7).unwrap();
    assert!(cluster.delete_records_before("topic", 2, 11).is_err());
}

#[test]
fn a_dropped_cluster_leaves_no_port_open() {
    let cluster = start(3);
    let ports: Vec<u16> = cluster.brokers().iter().map(|broker| broker.port).collect();
    let mut stream = TcpStream::connect(("127.0.0.1", ports[0])).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();

    drop(cluster);

    assert_eq!(stream.read(&mut [0]).unwrap_or_default(), 0);
    for port in ports {
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

#[test]
fn clusters_that_cannot_be_are_refused() {
    let without_brokers = MockCluster::builder().brokers(0).start();
    assert!(matches!(
        without_brokers,
        Err(MockError::Configuration { .. })
    ));
    let twice = MockCluster::builder().topic("t", 1).topic("t", 1).start();
    let Err(MockError::Refused { code, .. }) = twice else {
        panic!("it started");
    };
    assert_eq!(code, ErrorCode::TOPIC_ALREADY_EXISTS);
}

/// Fetches a million records of 100 bytes and prints how long it took; never fails for the time.
#[test]
fn a_million_records_are_fetched_in_order() {
    let cluster = start(1);
    let broker = &cluster.brokers()[0];
    let many = batch(150);
    for _ in 0..MANY / 150 {
        cluster.append("topic", 0, many.clone()).unwrap();
    }
    let mut client = Client::new();
    let topic_id = topic_id(&mut client, broker);
    let (began_at, mut offset, mut bytes) = (Instant::now(), 0, 0);
    while offset < cluster.end_offset("topic", 0).unwrap() {
        let answer = client.ask(broker, fetch(topic_id, 0, offset));
        let Ok(Response::Fetch(answer)) = answer else {
            panic!("{answer:?}");
        };
        let records = answer.responses[0].partitions[0].records.clone().unwrap();
        bytes += records.len();
        for batch in Batches::new(records) {
            let batch = batch.unwrap();
            assert_eq!(batch.header().base_offset().value(), offset);
            offset = batch.header().next_offset().value();
        }
    }
    let seconds = began_at.elapsed().as_secs_f64();
    println!("{offset} records, {bytes} bytes in {seconds:.3} s, client included");
    assert_eq!(offset, MANY / 150 * 150);
}

const MANY: i64 = 1_000_000;

/// How long anything may take on a machine busy with other builds.
const PATIENCE: Duration = Duration::from_secs(60);
