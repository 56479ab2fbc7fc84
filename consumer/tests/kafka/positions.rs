//! Where reading begins, where the user goes, and what is found out about offsets.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::{ErrorKind, Offset, TopicPartition};

use crate::bench::{EPOCH_MS, consumer, filled, kafka, poll_for_error, read, tp, tps};

#[test]
fn positions_move_where_the_user_seeks() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "seek", 1, 100);
    let (partition, partitions) = (tp("seek", 0), tps("seek", &[0]));
    let consumer = consumer(kafka, &[("max.poll.records", "10")]);
    consumer.assign([partition.clone()]).unwrap();
    let first_after = |what: &str, seek: &dyn Fn()| {
        seek();
        let read = read(&consumer, 10);
        (what.to_owned(), read[&partition][0])
    };
    let seen = [
        first_after("assign", &|| {}),
        first_after("seek", &|| {
            consumer.seek(&partition, Offset::new(42)).unwrap();
        }),
        first_after("seek back", &|| {
            consumer.seek(&partition, Offset::new(5)).unwrap();
        }),
        first_after("beginning", &|| {
            consumer.seek_to_beginning(&partitions).unwrap();
        }),
    ];
    assert_eq!(seen.map(|(_, offset)| offset), [0, 42, 5, 0]);
    consumer.seek_to_end(&BTreeSet::new()).unwrap();
    assert_eq!(consumer.position(&partition).unwrap(), Offset::new(100));
    let other = consumer.seek(&tp("seek", 7), Offset::ZERO).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::IllegalState);
    let negative = consumer.seek(&partition, Offset::new(-1)).unwrap_err();
    assert_eq!(negative.kind(), ErrorKind::IllegalArgument);
}

#[test]
fn an_offset_outside_the_log_is_reset_or_told_as_the_policy_says() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "outside", 1, 10);
    let partition = tp("outside", 0);
    let forgiving = consumer(kafka, &[]);
    forgiving.assign([partition.clone()]).unwrap();
    forgiving.seek(&partition, Offset::new(5_000)).unwrap();
    assert_eq!(read(&forgiving, 10)[&partition][0], 0);

    let strict = consumer(kafka, &[("auto.offset.reset", "none")]);
    strict.assign([partition.clone()]).unwrap();
    let error = poll_for_error(&strict);
    assert_eq!(error.kind(), ErrorKind::NoOffsetForPartition, "{error:?}");
    assert_eq!(error.topic_partition(), Some(&partition));
    strict.seek(&partition, Offset::new(5_000)).unwrap();
    let error = poll_for_error(&strict);
    assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange, "{error:?}");
    strict.seek(&partition, Offset::new(8)).unwrap();
    assert_eq!(read(&strict, 2)[&partition], [8, 9]);
}

#[test]
fn offsets_are_looked_up_at_the_ends_and_by_time() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "look-up", 2, 10);
    let partitions = tps("look-up", &[0, 1]);
    let consumer = consumer(kafka, &[]);
    let all = |offset| -> BTreeMap<TopicPartition, Offset> {
        partitions
            .iter()
            .map(|p| (p.clone(), Offset::new(offset)))
            .collect()
    };
    assert_eq!(consumer.beginning_offsets(&partitions).unwrap(), all(0));
    assert_eq!(consumer.end_offsets(&partitions).unwrap(), all(10));
    assert_eq!(
        consumer.end_offsets(&BTreeSet::new()).unwrap(),
        BTreeMap::new()
    );
    let times = BTreeMap::from([
        (tp("look-up", 0), EPOCH_MS + 4),
        (tp("look-up", 1), i64::MAX),
    ]);
    let found = consumer.offsets_for_times(&times).unwrap();
    let first = found[&tp("look-up", 0)].as_ref().unwrap();
    assert_eq!(
        (first.offset, first.timestamp),
        (Offset::new(4), EPOCH_MS + 4)
    );
    assert_eq!(found[&tp("look-up", 1)], None);
    let listed = consumer.partitions_for(&"look-up".into()).unwrap();
    assert!(listed.iter().all(|found| found.leader.is_some()));
    let listed: Vec<_> = listed.into_iter().map(|f| f.topic_partition).collect();
    assert_eq!(listed, partitions.into_iter().collect::<Vec<_>>());
}
