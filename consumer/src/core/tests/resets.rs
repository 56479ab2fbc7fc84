use weft_client::ErrorKind;
use weft_client::wire::{ApiKey, ErrorCode};

use super::bench::{Bench, bench, offsets, reading, reading_with, tp, tps};
use super::cluster::{Part, batch};
use crate::position::ResetTo;

fn starting(policy: &str) -> Bench {
    let mut bench = bench(&[("auto.offset.reset", policy)]);
    bench.topology.lead("t", &[1]);
    bench.core.assign(&tps(&["t-0"])).unwrap();
    bench
}

#[test]
fn the_policy_says_what_is_looked_up() {
    for (policy, timestamp) in [
        ("earliest", -2),
        ("latest", -1),
        ("by_duration:PT1M", 40_000),
    ] {
        let mut bench = starting(policy);
        bench.core.set_wall_time(100_000);
        assert_eq!(bench.look_ups(), [format!("1: t-0?{timestamp}")]);
        assert_eq!(bench.fetches(), [""; 0]);
        bench.answer_look_up(1, &[("t-0", 0, 17)]);
        assert_eq!(bench.position("t-0"), Some(17));
        assert_eq!(bench.fetches(), ["1: t-0@17"]);
    }
}

#[test]
fn a_position_that_was_looked_up_carries_no_epoch() {
    let mut bench = starting("earliest");
    bench.answer_look_up(1, &[("t-0", 0, 17)]);
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@17"]);
}

#[test]
fn a_partition_without_a_young_record_starts_at_its_end() {
    let mut bench = starting("by_duration:PT1M");
    bench.core.set_wall_time(100_000);
    bench.answer_look_up(1, &[("t-0", 0, -1)]);
    assert_eq!(bench.look_ups(), ["1: t-0?-1"]);
    bench.answer_look_up(1, &[("t-0", 0, 8)]);
    assert_eq!(bench.look_ups(), ["1: t-0?40000"]);
    bench.answer_look_up(1, &[("t-0", 0, -1)]);
    assert_eq!(bench.position("t-0"), Some(8));
}

#[test]
fn a_young_record_appended_while_the_end_is_looked_up_is_not_skipped() {
    let mut bench = starting("by_duration:PT1M");
    bench.answer_look_up(1, &[("t-0", 0, -1)]);
    bench.answer_look_up(1, &[("t-0", 0, 8)]);
    bench.answer_look_up(1, &[("t-0", 0, 7)]);
    assert_eq!(bench.position("t-0"), Some(7));
}

#[test]
fn a_log_without_a_known_end_is_asked_again_after_a_pause() {
    let mut bench = starting("latest");
    bench.answer_look_up(1, &[("t-0", 0, -1)]);
    assert_eq!(bench.look_ups(), [""; 0]);
    bench.pass(2_000);
    assert_eq!(bench.look_ups(), ["1: t-0?-1"]);
}

#[test]
fn an_offset_outside_the_log_is_reset_by_policy() {
    let mut bench = reading(1);
    bench.seek("t-0", 99);
    bench.answer(
        1,
        vec![("t-0", Part::error(ErrorCode::OFFSET_OUT_OF_RANGE))],
    );
    assert_eq!(bench.position("t-0"), None);
    assert_eq!(bench.look_ups(), ["1: t-0?-2"]);
    bench.answer_look_up(1, &[("t-0", 0, 5)]);
    assert_eq!(bench.fetches(), ["1: t-0@5"]);
}

#[test]
fn without_a_policy_an_offset_outside_the_log_is_an_error_until_the_user_seeks() {
    let mut bench = reading_with(&[("auto.offset.reset", "none")], &[1]);
    bench.seek("t-0", 99);
    for _ in 0..2 {
        bench.answer(
            1,
            vec![("t-0", Part::error(ErrorCode::OFFSET_OUT_OF_RANGE))],
        );
        let error = bench.collect(500).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange);
        assert_eq!(error.topic_partition(), Some(&tp("t-0")));
        assert!(error.to_string().contains("99"), "{error}");
        assert_eq!(bench.position("t-0"), Some(99));
    }
    bench.seek("t-0", 1);
    assert_eq!(bench.fetches(), ["1: t-0@1"]);
}

#[test]
fn what_was_fetched_before_the_log_lost_the_next_offset_is_delivered_first() {
    let mut bench = reading(1);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 2)))]);
    bench.answer(
        1,
        vec![("t-0", Part::error(ErrorCode::OFFSET_OUT_OF_RANGE))],
    );
    assert_eq!(bench.collected(1), ["t-0@0"]);
    assert_eq!(bench.collected(1), ["t-0@1"]);
    bench.pass(1_000);
    bench.answer(
        1,
        vec![("t-0", Part::error(ErrorCode::OFFSET_OUT_OF_RANGE))],
    );
    assert_eq!(bench.look_ups(), ["1: t-0?-2"]);
}

#[test]
fn an_answer_out_of_range_for_an_earlier_place_is_ignored() {
    let mut bench = reading(1);
    bench.run();
    bench.seek("t-0", 7);
    bench.answer(
        1,
        vec![("t-0", Part::error(ErrorCode::OFFSET_OUT_OF_RANGE))],
    );
    assert_eq!(bench.position("t-0"), Some(7));
}

#[test]
fn seeking_to_an_end_looks_it_up_later_and_an_empty_set_stands_for_all() {
    let mut bench = reading(2);
    bench
        .core
        .reset_to(&Default::default(), ResetTo::End)
        .unwrap();
    assert_eq!(bench.position("t-0"), None);
    assert_eq!(bench.look_ups(), ["1: t-0?-1 t-1?-1"]);
    bench.answer_look_up(1, &[("t-0", 0, 4), ("t-1", 0, 6)]);
    let known = offsets(&bench.core.consumed_offsets());
    assert_eq!(known, ["t-0@4", "t-1@6"]);
}

#[test]
fn a_reset_that_was_overtaken_is_ignored() {
    let mut bench = reading(1);
    let all = tps(&["t-0"]);
    bench.core.reset_to(&all, ResetTo::Beginning).unwrap();
    bench.run();
    bench.core.reset_to(&all, ResetTo::End).unwrap();
    bench.answer_look_up(1, &[("t-0", 0, 1)]);
    assert_eq!(bench.position("t-0"), None, "that was the beginning");
    bench.answer_look_up(1, &[("t-0", 0, 9)]);
    assert_eq!(bench.position("t-0"), Some(9));
    bench.core.reset_to(&all, ResetTo::Beginning).unwrap();
    bench.run();
    bench.seek("t-0", 3);
    bench.answer_look_up(1, &[("t-0", 0, 1)]);
    assert_eq!(bench.position("t-0"), Some(3));
}

#[test]
fn paused_partitions_are_reset_all_the_same() {
    let mut bench = starting("earliest");
    bench.core.pause(&tps(&["t-0"])).unwrap();
    bench.answer_look_up(1, &[("t-0", 0, 2)]);
    assert_eq!(bench.position("t-0"), Some(2));
    assert_eq!(bench.fetches(), [""; 0]);
}

#[test]
fn a_reset_is_repeated_after_a_pause_whatever_kept_it() {
    for code in [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::OFFSET_NOT_AVAILABLE,
        ErrorCode::UNKNOWN_LEADER_EPOCH,
        ErrorCode(9_999),
    ] {
        let mut bench = starting("earliest");
        bench.answer_look_up(1, &[("t-0", code.0, -1)]);
        assert_eq!(bench.look_ups(), [""; 0]);
        bench.pass(2_000);
        assert_eq!(bench.look_ups(), ["1: t-0?-2"], "{code}");
    }
    let mut bench = starting("earliest");
    bench.fail(ApiKey::ListOffsets, 1);
    assert_eq!(bench.look_ups(), [""; 0]);
    bench.pass(2_000);
    assert_eq!(bench.look_ups(), ["1: t-0?-2"]);
}

#[test]
fn a_reset_that_is_refused_fails_one_call_at_a_time() {
    let mut bench = starting("earliest");
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;
    bench.answer_look_up(1, &[("t-0", code, -1)]);
    let error = bench.collect(500).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TopicAuthorization);
    assert!(bench.collected(500).is_empty());
}

#[test]
fn the_same_reset_again_is_asked_again() {
    let mut bench = reading(1);
    let all = tps(&["t-0"]);
    bench.core.reset_to(&all, ResetTo::Beginning).unwrap();
    bench.run();
    bench.core.reset_to(&all, ResetTo::Beginning).unwrap();
    bench.answer_look_up(1, &[("t-0", 0, 1)]);
    assert_eq!(bench.position("t-0"), None);
    bench.answer_look_up(1, &[("t-0", 0, 2)]);
    assert_eq!(bench.position("t-0"), Some(2));
}

#[test]
fn a_reset_of_an_earlier_owner_is_ignored() {
    let mut bench = starting("earliest");
    bench.run();
    bench.core.assign(&tps(&[])).unwrap();
    bench.core.assign(&tps(&["t-0"])).unwrap();
    bench.answer_look_up(1, &[("t-0", 0, 1)]);
    assert_eq!(bench.position("t-0"), None);
    bench.answer_look_up(1, &[("t-0", 0, 2)]);
    assert_eq!(bench.position("t-0"), Some(2));
}
