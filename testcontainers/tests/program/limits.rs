//! The limits that can be said on the command line, each held by the program.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use weft_client::wire::Request;
use weft_client::wire::messages::ListGroupsRequest;

use crate::process::Program;
use crate::raw;

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn groups() -> Request {
    ListGroupsRequest::default().into()
}

#[test]
fn connections_beyond_the_limit_of_the_command_line_are_closed() {
    let mut program = Program::start(&["--connections-max", "3"]);
    let address = program.bootstrap().remove(0);
    let mut served: Vec<TcpStream> = (0..3).map(|_| connect(&address)).collect();
    for stream in &mut served {
        raw::ask_on(stream, 0, &groups()).unwrap();
    }

    let refused = raw::ask_on(&mut connect(&address), 0, &groups());

    let kind = refused.unwrap_err().kind();
    assert!(!TIMEOUTS.contains(&kind), "it was left waiting: {kind}");
    for stream in &mut served {
        raw::ask_on(stream, 0, &groups()).unwrap();
    }
}

#[test]
fn a_connection_that_keeps_more_than_the_command_line_allows_is_closed() {
    let mut program = Program::start(&["--buffered-bytes-max", "1048576"]);
    let address = program.bootstrap().remove(0);
    // A request of 64 MiB is announced, which is allowed, and half of it would arrive.
    let mut greedy = connect(&address);
    greedy.write_all(&(64_u32 << 20).to_be_bytes()).unwrap();
    let piece = vec![0; 1 << 20];

    let is_closed = (0..32).any(|_| greedy.write_all(&piece).is_err());

    // What the operating system still took is lost as well.
    let is_closed = is_closed
        || match greedy.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => !TIMEOUTS.contains(&error.kind()),
        };
    assert!(is_closed);
    raw::ask(&address, 0, &groups());
}

/// How a read ends that waited in vain.
const TIMEOUTS: [std::io::ErrorKind; 2] =
    [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];

const PATIENCE: Duration = Duration::from_secs(20);
