//! Commits of every kind, and where a group goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use weft_client::{ErrorKind, Offset, OffsetAndMetadata};
use weft_consumer::Offsets;

use crate::bench::{
    STEP, consumer, filled, kafka, member, note, offsets, poll_until, read, tp, tps, until,
};

#[test]
fn a_group_goes_on_where_it_committed() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "resume", 1, 200);
    let partition = tp("resume", 0);
    let partitions = tps("resume", &[0]);
    let first = member(kafka, "resume", &[("max.poll.records", "50")]);
    first.subscribe(["resume"]).unwrap();
    assert_eq!(first.committed(&partitions).unwrap()[&partition], None);
    read(&first, 50);
    first.commit_sync().unwrap();
    let committed = first.committed(&partitions).unwrap()[&partition]
        .clone()
        .unwrap();
    assert_eq!(committed.offset, Offset::new(50));
    first.close().unwrap();

    let second = member(kafka, "resume", &[]);
    second.subscribe(["resume"]).unwrap();
    let read = read(&second, 150);
    assert_eq!(read[&partition], (50..200).collect::<Vec<i64>>());
}

#[test]
fn what_travels_with_a_committed_offset_comes_back() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "travel", 2, 1);
    let consumer = member(kafka, "travel", &[]);
    consumer.assign(tps("travel", &[0, 1])).unwrap();
    let mut committed = OffsetAndMetadata::new(Offset::new(1));
    committed.metadata = "by hand".to_owned();
    let offsets = BTreeMap::from([(tp("travel", 0), committed.clone())]);
    consumer.commit_sync_offsets(&offsets).unwrap();
    let told = consumer.committed(&tps("travel", &[0, 1])).unwrap();
    let expected = [(tp("travel", 0), Some(committed)), (tp("travel", 1), None)];
    assert_eq!(told, BTreeMap::from(expected));
}

#[test]
fn asynchronous_commits_are_told_in_their_order_and_before_a_later_synchronous_one_ends() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("in-order", 1).unwrap();
    let partition = tp("in-order", 0);
    let consumer = member(kafka, "in-order", &[]);
    consumer.assign([partition.clone()]).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    for offset in 1..=20 {
        let (told, partition) = (Arc::clone(&told), partition.clone());
        let callback = move |offsets: &Offsets, result: Result<(), weft_client::Error>| {
            result.unwrap();
            told.lock()
                .unwrap()
                .push(offsets[&partition].offset.value());
        };
        consumer
            .commit_async_offsets(offsets(&tp("in-order", 0), offset), callback)
            .unwrap();
    }
    consumer
        .commit_sync_offsets(&offsets(&partition, 99))
        .unwrap();
    assert_eq!(*told.lock().unwrap(), (1..=20).collect::<Vec<i64>>());
    let committed = consumer.committed(&tps("in-order", &[0])).unwrap();
    assert_eq!(
        committed[&partition].as_ref().unwrap().offset,
        Offset::new(99)
    );
}

#[test]
fn a_synchronous_commit_of_nothing_waits_for_the_asynchronous_ones() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("flush", 1).unwrap();
    let consumer = member(kafka, "flush", &[]);
    consumer.assign([tp("flush", 0)]).unwrap();
    let told = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&told);
    consumer
        .commit_async_offsets(offsets(&tp("flush", 0), 1), move |_, result| {
            result.unwrap();
            *counter.lock().unwrap() += 1;
        })
        .unwrap();
    consumer.commit_sync_offsets(&Offsets::new()).unwrap();
    assert_eq!(*told.lock().unwrap(), 1);
}

#[test]
fn asynchronous_commits_under_way_are_told_before_close_returns() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("told-at-close", 1).unwrap();
    let consumer = member(kafka, "told-at-close", &[]);
    consumer.assign([tp("told-at-close", 0)]).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    consumer
        .commit_async_offsets(offsets(&tp("told-at-close", 0), 1), move |_, result| {
            seen.lock().unwrap().push(result.is_ok());
        })
        .unwrap();
    consumer.close().unwrap();
    assert_eq!(*told.lock().unwrap(), [true]);
}

#[test]
fn without_a_group_partitions_are_read_and_nothing_is_committed() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "no-group", 1, 3);
    let consumer = consumer(kafka, &[]);
    consumer.assign([tp("no-group", 0)]).unwrap();
    read(&consumer, 3);
    let partitions = tps("no-group", &[0]);
    let errors = [
        consumer.commit_sync().unwrap_err(),
        consumer.commit_async().unwrap_err(),
        consumer.committed(&partitions).unwrap_err(),
        consumer.subscribe(["no-group"]).unwrap_err(),
        consumer.group_metadata().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidGroupId, "{error:?}");
    }
}

#[test]
fn positions_are_committed_by_themselves_now_and_then_and_at_the_end() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "automatic", 1, 10);
    let (partition, partitions) = (tp("automatic", 0), tps("automatic", &[0]));
    let options = |interval| {
        [
            ("enable.auto.commit", "true"),
            ("auto.commit.interval.ms", interval),
            ("max.poll.records", "4"),
        ]
    };
    let committed = |group: &str| {
        let witness = member(kafka, group, &[]);
        let committed = witness.committed(&partitions).unwrap()[&partition].clone();
        committed.map(|committed| committed.offset.value())
    };
    let timed = member(kafka, "automatic-timed", &options("100"));
    timed.subscribe(["automatic"]).unwrap();
    read(&timed, 4);
    timed.pause(&partitions).unwrap();
    poll_until(&[&timed], "the position is committed", || {
        committed("automatic-timed") == Some(4)
    });

    let closed = member(kafka, "automatic-closed", &options("600000"));
    closed.subscribe(["automatic"]).unwrap();
    read(&closed, 4);
    assert_eq!(committed("automatic-closed"), None);
    closed.wakeup();
    closed.close().unwrap();
    assert_eq!(committed("automatic-closed"), Some(4));

    let unsubscribed = member(kafka, "automatic-unsubscribed", &options("600000"));
    unsubscribed.subscribe(["automatic"]).unwrap();
    read(&unsubscribed, 4);
    unsubscribed.unsubscribe().unwrap();
    assert_eq!(committed("automatic-unsubscribed"), None);
}

#[test]
fn positions_are_committed_by_themselves_before_a_rebalance_takes_them() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "auto-handed", 2, 10);
    let options = [
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "600000"),
        ("max.poll.records", "4"),
    ];
    let first = member(kafka, "auto-handed", &options);
    first.subscribe(["auto-handed"]).unwrap();
    let mut seen = BTreeMap::new();
    until("both have been read to their ends", || {
        note(&first.poll(STEP).unwrap(), &mut seen);
        seen.values().map(Vec::len).sum::<usize>() == 20
    });
    let second = member(kafka, "auto-handed", &options);
    second.subscribe(["auto-handed"]).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
    });
    let moved = second.assignment().unwrap().into_iter().next().unwrap();
    assert_eq!(
        second.position(&moved).unwrap(),
        Offset::new(10),
        "nothing is read twice"
    );
}
