//! Time limits of calls, and users who take their time.

use std::thread;
use std::time::{Duration, Instant};

use weft_consumer::{CloseOptions, Consumer};
use weft_testcontainers::kafka::KafkaCluster;

use crate::bench::{STEP, consumer, fill, filled, kafka, member, read, tp, tps, until};

#[test]
fn a_user_who_takes_longer_than_a_request_may_take_loses_no_connection() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "slow-user", 1, 10);
    let consumer = consumer(kafka, &[("request.timeout.ms", "1000")]);
    consumer.assign([tp("slow-user", 0)]).unwrap();
    read(&consumer, 10);
    // The next fetch is under way when records are returned; its answer comes while the user works.
    fill(kafka, "slow-user", 1, 10..11);
    read_at_least_one(&consumer);
    let opened = consumer.network_counters().unwrap().connections_opened;
    fill(kafka, "slow-user", 1, 11..12);
    thread::sleep(Duration::from_millis(1_500));
    read_at_least_one(&consumer);
    assert_eq!(
        consumer.network_counters().unwrap().connections_opened,
        opened
    );
}

fn read_at_least_one(consumer: &Consumer) {
    until("a record comes", || {
        !consumer.poll(STEP).unwrap().is_empty()
    });
}

#[test]
fn poll_keeps_its_time_limit_while_a_revocation_waits_for_its_commit() {
    let Some(_) = kafka() else { return };
    let own = KafkaCluster::builder().start().unwrap();
    filled(&own, "held-up", 2, 5);
    let options = [("enable.auto.commit", "true"), ("max.poll.records", "3")];
    let (first, second) = (
        member(&own, "held-up", &options),
        member(&own, "held-up", &options),
    );
    first.subscribe(["held-up"]).unwrap();
    read(&first, 3);
    second.subscribe(["held-up"]).unwrap();
    // Only the second polls, until the heartbeat thread of the first has surely heard of it.
    let heard_at = Instant::now() + Duration::from_secs(2);
    while Instant::now() < heard_at {
        second.poll(STEP).unwrap();
    }
    own.node(0).pause().unwrap();
    let began_at = Instant::now();
    let records = first.poll(Duration::from_millis(200)).unwrap();
    let took = began_at.elapsed();
    own.node(0).resume().unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    // What it had fetched is about to be somebody else's.
    assert!(records.is_empty(), "{}", records.count());
    let partitions = tps("held-up", &[0, 1]);
    until("they share, and the position is committed", || {
        first.poll(STEP).unwrap();
        second.poll(STEP).unwrap();
        first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
    });
    let committed = second.committed(&partitions).unwrap();
    assert!(committed.values().flatten().count() > 0, "{committed:?}");
}

#[test]
fn close_takes_its_time_limit_at_most_when_the_broker_is_gone() {
    let Some(_) = kafka() else { return };
    let own = KafkaCluster::builder().start().unwrap();
    filled(&own, "gone", 1, 3);
    let consumer = member(&own, "gone", &[("enable.auto.commit", "true")]);
    consumer.subscribe(["gone"]).unwrap();
    read(&consumer, 3);
    own.node(0).pause().unwrap();
    let began_at = Instant::now();
    let limit = Duration::from_secs(1);
    consumer
        .close_with(CloseOptions::new().timeout(limit))
        .unwrap();
    let took = began_at.elapsed();
    own.node(0).resume().unwrap();
    assert!(took < limit + Duration::from_secs(2), "{took:?}");
}
