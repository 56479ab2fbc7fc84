//! Real Kafka of each version, started and hurt. Without Java or Maven the tests print that they did
//! not run; with `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(
    clippy::disallowed_methods,
    reason = "prints how long real processes take"
)]
#![expect(
    clippy::disallowed_types,
    reason = "one cluster at a time on small machines"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weft_testcontainers::kafka::{KafkaCluster, KafkaNode, KafkaVersion, Prerequisites};

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

#[test]
fn a_single_node_of_the_newest_version_serves_topics() {
    let Some(_turn) = turn() else { return };
    let cluster = start(KafkaVersion::V4_4_0, 1);
    cluster.create_topic("first", 3).unwrap();
    assert_eq!(
        cluster.partition_leaders("first").unwrap(),
        [(0, 0), (1, 0), (2, 0)]
    );
    let refused = cluster.create_topic("first", 3).unwrap_err().to_string();
    assert!(refused.contains("already exists"), "{refused}");
    cluster.node(0).pause().unwrap();
    assert!(cluster.wait_ready(Duration::ZERO).is_err());
    cluster.node(0).resume().unwrap();
    cluster.wait_ready(Duration::from_secs(10)).unwrap();
}
