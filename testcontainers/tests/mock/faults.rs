//! Faults, orders, scripts and virtual time over TCP: what the pure core cannot show is whether the
//! sockets do what it says.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use weft_client::CorrelationId;
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::{FetchRequest, ListGroupsRequest, ProduceRequest, TopicName};
use weft_client::wire::{
    ApiKey, Request, RequestHead, Response, StrBytes, decode_exact_response, encode_exact_request,
};
use weft_testcontainers::mock::{
    Fault, FaultAction, MockCluster, MockClusterBuilder, MockError, Obeyed, Outcome, RequestFilter,
    script,
};

/// A connection that shows the bytes.
struct Wire(TcpStream);

impl Wire {
    fn to(cluster: &MockCluster, broker: usize) -> Self {
        let port = cluster.brokers()[broker].port;
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    fn send(&mut self, version: i16, request: impl Into<Request>) {
        let request = request.into();
        let head = RequestHead {
            api_key: request.api_key(),
            api_version: version,
            correlation_id: CorrelationId::new(7),
            client_id: Some(StrBytes::from_static_str("wire")),
        };
        let mut frame = BytesMut::new();
        encode_exact_request(&head, &request, &mut frame).unwrap();
        self.0.write_all(&frame).unwrap();
    }

    fn answer(&mut self, api_key: ApiKey, version: i16) -> Response {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut frame).unwrap();
        let decoded = decode_exact_response(api_key, version, frame.into());
        decoded.unwrap().1
    }

    fn ask_for_groups(&mut self) -> Response {
        self.send(5, ListGroupsRequest::default());
        self.answer(ApiKey::ListGroups, 5)
    }

    /// All bytes until the broker closes the connection.
    fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        rest
    }
}

fn builder() -> MockClusterBuilder {
    MockCluster::builder().brokers(2).topic("topic", 2)
}

fn batch() -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.append(1, None, Some(b"value"), &[]).unwrap();
    let mut compressor = Compressor::default();
    builder.build(Compression::None, &mut compressor).unwrap()
}

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str("topic"))
}

fn produce() -> ProduceRequest {
    let data = PartitionProduceData::default().with_records(Some(batch()));
    let topic = TopicProduceData::default()
        .with_name(topic())
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_topic_data(vec![topic])
}

fn fetch() -> FetchRequest {
    let partition = FetchPartition::default()
        .with_current_leader_epoch(-1)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default()
        .with_topic(topic())
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(30_000)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

fn is_still_waiting(cluster: &MockCluster, api_key: ApiKey) -> bool {
    cluster.received(api_key)[0].outcome == Outcome::Waiting
}

#[test]
fn half_a_frame_arrives_and_then_the_end() {
    let cluster = builder().start().unwrap();
    let mut whole = Wire::to(&cluster, 0);
    whole.send(5, ListGroupsRequest::default());
    let mut length = [0; 4];
    whole.0.read_exact(&mut length).unwrap();
    let fault = Fault::new(ApiKey::ListGroups, FaultAction::HalfFrame);
    let half = cluster.set_fault(fault).unwrap();

    let mut wire = Wire::to(&cluster, 0);
    wire.send(5, ListGroupsRequest::default());

    let bytes = wire.rest();
    assert_eq!(bytes[..4], length);
    assert_eq!(bytes.len(), (4 + u32::from_be_bytes(length) as usize) / 2);
    assert_eq!(half.counts().map(|counts| counts.hit), Some(1));
    assert_eq!(half.lift().map(|counts| counts.matched), Some(1));
    Wire::to(&cluster, 0).ask_for_groups();
}

#[test]
fn a_cut_after_serving_leaves_the_records_and_no_answer() {
    let cluster = builder().start().unwrap();
    let fault = Fault::new(ApiKey::Produce, FaultAction::CutAfter);
    cluster.set_fault(fault).unwrap();

    let mut wire = Wire::to(&cluster, 0);
    wire.send(9, produce());

    assert!(wire.rest().is_empty());
    assert_eq!(cluster.end_offset("topic", 0), Some(1));
}

#[test]
fn a_throttled_connection_is_not_read_from_for_that_time() {
    let cluster = builder().start().unwrap();
    let time = Duration::from_millis(200);
    let fault = Fault::new(ApiKey::ListGroups, FaultAction::Throttle(time));
    let fault = cluster.set_fault(fault).unwrap();
    let mut wire = Wire::to(&cluster, 0);
    let asked_at = Instant::now();
    let Response::ListGroups(answer) = wire.ask_for_groups() else {
        panic!("another answer");
    };
    assert_eq!(answer.throttle_time_ms, 200);
    fault.lift();

    wire.ask_for_groups();

    assert!(asked_at.elapsed() >= time);
}

#[test]
fn a_frozen_broker_accepts_and_answers_once_it_thaws() {
    let cluster = builder().start().unwrap();
    cluster.freeze_broker(0).unwrap();
    let mut wire = Wire::to(&cluster, 0);
    wire.send(5, ListGroupsRequest::default());
    Wire::to(&cluster, 1).ask_for_groups();
    assert_eq!(cluster.received(RequestFilter::any().broker(0)), []);

    thread::scope(|scope| {
        scope.spawn(|| cluster.thaw_broker(0).unwrap());
        wire.answer(ApiKey::ListGroups, 5);
    });
}

#[test]
fn a_test_waits_until_requests_have_come() {
    let cluster = builder().start().unwrap();
    let filter = || RequestFilter::api(ApiKey::ListGroups).client_id("wire");
    Wire::to(&cluster, 0).ask_for_groups();

    let found = thread::scope(|scope| {
        let waiting = scope.spawn(|| cluster.wait_for(filter(), 3, PATIENCE));
        Wire::to(&cluster, 0).ask_for_groups();
        Wire::to(&cluster, 1).ask_for_groups();
        waiting.join().unwrap().unwrap()
    });

    let brokers: Vec<i32> = found.iter().map(|request| request.broker.value()).collect();
    assert_eq!(brokers, [0, 0, 1]);
    let none = cluster.wait_for(filter(), 4, Duration::from_millis(1));
    let Err(MockError::TimedOut { found, wanted }) = none else {
        panic!("{none:?}");
    };
    assert_eq!((found, wanted), (3, 4));
}

#[test]
fn virtual_time_ends_delays_and_long_polls_only_when_it_is_moved() {
    let cluster = builder().virtual_time().start().unwrap();
    let hour = Duration::from_secs(3_600);
    let fault = Fault::new(ApiKey::ListGroups, FaultAction::DelayBefore(hour));
    cluster.set_fault(fault).unwrap();
    let mut delayed = Wire::to(&cluster, 0);
    delayed.send(5, ListGroupsRequest::default());
    let mut polling = Wire::to(&cluster, 0);
    polling.send(12, fetch());
    cluster.wait_for(RequestFilter::any(), 2, PATIENCE).unwrap();

    cluster.advance(Duration::from_millis(29_999)).unwrap();
    assert!(is_still_waiting(&cluster, ApiKey::Fetch));
    cluster.advance(Duration::from_millis(1)).unwrap();
    polling.answer(ApiKey::Fetch, 12);
    assert!(is_still_waiting(&cluster, ApiKey::ListGroups));
    cluster.advance(hour).unwrap();
    delayed.answer(ApiKey::ListGroups, 5);

    let request = &cluster.received(ApiKey::ListGroups)[0];
    let waited = request
        .ended_at
        .map(|ended_at| ended_at - request.received_at);
    assert_eq!(
        waited,
        Some(hour),
        "not at the end of the move, but in its time"
    );
}

#[test]
fn real_time_cannot_be_moved() {
    let cluster = builder().start().unwrap();
    let moved = cluster.advance(Duration::from_secs(1));
    assert!(matches!(moved, Err(MockError::Configuration { .. })));
    let cluster = builder().virtual_time().start().unwrap();
    let moved = cluster.advance(Duration::from_secs(366 * 24 * 60 * 60));
    assert!(matches!(moved, Err(MockError::Configuration { .. })));
}

#[test]
fn a_script_goes_by_the_time_of_the_cluster_and_tells_its_steps() {
    let cluster = builder().virtual_time().start().unwrap();
    let text = "kill 1\nafter 1h restart 1\non list-groups cut\nafter 2h lift 1\nafter 1h kill 9";
    let (tell, told) = channel();
    let script = script::parse(text).unwrap();
    let tell = move |step: &_| tell.send(format!("{step}")).unwrap();

    cluster.run_script(script, tell).unwrap();

    assert!(!cluster.is_alive(1));
    let steps: Vec<String> = told.try_iter().collect();
    assert_eq!(
        steps,
        [
            "line 1: kill 1: done",
            "line 3: on list-groups cut: fault 1 is set"
        ]
    );
    let mut wire = Wire::to(&cluster, 0);
    wire.send(5, ListGroupsRequest::default());
    assert!(wire.rest().is_empty());
    cluster.advance(Duration::from_secs(3 * 3_600)).unwrap();
    assert!(cluster.is_alive(1));
    Wire::to(&cluster, 1).ask_for_groups();
    let steps: Vec<String> = told.try_iter().collect();
    let expected = [
        "line 2: after 1h restart 1: done",
        "line 5: after 1h kill 9: refused: there is no broker 9",
        "line 4: after 2h lift 1: it matched 1 and hit 1",
    ];
    assert_eq!(steps, expected);
}

#[test]
fn a_script_goes_by_the_clock_unless_time_is_virtual() {
    let cluster = builder().start().unwrap();
    let (tell, told) = channel();
    let script = script::parse("after 10ms freeze 1").unwrap();

    let tell = move |step: &weft_testcontainers::mock::ScriptStep| {
        tell.send(step.outcome.clone()).unwrap();
    };
    cluster.run_script(script, tell).unwrap();

    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Ok(Obeyed::Done));
}

/// How long anything may take on a machine busy with other builds.
const PATIENCE: Duration = Duration::from_secs(60);
