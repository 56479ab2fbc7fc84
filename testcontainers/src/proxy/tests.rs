//! The proxy with sockets, in front of a server that says back what it hears.

#![expect(
    clippy::disallowed_methods,
    reason = "sockets, threads and bounds on time are the subject"
)]

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::{Direction, Impairment, Proxy};

/// Much longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that says back what it hears, for as long as the process lives.
fn proxied_echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut from = stream.try_clone().unwrap();
                io::copy(&mut from, &mut &stream).ok();
            });
        }
    });
    Proxy::start(address, 7).unwrap()
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn say(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).unwrap();
    heard
}

/// Whether the connection was closed before it said anything.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn everything_passes_and_the_end_too() {
    let proxy = proxied_echo();
    let mut stream = connect(&proxy);
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut sender = stream.try_clone().unwrap();
    let sent = bytes.clone();
    let sending = thread::spawn(move || {
        sender.write_all(&sent).unwrap();
        sender.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    sending.join().unwrap();
    assert!(heard == bytes, "{} of {} bytes", heard.len(), bytes.len());
    assert_eq!(proxy.bytes(Direction::ToServer), 3_000_000);
    assert_eq!(proxy.bytes(Direction::ToClient), 3_000_000);
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn a_delay_is_felt_and_ends() {
    let proxy = proxied_echo();
    let mut stream = connect(&proxy);
    say(&mut stream, b"quick");
    let delay = Duration::from_millis(300);
    proxy.impair(Direction::ToClient, Impairment::none().delay(delay));
    let began_at = Instant::now();
    assert_eq!(say(&mut stream, b"slow"), b"slow");
    assert!(began_at.elapsed() >= delay);
    proxy.heal();
    assert_eq!(say(&mut stream, b"quick"), b"quick");
}

#[test]
fn a_silent_line_delivers_later_what_was_said() {
    let proxy = proxied_echo();
    let mut stream = connect(&proxy);
    say(&mut stream, b"hello");
    proxy.impair(Direction::ToServer, Impairment::none().silent());
    stream.write_all(b"anybody?").unwrap();
    let moment = Duration::from_millis(200);
    stream.set_read_timeout(Some(moment)).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    proxy.heal();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heard = [0; 8];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"anybody?");
}

#[test]
fn a_cut_ends_connections_and_new_ones_can_be_made() {
    let proxy = proxied_echo();
    let mut stream = connect(&proxy);
    say(&mut stream, b"hello");
    proxy.cut();
    assert!(is_closed(&mut stream));
    let mut again = connect(&proxy);
    assert_eq!(say(&mut again, b"again"), b"again");
    let cut = Impairment::none().cut_after(8);
    proxy.impair(Direction::ToClient, cut);
    again.write_all(b"12345").unwrap();
    let mut heard = Vec::new();
    again.read_to_end(&mut heard).ok();
    assert_eq!(heard, b"123", "five bytes had passed before");
}

#[test]
fn refused_connections_are_closed_and_the_others_stay() {
    let proxy = proxied_echo();
    let mut stream = connect(&proxy);
    say(&mut stream, b"hello");
    proxy.refuse();
    // Until it has heard of it, one may still get in.
    let began_at = Instant::now();
    loop {
        let mut other = connect(&proxy);
        other
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        if is_closed(&mut other) {
            break;
        }
        assert!(began_at.elapsed() < PATIENCE, "it never refused");
    }
    assert_eq!(say(&mut stream, b"still here"), b"still here");
    proxy.heal();
    assert_eq!(say(&mut connect(&proxy), b"back"), b"back");
}

#[test]
fn bits_are_turned_on_the_way() {
    let proxy = proxied_echo();
    let mut stream = connect(&proxy);
    say(&mut stream, b"hello");
    proxy.impair(Direction::ToClient, Impairment::none().corrupt_every(1_000));
    // The first bytes may pass before it has heard of it.
    let began_at = Instant::now();
    while say(&mut stream, &[0; 10_000]) == [0; 10_000] {
        assert!(began_at.elapsed() < PATIENCE, "nothing was turned");
    }
}

#[test]
fn a_proxy_that_is_dropped_closes_its_port_and_a_missing_server_its_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::start(address, 7).unwrap();
    assert!(is_closed(&mut connect(&proxy)));
    let port = proxy.port();
    drop(proxy);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
