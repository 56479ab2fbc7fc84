//! Positions under another leader than the one they were read from (KIP-320).

use std::sync::Arc;

use weft_client::net::{NetworkEvent, RequestError};
use weft_client::wire::{ApiKey, ErrorCode, WireError};
use weft_client::{ErrorKind, LeaderEpoch, Offset, OffsetAndMetadata};

use super::bench::{Bench, offsets, reading_with, tp};
use super::cluster::{Part, batch_of_epoch};

const OK: ErrorCode = ErrorCode::NONE;
const WITHOUT_POLICY: &[(&str, &str)] = &[("auto.offset.reset", "none")];

/// A consumer that has read up to offset 4, all of epoch 0, and whose leader then changed from node
/// 1 to node 2, in epoch 1.
fn moved_with(properties: &[(&str, &str)]) -> Bench {
    let mut bench = reading_with(properties, &[1]);
    bench.answer(1, vec![("t-0", Part::of(batch_of_epoch(0, 4, 0)))]);
    assert_eq!(bench.collected(500).len(), 4);
    bench.run();
    bench.topology.lead("t", &[2]);
    bench.refresh_metadata();
    bench.pass(2_000);
    bench
}

fn moved() -> Bench {
    moved_with(&[])
}

fn place(offset: i64, epoch: i32) -> OffsetAndMetadata {
    let mut place = OffsetAndMetadata::new(Offset::new(offset));
    place.leader_epoch = Some(LeaderEpoch::new(epoch));
    place
}

/// The fetches that are not those of the old leader, which nobody answers any more.
fn new_fetches(bench: &mut Bench) -> Vec<String> {
    let all = bench.fetches();
    all.into_iter()
        .filter(|fetch| !fetch.starts_with("1:"))
        .collect()
}

#[test]
fn a_new_leader_confirms_the_position_before_it_is_read_from() {
    let mut bench = moved();
    assert_eq!(bench.validations(), ["2: t-0/0@1"]);
    assert_eq!(new_fetches(&mut bench), [""; 0]);
    assert_eq!(bench.position("t-0"), None, "nobody knows yet");
    assert_eq!(offsets(&bench.core.consumed_offsets()), [""; 0]);
    bench.answer_validation(2, &[("t-0", OK, 0, 4)]);
    assert_eq!(new_fetches(&mut bench), ["2: t-0@4"]);
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@4/0"]);
    assert_eq!(bench.validations(), [""; 0], "it was confirmed");
}

#[test]
fn what_was_fetched_ahead_under_the_old_leader_is_fetched_again() {
    let mut bench = reading_with(&[], &[1]);
    bench.answer(1, vec![("t-0", Part::of(batch_of_epoch(0, 4, 0)))]);
    assert_eq!(bench.collected(2).len(), 2);
    bench.topology.lead("t", &[2]);
    bench.refresh_metadata();
    bench.pass(2_000);
    assert_eq!(bench.validations(), ["2: t-0/0@1"]);
    assert_eq!(bench.collected(500), [""; 0]);
    bench.answer_validation(2, &[("t-0", OK, 0, 9)]);
    assert_eq!(new_fetches(&mut bench), ["2: t-0@2"]);
}

#[test]
fn a_truncated_log_is_read_from_where_it_parts() {
    let mut bench = moved();
    bench.run();
    bench.answer_validation(2, &[("t-0", OK, 0, 3)]);
    assert_eq!(new_fetches(&mut bench), ["2: t-0@3"]);
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@3/0"]);
    assert_eq!(bench.validations(), [""; 0]);
}

#[test]
fn without_a_policy_a_truncated_log_is_an_error_until_the_user_seeks() {
    let mut bench = moved_with(WITHOUT_POLICY);
    for _ in 0..2 {
        bench.run();
        bench.answer_validation(2, &[("t-0", OK, 0, 3)]);
        let error = bench.collect(500).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LogTruncation);
        assert_eq!(error.topic_partition(), Some(&tp("t-0")));
        assert_eq!(error.divergent_offset(), Some(&place(3, 0)));
        assert!(error.to_string().contains("offset 4"), "{error}");
    }
    bench.seek("t-0", 3);
    assert_eq!(new_fetches(&mut bench), ["2: t-0@3"]);
}

#[test]
fn a_leader_that_does_not_know_the_epoch_means_a_reset_or_an_error_without_a_place() {
    for (epoch, end) in [(-1, -1), (-1, 7), (0, -1)] {
        let mut bench = moved();
        bench.run();
        bench.answer_validation(2, &[("t-0", OK, epoch, end)]);
        assert_eq!(bench.look_ups(), ["2: t-0?-2"], "{epoch} {end}");

        let mut bench = moved_with(WITHOUT_POLICY);
        bench.run();
        bench.answer_validation(2, &[("t-0", OK, epoch, end)]);
        let error = bench.collect(500).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LogTruncation);
        assert_eq!(error.divergent_offset(), None);
    }
}

#[test]
fn codes_of_stale_belief_ask_for_metadata_and_then_again() {
    for code in [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::UNKNOWN_LEADER_EPOCH,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode(9_999),
    ] {
        let mut bench = moved();
        bench.run();
        bench.topology.lead("t", &[3]);
        bench.answer_validation(2, &[("t-0", code, -1, -1)]);
        bench.run();
        assert_eq!(bench.validations(), [""; 0], "{code} needs a pause");
        bench.pass(2_000);
        assert_eq!(bench.validations(), ["3: t-0/0@2"], "{code}");
        bench.answer_validation(3, &[("t-0", OK, 0, 4)]);
        assert_eq!(new_fetches(&mut bench), ["3: t-0@4"], "{code}");
    }
}

#[test]
fn a_lost_or_incomplete_answer_is_asked_for_again() {
    let mut bench = moved();
    bench.fail(ApiKey::OffsetForLeaderEpoch, 2);
    assert_eq!(bench.validations(), [""; 0], "a pause comes first");
    bench.pass(2_000);
    bench.run();
    bench.answer_validation(2, &[]);
    bench.pass(2_000);
    assert_eq!(bench.validations(), ["2: t-0/0@1"]);
}

#[test]
fn a_topic_that_may_not_be_asked_about_is_told_and_asked_again() {
    let mut bench = moved();
    bench.run();
    bench.answer_validation(2, &[("t-0", ErrorCode::TOPIC_AUTHORIZATION_FAILED, -1, -1)]);
    assert_eq!(bench.validations(), [""; 0]);
    let error = bench.collect(500).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TopicAuthorization);
    assert_eq!(bench.validations(), ["2: t-0/0@1"]);
}

#[test]
fn a_broker_that_is_too_old_for_the_question_is_believed() {
    let mut bench = moved();
    let sent = bench.take(ApiKey::OffsetForLeaderEpoch, 2);
    let error = RequestError::Unsupported {
        api_key: ApiKey::OffsetForLeaderEpoch,
        broker: Arc::clone(&sent.broker),
        reason: WireError::Unsupported {
            api_key: ApiKey::OffsetForLeaderEpoch,
            needed: 3..=4,
            broker: Some(0..=1),
            feature: "",
        },
    };
    let token = sent.token;
    bench
        .core
        .handle_event(bench.now, NetworkEvent::Failed { token, error });
    assert_eq!(new_fetches(&mut bench), ["2: t-0@4"]);
    assert_eq!(bench.collected(500), [""; 0]);
}

#[test]
fn an_answer_for_a_position_that_was_left_is_of_no_interest() {
    let mut bench = moved();
    bench.run();
    bench.seek("t-0", 1);
    bench.answer_validation(2, &[("t-0", OK, 0, 3)]);
    assert_eq!(bench.position("t-0"), Some(1));
    assert_eq!(bench.validations(), [""; 0], "no epoch, no question");
    assert_eq!(new_fetches(&mut bench), ["2: t-0@1"]);
}

#[test]
fn a_leader_that_changes_while_the_last_one_is_asked_is_asked_as_well() {
    let mut bench = moved();
    bench.run();
    bench.topology.lead("t", &[3]);
    bench.refresh_metadata();
    bench.pass(2_000);
    bench.run();
    bench.answer_validation(2, &[("t-0", OK, 0, 4)]);
    assert_eq!(bench.validations(), ["3: t-0/0@2"]);
}

#[test]
fn a_committed_or_sought_epoch_is_confirmed_before_anything_is_read() {
    let mut bench = reading_with(&[], &[1]);
    bench.run();
    bench.core.seek(&tp("t-0"), &place(5, 0)).unwrap();
    assert_eq!(bench.position("t-0"), None);
    assert_eq!(bench.validations(), ["1: t-0/0@0"]);
    bench.answer_validation(1, &[("t-0", OK, 0, 5)]);
    assert_eq!(bench.position("t-0"), Some(5));
}

#[test]
fn a_position_without_epoch_is_believed_and_not_doubted_after_its_first_record() {
    let mut bench = reading_with(&[], &[1]);
    bench.run();
    bench.topology.lead("t", &[2]);
    bench.refresh_metadata();
    bench.pass(2_000);
    assert_eq!(bench.validations(), [""; 0]);
    // The old leader is not waited for.
    bench.fail(ApiKey::Fetch, 1);
    bench.pass(2_000);
    bench.answer(2, vec![("t-0", Part::of(batch_of_epoch(0, 4, 0)))]);
    assert_eq!(bench.collected(500).len(), 4);
    bench.refresh_metadata();
    bench.pass(2_000);
    assert_eq!(bench.validations(), [""; 0]);
}

#[test]
fn questions_are_put_together_by_leader() {
    let mut bench = reading_with(&[], &[1, 1, 1]);
    let part = || Part::of(batch_of_epoch(0, 1, 0));
    bench.answer(1, vec![("t-0", part()), ("t-1", part()), ("t-2", part())]);
    assert_eq!(bench.collected(500).len(), 3);
    bench.topology.lead("t", &[2, 3, 2]);
    bench.refresh_metadata();
    bench.pass(2_000);
    assert_eq!(bench.validations(), ["2: t-0/0@1 t-2/0@1", "3: t-1/0@1"]);
}
