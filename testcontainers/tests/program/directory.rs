//! The program with a directory: `kill -9` loses nothing that was acknowledged, and clients that
//! are still there go on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weft_client::producer::{
    DeliveryHandle, Producer, ProducerConfig, ProducerRecord, RecordMetadata,
};
use weft_client::{Offset, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig};
use weft_testcontainers::mock::MockCluster;

use crate::process::{Program, command, signal};
use crate::temporary::Temporary;

const PATIENCE: Duration = Duration::from_secs(60);

fn text(directory: &Temporary) -> &str {
    directory.path().to_str().unwrap()
}

fn start(directory: &Temporary, arguments: &[&str]) -> Program {
    let kept = ["--topic", "orders:3", "--directory", text(directory)];
    Program::start(&[&kept[..], arguments].concat())
}

fn consumer(bootstrap: &str) -> Consumer {
    let config = ConsumerConfig::builder()
        .bootstrap_servers(bootstrap)
        .group_id("group")
        .enable_auto_commit(false)
        .set("auto.offset.reset", "earliest")
        .build();
    Consumer::new(config.unwrap()).unwrap()
}

/// Every record of the topic, by partition and offset.
fn all_records(cluster: &MockCluster) -> BTreeMap<(i32, i64), String> {
    let consumer = consumer(&cluster.bootstrap());
    let partitions: Vec<_> = (0..3)
        .map(|index| TopicPartition::new("orders", index))
        .collect();
    consumer.assign(partitions.clone()).unwrap();
    for partition in &partitions {
        consumer.seek(partition, Offset::ZERO).unwrap();
    }
    let ends = (0..3).map(|index| cluster.end_offset("orders", index).unwrap());
    let expected = usize::try_from(ends.sum::<i64>()).unwrap();
    let give_up_at = Instant::now() + PATIENCE;
    let mut records = BTreeMap::new();
    while records.len() < expected {
        assert!(
            Instant::now() < give_up_at,
            "{} of {expected}",
            records.len()
        );
        for record in &consumer.poll(Duration::from_millis(100)).unwrap() {
            let place = (record.partition(), record.offset().value());
            let value = String::from_utf8(record.value().unwrap().to_vec()).unwrap();
            records.insert(place, value);
        }
    }
    records
}

#[test]
fn what_was_acknowledged_is_there_after_kill_9() {
    let directory = Temporary::new();
    let mut program = start(&directory, &[]);
    let bootstrap = program.bootstrap().remove(0);
    let config = ProducerConfig::builder().bootstrap_servers(bootstrap.as_str());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    let acknowledged: Arc<Mutex<Vec<(RecordMetadata, String)>>> = Arc::default();
    let send = |number: usize| {
        let value = format!("value {number}");
        let record = ProducerRecord::to("orders")
            .key(number.to_string())
            .value(value.clone());
        let acknowledged = Arc::clone(&acknowledged);
        let told = move |outcome| {
            if let Ok(metadata) = outcome {
                acknowledged.lock().unwrap().push((metadata, value));
            }
        };
        producer.send_with(record, told).unwrap();
    };
    let mut sent = 0;
    let give_up_at = Instant::now() + PATIENCE;
    while acknowledged.lock().unwrap().len() < 2_000 {
        assert!(Instant::now() < give_up_at, "nothing is acknowledged");
        (0..100).for_each(|_| {
            send(sent);
            sent += 1;
        });
    }

    signal(&program, "KILL");
    assert_eq!(program.end().code, None);

    let cluster = MockCluster::builder().directory(directory.path());
    let cluster = cluster.start().unwrap();
    let kept = all_records(&cluster);
    let acknowledged = acknowledged.lock().unwrap().clone();
    for (metadata, value) in &acknowledged {
        let place = (
            metadata.topic_partition.partition(),
            metadata.offset.unwrap().value(),
        );
        assert_eq!(kept.get(&place), Some(value), "{place:?}");
    }
    let distinct: BTreeSet<&String> = kept.values().collect();
    assert_eq!(distinct.len(), kept.len(), "nothing is there twice");
}

#[test]
fn a_consumer_rides_through_kill_9_without_a_rebalance() {
    let directory = Temporary::new();
    let mut program = start(&directory, &["--prompt"]);
    let bootstrap = program.bootstrap().remove(0);
    let port = bootstrap.rsplit(':').next().unwrap();
    let config = ProducerConfig::builder().bootstrap_servers(bootstrap.as_str());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    let send = |value: &str| {
        let record = ProducerRecord::to("orders").value(value.to_owned());
        producer.send(record).unwrap().wait().unwrap();
    };
    let consumer = consumer(&bootstrap);
    consumer.subscribe(["orders"]).unwrap();
    let next = || {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < give_up_at, "nothing is consumed");
            let records = consumer.poll(Duration::from_millis(100)).unwrap();
            if let Some(record) = (&records).into_iter().next() {
                return record.value().unwrap().to_vec();
            }
        }
    };
    send("before");
    assert_eq!(next(), b"before");
    consumer.commit_sync().unwrap();
    let membership = consumer.group_metadata().unwrap();

    signal(&program, "KILL");
    program.end();
    let mut program = start_again(&directory, port);

    send("after");
    assert_eq!(next(), b"after");
    consumer.commit_sync().unwrap();
    assert_eq!(consumer.group_metadata().unwrap(), membership);
    assert_eq!(program.ask("topics"), ["orders partitions=3 offsets=2"]);
    let groups = program.ask("groups");
    assert!(groups[0].contains("generation=1 members=1"), "{groups:?}");
}

/// The port may be taken for a moment by whatever else runs on this machine.
fn start_again(directory: &Temporary, port: &str) -> Program {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let mut program = start(directory, &["--prompt", "--port", port]);
        if let Some(line) = program.try_line() {
            assert!(line.starts_with("bootstrap.servers="), "{line}");
            return program;
        }
        let ended = program.end();
        assert!(Instant::now() < give_up_at, "{ended:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_second_program_is_refused_the_directory() {
    let directory = Temporary::new();
    let mut first = start(&directory, &[]);
    first.bootstrap();

    let ended = start(&directory, &[]).end_soon();

    assert_eq!(ended.code, Some(3), "{ended:?}");
    let owner = format!("process {} uses it", first.id());
    assert!(ended.errors.contains(&owner), "{ended:?}");
}

#[test]
fn a_torn_journal_is_told_and_a_damaged_one_refused() {
    let directory = Temporary::new();
    let mut program = start(&directory, &[]);
    program.bootstrap();
    program.close_input();
    program.end();
    let journal = directory.path().join("journal");
    let bytes = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, [&bytes[..], &[1, 2, 3]].concat()).unwrap();

    let mut program = start(&directory, &[]);
    program.bootstrap();
    program.close_input();
    let ended = program.end();
    assert!(ended.errors.contains("cut 3 bytes"), "{ended:?}");

    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    let ended = start(&directory, &[]).end_soon();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.errors.contains("damaged at byte 16"), "{ended:?}");
}

#[cfg(unix)]
#[test]
fn brokers_die_when_the_directory_cannot_be_written_and_lose_nothing_acknowledged() {
    let directory = Temporary::new();
    // No file may grow beyond 64 blocks, and the signal that comes with that is ignored.
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(command(&[]).get_program())
        .args(["--topic", "orders:3", "--directory", text(&directory)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut program = Program::spawn(&mut limited);
    let bootstrap = program.bootstrap().remove(0);
    let config = ProducerConfig::builder()
        .bootstrap_servers(bootstrap.as_str())
        .set("delivery.timeout.ms", "2000")
        .set("request.timeout.ms", "1000")
        .set("linger.ms", "0");
    let producer = Producer::new(config.build().unwrap()).unwrap();
    let mut acknowledged = 0;
    loop {
        let record = ProducerRecord::to("orders").value(vec![b'x'; 1_000]);
        match producer.send(record).map(DeliveryHandle::wait) {
            Ok(Ok(_)) => acknowledged += 1,
            _ => break,
        }
        assert!(acknowledged < 1_000, "the limit has no effect");
    }

    let ended = program.end();

    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.errors.contains("cannot be written"), "{ended:?}");
    assert!(TcpStream::connect(bootstrap).is_err());
    let cluster = MockCluster::builder().directory(directory.path());
    let kept = all_records(&cluster.start().unwrap());
    assert_eq!(kept.len(), acknowledged);
}
