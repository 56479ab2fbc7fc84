use std::collections::BTreeMap;

use weft_client::wire::ErrorCode;
use weft_client::{Error, ErrorKind, LeaderEpoch, Offset, OffsetAndMetadata};

use super::bench::{Bench, bench, offsets, reading, topics, tp, tps};
use super::cluster::{Part, batch, batch_of_epoch};

fn in_group(properties: &[(&str, &str)], partitions: &[&str]) -> Bench {
    let mut all = vec![("group.id", "g")];
    all.extend(properties);
    let mut bench = bench(&all);
    bench.topology.lead("t", &[1, 1, 1]);
    bench.core.subscribe(topics(&["t"])).unwrap();
    bench.core.apply_assignment(&tps(partitions));
    bench
}

fn tell(bench: &mut Bench, committed: &[(&str, Option<i64>)]) {
    let offsets: BTreeMap<_, _> = committed
        .iter()
        .map(|(name, offset)| {
            let offset = offset.map(|offset| OffsetAndMetadata::new(Offset::new(offset)));
            (tp(name), offset)
        })
        .collect();
    bench.core.committed_fetched(&offsets);
}

#[test]
fn committed_offsets_are_asked_for_once_and_become_positions() {
    let mut bench = in_group(&[], &["t-0", "t-1"]);
    assert!(bench.core.awaits_committed());
    let wanted = bench.core.take_partitions_to_fetch_committed(bench.now);
    assert_eq!(wanted, tps(&["t-0", "t-1"]));
    let again = bench.core.take_partitions_to_fetch_committed(bench.now);
    assert!(again.is_empty());
    assert_eq!(bench.position("t-0"), None);
    assert_eq!(bench.fetches(), [""; 0]);
    tell(&mut bench, &[("t-0", Some(5)), ("t-1", None)]);
    assert_eq!(bench.position("t-0"), Some(5));
    assert_eq!(bench.fetches(), ["1: t-0@5"]);
    assert_eq!(bench.look_ups(), ["1: t-1?-2"]);
    bench.answer_look_up(1, &[("t-1", 0, 3)]);
    assert_eq!(bench.position("t-1"), Some(3));
}

#[test]
fn a_failed_question_for_committed_offsets_is_asked_again_after_a_pause() {
    let mut bench = in_group(&[], &["t-0"]);
    let wanted = bench.core.take_partitions_to_fetch_committed(bench.now);
    bench.core.committed_failed(bench.now, &wanted);
    let early = bench.core.take_partitions_to_fetch_committed(bench.now);
    assert!(early.is_empty());
    bench.run();
    assert!(bench.core.next_deadline().is_some());
    bench.pass(1_000);
    let late = bench.core.take_partitions_to_fetch_committed(bench.now);
    assert_eq!(late, wanted);
}

#[test]
fn a_seek_is_stronger_than_a_committed_offset_that_arrives_later() {
    let mut bench = in_group(&[], &["t-0"]);
    bench.core.take_partitions_to_fetch_committed(bench.now);
    bench.seek("t-0", 9);
    tell(&mut bench, &[("t-0", Some(5))]);
    assert_eq!(bench.position("t-0"), Some(9));
}

#[test]
fn a_committed_offset_told_to_an_earlier_owner_is_ignored() {
    let mut bench = in_group(&[], &["t-0"]);
    bench.core.take_partitions_to_fetch_committed(bench.now);
    bench.core.revoke(&tps(&["t-0"]));
    bench.core.apply_assignment(&tps(&["t-0"]));
    tell(&mut bench, &[("t-0", Some(5))]);
    assert_eq!(
        bench.position("t-0"),
        None,
        "others may have committed since"
    );
    let wanted = bench.core.take_partitions_to_fetch_committed(bench.now);
    assert_eq!(wanted, tps(&["t-0"]));
    tell(&mut bench, &[("t-0", Some(8))]);
    assert_eq!(bench.position("t-0"), Some(8));
}

#[test]
fn without_a_policy_every_partition_that_lacks_an_offset_is_told() {
    let names: Vec<String> = (0..40).map(|n| format!("t-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut bench = in_group(&[("auto.offset.reset", "none")], &names);
    bench.core.take_partitions_to_fetch_committed(bench.now);
    let none: Vec<(&str, Option<i64>)> = names.iter().map(|name| (*name, None)).collect();
    tell(&mut bench, &none);
    let error = bench.collect(500).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoOffsetForPartition);
    assert_eq!(error.topic_partitions().len(), 40, "{error}");
    assert!(bench.collected(500).is_empty(), "all of them were told");
    bench.seek("t-7", 0);
    let wanted = bench.core.take_partitions_to_fetch_committed(bench.now);
    assert_eq!(wanted.len(), 39, "the others are asked about again");
    tell(&mut bench, &none);
    bench.seek("t-8", 0);
    let error = bench.core.take_error_of(&tp("t-9")).unwrap();
    let told = error.topic_partitions();
    assert_eq!(told.len(), 38, "one that was sought meanwhile has a place");
    assert!(!told.contains(&tp("t-8")));
}

#[test]
fn a_position_waits_no_longer_when_the_group_or_the_topic_is_refused() {
    let mut bench = reading(1);
    bench
        .core
        .push_error(Error::from(ErrorKind::GroupAuthorization));
    let other = Error::from(ErrorKind::TopicAuthorization).with_topics(["u".into()]);
    bench.core.push_error(other);
    let own = Error::from(ErrorKind::TopicAuthorization).with_topics(["t".into()]);
    bench.core.push_error(own);
    let mut told = Vec::new();
    while let Some(error) = bench.core.take_error_of(&tp("t-0")) {
        told.push(error.kind());
    }
    let expected = [ErrorKind::GroupAuthorization, ErrorKind::TopicAuthorization];
    assert_eq!(told, expected);
    assert_eq!(bench.collect(1).unwrap_err().topics(), ["u".into()]);
}

#[test]
fn an_epoch_that_travels_with_an_offset_and_is_newer_calls_for_metadata() {
    type Move = fn(&mut Bench, OffsetAndMetadata);
    let moves: [(&str, Move); 3] = [
        ("seek", |bench, to| {
            bench.core.seek(&tp("t-0"), &to).unwrap();
        }),
        ("commit", |bench, to| {
            bench.core.see_epochs([(&tp("t-0"), &to)]);
        }),
        ("committed", |bench, to| {
            bench.core.take_partitions_to_fetch_committed(bench.now);
            let told = BTreeMap::from([(tp("t-0"), Some(to))]);
            bench.core.committed_fetched(&told);
        }),
    ];
    for (name, make) in moves {
        for (epoch, is_newer) in [(0, false), (1, true)] {
            let mut bench = in_group(&[], &["t-0"]);
            bench.run();
            bench.has_metadata = false;
            let before = bench.metadata_requests;
            let mut to = OffsetAndMetadata::new(Offset::new(4));
            to.leader_epoch = Some(LeaderEpoch::new(epoch));
            make(&mut bench, to);
            bench.pass(1_000);
            bench.run();
            let asked = bench.metadata_requests > before;
            assert_eq!(asked, is_newer, "{name} in epoch {epoch}");
        }
    }
}

#[test]
fn a_consumer_without_group_and_policy_is_told_to_seek() {
    let mut bench = bench(&[("auto.offset.reset", "none")]);
    bench.topology.lead("t", &[1]);
    bench.core.assign(&tps(&["t-0"])).unwrap();
    bench.run();
    for _ in 0..2 {
        let error = bench.collect(500).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoOffsetForPartition);
        assert_eq!(error.topic_partition(), Some(&tp("t-0")));
        bench.run();
    }
    bench.seek("t-0", 3);
    assert!(bench.collected(500).is_empty());
    assert_eq!(bench.fetches(), ["1: t-0@3"]);
}

#[test]
fn a_position_is_known_right_after_a_seek_and_survives_a_pause() {
    let mut bench = reading(1);
    bench.core.pause(&tps(&["t-0"])).unwrap();
    bench.seek("t-0", 12);
    assert_eq!(bench.position("t-0"), Some(12));
    assert_eq!(bench.core.paused(), tps(&["t-0"]));
    assert_eq!(bench.fetches(), [""; 0]);
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@12"]);
}

#[test]
fn a_seek_with_an_epoch_keeps_it_until_a_record_brings_another() {
    let mut bench = reading(1);
    let mut to = OffsetAndMetadata::new(Offset::new(4));
    to.leader_epoch = Some(LeaderEpoch::new(2));
    bench.core.seek(&tp("t-0"), &to).unwrap();
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@4/2"]);
    bench.answer_validation(1, &[("t-0", ErrorCode::NONE, 2, 4)]);
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@4/2"]);
    bench.answer(1, vec![("t-0", Part::of(batch_of_epoch(4, 1, 7)))]);
    bench.collected(1);
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@5/7"]);
    bench.seek("t-0", 0);
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@0"]);
}

#[test]
fn a_negative_offset_cannot_be_sought() {
    let mut bench = reading(1);
    let to = OffsetAndMetadata::new(Offset::new(-1));
    let error = bench.core.seek(&tp("t-0"), &to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IllegalArgument);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 1)))]);
    assert_eq!(bench.collected(1), ["t-0@0"]);
}

#[test]
fn committed_offsets_are_asked_for_new_partitions_only() {
    let mut bench = bench(&[("group.id", "g")]);
    bench.topology.lead("t", &[1, 1]);
    bench.core.assign(&tps(&["t-0"])).unwrap();
    bench.core.take_partitions_to_fetch_committed(bench.now);
    tell(&mut bench, &[("t-0", Some(5))]);
    bench.core.assign(&tps(&["t-0", "t-1"])).unwrap();
    let wanted = bench.core.take_partitions_to_fetch_committed(bench.now);
    assert_eq!(wanted, tps(&["t-1"]));
    assert_eq!(bench.position("t-0"), Some(5));
}

#[test]
fn a_failed_question_that_a_seek_has_made_pointless_is_of_no_interest() {
    let mut bench = in_group(&[], &["t-0", "t-1"]);
    let wanted = bench.core.take_partitions_to_fetch_committed(bench.now);
    bench.seek("t-0", 3);
    assert!(bench.core.committed_failed(bench.now, &wanted));
    bench.pass(10_000);
    let wanted = bench.core.take_partitions_to_fetch_committed(bench.now);
    bench.seek("t-1", 3);
    assert!(!bench.core.committed_failed(bench.now, &wanted));
}
