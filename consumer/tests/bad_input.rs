//! Servers that are not Kafka, or not there: every call ends in bounded time, with an error that
//! says what was awaited and names the address.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "hostile sockets, and bounds on time, are the subject"
)]
#![expect(
    clippy::disallowed_types,
    reason = "a subscriber may be called by any thread"
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use weft_client::{Error, ErrorKind, TopicPartition};
use weft_consumer::{CloseOptions, Consumer, ConsumerConfig};

/// Serves every connection with `serve` until the process ends.
fn server(serve: fn(TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Reads until the other side is gone.
fn swallow(mut stream: TcpStream) {
    let mut bytes = [0; 1024];
    while stream.read(&mut bytes).is_ok_and(|count| count > 0) {}
}

/// Answers the first request with these bytes.
fn answer(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = [0; 1024];
    if stream.read(&mut request).is_ok() && stream.write_all(bytes).is_ok() {
        swallow(stream);
    }
}

fn http(stream: TcpStream) {
    answer(
        stream,
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
    );
}

fn huge_length(stream: TcpStream) {
    answer(stream, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]);
}

fn negative_length(stream: TcpStream) {
    answer(stream, &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1]);
}

fn hang_up(stream: TcpStream) {
    drop(stream);
}

/// An address at which nobody listens.
fn refused() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn consumer(address: &str) -> Consumer {
    let config = ConsumerConfig::builder()
        .bootstrap_servers(address)
        .group_id("g")
        .set("default.api.timeout.ms", "700")
        // A peer that says nothing is only found out by this.
        .set("request.timeout.ms", "400")
        .set("socket.connection.setup.timeout.ms", "400")
        .build()
        .unwrap();
    Consumer::new(config).unwrap()
}

/// Every call that waits fails in time, naming the address; a poll returns nothing in time.
fn every_call_names(address: &str) {
    let consumer = consumer(address);
    let partition = TopicPartition::new("orders", 3);
    let partitions = [partition.clone()].into();
    consumer.assign([partition.clone()]).unwrap();
    let polled = timed("poll", || consumer.poll(Duration::from_millis(500)));
    assert!(polled.unwrap().is_empty());
    type Waiting<'a> = (&'a str, Box<dyn Fn() -> Option<Error> + 'a>);
    let offsets = [(partition.clone(), weft_client::Offset::new(1).into())].into();
    let calls: [Waiting<'_>; 5] = [
        ("position", Box::new(|| consumer.position(&partition).err())),
        (
            "end_offsets",
            Box::new(|| consumer.end_offsets(&partitions).err()),
        ),
        (
            "partitions_for",
            Box::new(|| consumer.partitions_for(&"orders".into()).err()),
        ),
        (
            "committed",
            Box::new(|| consumer.committed(&partitions).err()),
        ),
        (
            "commit_sync",
            Box::new(|| consumer.commit_sync_offsets(&offsets).err()),
        ),
    ];
    for (name, call) in calls {
        let error = timed(name, call).unwrap_or_else(|| panic!("{name} succeeded"));
        let told = format!("{error:?}");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{name}: {told}");
        assert!(
            told.contains(address),
            "{name} does not name {address}: {told}"
        );
        assert!(
            told.contains("orders") || told.contains("\"g\"") || told.contains("group g"),
            "{name} does not say what was awaited: {told}"
        );
    }
    let options = CloseOptions::new().timeout(Duration::from_millis(500));
    timed("close", || consumer.close_with(options)).unwrap();
}

fn timed<T>(name: &str, call: impl FnOnce() -> T) -> T {
    let began_at = Instant::now();
    let outcome = call();
    let took = began_at.elapsed();
    assert!(took < BOUND, "{name} took {took:?}");
    outcome
}

#[test]
fn a_refused_port_is_named_by_every_call_that_waits() {
    every_call_names(&refused());
}

#[test]
fn a_silent_port_is_named_by_every_call_that_waits() {
    every_call_names(&server(swallow));
}

#[test]
fn a_port_that_hangs_up_is_named_by_every_call_that_waits() {
    every_call_names(&server(hang_up));
}

#[test]
fn a_web_server_is_named_by_every_call_that_waits() {
    every_call_names(&server(http));
}

#[test]
fn a_frame_longer_than_allowed_is_refused_and_its_sender_named() {
    every_call_names(&server(huge_length));
}

#[test]
fn a_frame_of_negative_length_is_refused_and_its_sender_named() {
    every_call_names(&server(negative_length));
}

/// Writes down the warnings of one thread.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                text.push_str(&format!("{field}={value:?} "));
            },
        );
        self.0.lock().unwrap().push(text);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn polls_that_reach_nobody_warn_once_and_name_the_address() {
    let address = refused();
    let warnings = Warnings::default();
    let consumer = consumer(&address);
    consumer.assign([TopicPartition::new("orders", 3)]).unwrap();
    tracing::subscriber::with_default(warnings.clone(), || {
        // Long enough for several attempts: the first pauses between them are 50 and 100 ms.
        assert!(
            consumer
                .poll(Duration::from_millis(500))
                .unwrap()
                .is_empty()
        );
    });
    let warnings = warnings.0.lock().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(&address), "{warnings:?}");
}

/// Well above every timeout in here, well below what would be felt as hanging.
const BOUND: Duration = Duration::from_secs(4);
