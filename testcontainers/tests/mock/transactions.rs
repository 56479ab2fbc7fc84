//! Java's idempotent and transactional producers against the mock.

use weft_client::wire::{ApiKey, ErrorCode};
use weft_testcontainers::kafka::KafkaVersion;
use weft_testcontainers::mock::{KafkaRelease, MockCluster, TransactionState};

use crate::java::has_java;
use crate::transactions_part::{Teller, keys, transactions_pass_through};

fn cluster(release: KafkaRelease) -> MockCluster {
    let builder = MockCluster::builder().brokers(3).release(release);
    builder.topic("records", 1).start().unwrap()
}

/// The whole story against brokers of a release.
fn pass_through(version: KafkaVersion, release: KafkaRelease) -> MockCluster {
    let cluster = cluster(release);
    transactions_pass_through(version, &cluster.bootstrap(), "records");
    assert_eq!(cluster.violations(), Vec::<String>::new());
    cluster
}

#[test]
fn java_transactions_that_bump_the_epoch_commit_abort_and_fence() {
    if !has_java() {
        return;
    }
    let cluster = pass_through(KafkaVersion::V4_4_0, KafkaRelease::Newest);

    assert_eq!(
        cluster.requests(ApiKey::AddPartitionsToTxn),
        0,
        "it need not"
    );
    let state = cluster.transaction_state("transactional");
    assert_eq!(state, Some(TransactionState::CompleteCommit));
}

#[test]
fn java_transactions_of_older_brokers_and_clients_do_too() {
    if !has_java() {
        return;
    }
    for (version, release) in [
        (KafkaVersion::V4_4_0, KafkaRelease::V3_9),
        (KafkaVersion::V3_9_1, KafkaRelease::Newest),
        (KafkaVersion::V2_8_2, KafkaRelease::V2_8),
    ] {
        let cluster = pass_through(version, release);
        assert!(cluster.requests(ApiKey::AddPartitionsToTxn) > 0);
    }
}

#[test]
fn a_java_producer_goes_on_when_its_coordinator_and_leader_dies() {
    if !has_java() {
        return;
    }
    let version = KafkaVersion::V4_4_0;
    let cluster = cluster(KafkaRelease::Newest);
    let bootstrap = cluster.bootstrap();
    let mut producer = Teller::start(version, &bootstrap, "transactional");
    producer.all(&["begin", "send records 0 before"]);

    let coordinator = cluster.transaction_coordinator("transactional").unwrap();
    cluster.kill_broker(coordinator).unwrap();
    let leader = cluster.leader("records", 0).unwrap();
    cluster.kill_broker(leader).unwrap();
    producer.all(&["send records 0 after", "commit"]);

    cluster.restart_broker(leader).unwrap();
    assert_eq!(
        keys(version, &bootstrap, "records", "read_committed"),
        ["before", "after"]
    );
    producer.stop();
    assert_eq!(cluster.violations(), Vec::<String>::new());
}

#[test]
fn a_java_producer_tries_again_and_writes_each_record_once() {
    if !has_java() {
        return;
    }
    let version = KafkaVersion::V4_4_0;
    let cluster = cluster(KafkaRelease::Newest);
    let mut producer = Teller::start(version, &cluster.bootstrap(), "transactional");
    let again = ErrorCode::NOT_ENOUGH_REPLICAS;
    for key in ["first", "second"] {
        cluster.fail_next(ApiKey::Produce, again, 1);
        producer.all(&["begin", &format!("send records 0 {key}")]);
        cluster.fail_next(ApiKey::EndTxn, ErrorCode::CONCURRENT_TRANSACTIONS, 1);
        producer.all(&["commit"]);
    }

    let seen = keys(version, &cluster.bootstrap(), "records", "read_committed");
    assert_eq!(seen, ["first", "second"]);
    assert_eq!(cluster.requests(ApiKey::Produce), 4);
    producer.stop();
}
