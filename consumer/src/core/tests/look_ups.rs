use weft_client::ErrorKind;
use weft_client::wire::messages::ListOffsetsResponse;
use weft_client::wire::{ApiKey, ErrorCode, Response};

use super::bench::{Bench, bench, reading_with, tp, tps};
use super::cluster::offset_found;
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
fn a_refused_look_up_names_all_topics_that_are_refused() {
    let mut bench = bench(&[]);
    bench.topology.lead("t", &[1]);
    bench.topology.lead("u", &[1]);
    let targets = [(tp("t-0"), END), (tp("u-0"), END)];
    let id = bench.core.look_up_offsets(targets.into());
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;
    bench.answer_look_up(1, &[("t-0", code, -1), ("u-0", code, -1)]);
    let error = bench.core.take_look_up(id).unwrap().unwrap_err();
    assert_eq!(error.topics(), ["t".into(), "u".into()]);
}

#[test]
fn an_epoch_in_the_answer_that_is_newer_calls_for_metadata() {
    let mut bench = reading_with(&[], &[1]);
    bench.core.look_up_offsets([(tp("t-0"), END)].into());
    bench.run();
    bench.has_metadata = false;
    let before = bench.metadata_requests;
    let mut found = offset_found(&tp("t-0"), 0, 5);
    found.partitions[0].leader_epoch = 4;
    let sent = bench.take(ApiKey::ListOffsets, 1);
    let response = ListOffsetsResponse::default().with_topics(vec![found]);
    bench.respond(&sent, Response::ListOffsets(response));
    bench.pass(1_000);
    bench.run();
    assert!(bench.metadata_requests > before);
}

#[test]
fn a_lag_whose_end_is_unknown_has_it_looked_up_once_and_knows_it_later() {
    let mut bench = reading_with(&[], &[1]);
    let lag = |bench: &mut Bench| bench.core.current_lag(&tp("t-0")).unwrap();
    bench.core.pause(&tps(&["t-0"])).unwrap();
    bench.run();
    assert_eq!(lag(&mut bench), None);
    assert_eq!(lag(&mut bench), None);
    assert_eq!(bench.look_ups(), ["1: t-0?-1"]);
    assert_eq!(lag(&mut bench), None);
    assert_eq!(bench.look_ups(), ["1: t-0?-1"], "it is under way");
    bench.answer_look_up(1, &[("t-0", 0, 9)]);
    assert_eq!(lag(&mut bench), Some(9));
    bench.seek("t-0", 4);
    assert_eq!(lag(&mut bench), Some(5));
    assert_eq!(bench.look_ups(), [""; 0]);
}

#[test]
fn a_look_up_for_the_lag_that_failed_is_made_again_when_somebody_asks_again() {
    let mut bench = reading_with(&[], &[1]);
    let moved = ErrorCode::NOT_LEADER_OR_FOLLOWER.0;
    for _ in 0..3 {
        bench.core.current_lag(&tp("t-0")).unwrap();
        bench.answer_look_up(1, &[("t-0", moved, -1)]);
        bench.pass(10_000);
        assert_eq!(bench.look_ups(), [""; 0]);
    }
    bench.core.current_lag(&tp("t-0")).unwrap();
    bench.fail(ApiKey::ListOffsets, 1);
    bench.pass(10_000);
    assert_eq!(bench.look_ups(), [""; 0]);
}

#[test]
fn a_call_that_learns_the_end_of_a_partition_tells_its_lag() {
    let mut bench = reading_with(&[], &[1]);
    let id = bench.core.look_up_offsets([(tp("t-0"), END)].into());
    bench.run();
    // As a call without time does.
    bench.core.cancel_look_up(id);
    bench.answer_look_up(1, &[("t-0", 0, 9)]);
    assert_eq!(bench.core.current_lag(&tp("t-0")).unwrap(), Some(9));
    bench.core.look_up_offsets([(tp("t-0"), BEGINNING)].into());
    bench.answer_look_up(1, &[("t-0", 0, 2)]);
    assert_eq!(bench.core.current_lag(&tp("t-0")).unwrap(), Some(9));
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
