//! Leaving, for whatever reason.

use std::time::Duration;

use weft_client::net::Lane;
use weft_client::wire::Request;
use weft_client::{ErrorKind, GenerationId};

use super::bench::*;
use crate::lane::{CommandId, GroupResult, MembershipOperation};

const WAIT: Option<Duration> = Some(Duration::from_secs(5));

fn has_left(bench: &Bench) -> bool {
    let is_left = |result: &GroupResult| matches!(result, GroupResult::Left { id: CommandId(99) });
    bench.results.iter().any(is_left)
}

#[test]
fn who_tells_the_coordinator_that_it_leaves() {
    use MembershipOperation::{Default, LeaveGroup, RemainInGroup};
    let dynamic: &[(&str, &str)] = &[];
    let static_member: &[(&str, &str)] = &[("group.instance.id", "i")];
    for (properties, operation, is_told) in [
        (dynamic, Default, true),
        (dynamic, LeaveGroup, true),
        (dynamic, RemainInGroup, false),
        (static_member, Default, false),
        (static_member, LeaveGroup, true),
        (static_member, RemainInGroup, false),
    ] {
        let mut bench = bench(eager(), properties);
        bench.become_member("range", &[("t", 0)]);
        bench.leave(operation, WAIT);
        assert_eq!(bench.has("leave"), is_told, "{properties:?} {operation:?}");
        assert_eq!(has_left(&bench), !is_told, "{properties:?} {operation:?}");
    }
}

#[test]
fn a_leave_names_member_and_reason_resets_the_membership_and_is_answered_after_the_coordinator() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.leave(MembershipOperation::Default, WAIT);
    let request = bench.take("leave");
    let Request::LeaveGroup(leave) = &request.request else {
        panic!("not a leave");
    };
    assert_eq!(leave.members[0].member_id.as_str(), "m");
    assert_eq!(leave.members[0].group_instance_id, None);
    let reason = leave.members[0].reason.as_deref();
    assert_eq!(reason, Some("the consumer is being closed"));
    let [GroupResult::Membership(news)] = &bench.results[..] else {
        panic!("{:?}", bench.results);
    };
    assert_eq!(news.generation, GenerationId::NONE);
    assert!(!bench.core.is_finished());
    bench.respond(
        request.token,
        weft_client::wire::messages::LeaveGroupResponse::default(),
    );
    assert!(has_left(&bench) && bench.core.is_finished());
}

#[test]
fn an_unanswered_leave_ends_at_its_time_and_one_without_time_at_once() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.leave(MembershipOperation::Default, WAIT);
    bench.pass(Duration::from_secs(4));
    assert!(!has_left(&bench));
    bench.pass(Duration::from_secs(1));
    assert!(has_left(&bench));
    let mut bench = stable_eager(&[("t", 0)]);
    bench.leave(MembershipOperation::Default, None);
    assert!(bench.has("leave") && has_left(&bench));
    assert!(!bench.core.is_finished(), "the request is still on its way");
}

#[test]
fn whoever_is_no_member_leaves_at_once() {
    let mut bench = bench(eager(), &[]);
    bench.leave(MembershipOperation::Default, WAIT);
    assert!(has_left(&bench));
    let mut bench = super::bench::bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.leave(MembershipOperation::Default, WAIT);
    assert!(has_left(&bench), "no coordinator is waited for");
}

#[test]
fn a_member_leaves_in_the_middle_of_a_join_over_a_fresh_connection() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    let required = weft_client::wire::messages::JoinGroupResponse::default()
        .with_error_code(79)
        .with_member_id(str_bytes("given"));
    bench.answer("join", required);
    bench.leave(MembershipOperation::Default, WAIT);
    assert_eq!(bench.disconnects, [(1, Lane::Coordinator)]);
    assert!(!bench.has("join"), "it went down with the connection");
    bench.answer_leave();
    assert!(has_left(&bench));
    bench.pass(Duration::from_secs(100));
    assert!(!bench.has("join"));
}

#[test]
fn what_waits_fails_before_the_leave_is_answered() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, WAIT);
    bench.commit(2, WAIT);
    bench.ask_committed(3);
    bench.leave(MembershipOperation::Default, WAIT);
    let failed = bench.commit_results();
    assert_eq!(failed.len(), 1, "the second commit was not sent yet");
    assert_eq!(failed[0].0, 2);
    bench.commit_code(0);
    assert!(bench.commit_results()[0].1.is_ok(), "the first was in time");
    bench.answer_leave();
    assert!(matches!(
        bench.results.last(),
        Some(GroupResult::Left { .. })
    ));
}

#[test]
fn what_is_on_the_wire_fails_when_the_time_to_leave_is_over() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, None);
    bench.leave(MembershipOperation::Default, WAIT);
    bench.pass(Duration::from_secs(5));
    let (_, result) = bench.commit_results().remove(0);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::CommitFailed);
    assert!(has_left(&bench));
    bench.commit_code(14);
    assert!(bench.commit_results().is_empty());
}

#[test]
fn after_leaving_commits_name_no_member() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.leave(MembershipOperation::Default, None);
    bench.commit(1, None);
    let Request::OffsetCommit(commit) = bench.take("commit").request else {
        panic!("not a commit");
    };
    assert_eq!(commit.generation_id_or_member_epoch, -1);
    assert_eq!(commit.member_id.as_str(), "");
}

#[test]
fn a_leave_that_cannot_be_delivered_is_answered_all_the_same() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.leave(MembershipOperation::Default, WAIT);
    bench.fail("leave");
    assert!(has_left(&bench) && bench.core.is_finished());
}

#[test]
fn a_commit_of_the_old_member_is_not_made_again_by_nobody() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.commit(1, WAIT);
    bench.leave(MembershipOperation::Default, WAIT);
    bench.commit_code(14);
    let (_, result) = bench.commit_results().remove(0);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::CommitFailed);
    bench.pass(Duration::from_secs(1));
    assert!(!bench.has("commit"));
}
