use weft_client::net::{Lane, OutboundRequest};
use weft_client::wire::messages::FetchResponse;
use weft_client::wire::{ApiKey, ErrorCode, Request, Response};

use super::bench::{Idle, asked, reading, reading_with, tp, tps};
use super::cluster::{Part, batch, large};

#[test]
fn the_next_fetch_leaves_before_the_last_one_is_drained() {
    let mut bench = reading(1);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 10)))]);
    assert_eq!(bench.fetches(), ["1: t-0@10"]);
    assert_eq!(bench.position("t-0"), Some(0));
    bench.answer(1, vec![("t-0", Part::of(batch(10, 10)))]);
    assert_eq!(bench.fetches(), [""; 0], "two answers wait");
    assert_eq!(bench.collected(9).len(), 9);
    assert_eq!(bench.fetches(), [""; 0], "two answers wait");
    assert_eq!(bench.collected(1), ["t-0@9"]);
    assert_eq!(bench.fetches(), ["1: t-0@20"]);
}

#[test]
fn a_node_that_takes_its_time_does_not_hold_back_another() {
    let mut bench = reading_with(&[], &[1, 2]);
    assert_eq!(bench.fetches(), ["1: t-0@0", "2: t-1@0"]);
    for round in 0..20 {
        bench.answer(2, vec![("t-1", Part::of(batch(round, 1)))]);
        assert_eq!(bench.collected(500), [format!("t-1@{round}")]);
        let next = format!("2: t-1@{}", round + 1);
        assert_eq!(bench.fetches(), ["1: t-0@0".to_owned(), next]);
    }
}

#[test]
fn a_partition_without_records_is_asked_for_again_at_once() {
    let mut bench = reading(1);
    bench.answer(1, vec![("t-0", Part::default())]);
    assert!(!bench.core.has_fetched());
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
}

#[test]
fn the_first_fetch_says_everything_and_carries_epochs_and_topic_ids() {
    let properties = [
        ("fetch.min.bytes", "7"),
        ("fetch.max.wait.ms", "11"),
        ("max.partition.fetch.bytes", "13"),
        ("client.rack", "here"),
    ];
    let mut bench = reading_with(&properties, &[1]);
    bench.topology.lead("t", &[1]);
    let request = bench.fetch_request(1);
    assert_eq!((request.session_id, request.session_epoch), (0, 0));
    assert_eq!((request.min_bytes, request.max_wait_ms), (7, 11));
    assert_eq!(request.isolation_level, 0);
    assert_eq!(request.rack_id.as_str(), "here");
    let topic = &request.topics[0];
    assert_eq!(topic.topic_id.as_bytes(), &bench.topology.id("t").0);
    let partition = &topic.partitions[0];
    assert_eq!(partition.current_leader_epoch, 1);
    assert_eq!(partition.last_fetched_epoch, -1);
    assert_eq!(partition.partition_max_bytes, 13);
}

#[test]
fn a_batch_above_the_limit_of_the_partition_is_taken() {
    let mut bench = reading_with(&[("max.partition.fetch.bytes", "10")], &[1]);
    bench.answer(1, vec![("t-0", Part::of(large(0, 5_000)))]);
    assert_eq!(bench.collected(500), ["t-0@0"]);
}

#[test]
fn whatever_was_served_goes_to_the_back_of_the_next_request() {
    let mut bench = reading(3);
    assert_eq!(bench.fetches(), ["1: t-0@0 t-1@0 t-2@0"]);
    bench.answer(
        1,
        vec![("t-0", Part::of(batch(0, 1))), ("t-1", Part::default())],
    );
    assert_eq!(bench.fetches(), ["1: t-1@0 t-2@0 t-0@1"]);
    bench.collected(500);
    bench.answer(1, vec![("t-2", Part::of(batch(0, 1)))]);
    assert_eq!(bench.fetches(), ["1: t-1@0 t-0@1 t-2@1"]);
}

#[test]
fn no_partition_starves_when_answers_hold_only_the_first() {
    for has_sessions in [true, false] {
        let mut bench = reading(5);
        bench.has_sessions = has_sessions;
        for _ in 0..50 {
            bench.run();
            let (first, offset) = bench.kept[&1].wanted[0].clone();
            let name = first.to_string();
            bench.answer(1, vec![(&name, Part::of(batch(offset, 1)))]);
            bench.run();
            bench.collected(500);
        }
        for number in 0..5 {
            assert_eq!(bench.position(&format!("t-{number}")), Some(10));
        }
    }
}

#[test]
fn paused_partitions_are_not_fetched_and_keep_what_they_have() {
    let mut bench = reading(2);
    bench.answer(
        1,
        vec![
            ("t-0", Part::of(batch(0, 3))),
            ("t-1", Part::of(batch(0, 1))),
        ],
    );
    assert_eq!(bench.collected(1), ["t-0@0"]);
    bench.core.pause(&tps(&["t-0"])).unwrap();
    assert_eq!(bench.collected(500), ["t-1@0"]);
    assert!(bench.collected(500).is_empty());
    bench.take(ApiKey::Fetch, 1);
    assert_eq!(bench.core.paused(), tps(&["t-0"]));
    bench.core.resume(&tps(&["t-0"])).unwrap();
    assert_eq!(bench.collected(500), ["t-0@1", "t-0@2"]);
}

#[test]
fn data_that_arrives_during_a_pause_is_kept_and_no_more_is_asked_for() {
    let mut bench = reading(1);
    bench.run();
    bench.core.pause(&tps(&["t-0"])).unwrap();
    bench.answer(1, vec![("t-0", Part::of(batch(0, 2)))]);
    assert_eq!(bench.fetches(), [""; 0]);
    assert!(bench.collected(500).is_empty());
    bench.core.resume(&tps(&["t-0"])).unwrap();
    assert_eq!(bench.collected(500), ["t-0@0", "t-0@1"]);
    assert_eq!(bench.fetches(), ["1: t-0@2"]);
}

#[test]
fn partitions_about_to_be_given_up_are_neither_fetched_nor_returned() {
    let mut bench = reading(2);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 2)))]);
    bench.core.mark_pending_revocation(&tps(&["t-0"]));
    assert!(bench.collected(500).is_empty());
    assert_eq!(bench.fetches(), ["1: t-1@0"]);
    assert_eq!(bench.position("t-0"), Some(0), "it is still owned");
    bench.core.revoke(&tps(&["t-0"]));
    assert!(!bench.core.has_fetched());
    assert!(bench.core.position(&tp("t-0")).is_err());
}

#[test]
fn answers_for_an_earlier_place_are_dropped() {
    let mut bench = reading(1);
    bench.run();
    bench.seek("t-0", 5);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 2)))]);
    assert!(bench.collected(500).is_empty());
    assert_eq!(bench.position("t-0"), Some(5));
    assert_eq!(bench.fetches(), ["1: t-0@5"]);
    bench.answer(1, vec![("t-0", Part::of(batch(5, 2)))]);
    bench.seek("t-0", 0);
    assert!(
        bench.collected(500).is_empty(),
        "buffered data is stale too"
    );
}

#[test]
fn answers_for_an_earlier_ownership_are_dropped() {
    let mut bench = reading(1);
    bench.run();
    bench.core.revoke(&tps(&["t-0"]));
    bench.core.assign(&tps(&["t-0"])).unwrap();
    bench.seek("t-0", 0);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 2)))]);
    assert!(bench.collected(500).is_empty());
    assert_eq!(bench.fetches(), ["1: t-0@0"], "nothing counts as fetched");
}

#[test]
fn an_answer_is_matched_by_topic_and_partition() {
    let mut bench = reading(1);
    bench.topology.lead("u", &[1]);
    bench.core.assign(&tps(&["t-0", "u-0"])).unwrap();
    bench.seek("u-0", 0);
    assert_eq!(bench.fetches(), ["1: t-0@0 u-0@0"]);
    bench.answer(1, vec![("u-0", Part::of(batch(0, 1)))]);
    assert_eq!(bench.collected(500), ["u-0@0"]);
    assert_eq!(bench.position("t-0"), Some(0));
}

#[test]
fn an_answer_that_tells_of_what_nobody_asked_for_is_void() {
    let mut bench = reading(1);
    let stranger = || vec![("t-7", Part::of(batch(0, 1)))];
    bench.answer(1, stranger());
    assert!(bench.collected(500).is_empty());
    assert_eq!(
        bench.fetches(),
        [""; 0],
        "asking for everything again needs a pause"
    );
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 1)))]);
    bench.run();
    bench.answer(1, stranger());
    assert_eq!(
        bench.fetches(),
        ["1: t-0@1"],
        "another session is tried at once"
    );
    let kept = &bench.kept[&1];
    assert_eq!((kept.id, kept.epoch), (101, 0), "and the old one closed");
}

#[test]
fn a_failed_fetch_is_repeated_after_a_pause_that_grows() {
    let mut bench = reading(1);
    let mut last = 0;
    for _ in 0..3 {
        bench.fail(ApiKey::Fetch, 1);
        assert_eq!(bench.fetches(), [""; 0]);
        let before = bench.now;
        while bench.fetches().is_empty() {
            bench.pass_to_deadline();
        }
        let waited = (bench.now - before).as_millis();
        assert!(waited > last, "{waited} after {last}");
        last = waited;
        assert_eq!(bench.fetches(), ["1: t-0@0"]);
    }
    bench.answer(1, vec![("t-0", Part::default())]);
    assert_eq!(bench.fetches(), ["1: t-0@0"], "an answer ends the series");
}

#[test]
fn an_error_of_the_session_voids_the_whole_answer() {
    for (code, id) in [
        (ErrorCode::FETCH_SESSION_ID_NOT_FOUND, 0),
        (ErrorCode::INVALID_FETCH_SESSION_EPOCH, 101),
        (ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR, 101),
        (ErrorCode::UNKNOWN_SERVER_ERROR, 101),
    ] {
        let mut bench = reading(1);
        bench.answer(1, vec![]);
        let sent = bench.take(ApiKey::Fetch, 1);
        let parts = vec![(tp("t-0"), Part::of(batch(0, 1)))];
        let response = bench.response(1, parts).with_error_code(code.0);
        let asked_before = bench.metadata_requests;
        bench.respond(&sent, Response::Fetch(response));
        assert!(!bench.core.has_fetched());
        assert_eq!(bench.fetches(), ["1: t-0@0"], "{code}");
        assert_eq!((bench.kept[&1].id, bench.kept[&1].epoch), (id, 0), "{code}");
        bench.pass(2_000);
        bench.run();
        let is_stale = code == ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR;
        assert_eq!(bench.metadata_requests > asked_before, is_stale, "{code}");
    }
}

#[test]
fn a_session_says_only_what_changed() {
    let mut bench = reading(3);
    bench.answer(1, vec![("t-1", Part::of(batch(0, 2)))]);
    let request = bench.fetch_request(1);
    assert_eq!((request.session_id, request.session_epoch), (101, 1));
    assert_eq!(asked(&request), [(tp("t-1"), 2)]);
    bench.collected(500);
    bench.answer(1, vec![]);
    let request = bench.fetch_request(1);
    assert_eq!((request.session_id, request.session_epoch), (101, 2));
    assert!(request.topics.is_empty() && request.forgotten_topics_data.is_empty());
    bench.core.pause(&tps(&["t-0"])).unwrap();
    bench.answer(1, vec![]);
    let request = bench.fetch_request(1);
    assert_eq!(request.session_epoch, 3);
    assert_eq!(request.forgotten_topics_data[0].partitions, [0]);
    assert_eq!(bench.fetches(), ["1: t-2@0 t-1@2"]);
    bench.core.resume(&tps(&["t-0"])).unwrap();
    bench.answer(1, vec![]);
    assert_eq!(bench.fetches(), ["1: t-2@0 t-1@2 t-0@0"]);
}

#[test]
fn brokers_without_sessions_are_told_everything_each_time() {
    let mut bench = reading(2);
    bench.has_sessions = false;
    for round in 0..3 {
        let request = bench.fetch_request(1);
        assert_eq!((request.session_id, request.session_epoch), (0, 0));
        assert_eq!(asked(&request).len(), 2);
        bench.answer(1, vec![("t-0", Part::of(batch(round, 1)))]);
        assert_eq!(bench.collected(500).len(), 1);
    }
}

#[test]
fn a_failure_closes_the_session_and_begins_another() {
    let mut bench = reading(2);
    bench.answer(1, vec![("t-1", Part::of(batch(0, 2)))]);
    bench.fail(ApiKey::Fetch, 1);
    bench.pass(2_000);
    let request = bench.fetch_request(1);
    assert_eq!((request.session_id, request.session_epoch), (101, 0));
    assert_eq!(asked(&request), [(tp("t-0"), 0), (tp("t-1"), 2)]);
}

#[test]
fn a_topic_that_was_created_again_begins_another_session() {
    let mut bench = reading(1);
    bench.answer(1, vec![]);
    let sent = bench.take(ApiKey::Fetch, 1);
    let gone = vec![(tp("t-0"), Part::error(ErrorCode::UNKNOWN_TOPIC_ID))];
    let response = bench.response(1, gone);
    bench.topology.recreate("t", &[1]);
    bench.respond(&sent, Response::Fetch(response));
    bench.run();
    bench.pass(2_000);
    let request = bench.fetch_request(1);
    assert_eq!(request.session_epoch, 0);
    assert_eq!(
        request.topics[0].topic_id.as_bytes(),
        &bench.topology.id("t").0
    );
}

#[test]
fn closing_closes_every_session_on_a_connection_that_is_free() {
    let mut bench = reading_with(&[], &[1, 2, 3]);
    bench.answer(1, vec![]);
    bench.answer(2, vec![]);
    bench.run();
    bench.core.pause(&tps(&["t-1"])).unwrap();
    bench.answer(2, vec![]);
    bench.run();
    let mut out = Vec::new();
    bench.core.close_sessions(bench.now, &Idle, &mut out);
    let said: Vec<_> = out.iter().map(closing).collect();
    assert_eq!(said, [(1, Lane::General, 101), (2, Lane::Fetch, 102)]);
    assert!(bench.core.is_closing_sessions());
    for sent in &out {
        let response = Response::Fetch(FetchResponse::default());
        bench.respond(sent, response);
    }
    assert!(!bench.core.is_closing_sessions());
}

/// The node, the connection and the session of a request that closes one.
fn closing(sent: &OutboundRequest) -> (i32, Lane, i32) {
    let Request::Fetch(request) = &sent.request else {
        panic!("sessions are closed by fetches");
    };
    assert_eq!(request.session_epoch, -1);
    assert!(request.topics.is_empty());
    (sent.broker.id.value(), sent.lane, request.session_id)
}

#[test]
fn a_partition_that_moved_is_asked_of_its_new_leader_though_both_are_asked_all_the_time() {
    let mut bench = reading_with(&[], &[1, 1, 2]);
    assert_eq!(bench.fetches(), ["1: t-0@0 t-1@0", "2: t-2@0"]);
    bench.topology.lead("t", &[2, 1, 2]);
    bench.refresh_metadata();
    bench.pass(2_000);
    bench.run();
    // Neither is ever free when the other one has answered.
    bench.answer(1, vec![]);
    bench.run();
    bench.answer(2, vec![]);
    assert_eq!(bench.fetches(), ["1: t-1@0", "2: t-2@0 t-0@0"]);
}
