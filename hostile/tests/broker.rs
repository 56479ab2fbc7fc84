//! Clients that mean harm to the embedded broker: whatever they send, it goes on serving others.

#![expect(
    clippy::disallowed_methods,
    reason = "hostile clients need sockets and a clock"
)]
#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use weft_client::admin::Admin;
use weft_client::backoff::Random;
use weft_client::{ClientConfig, TopicName};
use weft_hostile::mutation::mutate;
use weft_hostile::seeds;
use weft_testcontainers::mock::MockCluster;

/// A client that behaves: it asks for what hostile ones must not spoil.
struct GoodClient {
    admin: Admin,
    topic: TopicName,
}

impl GoodClient {
    fn of(cluster: &MockCluster) -> Self {
        let config = ClientConfig::builder()
            .bootstrap_servers(cluster.bootstrap())
            .build()
            .unwrap();
        Self {
            admin: Admin::new(config).unwrap(),
            topic: TopicName::from(KEPT),
        }
    }

    fn is_served(&mut self) {
        let topics = std::slice::from_ref(&self.topic);
        let described = self.admin.describe_topics(topics).unwrap();
        assert_eq!(described[&self.topic].partitions.len(), PARTITIONS);
    }
}

fn cluster() -> MockCluster {
    let builder = MockCluster::builder().brokers(2).topic(KEPT, PARTITIONS);
    builder.start().unwrap()
}

fn connect(cluster: &MockCluster, broker: usize) -> TcpStream {
    let broker = &cluster.brokers()[broker];
    let stream = TcpStream::connect((&*broker.host, broker.port)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends what the broker may have had enough of meanwhile.
fn send(stream: &mut TcpStream, bytes: &[u8]) {
    if let Err(error) = stream.write_all(bytes) {
        let is_closed = matches!(
            error.kind(),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
        );
        assert!(is_closed, "the broker stopped reading: {error}");
    }
}

/// Whether the broker closes the connection, and does so in time.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = [0; 4096];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn mutated_requests_of_all_kinds_leave_the_broker_serving() {
    let cluster = cluster();
    let mut good = GoodClient::of(&cluster);
    let requests = seeds::requests();
    let mut random = Random::new(SEED);
    for number in 0..CONNECTIONS {
        let mut stream = connect(&cluster, number % 2);
        for _ in 0..FRAMES_PER_CONNECTION {
            let seed = &requests[random.below(requests.len())];
            let frame = mutate(seed, &requests, FRAME_BYTES_MAX, &mut random);
            send(&mut stream, &(frame.len() as u32).to_be_bytes());
            send(&mut stream, &frame);
        }
        // A broken connection is as closed as can be.
        stream.shutdown(Shutdown::Write).ok();
        if number % 50 == 0 {
            good.is_served();
        }
    }
    good.is_served();
    assert_eq!(cluster.end_offset(KEPT, 0), Some(0), "nobody wrote to it");
}

#[test]
fn bytes_that_are_no_frames_end_their_connection() {
    let cluster = cluster();
    let mut good = GoodClient::of(&cluster);
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x7f\xff\xff\xff",
        b"\x80\x00\x00\x00",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x02\x00\x12",
    ] {
        let mut stream = connect(&cluster, 0);
        send(&mut stream, garbage);
        assert!(is_closed(&mut stream), "{garbage:02x?}");
        good.is_served();
    }
    assert!(!cluster.violations().is_empty(), "the broker tells of them");
}

#[test]
fn clients_that_never_finish_their_frames_hold_nobody_up() {
    let cluster = cluster();
    let mut good = GoodClient::of(&cluster);
    let mut idle: Vec<TcpStream> = (0..IDLE)
        .map(|number| {
            let mut stream = connect(&cluster, number % 2);
            // It announces the largest frame there is, and sends three bytes of it.
            stream.write_all(&[6, 0x3f, 0xff, 0xff, 0, 0, 0]).unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    good.is_served();
    for stream in &mut idle {
        send(stream, &[0]);
    }
    good.is_served();
    assert!(
        begun.elapsed() < PATIENCE,
        "the good client waits for nobody"
    );
}

#[test]
fn a_client_that_reads_no_answers_holds_nobody_up() {
    let cluster = cluster();
    let mut good = GoodClient::of(&cluster);
    let mut deaf = connect(&cluster, 0);
    deaf.set_nonblocking(true).unwrap();
    // ApiVersions v0, whose answer is many times as long.
    let request = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    let mut sent = 0;
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        match deaf.write(&request) {
            Ok(_) => sent += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("after {sent} requests: {error}"),
        }
        assert!(Instant::now() < give_up_at, "the broker reads without end");
    }
    good.is_served();
}

const KEPT: &str = "kept";
const PARTITIONS: usize = 3;
const SEED: u64 = 0xbad;
const CONNECTIONS: usize = 1_000;
const FRAMES_PER_CONNECTION: usize = 20;
const FRAME_BYTES_MAX: usize = 4096;
const IDLE: usize = 500;
/// Beyond any time that a broker may take.
const PATIENCE: Duration = Duration::from_secs(20);
