//! What a producer tells when the cluster cannot be reached: in time, and with the address.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about sockets, other threads and real time"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot have its port has failed"
)]

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use weft_client::ErrorKind;
use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};

/// The time that sending may block.
const MAX_BLOCK: Duration = Duration::from_millis(500);
/// What a slow machine may add to it.
const GRACE: Duration = Duration::from_secs(10);

fn unused_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn producer(address: SocketAddr) -> Producer {
    let config = ProducerConfig::builder()
        .bootstrap_servers(address.to_string().as_str())
        .max_block(MAX_BLOCK)
        .build()
        .unwrap();
    Producer::new(config).unwrap()
}

#[test]
fn sending_blocks_no_longer_than_allowed_and_names_the_address() {
    let address = unused_address();
    let producer = producer(address);
    let began_at = Instant::now();
    let error = producer.send(ProducerRecord::to("t")).unwrap_err();
    let took = began_at.elapsed();
    assert!(
        (MAX_BLOCK..MAX_BLOCK + GRACE).contains(&took),
        "took {took:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let text = error.to_string();
    assert!(text.contains("topic t was not found"), "{text}");
    assert!(text.contains(&address.to_string()), "no address in: {text}");
    assert!(text.contains("refused"), "no reason in: {text}");
}

#[test]
fn closing_and_flushing_a_producer_without_cluster_end_at_once() {
    let producer = producer(unused_address());
    let began_at = Instant::now();
    producer.flush(Duration::from_secs(60)).unwrap();
    producer.close(Duration::from_secs(60)).unwrap();
    assert!(began_at.elapsed() < GRACE);
}

#[test]
fn a_partition_below_zero_is_refused() {
    let producer = producer(unused_address());
    let error = producer.send_and_forget(ProducerRecord::to("t").partition(-1));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::IllegalArgument);
}
