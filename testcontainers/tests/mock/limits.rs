//! What the cluster does about more connections than it may have, and about more bytes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use weft_client::wire::Request;
use weft_client::wire::messages::{ListGroupsRequest, MetadataRequest};
use weft_testcontainers::mock::{MockCluster, MockClusterBuilder, MockError};

use super::raw;

fn connect(cluster: &MockCluster) -> TcpStream {
    let stream = TcpStream::connect(cluster.bootstrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Whether a question on this connection is answered; otherwise it is closed.
fn is_served(stream: &mut TcpStream) -> bool {
    let groups = Request::from(ListGroupsRequest::default());
    let asked = raw::ask_on(stream, 0, &groups);
    if let Err(error) = &asked {
        let is_timeout = matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        );
        assert!(!is_timeout, "neither served nor closed");
    }
    asked.is_ok()
}

/// Waits until a new connection is served.
fn wait_for_a_place(cluster: &MockCluster) -> TcpStream {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let mut stream = connect(cluster);
        if is_served(&mut stream) {
            return stream;
        }
        assert!(Instant::now() < give_up_at, "no place becomes free");
    }
}

#[test]
fn connections_beyond_the_limit_are_closed_and_the_others_go_on() {
    let cluster = MockCluster::builder().connections_max(10).start().unwrap();
    let mut served: Vec<TcpStream> = (0..10).map(|_| connect(&cluster)).collect();
    assert!(served.iter_mut().all(is_served));

    for _ in 0..200 {
        assert!(!is_served(&mut connect(&cluster)));
    }
    assert!(served.iter_mut().all(is_served));

    // Two end, and two others find a place.
    served.truncate(8);
    served.push(wait_for_a_place(&cluster));
    served.push(wait_for_a_place(&cluster));
    assert!(!is_served(&mut connect(&cluster)));
    assert!(served.iter_mut().all(is_served));
    assert_eq!(cluster.violations(), [""; 0]);
}

#[test]
fn the_greediest_connections_are_closed_if_all_keep_too_many_bytes() {
    let cluster = MockCluster::builder()
        .buffered_bytes_max(4 << 20)
        .start()
        .unwrap();
    let mut modest = connect(&cluster);
    assert!(is_served(&mut modest));
    // Half of a small request waits for its other half, through all that follows.
    let mut patient = connect(&cluster);
    let request = raw::encoded(0, &Request::from(ListGroupsRequest::default()));
    let (half, rest) = request.split_at(request.len() / 2);
    patient.write_all(half).unwrap();

    for _ in 0..8 {
        let mut greedy = connect(&cluster);
        // A request of 64 MiB is announced, and begins to arrive.
        greedy.write_all(&(64_u32 << 20).to_be_bytes()).unwrap();
        let piece = vec![0; 64 << 10];
        let is_closed = (0..128).any(|_| greedy.write_all(&piece).is_err());
        // What the system still took is lost as well.
        let is_closed = is_closed || !matches!(greedy.read(&mut [0]), Ok(1));
        assert!(is_closed);
        assert!(is_served(&mut modest));
    }
    patient.write_all(rest).unwrap();
    assert!(raw::receive(&mut patient).is_ok());
}

#[test]
fn many_connections_that_keep_little_are_too_much_together() {
    let cluster = MockCluster::builder()
        .buffered_bytes_max(1 << 20)
        .start()
        .unwrap();
    let mut half_sent: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = connect(&cluster);
            stream.write_all(&(1_u32 << 20).to_be_bytes()).unwrap();
            // It may be closed over this.
            stream.write_all(&vec![0; 64 << 10]).ok();
            stream
        })
        .collect();
    let mut modest = wait_for_a_place(&cluster);
    let closed = half_sent
        .iter_mut()
        .filter_map(|stream| {
            stream
                .set_read_timeout(Some(Duration::from_millis(100)))
                .ok()?;
            let read = stream.read(&mut [0]);
            let is_open = read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
            (!is_open).then_some(())
        })
        .count();
    // Sixteen of them fit.
    assert!((24..40).contains(&closed), "{closed} were closed");
    assert!(is_served(&mut modest));
}

#[test]
fn a_cluster_that_may_serve_nobody_cannot_start() {
    let refused = |builder: MockClusterBuilder| {
        matches!(builder.start(), Err(MockError::Configuration { .. }))
    };
    assert!(refused(MockCluster::builder().connections_max(0)));
    assert!(refused(MockCluster::builder().buffered_bytes_max(0)));
}

#[test]
fn small_answers_that_are_read_late_arrive() {
    let cluster = MockCluster::builder()
        .topic("topic", 1)
        .buffered_bytes_max(1 << 20)
        .start()
        .unwrap();
    // Metadata of all topics, asked for often and never read: each answer is small.
    let mut stream = connect(&cluster);
    let request = Request::from(MetadataRequest::default().with_topics(None));
    for _ in 0..1_000 {
        stream.write_all(&raw::encoded(9, &request)).unwrap();
    }
    for _ in 0..1_000 {
        raw::receive(&mut stream).unwrap();
    }
    assert_eq!(cluster.violations(), [""; 0]);
}

const PATIENCE: Duration = Duration::from_secs(20);
