//! What the coordinator refuses for good, and what comes too late to matter.

use std::time::Duration;

use weft_client::ErrorKind;
use weft_client::wire::messages::{HeartbeatResponse, SyncGroupResponse};

use super::bench::*;
use crate::lane::{ChangeKind, Command};

const FENCED_INSTANCE_ID: i16 = 82;

fn kinds(bench: &mut Bench) -> Vec<ErrorKind> {
    let failures = bench.failures();
    failures.iter().map(weft_client::Error::kind).collect()
}

#[test]
fn a_member_is_fenced_by_the_answers_to_join_and_sync_too() {
    for answers_sync in [false, true] {
        let mut bench = bench(cooperative(), &[("group.instance.id", "i")]);
        bench.become_member("cooperative-sticky", &[("t", 0)]);
        bench.command(Command::Rejoin { reason: "r".into() });
        if answers_sync {
            bench.join_as(2, "cooperative-sticky");
            bench.sync_code(FENCED_INSTANCE_ID);
        } else {
            bench.join_code(FENCED_INSTANCE_ID);
        }
        assert_eq!(kinds(&mut bench), [ErrorKind::FencedInstanceId]);
        let lost = ChangeKind::Lost(partitions(&[("t", 0)]));
        assert_eq!(bench.apply(&[]), lost);
        bench.pass(Duration::from_secs(100));
        assert!(!bench.has("join"), "sync: {answers_sync}");
    }
}

#[test]
fn a_sync_that_is_refused_for_no_known_reason_is_told_and_tried_again_after_the_next_poll() {
    // Not even a coordinator that loads its log is expected to refuse a sync.
    for code in [-1, 14, 30, 129] {
        let mut bench = bench(eager(), &[]);
        bench.subscribe(&["t"]);
        bench.find_coordinator();
        bench.join_as(1, "range");
        bench.sync_code(code);
        assert_eq!(kinds(&mut bench).len(), 1, "code {code}");
        bench.pass_without_poll(Duration::from_secs(5));
        assert!(!bench.has("join"), "code {code}: nobody polled");
        bench.pass(Duration::from_secs(2));
        assert!(bench.has("join"), "code {code}");
    }
}

#[test]
fn answers_to_joins_and_syncs_of_a_member_that_has_left_change_nothing() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    bench.join_as(1, "range");
    bench.pass_millis(3_000);
    let (sync, heartbeat) = (bench.take("sync"), bench.take("heartbeat"));
    bench.leave(crate::lane::MembershipOperation::Default, None);
    let assigned = SyncGroupResponse::default().with_assignment(assignment(&[("t", 0)]));
    bench.respond(sync.token, assigned);
    let refused = HeartbeatResponse::default().with_error_code(FENCED_INSTANCE_ID);
    bench.respond(heartbeat.token, refused);
    assert_eq!(bench.change(), None);
    assert!(kinds(&mut bench).is_empty());
}

#[test]
fn a_rejoin_without_a_subscription_asks_nobody() {
    let mut bench = bench(eager(), &[]);
    bench.command(Command::Rejoin { reason: "r".into() });
    bench.pass(Duration::from_secs(100));
    assert_eq!(bench.kinds(), [""; 0]);
}

#[test]
fn partitions_that_appear_between_the_division_and_its_answer_make_the_leader_rejoin() {
    let mut bench = bench(cooperative(), &[]);
    bench.subscribe(&["t"]);
    bench.answer_metadata(&[("t", 1)]);
    bench.find_coordinator();
    let leads = joined(1, "cooperative-sticky")
        .with_leader(str_bytes("m"))
        .with_members(vec![group_member("m", &["t"], &[])]);
    bench.answer("join", leads);
    // The metadata grow old before the coordinator answers.
    for _ in 0..101 {
        bench.pass_millis(3_000);
        if bench.has("heartbeat") {
            bench.heartbeat_code(0);
        }
    }
    bench.answer_metadata(&[("t", 2)]);
    bench.sync_with(&[("t", 0)]);
    bench.apply(&[("t", 0)]);
    let join = bench.join_as(2, "cooperative-sticky");
    assert_eq!(join.reason.as_deref(), Some("cached metadata has changed"));
}
