use weft_client::ErrorKind;
use weft_client::wire::{ApiKey, ErrorCode};

use super::bench::{bench, reading_with, tp};
use crate::core::{BEGINNING, END};

#[test]
fn a_look_up_asks_every_leader_and_is_done_with_the_last_answer() {
    let mut bench = reading_with(&[], &[1, 2, 1]);
    bench.run();
    let targets = [(tp("t-0"), END), (tp("t-1"), 77), (tp("t-2"), BEGINNING)];
    let id = bench.core.look_up_offsets(targets.into());
    assert_eq!(bench.look_ups(), ["1: t-0?-1 t-2?-2", "2: t-1?77"]);
    bench.answer_look_up(1, &[("t-0", 0, 5), ("t-2", 0, 0)]);
    assert!(bench.core.take_look_up(id).is_none());
    bench.answer_look_up(2, &[("t-1", 0, -1)]);
    let found = bench.core.take_look_up(id).unwrap().unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|(name, found)| (name.to_string(), found.map(|found| found.offset.value())))
        .collect();
    let expected = [("t-0", Some(5)), ("t-1", None), ("t-2", Some(0))];
    assert_eq!(
        found,
        expected.map(|(name, offset)| (name.to_owned(), offset))
    );
    assert!(bench.core.take_look_up(id).is_none(), "it was taken out");
}

#[test]
fn partial_answers_are_kept_and_the_rest_is_asked_again() {
    let mut bench = reading_with(&[], &[1, 1]);
    let id = bench
        .core
        .look_up_offsets([(tp("t-0"), END), (tp("t-1"), END)].into());
    let moved = ErrorCode::NOT_LEADER_OR_FOLLOWER.0;
    bench.answer_look_up(1, &[("t-0", 0, 5), ("t-1", moved, -1)]);
    bench.topology.lead("t", &[1, 2]);
    assert_eq!(bench.look_ups(), [""; 0]);
    bench.pass(2_000);
    assert_eq!(bench.look_ups(), ["2: t-1?-1"]);
    bench.answer_look_up(2, &[("t-1", 0, 6)]);
    assert_eq!(bench.core.take_look_up(id).unwrap().unwrap().len(), 2);
}

#[test]
fn the_pause_after_a_failure_does_not_grow_with_the_number_of_partitions() {
    let leaders = vec![1; 50];
    let mut bench = reading_with(&[], &leaders);
    let targets = (0..50).map(|n| (tp(&format!("t-{n}")), END));
    bench.core.look_up_offsets(targets.collect());
    bench.fail(ApiKey::ListOffsets, 1);
    bench.pass(121);
    assert_eq!(
        bench.look_ups().len(),
        1,
        "the first pause is 100 ms and 20 %"
    );
}

#[test]
fn a_refused_look_up_fails_with_the_partition() {
    let mut bench = reading_with(&[], &[1]);
    let id = bench.core.look_up_offsets([(tp("t-0"), END)].into());
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;
    bench.answer_look_up(1, &[("t-0", code, -1)]);
    let error = bench.core.take_look_up(id).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TopicAuthorization);
    assert_eq!(error.topic_partition(), Some(&tp("t-0")));
}

#[test]
fn an_unknown_topic_is_asked_for_until_the_caller_gives_up() {
    let mut bench = bench(&[]);
    let id = bench.core.look_up_offsets([(tp("u-0"), END)].into());
    for _ in 0..5 {
        assert_eq!(bench.look_ups(), [""; 0]);
        assert!(bench.core.take_look_up(id).is_none());
        bench.pass_to_deadline();
    }
    assert_eq!(bench.core.cancel_look_up(id), [tp("u-0")]);
    assert!(bench.core.take_look_up(id).is_none());
}

#[test]
fn an_answer_to_a_look_up_that_nobody_waits_for_is_ignored() {
    let mut bench = reading_with(&[], &[1]);
    let id = bench.core.look_up_offsets([(tp("t-0"), END)].into());
    bench.run();
    bench.core.cancel_look_up(id);
    bench.answer_look_up(1, &[("t-0", 0, 5)]);
    assert!(bench.core.take_look_up(id).is_none());
}

#[test]
fn two_calls_may_look_up_the_same_partition() {
    let mut bench = reading_with(&[], &[1]);
    bench.run();
    let first = bench.core.look_up_offsets([(tp("t-0"), END)].into());
    let second = bench.core.look_up_offsets([(tp("t-0"), BEGINNING)].into());
    assert_eq!(bench.look_ups(), ["1: t-0?-1", "1: t-0?-2"]);
    bench.answer_look_up(1, &[("t-0", 0, 9)]);
    bench.answer_look_up(1, &[("t-0", 0, 1)]);
    let offset = |found: std::collections::BTreeMap<_, _>| {
        let found: Option<crate::position::OffsetAndTimestamp> = found[&tp("t-0")];
        found.unwrap().offset.value()
    };
    let found = bench.core.take_look_up(first).unwrap().unwrap();
    assert_eq!(offset(found), 9);
    let found = bench.core.take_look_up(second).unwrap().unwrap();
    assert_eq!(offset(found), 1);
}
