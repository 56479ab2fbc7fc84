//! What an administrator is told when the address it was given does not belong to a broker: within
//! the time of the call, with the address, and with what the other end turned out to be.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about sockets, other threads and real time"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot have its peer has failed"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use weft_client::admin::{Admin, NewTopic};
use weft_client::{ClientConfig, Error, ErrorKind};

/// The time of each call.
const CALL_TIMEOUT: Duration = Duration::from_millis(700);
/// What a slow machine may add to it.
const GRACE: Duration = Duration::from_secs(10);

/// Listens on a port of the system's choice and treats every connection as `script` says, for as
/// long as the test process lives.
fn peer(script: impl Fn(&mut TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::Builder::new()
        .name("bad peer".to_owned())
        .spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                script(&mut stream);
                kept.push(stream);
            }
        })
        .unwrap();
    address
}

/// Answers the first bytes of a request with `answer`.
fn answering(answer: &'static [u8]) -> SocketAddr {
    peer(move |stream| {
        let mut request = [0; 4];
        if stream.read_exact(&mut request).is_ok() {
            // The client may have gone already; then it has seen enough.
            let _ = stream.write_all(answer);
        }
    })
}

/// The error with which creating a topic fails, after checking that it came in time and names the
/// address.
fn failure(address: SocketAddr) -> Error {
    let config = ClientConfig::builder()
        .bootstrap_servers(address.to_string().as_str())
        .default_api_timeout(CALL_TIMEOUT)
        .build()
        .unwrap();
    let mut admin = Admin::new(config).unwrap();
    let began_at = Instant::now();
    let error = admin.create_topic(&NewTopic::new("t", 1)).unwrap_err();
    let took = began_at.elapsed();
    assert!(took < CALL_TIMEOUT + GRACE, "took {took:?}");
    let text = error.to_string();
    assert!(text.contains(&address.to_string()), "no address in: {text}");
    assert!(text.starts_with("CreateTopics"), "no API in: {text}");
    error
}

fn check(address: SocketAddr, kind: ErrorKind, hint: &str) {
    let error = failure(address);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(hint), "no hint in: {error}");
}

#[test]
fn a_refused_port_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    check(address, ErrorKind::Disconnected, "refused");
}

#[test]
fn a_port_on_which_nobody_speaks_is_named() {
    let hint = "is a Kafka broker listening there?";
    check(peer(|_| ()), ErrorKind::Timeout, hint);
}

#[test]
fn an_http_server_is_recognized() {
    let address = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    check(address, ErrorKind::MalformedResponse, "HTTP");
}

#[test]
fn a_length_that_cannot_be_is_told() {
    let address = answering(&[0xff, 0xff, 0xff, 0xfe, 1, 2, 3]);
    check(address, ErrorKind::MalformedResponse, "frame of -2 bytes");
}

#[test]
fn an_answer_that_is_no_answer_is_told() {
    let address = answering(&[0, 0, 0, 4, 9, 9, 9, 9]);
    check(address, ErrorKind::MalformedResponse, "answered request");
}

#[test]
fn a_peer_that_hangs_up_is_told() {
    let address = peer(|stream| {
        let mut request = [0; 4];
        let _ = stream.read_exact(&mut request);
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    check(address, ErrorKind::Disconnected, "closed the connection");
}

#[test]
fn a_name_without_address_is_told() {
    let config = ClientConfig::builder()
        .bootstrap_servers("no-such-host.invalid:9092")
        .default_api_timeout(CALL_TIMEOUT)
        .build()
        .unwrap();
    let error = Admin::new(config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error.to_string().contains("no-such-host.invalid:9092"),
        "{error}"
    );
}
