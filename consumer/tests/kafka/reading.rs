//! Reading partitions that were chosen, without a group or with one.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::{ErrorKind, Offset};

use crate::bench::{PATIENCE, STEP, consumer, fill, filled, kafka, note, read, tp, tps, until};

#[test]
fn assigned_partitions_are_read_to_their_ends_each_in_order() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "to-the-end", 3, 2_000);
    let consumer = consumer(kafka, &[("max.poll.records", "300")]);
    consumer.assign(tps("to-the-end", &[0, 1, 2])).unwrap();
    let read = read(&consumer, 6_000);
    let all: Vec<i64> = (0..2_000).collect();
    for partition in tps("to-the-end", &[0, 1, 2]) {
        assert_eq!(read[&partition], all, "{partition}");
        assert_eq!(consumer.position(&partition).unwrap(), Offset::new(2_000));
        assert_eq!(consumer.current_lag(&partition).unwrap(), Some(0));
    }
    assert!(consumer.poll(Duration::ZERO).unwrap().is_empty());
    consumer.close().unwrap();
}

#[test]
fn no_poll_returns_more_than_max_poll_records() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "small-bites", 2, 50);
    let consumer = consumer(kafka, &[("max.poll.records", "7")]);
    consumer.assign(tps("small-bites", &[0, 1])).unwrap();
    let mut total = 0;
    until("everything is read", || {
        let records = consumer.poll(STEP).unwrap();
        assert!(records.count() <= 7, "{}", records.count());
        total += records.count();
        total == 100
    });
}

#[test]
fn a_poll_of_zero_called_again_and_again_brings_records() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "no-patience", 1, 10);
    let consumer = consumer(kafka, &[]);
    consumer.assign(tps("no-patience", &[0])).unwrap();
    let mut total = 0;
    until("everything is read", || {
        total += consumer.poll(Duration::ZERO).unwrap().count();
        total == 10
    });
}

#[test]
fn paused_partitions_return_nothing_and_lose_nothing() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "pause", 2, 100);
    let (paused, other) = (tp("pause", 0), tp("pause", 1));
    let consumer = consumer(kafka, &[("max.poll.records", "10")]);
    consumer.assign([paused.clone(), other.clone()]).unwrap();
    let mut seen = BTreeMap::new();
    until("both have been read from", || {
        note(&consumer.poll(STEP).unwrap(), &mut seen);
        seen.len() == 2
    });
    consumer.pause(&tps("pause", &[0])).unwrap();
    assert_eq!(consumer.paused().unwrap(), tps("pause", &[0]));
    let before = seen[&paused].len();
    until("the other is read to its end", || {
        note(&consumer.poll(STEP).unwrap(), &mut seen);
        seen[&other].len() == 100
    });
    assert_eq!(
        seen[&paused].len(),
        before,
        "something of a paused partition came"
    );
    consumer.resume(&tps("pause", &[0])).unwrap();
    until("the paused one is read to its end", || {
        note(&consumer.poll(STEP).unwrap(), &mut seen);
        seen[&paused].len() == 100
    });
    assert_eq!(seen[&paused], (0..100).collect::<Vec<i64>>());
}

#[test]
fn a_wakeup_loses_nothing_of_what_was_fetched() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "woken", 1, 30);
    let partition = tp("woken", 0);
    let consumer = consumer(kafka, &[("max.poll.records", "10")]);
    consumer.assign([partition.clone()]).unwrap();
    read(&consumer, 10);
    consumer.wakeup();
    assert_eq!(
        consumer.poll(PATIENCE).unwrap_err().kind(),
        ErrorKind::Wakeup
    );
    assert_eq!(consumer.position(&partition).unwrap(), Offset::new(10));
    let rest = read(&consumer, 20);
    assert_eq!(rest[&partition], (10..30).collect::<Vec<i64>>());
    let handle = consumer.wakeup_handle();
    let error = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(100));
            handle.wakeup();
        });
        consumer.poll(PATIENCE).unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Wakeup);
}

#[test]
fn a_poll_beside_a_poll_panics_and_the_running_one_still_gets_its_records() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("beside", 1).unwrap();
    let consumer = consumer(kafka, &[]);
    consumer.assign([tp("beside", 0)]).unwrap();
    // The end of an empty log is where it begins, and nothing comes before it is written.
    consumer.position(&tp("beside", 0)).unwrap();
    let records = thread::scope(|scope| {
        let holder = thread::Builder::new().name("holder".into());
        // The other thread may be inside just when this one comes; then it is this one's turn to
        // be refused.
        let poll = || loop {
            if let Ok(polled) = catch_unwind(AssertUnwindSafe(|| consumer.poll(PATIENCE))) {
                break polled;
            }
        };
        let holder = holder.spawn_scoped(scope, poll).unwrap();
        let mut text = String::new();
        until("the poll beside it panics", || {
            let intrusion = catch_unwind(AssertUnwindSafe(|| consumer.poll(Duration::ZERO)));
            let panic = intrusion
                .err()
                .and_then(|panic| panic.downcast::<String>().ok());
            text = panic.map_or_else(String::new, |text| *text);
            !text.is_empty()
        });
        assert!(
            text.contains("\"holder\"") && text.contains("poll"),
            "{text}"
        );
        fill(kafka, "beside", 1, 0..1);
        holder.join().unwrap().unwrap()
    });
    assert_eq!(records.count(), 1);
}

#[test]
fn a_record_larger_than_any_limit_of_a_fetch_is_delivered() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("large", 1).unwrap();
    let config = ProducerConfig::builder().bootstrap_servers(kafka.bootstrap());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    for size in [500_000, 10, 500_000] {
        let record = ProducerRecord::to("large").value(vec![7; size]);
        producer.send(record).unwrap().wait().unwrap();
    }
    producer.close(PATIENCE).unwrap();
    let limits = [
        ("max.partition.fetch.bytes", "1000"),
        ("fetch.max.bytes", "1000"),
    ];
    let consumer = consumer(kafka, &limits);
    consumer.assign([tp("large", 0)]).unwrap();
    let mut sizes = Vec::new();
    until("all records come", || {
        let records = consumer.poll(STEP).unwrap();
        sizes.extend(records.iter().map(|record| record.value().unwrap().len()));
        sizes.len() == 3
    });
    assert_eq!(sizes, [500_000, 10, 500_000]);
}
