use weft_client::NodeId;
use weft_client::wire::{ApiKey, ErrorCode};

use super::bench::{Bench, reading_with};
use super::cluster::{Part, batch};

/// The leader is node 1, the replica that it prefers is node 2.
fn following() -> Bench {
    let mut bench = reading_with(
        &[("client.rack", "b"), ("metadata.max.age.ms", "300000")],
        &[1],
    );
    bench.answer(1, vec![("t-0", Part::preferring(2))]);
    assert_eq!(bench.fetches(), ["2: t-0@0"]);
    bench
}

#[test]
fn the_replica_that_the_leader_names_is_asked_at_once_and_the_leader_forgets_the_partition() {
    let mut bench = reading_with(&[("client.rack", "b")], &[1, 1]);
    bench.answer(1, vec![("t-0", Part::preferring(2))]);
    assert_eq!(bench.fetches(), ["1: t-1@0", "2: t-0@0"]);
    let request = bench.fetch_request(1);
    assert_eq!(request.forgotten_topics_data[0].partitions, [0]);
    bench.answer(2, vec![("t-0", Part::of(batch(0, 2)))]);
    assert_eq!(bench.collected(500), ["t-0@0", "t-0@1"]);
    assert_eq!(bench.fetches(), ["1: t-1@0", "2: t-0@2"]);
}

#[test]
fn a_term_ends_however_often_the_hint_is_repeated() {
    let mut bench = following();
    bench.pass(200_000);
    bench.answer(2, vec![("t-0", Part::preferring(2))]);
    assert_eq!(bench.fetches(), ["2: t-0@0"]);
    bench.pass(100_001);
    bench.answer(2, vec![]);
    assert_eq!(bench.fetches(), ["1: t-0@0"], "the term was not renewed");
    bench.answer(1, vec![("t-0", Part::preferring(2))]);
    assert_eq!(bench.fetches(), ["2: t-0@0"], "but another can begin");
}

#[test]
fn another_hint_begins_another_term() {
    let mut bench = following();
    bench.pass(200_000);
    bench.answer(2, vec![("t-0", Part::preferring(3))]);
    assert_eq!(bench.fetches(), ["3: t-0@0"]);
    bench.pass(200_000);
    bench.answer(3, vec![]);
    assert_eq!(bench.fetches(), ["3: t-0@0"]);
}

#[test]
fn an_offset_that_a_follower_does_not_have_is_asked_of_the_leader() {
    let mut bench = following();
    let out_of_range = || Part::error(ErrorCode::OFFSET_OUT_OF_RANGE);
    bench.answer(2, vec![("t-0", out_of_range())]);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
    assert!(bench.look_ups().is_empty(), "no reset");
    bench.answer(1, vec![("t-0", out_of_range())]);
    assert_eq!(bench.look_ups(), ["1: t-0?-2"], "the leader knows");
}

#[test]
fn an_offset_that_a_follower_does_not_have_loses_nothing_that_waits() {
    let mut bench = following();
    bench.answer(2, vec![("t-0", Part::of(batch(0, 2)))]);
    bench.run();
    bench.answer(
        2,
        vec![("t-0", Part::error(ErrorCode::OFFSET_OUT_OF_RANGE))],
    );
    assert_eq!(bench.fetches(), ["1: t-0@2"]);
    assert_eq!(bench.collected(500), ["t-0@0", "t-0@1"]);
}

#[test]
fn errors_of_stale_belief_and_lost_connections_go_back_to_the_leader() {
    let mut bench = following();
    bench.answer(
        2,
        vec![("t-0", Part::error(ErrorCode::NOT_LEADER_OR_FOLLOWER))],
    );
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);

    let mut bench = following();
    bench.fail(ApiKey::Fetch, 2);
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
}

#[test]
fn a_failure_of_the_leader_does_not_end_the_term_of_a_replica() {
    let mut bench = reading_with(&[("client.rack", "b")], &[1, 1]);
    bench.answer(1, vec![("t-0", Part::preferring(2))]);
    bench.run();
    bench.fail(ApiKey::Fetch, 1);
    bench.answer(2, vec![]);
    assert_eq!(bench.fetches(), ["2: t-0@0"]);
}

#[test]
fn errors_that_pass_by_themselves_keep_the_replica() {
    let mut bench = following();
    bench.answer(
        2,
        vec![("t-0", Part::error(ErrorCode::UNKNOWN_SERVER_ERROR))],
    );
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["2: t-0@0"]);
}

#[test]
fn another_leader_ends_the_term() {
    let mut bench = following();
    bench.topology.lead("t", &[3]);
    bench.pass(300_000 - 1_000);
    bench.answer(2, vec![]);
    bench.run();
    assert_eq!(bench.fetches(), ["2: t-0@0"], "nobody has said so yet");
    bench.pass(500);
    bench.refresh_metadata();
    bench.answer(2, vec![]);
    assert_eq!(bench.fetches(), ["3: t-0@0"]);
}

#[test]
fn a_replica_that_is_not_there_costs_a_pause_and_a_look_at_the_metadata() {
    let mut bench = reading_with(&[("client.rack", "b")], &[1]);
    bench.run();
    let before = bench.metadata_requests;
    bench.pass(2_000);
    bench.answer(1, vec![("t-0", Part::preferring(77))]);
    assert_eq!(bench.fetches(), [""; 0], "the leader would name it again");
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
    assert!(bench.metadata_requests > before);
}

#[test]
fn a_replica_that_is_down_is_not_asked() {
    let mut bench = reading_with(&[("client.rack", "b")], &[1]);
    bench.topology.take_down(NodeId::new(2));
    bench.refresh_metadata();
    bench.pass(2_000);
    bench.answer(1, vec![("t-0", Part::preferring(2))]);
    assert_eq!(bench.fetches(), [""; 0]);
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
}

#[test]
fn answers_for_partitions_that_are_gone_name_no_replica() {
    let mut bench = reading_with(&[("client.rack", "b")], &[1]);
    bench.run();
    bench.core.revoke(&super::bench::tps(&["t-0"]));
    bench.answer(1, vec![("t-0", Part::preferring(2))]);
    assert_eq!(bench.fetches(), [""; 0]);
}
