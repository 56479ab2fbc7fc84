use weft_client::ErrorKind;
use weft_client::wire::{ApiKey, ErrorCode};

use super::bench::{bench, reading, reading_with, topics, tp, tps};
use super::cluster::{Part, batch};

#[test]
fn codes_of_stale_belief_ask_for_metadata_and_then_the_new_leader() {
    for code in [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::REPLICA_NOT_AVAILABLE,
        ErrorCode::KAFKA_STORAGE_ERROR,
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::OFFSET_NOT_AVAILABLE,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::UNKNOWN_TOPIC_ID,
        ErrorCode::INCONSISTENT_TOPIC_ID,
    ] {
        let mut bench = reading(1);
        bench.run();
        bench.topology.lead("t", &[2]);
        bench.pass(2_000);
        bench.answer(1, vec![("t-0", Part::error(code))]);
        assert!(bench.collected(500).is_empty());
        assert_eq!(bench.fetches(), [""; 0], "{code} needs a pause");
        bench.pass(2_000);
        assert_eq!(bench.fetches(), ["2: t-0@0"], "{code}");
        assert_eq!(bench.position("t-0"), Some(0));
    }
}

#[test]
fn codes_that_pass_by_themselves_are_asked_again_after_a_pause() {
    for code in [
        ErrorCode::UNKNOWN_LEADER_EPOCH,
        ErrorCode::UNKNOWN_SERVER_ERROR,
    ] {
        let mut bench = reading(1);
        bench.answer(1, vec![("t-0", Part::error(code))]);
        assert!(bench.collected(500).is_empty());
        assert_eq!(bench.fetches(), [""; 0], "{code} needs a pause");
        bench.pass(2_000);
        assert_eq!(bench.fetches(), ["1: t-0@0"], "{code}");
    }
}

#[test]
fn a_leader_named_in_the_answer_is_asked_without_metadata() {
    let mut bench = reading(1);
    bench.run();
    bench.has_metadata = false;
    let moved = Part::error(ErrorCode::NOT_LEADER_OR_FOLLOWER).led_by(3, 5);
    bench.answer(1, vec![("t-0", moved)]);
    assert_eq!(bench.fetches(), ["3: t-0@0"]);
    assert_eq!(
        bench.fetch_request(3).topics[0].partitions[0].current_leader_epoch,
        5
    );
}

#[test]
fn an_older_leader_named_in_an_answer_is_not_believed() {
    let mut bench = reading(1);
    bench.topology.lead("t", &[1]);
    bench.run();
    let late = Part::error(ErrorCode::NOT_LEADER_OR_FOLLOWER).led_by(3, 0);
    bench.answer(1, vec![("t-0", late)]);
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
}

#[test]
fn an_error_of_one_partition_does_not_concern_the_others() {
    let mut bench = reading(2);
    bench.answer(
        1,
        vec![
            ("t-0", Part::error(ErrorCode::UNKNOWN_SERVER_ERROR)),
            ("t-1", Part::of(batch(0, 1))),
        ],
    );
    assert_eq!(bench.collected(500), ["t-1@0"]);
    assert_eq!(bench.fetches(), ["1: t-1@1"]);
}

#[test]
fn a_partition_without_a_leader_waits_for_metadata_without_spinning() {
    let mut bench = reading_with(&[], &[-1]);
    assert_eq!(bench.fetches(), [""; 0]);
    let before = bench.metadata_requests;
    for _ in 0..5 {
        bench.pass_to_deadline();
        bench.run();
    }
    assert!(bench.metadata_requests > before);
    bench.topology.lead("t", &[1]);
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
}

#[test]
fn a_topic_that_is_unknown_is_asked_for_until_it_exists() {
    let mut bench = bench(&[]);
    bench.core.assign(&tps(&["t-0"])).unwrap();
    bench.seek("t-0", 0);
    for _ in 0..10 {
        assert_eq!(bench.fetches(), [""; 0]);
        assert!(bench.collected(500).is_empty());
        bench.pass_to_deadline();
    }
    bench.topology.lead("t", &[2]);
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["2: t-0@0"]);
}

#[test]
fn a_topic_that_was_deleted_keeps_its_position_and_waits() {
    let mut bench = reading(1);
    bench.run();
    bench.topology.forget("t");
    let gone = Part::error(ErrorCode::UNKNOWN_TOPIC_ID);
    bench.answer(1, vec![("t-0", gone)]);
    bench.run();
    bench.pass(2_000);
    assert_eq!(bench.fetches(), [""; 0]);
    assert_eq!(bench.position("t-0"), Some(0));
}

#[test]
fn topics_refused_for_good_fail_one_call_for_each_answer() {
    for (code, kind) in [
        (
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            ErrorKind::TopicAuthorization,
        ),
        (ErrorCode::INVALID_TOPIC_EXCEPTION, ErrorKind::InvalidTopic),
    ] {
        let mut bench = bench(&[("group.id", "g")]);
        bench.topology.refuse("t", code);
        bench.core.subscribe(topics(&["t"])).unwrap();
        bench.run();
        assert!(bench.core.has_fetched());
        let error = bench.collect(500).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.topics(), ["t".into()]);
        assert!(bench.collected(500).is_empty(), "{code} is told once");
    }
}

#[test]
fn a_lost_connection_is_remembered_for_whoever_runs_out_of_time() {
    let mut bench = reading(1);
    assert!(bench.core.last_connection_error().is_none());
    bench.fail(ApiKey::Fetch, 1);
    let error = bench.core.last_connection_error().unwrap();
    assert!(error.to_string().contains("host-1:9092"), "{error}");
}

#[test]
fn a_move_of_the_leader_makes_no_use_of_what_the_old_one_says_later() {
    let mut bench = reading(1);
    bench.run();
    bench
        .core
        .seek(&tp("t-0"), &weft_client::Offset::new(4).into())
        .unwrap();
    bench.answer(
        1,
        vec![("t-0", Part::error(ErrorCode::TOPIC_AUTHORIZATION_FAILED))],
    );
    assert!(bench.collected(500).is_empty(), "the answer is stale");
}
