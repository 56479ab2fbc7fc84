//! Heartbeats, the session, and the consumer's polls.

use std::time::Duration;

use weft_client::net::Lane;
use weft_client::wire::Request;

use super::bench::*;
use crate::lane::{ChangeKind, Command};

const REBALANCE_IN_PROGRESS: i16 = 27;

#[test]
fn heartbeats_go_out_at_their_interval_one_at_a_time() {
    let mut bench = stable_eager(&[("t", 0)]);
    assert_eq!(bench.next_in(), Some(Duration::from_secs(3)));
    bench.pass_millis(2_999);
    assert!(!bench.has("heartbeat"));
    bench.pass_millis(1);
    bench.pass_millis(9_000);
    assert_eq!(bench.kinds(), ["heartbeat"]);
    bench.heartbeat_code(0);
    assert_eq!(bench.kinds(), ["heartbeat"], "the next was due meanwhile");
}

#[test]
fn heartbeats_flow_between_the_answers_to_join_and_sync_and_not_during_a_join() {
    let mut bench = stable_cooperative(&[]);
    bench.command(Command::Rejoin { reason: "r".into() });
    bench.pass_millis(10_000);
    assert_eq!(bench.kinds(), ["join"]);
    bench.join_as(2, "cooperative-sticky");
    bench.pass_millis(3_000);
    assert_eq!(bench.kinds(), ["sync", "heartbeat"]);
    bench.heartbeat_code(REBALANCE_IN_PROGRESS);
    bench.sync_with(&[]);
    bench.apply(&[]);
    assert!(!bench.has("join"), "outside of stable it was no news");
}

#[test]
fn a_failed_heartbeat_is_repeated_after_the_backoff() {
    for code in [30, -1, 14] {
        let mut bench = stable_eager(&[("t", 0)]);
        bench.beat(code);
        assert!(!bench.has("heartbeat"));
        bench.pass_millis(150);
        assert!(bench.has("heartbeat"), "code {code}");
        assert!(bench.failures().is_empty() && bench.disconnects.is_empty());
    }
}

#[test]
fn a_heartbeat_refused_by_the_wrong_coordinator_looks_up_the_right_one() {
    for code in [15, 16] {
        let mut bench = stable_eager(&[("t", 0)]);
        bench.beat(code);
        assert_eq!(bench.disconnects, [(1, Lane::Coordinator)]);
        bench.pass_millis(150);
        bench.find_coordinator();
        assert!(
            bench.has("heartbeat") && bench.change().is_none(),
            "code {code}"
        );
    }
}

#[test]
fn a_silent_coordinator_is_given_up_after_the_session_timeout_and_nothing_else_is() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.pass(Duration::from_secs(44));
    assert_eq!(bench.disconnects, []);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.disconnects, [(1, Lane::Coordinator)]);
    assert_eq!(bench.change(), None);
    bench.pass_millis(200);
    bench.find_coordinator();
    bench.pass(Duration::from_secs(44));
    assert_eq!(bench.disconnects.len(), 1, "the session began anew");
}

#[test]
fn a_consumer_that_does_not_poll_leaves_and_joins_again_when_it_answers_the_loss() {
    let mut bench = stable_eager(&[("t", 0)]);
    for _ in 0..99 {
        bench.pass_without_poll(Duration::from_secs(3));
        bench.heartbeat_code(0);
    }
    assert!(!bench.has("leave"));
    bench.pass_without_poll(Duration::from_secs(3));
    let Request::LeaveGroup(leave) = bench.take("leave").request else {
        panic!("not a leave");
    };
    let reason = leave.members[0].reason.as_deref();
    assert_eq!(reason, Some("consumer poll timeout has expired."));
    assert_eq!(
        bench.change(),
        Some(&ChangeKind::Lost(partitions(&[("t", 0)])))
    );
    bench.pass_without_poll(Duration::from_secs(600));
    assert!(!bench.has("join"));
    bench.apply(&[]);
    let join = bench.join_as(5, "range");
    assert_eq!(join.member_id.as_str(), "");
}

#[test]
fn a_consumer_that_owns_nothing_and_does_not_poll_has_to_show_that_it_lives() {
    let mut bench = stable_eager(&[]);
    bench.pass_without_poll(Duration::from_secs(300));
    assert!(bench.has("leave"));
    assert_eq!(bench.apply(&[]), ChangeKind::Lost(partitions(&[])));
    assert!(bench.has("join"));
}

#[test]
fn static_members_that_do_not_poll_go_without_a_word() {
    let mut bench = bench(eager(), &[("group.instance.id", "i")]);
    bench.become_member("range", &[("t", 0)]);
    bench.pass_without_poll(Duration::from_secs(300));
    assert!(!bench.has("leave"));
    assert_eq!(
        bench.change(),
        Some(&ChangeKind::Lost(partitions(&[("t", 0)])))
    );
}

#[test]
fn polls_keep_a_member_in_its_group_even_without_a_coordinator() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(16);
    for _ in 0..20 {
        bench.pass(Duration::from_secs(60));
    }
    assert!(bench.change().is_none());
}

#[test]
fn the_poll_interval_running_out_while_a_change_waits_turns_it_into_a_loss() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    assert!(matches!(bench.change(), Some(ChangeKind::Revoke(_))));
    bench.pass_without_poll(Duration::from_secs(300));
    assert!(bench.has("leave"));
    assert_eq!(
        bench.change(),
        Some(&ChangeKind::Lost(partitions(&[("t", 0)])))
    );
}

#[test]
fn a_callback_that_takes_longer_than_the_poll_interval_costs_the_membership_but_is_answered() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    let change = bench.take_change();
    bench.pass_without_poll(Duration::from_secs(300));
    assert!(bench.has("leave") && bench.change().is_none());
    bench.answer_change(change.id, &[]);
    assert_eq!(bench.change(), None, "nothing is left to lose");
    assert!(bench.has("join"));
}

#[test]
fn a_callback_longer_than_the_session_but_shorter_than_the_poll_interval_costs_nothing() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    let change = bench.take_change();
    for _ in 0..30 {
        bench.pass_without_poll(Duration::from_secs(3));
        bench.heartbeat_code(REBALANCE_IN_PROGRESS);
    }
    bench.commit(1, None);
    bench.commit_code(0);
    assert!(bench.commit_results()[0].1.is_ok());
    bench.answer_change(change.id, &[]);
    assert!(bench.has("join"));
}

#[test]
fn a_cooperative_rejoin_does_not_prolong_the_poll_interval() {
    let mut bench = stable_cooperative(&[("t", 0)]);
    for _ in 0..66 {
        bench.pass_without_poll(Duration::from_secs(3));
        bench.heartbeat_code(0);
    }
    bench.command(Command::Rejoin { reason: "r".into() });
    bench.join_as(2, "cooperative-sticky");
    bench.sync_with(&[("t", 0)]);
    for _ in 0..33 {
        bench.pass_without_poll(Duration::from_secs(3));
        bench.heartbeat_code(0);
    }
    assert!(!bench.has("leave"));
    bench.pass_without_poll(Duration::from_secs(3));
    assert!(bench.has("leave"));
}

#[test]
fn old_news_of_another_generation_do_not_end_this_one() {
    for code in [22, 25, 82] {
        let mut bench = stable_cooperative(&[]);
        bench.pass_millis(3_000);
        let old = bench.take("heartbeat");
        bench.command(Command::Rejoin { reason: "r".into() });
        bench.join_as(2, "cooperative-sticky");
        let response = weft_client::wire::messages::HeartbeatResponse::default();
        bench.respond(old.token, response.with_error_code(code));
        bench.sync_with(&[("t", 0)]);
        assert!(
            bench.change().is_some() && bench.failures().is_empty(),
            "code {code}"
        );
    }
}
