//! Real Kafka of each version, started and hurt. Without Java or Maven the tests print that they
//! did not run; with `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(
    clippy::disallowed_methods,
    reason = "prints how long real processes take"
)]
#![expect(
    clippy::disallowed_types,
    reason = "one cluster at a time on small machines"
)]
#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[path = "parts/transactions.rs"]
mod transactions_part;

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weft_testcontainers::kafka::{
    JavaAssignor, JavaCommand, JavaProgram, JavaRecord, KafkaCluster, KafkaError, KafkaNode,
    KafkaVersion, Prerequisites,
};

use transactions_part::transactions_pass_through;

/// The right to run a cluster; nothing if this machine cannot.
fn turn() -> Option<MutexGuard<'static, ()>> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    match Prerequisites::check() {
        Ok(()) => Some(ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)),
        Err(error) if std::env::var_os("WEFT_REQUIRE_KAFKA").is_some() => panic!("{error}"),
        Err(error) => {
            println!("not run: {error}");
            None
        }
    }
}

fn start(version: KafkaVersion, nodes: usize) -> KafkaCluster {
    let began_at = Instant::now();
    let cluster = KafkaCluster::builder()
        .version(version)
        .nodes(nodes)
        .start()
        .unwrap_or_else(|error| panic!("{error}"));
    let seconds = began_at.elapsed().as_secs_f64();
    let mebibytes: u64 = cluster
        .nodes()
        .iter()
        .filter_map(KafkaNode::resident_bytes)
        .sum::<u64>()
        >> 20;
    println!("Kafka {version}, {nodes} node(s): ready after {seconds:.1} s, {mebibytes} MiB");
    cluster
}

/// Writes through one Java client, reads through two others, and compares.
fn records_pass_through(cluster: &KafkaCluster, topic: &str) -> Result<(), KafkaError> {
    let mut producer = JavaProgram::start(cluster, &JavaCommand::produce(topic))?;
    let written = JavaRecord {
        partition: Some(1),
        timestamp: Some(1_700_000_000_000),
        key: Some(b"key".to_vec()),
        value: Some(vec![0, 1, 255]),
        headers: vec![("h".into(), Some(Vec::new())), ("h".into(), None)],
        ..JavaRecord::default()
    };
    producer.send(&written)?;
    producer.send(&JavaRecord {
        partition: Some(0),
        ..JavaRecord::default()
    })?;
    let told = producer.stop(PATIENCE)?;
    assert_eq!(told, ["PRODUCED 1 0", "PRODUCED 0 0", "CLOSED"]);

    let reader = JavaProgram::start(cluster, &JavaCommand::read(topic))?;
    let read: Vec<JavaRecord> = reader
        .finish(PATIENCE)?
        .iter()
        .filter_map(|line| JavaRecord::parse(line))
        .collect();
    let expected = JavaRecord {
        offset: Some(0),
        timestamp_type: "CreateTime".into(),
        ..written
    };
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(read.contains(&expected), "{read:?}");

    let group = format!("{topic}-group");
    let command = JavaCommand::consume(&group, &[topic], JavaAssignor::Range);
    let mut member = JavaProgram::start(cluster, &command)?;
    let assigned = member.wait_for("ASSIGNED", PATIENCE)?;
    assert_eq!(assigned, format!("ASSIGNED {topic}-0 {topic}-1"));
    member.wait_for(&format!("RECORD {topic} 1 0 key"), PATIENCE)?;
    member.wait_for("COMMITTED", PATIENCE)?;
    let end = member.stop(PATIENCE)?;
    assert!(
        end.contains(&format!("REVOKED {topic}-0 {topic}-1")),
        "{end:?}"
    );
    Ok(())
}

/// What the mock is held to as well.
fn transactions(cluster: &KafkaCluster) {
    cluster.create_topic("transactions", 1).unwrap();
    transactions_pass_through(cluster.version(), &cluster.bootstrap(), "transactions");
}

#[test]
fn a_single_node_of_the_newest_version_serves_topics_and_can_be_paused() {
    let Some(_turn) = turn() else { return };
    let cluster = start(KafkaVersion::V4_4_0, 1);
    cluster.create_topic("first", 2).unwrap();
    assert_eq!(
        cluster.partition_leaders("first").unwrap(),
        [(0, 0), (1, 0)]
    );
    let refused = cluster.create_topic("first", 2).unwrap_err().to_string();
    assert!(refused.contains("already exists"), "{refused}");
    records_pass_through(&cluster, "first").unwrap();
    transactions(&cluster);
    cluster.node(0).pause().unwrap();
    assert!(cluster.wait_ready(Duration::ZERO).is_err());
    cluster.node(0).resume().unwrap();
    cluster.wait_ready(PATIENCE).unwrap();
    let directory = cluster.directory().to_owned();
    drop(cluster);
    assert!(!directory.exists());
}

#[test]
fn three_nodes_go_on_without_a_killed_one_and_take_it_back() {
    let Some(_turn) = turn() else { return };
    let cluster = start(KafkaVersion::V4_4_0, 3);
    cluster.create_topic("spread", 6).unwrap();
    let leads = |cluster: &KafkaCluster, node: i32| {
        cluster
            .partition_leaders("spread")
            .unwrap()
            .iter()
            .any(|(_, leader)| *leader == node)
    };
    assert!(leads(&cluster, 2));
    cluster.node(2).kill().unwrap();
    cluster.wait_ready(PATIENCE).unwrap();
    cluster.create_topic("without", 2).unwrap();
    records_pass_through(&cluster, "without").unwrap();
    assert!(!leads(&cluster, 2));
    assert_eq!(cluster.partition_leaders("spread").unwrap().len(), 6);
    let began_at = Instant::now();
    cluster.node(2).restart().unwrap();
    cluster.wait_ready(PATIENCE).unwrap();
    println!(
        "restarted node: ready after {:.1} s",
        began_at.elapsed().as_secs_f64()
    );
}

#[test]
fn the_last_version_with_the_old_protocols_serves_topics() {
    let Some(_turn) = turn() else { return };
    let cluster = start(KafkaVersion::V3_9_1, 1);
    cluster.create_topic("first", 2).unwrap();
    records_pass_through(&cluster, "first").unwrap();
    transactions(&cluster);
}

#[test]
fn the_oldest_version_serves_topics_and_comes_back_after_a_kill() {
    let Some(_turn) = turn() else { return };
    let cluster = start(KafkaVersion::V2_8_2, 1);
    cluster.create_topic("first", 2).unwrap();
    records_pass_through(&cluster, "first").unwrap();
    transactions(&cluster);
    let began_at = Instant::now();
    cluster.node(0).restart().unwrap();
    cluster.wait_ready(PATIENCE).unwrap();
    println!(
        "restarted node: ready after {:.1} s",
        began_at.elapsed().as_secs_f64()
    );
    cluster.wait_for_leaders("first", 2).unwrap();
    assert_eq!(
        cluster.partition_leaders("first").unwrap(),
        [(0, 0), (1, 0)]
    );
}

#[test]
fn a_shared_cluster_is_one_and_vanishes_with_its_process() {
    const FILE: &str = "WEFT_TEST_SHARED_CLUSTER_FILE";
    const NAME: &str = "a_shared_cluster_is_one_and_vanishes_with_its_process";
    if let Some(file) = std::env::var_os(FILE) {
        // The second run of this test: the process that owns the cluster.
        let cluster = KafkaCluster::shared(KafkaVersion::V2_8_2).unwrap();
        let again = KafkaCluster::shared(KafkaVersion::V2_8_2).unwrap();
        assert!(std::ptr::eq(cluster, again));
        let seen = format!("{} {}", cluster.bootstrap(), cluster.directory().display());
        std::fs::write(file, seen).unwrap();
        return;
    }
    let Some(_turn) = turn() else { return };
    let file = std::env::temp_dir().join(format!("weft-shared-{}", std::process::id()));
    let status = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact"])
        .env(FILE, &file)
        .status()
        .unwrap();
    assert!(status.success());
    let seen = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let (bootstrap, directory) = seen.split_once(' ').unwrap();
    let began_at = Instant::now();
    while Path::new(directory).exists() || TcpStream::connect(bootstrap).is_ok() {
        assert!(
            began_at.elapsed() < PATIENCE,
            "{directory} or {bootstrap} is still there"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_broker_that_refuses_its_configuration_is_reported_with_its_log() {
    let Some(_turn) = turn() else { return };
    let started = KafkaCluster::builder()
        .version(KafkaVersion::V2_8_2)
        .property("num.io.threads", "none")
        .start();
    let Err(error) = started else {
        panic!("it started")
    };
    let KafkaError::Exited {
        directory,
        last_lines,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert!(
        last_lines
            .iter()
            .any(|line| line.contains("num.io.threads")),
        "{error}"
    );
    assert!(directory.exists());
    std::fs::remove_dir_all(directory).unwrap();
}

/// How long anything may take on a machine busy with other builds.
const PATIENCE: Duration = Duration::from_secs(60);
