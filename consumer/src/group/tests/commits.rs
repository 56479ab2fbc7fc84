//! Commits, and questions for what is committed.

use std::time::Duration;

use weft_client::net::Lane;
use weft_client::wire::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use weft_client::wire::messages::{OffsetCommitResponse, OffsetFetchResponse};
use weft_client::wire::{Request, messages};
use weft_client::{ErrorKind, Offset, TopicPartition};

use super::bench::*;
use crate::lane::{ChangeKind, Command, CommandId, GroupResult};

const RETRY: Option<Duration> = Some(Duration::from_secs(10));

/// The kind of error with which commit 1 ended, if it ended.
fn ended(bench: &mut Bench) -> Option<Result<(), ErrorKind>> {
    let (id, result) = bench.commit_results().pop()?;
    assert_eq!(id, 1);
    Some(result.map_err(|error| error.kind()))
}

fn stamp(bench: &Bench) -> (i32, String) {
    let of = bench
        .wire
        .iter()
        .find_map(|request| match &request.request {
            Request::OffsetCommit(commit) => Some(commit),
            _ => None,
        });
    let commit = of.expect("a commit is on the wire");
    (
        commit.generation_id_or_member_epoch,
        commit.member_id.to_string(),
    )
}

#[test]
fn a_commit_carries_the_generation_and_what_was_committed() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, None);
    assert_eq!(stamp(&bench), (1, "m".to_owned()));
    let request = bench.take("commit");
    assert_eq!(request.lane, Lane::Coordinator);
    let Request::OffsetCommit(commit) = &request.request else {
        panic!("not a commit");
    };
    let partition = &commit.topics[0].partitions[0];
    assert_eq!(
        (commit.topics[0].name.as_str(), partition.committed_offset),
        ("t", 5)
    );
    assert_eq!(partition.committed_leader_epoch, -1);
    bench.respond(request.token, commit_response(&request, 0));
    assert_eq!(ended(&mut bench), Some(Ok(())));
}

#[test]
fn without_a_subscription_a_commit_names_no_member_not_even_a_static_one() {
    let mut bench = bench(eager(), &[("group.instance.id", "i")]);
    bench.commit(1, None);
    bench.find_coordinator();
    assert_eq!(stamp(&bench), (-1, String::new()));
    let request = bench.take("commit");
    let Request::OffsetCommit(commit) = &request.request else {
        panic!("not a commit");
    };
    assert_eq!(commit.group_instance_id, None);
    bench.respond(request.token, commit_response(&request, 0));
    assert_eq!(ended(&mut bench), Some(Ok(())));
}

#[test]
fn commits_during_join_and_sync_are_refused_at_once() {
    let mut bench = stable_cooperative(&[("t", 0)]);
    bench.command(Command::Rejoin { reason: "r".into() });
    for _ in 0..2 {
        bench.commit(1, RETRY);
        assert_eq!(ended(&mut bench), Some(Err(ErrorKind::RebalanceInProgress)));
        assert!(!bench.has("commit"));
        if bench.has("join") {
            bench.join_as(2, "cooperative-sticky");
        }
    }
    bench.sync_with(&[("t", 0)]);
    bench.commit(1, RETRY);
    assert_eq!(stamp(&bench), (2, "m".to_owned()));
}

#[test]
fn a_commit_inside_a_revocation_goes_out_in_the_old_generation_and_the_join_waits_for_it() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(27);
    let change = bench.take_change();
    bench.commit(1, RETRY);
    assert_eq!(stamp(&bench), (1, "m".to_owned()));
    bench.answer_change(change.id, &[]);
    assert!(!bench.has("join"), "a commit is on the wire");
    bench.commit_code(0);
    assert_eq!(ended(&mut bench), Some(Ok(())));
    assert!(bench.has("join"));
}

#[test]
fn a_subscribed_consumer_that_is_no_member_yet_cannot_commit() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.commit(1, RETRY);
    assert_eq!(ended(&mut bench), Some(Err(ErrorKind::CommitFailed)));
}

#[test]
fn what_each_code_makes_of_a_commit_with_one_try() {
    use ErrorKind::*;
    // The code, the end, whether the coordinator is lost, and the change that follows.
    for (code, end, is_lost, loses) in [
        (30, GroupAuthorization, false, false),
        (12, Broker(weft_client::wire::ErrorCode(12)), false, false),
        (28, Broker(weft_client::wire::ErrorCode(28)), false, false),
        (-1, Broker(weft_client::wire::ErrorCode(-1)), false, false),
        (29, TopicAuthorization, false, false),
        (14, RetriableCommitFailed, false, false),
        (3, RetriableCommitFailed, false, false),
        (15, RetriableCommitFailed, true, false),
        (16, RetriableCommitFailed, true, false),
        (7, RetriableCommitFailed, true, false),
        (27, RebalanceInProgress, false, false),
        (22, CommitFailed, false, true),
        (25, CommitFailed, false, true),
        (82, FencedInstanceId, false, true),
    ] {
        let mut bench = stable_cooperative(&[("t", 0)]);
        bench.commit(1, None);
        bench.commit_code(code);
        assert_eq!(ended(&mut bench), Some(Err(end)), "code {code}");
        assert_eq!(!bench.disconnects.is_empty(), is_lost, "code {code}");
        let lost = matches!(bench.change(), Some(ChangeKind::Lost(_)));
        assert_eq!(lost, loses, "code {code}");
        assert_eq!(bench.has("join"), code == 27, "code {code}");
        assert_eq!(
            bench.failures().len(),
            usize::from(code == 82),
            "code {code}"
        );
    }
}

#[test]
fn a_commit_that_tells_of_another_process_fails_the_member_and_not_a_partition() {
    let mut bench = stable_cooperative(&[("t", 0)]);
    bench.commit(1, None);
    bench.commit_code(82);
    let failures = bench.failures();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].kind(), ErrorKind::FencedInstanceId);
    // The failures of partitions are dropped with the partitions, and this has to be heard.
    assert_eq!(failures[0].topic_partition(), None);
    let text = failures[0].to_string();
    assert!(text.starts_with("committing offsets of group g"), "{text}");
}

#[test]
fn errors_of_commits_name_the_group_the_coordinator_and_the_partition() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, None);
    bench.commit_code(12);
    let error = bench.commit_results().remove(0).1.unwrap_err();
    let text = error.to_string();
    let begin = "committing offsets of group g at coordinator 1 (one:9092) failed: ";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.contains("OFFSET_METADATA_TOO_LARGE"), "{text}");
    assert_eq!(error.topic_partition(), Some(&TopicPartition::new("t", 0)));
}

#[test]
fn a_partition_that_the_coordinator_leaves_out_was_not_committed() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, RETRY);
    bench.answer("commit", OffsetCommitResponse::default());
    assert_eq!(ended(&mut bench), Some(Err(ErrorKind::MalformedResponse)));
}

#[test]
fn a_commit_with_a_deadline_is_retried_until_it_succeeds() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, RETRY);
    bench.commit_code(14);
    assert!(!bench.has("commit"));
    bench.pass_millis(150);
    bench.commit_code(16);
    bench.pass_millis(300);
    bench.find_coordinator();
    bench.pass_millis(300);
    assert_eq!(ended(&mut bench), None);
    bench.commit_code(0);
    assert_eq!(ended(&mut bench), Some(Ok(())));
}

#[test]
fn a_commit_whose_time_is_over_tells_the_last_failure() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, Some(Duration::from_secs(1)));
    bench.commit_code(14);
    bench.pass_millis(500);
    assert!(
        bench.has("commit"),
        "it is on the wire when the time is over"
    );
    assert!(bench.next_in().unwrap() <= Duration::from_millis(500));
    bench.pass_millis(500);
    let (_, result) = bench.commit_results().remove(0);
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.to_string().contains("COORDINATOR_LOAD_IN_PROGRESS"),
        "{error}"
    );
    bench.commit_code(0);
    assert_eq!(ended(&mut bench), None, "it is answered once");
}

#[test]
fn a_commit_without_any_time_goes_out_once_and_is_told_to_have_timed_out() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, Some(Duration::ZERO));
    assert!(bench.has("commit"));
    bench.pass_millis(0);
    assert_eq!(ended(&mut bench), Some(Err(ErrorKind::Timeout)));
    bench.commit_code(14);
    bench.pass_millis(1_000);
    assert!(!bench.has("commit"), "it is not sent again");
    assert_eq!(ended(&mut bench), None, "it is answered once");
}

#[test]
fn a_commit_without_any_time_takes_an_answer_that_is_there_at_once() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, Some(Duration::ZERO));
    bench.commit_code(0);
    assert_eq!(ended(&mut bench), Some(Ok(())));
}

#[test]
fn without_any_time_nothing_waits_for_a_coordinator_to_be_found() {
    let mut bench = bench(eager(), &[]);
    bench.commit(1, Some(Duration::ZERO));
    bench.ask_committed_within(1, Duration::ZERO);
    bench.pass_millis(0);
    assert_eq!(ended(&mut bench), Some(Err(ErrorKind::Timeout)));
    assert_eq!(question_end(&mut bench), Some(Err(ErrorKind::Timeout)));
}

#[test]
fn a_question_without_any_time_is_asked_once() {
    let mut bench = stable_eager(&[]);
    bench.ask_committed_within(1, Duration::ZERO);
    assert!(bench.has("fetch"));
    bench.pass_millis(0);
    assert_eq!(question_end(&mut bench), Some(Err(ErrorKind::Timeout)));
    bench.answer("fetch", fetched(0, &[(0, 17, 0), (1, -1, 0)]));
    assert_eq!(question_end(&mut bench), None, "it is answered once");
}

#[test]
fn a_commit_without_coordinator_tells_at_its_deadline_why_none_was_found() {
    let mut bench = bench(eager(), &[]);
    bench.commit(1, Some(Duration::from_secs(1)));
    while bench.has("metadata") {
        bench.answer_metadata(&[]);
    }
    bench.fail("find");
    bench.pass_millis(1_000);
    let error = bench.commit_results().remove(0).1.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let text = error.to_string();
    assert!(
        text.contains("group g at a coordinator that was not found"),
        "{text}"
    );
    assert!(
        text.contains("bootstrap boot:1") || text.contains("at one:9092"),
        "{text}"
    );
}

#[test]
fn a_commit_with_one_try_waits_for_one_look_up() {
    let mut bench = bench(eager(), &[]);
    bench.commit(1, None);
    bench.find_coordinator_code(15);
    assert_eq!(
        ended(&mut bench),
        Some(Err(ErrorKind::RetriableCommitFailed))
    );
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, None);
    bench.fail("commit");
    assert_eq!(
        ended(&mut bench),
        Some(Err(ErrorKind::RetriableCommitFailed))
    );
    assert_eq!(bench.disconnects.len(), 1);
}

#[test]
fn commits_with_one_try_go_out_together_and_in_order() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, None);
    bench.commit(2, None);
    assert_eq!(bench.kinds(), ["commit", "commit"]);
    bench.commit_code(0);
    bench.commit_code(0);
    let ids: Vec<u64> = bench.commit_results().iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_commit_that_is_retried_is_not_overtaken() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, RETRY);
    bench.commit(2, None);
    assert_eq!(bench.kinds(), ["commit"]);
    bench.commit_code(14);
    assert_eq!(bench.kinds(), [""; 0]);
    bench.pass_millis(150);
    bench.commit_code(0);
    assert_eq!(bench.kinds(), ["commit"]);
    bench.commit_code(0);
    let ids: Vec<u64> = bench.commit_results().iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_commit_that_waits_to_be_retried_is_refused_when_the_member_joins_or_is_lost() {
    for (code, kind) in [
        (27, ErrorKind::RebalanceInProgress),
        (25, ErrorKind::CommitFailed),
    ] {
        let mut bench = bench(
            cooperative(),
            &[
                ("retry.backoff.ms", "5000"),
                ("retry.backoff.max.ms", "5000"),
            ],
        );
        bench.become_member("cooperative-sticky", &[("t", 0)]);
        bench.commit(1, RETRY);
        bench.commit_code(14);
        bench.beat(code);
        assert_eq!(ended(&mut bench), Some(Err(kind)), "code {code}");
    }
}

#[test]
fn what_disowns_an_identity_of_the_past_leaves_the_present_one_alone() {
    for code in [22, 25, 82] {
        let mut bench = stable_cooperative(&[]);
        bench.commit(1, RETRY);
        let old = bench.take("commit");
        bench.beat(25);
        // The join waits for the commit on the wire, so that the answer comes before it.
        assert!(!bench.has("join"));
        bench.respond(old.token, commit_response(&old, code));
        assert_eq!(
            ended(&mut bench),
            Some(Err(ErrorKind::CommitFailed)),
            "code {code}"
        );
        assert!(bench.has("join") && bench.failures().is_empty());
    }
}

#[test]
fn a_commit_is_never_sent_again_under_another_identity() {
    let mut bench = stable_cooperative(&[]);
    bench.commit(1, RETRY);
    let old = bench.take("commit");
    bench.beat(25);
    bench.respond(old.token, commit_response(&old, 14));
    assert_eq!(ended(&mut bench), Some(Err(ErrorKind::CommitFailed)));
}

#[test]
fn more_commits_than_the_limit_are_refused() {
    let mut bench = bench(eager(), &[]);
    for id in 0..1025 {
        bench.commit(id, RETRY);
    }
    let refused = bench.commit_results();
    assert_eq!(refused.len(), 1);
    let error = refused[0].1.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RetriableCommitFailed);
}

fn fetched(group_code: i16, of: &[(i32, i64, i16)]) -> OffsetFetchResponse {
    let partitions = of.iter().map(|(number, offset, code)| {
        OffsetFetchResponsePartitions::default()
            .with_partition_index(*number)
            .with_committed_offset(*offset)
            .with_committed_leader_epoch(3)
            .with_metadata(Some(str_bytes("note")))
            .with_error_code(*code)
    });
    let topic = OffsetFetchResponseTopics::default()
        .with_name(messages::TopicName(str_bytes("t")))
        .with_partitions(partitions.collect());
    let group = OffsetFetchResponseGroup::default()
        .with_topics(vec![topic])
        .with_error_code(group_code);
    OffsetFetchResponse::default().with_groups(vec![group])
}

fn question_end(bench: &mut Bench) -> Option<Result<usize, ErrorKind>> {
    let place = bench
        .results
        .iter()
        .position(|result| matches!(result, GroupResult::Fetched { .. }))?;
    let GroupResult::Fetched { id, result } = bench.results.remove(place) else {
        return None;
    };
    assert_eq!(id, CommandId(1));
    Some(
        result
            .map(|offsets| offsets.len())
            .map_err(|error| error.kind()),
    )
}

#[test]
fn a_question_has_an_entry_for_each_partition_and_none_where_nothing_is_committed() {
    let mut bench = bench(eager(), &[]);
    bench.ask_committed(1);
    bench.find_coordinator();
    let asked = bench.answer("fetch", fetched(0, &[(0, 17, 0), (1, -1, 0), (9, 1, 0)]));
    let Request::OffsetFetch(asked) = asked else {
        panic!("not a fetch");
    };
    assert!(asked.require_stable);
    let found = bench.results.pop();
    let Some(GroupResult::Fetched {
        result: Ok(offsets),
        ..
    }) = found
    else {
        panic!("{found:?}");
    };
    assert_eq!(offsets.len(), 2);
    let known = offsets[&TopicPartition::new("t", 0)].as_ref().unwrap();
    assert_eq!((known.offset, &*known.metadata), (Offset::new(17), "note"));
    assert_eq!(offsets[&TopicPartition::new("t", 1)], None);
}

#[test]
fn what_each_code_makes_of_a_question() {
    use ErrorKind::*;
    for (group, partition, end) in [
        (30, 0, Some(GroupAuthorization)),
        (0, 3, Some(UnknownTopicOrPartition)),
        (0, 29, Some(TopicAuthorization)),
        (0, 1, Some(OffsetOutOfRange)),
        (0, 88, None),
        (14, 0, None),
        (16, 0, None),
    ] {
        let mut bench = stable_eager(&[]);
        bench.ask_committed(1);
        bench.answer("fetch", fetched(group, &[(0, 1, partition)]));
        assert_eq!(
            question_end(&mut bench),
            end.map(Err),
            "{group} {partition}"
        );
        if end.is_none() {
            bench.pass_millis(150);
            if group == 16 {
                bench.find_coordinator();
            }
            bench.answer("fetch", fetched(0, &[(0, 1, 0)]));
            assert_eq!(question_end(&mut bench), Some(Ok(2)), "{group} {partition}");
        }
    }
}

#[test]
fn a_question_during_a_join_takes_another_connection() {
    let mut bench = stable_cooperative(&[]);
    bench.command(Command::Rejoin { reason: "r".into() });
    bench.ask_committed(1);
    assert_eq!(bench.take("fetch").lane, Lane::General);
}

#[test]
fn a_question_whose_time_is_over_is_answered() {
    let mut bench = stable_eager(&[]);
    bench.ask_committed(1);
    bench.take("fetch");
    bench.pass(Duration::from_secs(10));
    assert_eq!(question_end(&mut bench), Some(Err(ErrorKind::Timeout)));
}

#[test]
fn a_group_that_refuses_a_commit_without_member_says_nothing_about_the_next() {
    let mut bench = bench(eager(), &[]);
    bench.commit(1, RETRY);
    bench.commit(2, None);
    bench.find_coordinator();
    bench.commit_code(25);
    assert_eq!(ended(&mut bench), Some(Err(ErrorKind::CommitFailed)));
    assert!(
        bench.has("commit"),
        "the second one waited for the first only"
    );
}
