//! What the builder is told about addresses and witnesses, and the overviews that the handle gives.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use bytes::Bytes;
use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_testcontainers::mock::{MockCluster, MockError};

#[test]
fn a_taken_port_is_named_in_the_error() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();

    let started = MockCluster::builder().ports_from(port).start();

    let Err(error @ MockError::Io { .. }) = started else {
        panic!("it started");
    };
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
}

#[test]
fn clients_are_told_the_advertised_host() {
    let cluster = MockCluster::builder()
        .brokers(2)
        .listen_address(IpAddr::V4(Ipv4Addr::LOCALHOST))
        .advertised_host("localhost")
        .start()
        .unwrap();

    let [first, second] = [0, 1].map(|id| cluster.brokers()[id].port);
    let expected = format!("localhost:{first},localhost:{second}");
    assert_eq!(cluster.bootstrap(), expected);

    let nowhere = MockCluster::builder()
        .listen_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
        .start();
    assert!(matches!(nowhere, Err(MockError::Configuration { .. })));
}

#[test]
fn the_witness_hears_of_a_violation_when_it_happens() {
    let (sender, told) = channel();
    let cluster = MockCluster::builder()
        .on_violation(move |violation| sender.send(violation.to_owned()).unwrap())
        .start()
        .unwrap();
    let port = cluster.brokers()[0].port;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();

    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();

    let violation = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(cluster.violations(), [violation]);
    let _ = stream.read(&mut [0]);
    assert!(told.try_recv().is_err(), "it is told once");
}

#[test]
fn records_beyond_the_limit_are_refused_until_others_are_deleted() {
    let cluster = MockCluster::builder()
        .topic("orders", 1)
        .record_bytes_max(3_000)
        .start()
        .unwrap();
    let mut batch = BatchBuilder::new();
    batch.append(1, None, Some(&[7; 2_000]), &[]).unwrap();
    let batch: Bytes = batch
        .build(Compression::None, &mut Compressor::default())
        .unwrap();
    let config = ProducerConfig::builder().bootstrap_servers(cluster.bootstrap().as_str());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    let send = || {
        let record = ProducerRecord::to("orders").value(vec![7; 2_000]);
        producer.send(record).unwrap().wait()
    };
    cluster.append("orders", 0, batch.clone()).unwrap();

    let appended = cluster.append("orders", 0, batch);
    assert!(
        matches!(appended, Err(MockError::Refused { .. })),
        "{appended:?}"
    );
    assert!(send().is_err());

    cluster.delete_records_before("orders", 0, 1).unwrap();
    assert!(send().is_ok());
}

#[test]
fn an_overview_names_topics_and_groups_with_their_sizes() {
    let cluster = MockCluster::builder()
        .topic("orders", 2)
        .topic("events", 1)
        .start()
        .unwrap();
    let mut batch = BatchBuilder::new();
    for value in [b"first", b"other"] {
        batch.append(1, None, Some(value), &[]).unwrap();
    }
    let batch: Bytes = batch
        .build(Compression::None, &mut Compressor::default())
        .unwrap();
    cluster.append("orders", 0, batch.clone()).unwrap();
    cluster.append("orders", 1, batch).unwrap();
    cluster.delete_records_before("orders", 1, 1).unwrap();

    let topics: Vec<_> = cluster
        .topics()
        .into_iter()
        .map(|topic| (topic.name.to_string(), topic.partitions, topic.offsets))
        .collect();

    assert_eq!(
        topics,
        [("events".to_owned(), 1, 0), ("orders".to_owned(), 2, 3)]
    );
    assert_eq!(cluster.groups(), []);
    assert_eq!(cluster.requests_by_api(), []);
}
