//! One change, one answer; who owns what while joins begin and memberships end.

use std::time::Duration;

use super::bench::*;
use crate::lane::{ChangeKind, Command, MembershipOperation, SubscriptionEpoch};

const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;
const REBALANCE_IN_PROGRESS: i16 = 27;

fn assigned(change: Option<&ChangeKind>) -> Option<Vec<String>> {
    match change {
        Some(ChangeKind::Assign { assignment, .. }) => {
            Some(assignment.iter().map(ToString::to_string).collect())
        }
        _ => None,
    }
}

#[test]
fn an_eager_member_joins_only_after_it_has_given_up_everything() {
    let mut bench = stable_eager(&[("t", 0), ("t", 1)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    let all = partitions(&[("t", 0), ("t", 1)]);
    assert_eq!(bench.change(), Some(&ChangeKind::Revoke(all)));
    bench.beat(REBALANCE_IN_PROGRESS);
    assert!(
        !bench.has("join"),
        "heartbeats go on while the consumer takes its time"
    );
    bench.apply(&[]);
    assert!(bench.has("join"));
}

#[test]
fn an_eager_member_that_owns_nothing_is_told_of_the_rebalance_all_the_same() {
    let mut bench = stable_eager(&[]);
    bench.beat(REBALANCE_IN_PROGRESS);
    assert_eq!(bench.apply(&[]), ChangeKind::Revoke(partitions(&[])));
    assert!(bench.has("join"));
}

#[test]
fn an_eager_member_is_told_to_give_up_once_however_often_the_join_fails() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    bench.apply(&[]);
    bench.join_code(REBALANCE_IN_PROGRESS);
    bench.join_code(14);
    bench.pass_millis(300);
    assert_eq!(bench.change(), None);
    bench.join_as(2, "range");
    bench.sync_code(REBALANCE_IN_PROGRESS);
    assert_eq!(bench.change(), None);
    bench.join_as(3, "range");
    bench.sync_with(&[("t", 1)]);
    assert_eq!(assigned(bench.change()), Some(vec!["t-1".to_owned()]));
}

#[test]
fn a_first_join_asks_nobody_to_give_up_anything() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    assert_eq!(bench.change(), None);
    assert!(bench.has("join"));
}

#[test]
fn a_cooperative_member_keeps_its_partitions_over_a_join() {
    let mut bench = stable_cooperative(&[("t", 0), ("t", 1)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    assert_eq!(bench.change(), None);
    bench.join_as(2, "cooperative-sticky");
    bench.sync_with(&[("t", 0), ("t", 1), ("t", 2)]);
    let names = ["t-0", "t-1", "t-2"].map(str::to_owned);
    assert_eq!(assigned(bench.change()), Some(names.to_vec()));
    bench.apply(&[("t", 0), ("t", 1), ("t", 2)]);
    assert_eq!(bench.kinds(), [""; 0]);
}

#[test]
fn what_a_cooperative_member_loses_is_given_up_then_the_rest_assigned_then_it_joins_again() {
    let mut bench = stable_cooperative(&[("t", 0), ("t", 1)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    bench.join_as(2, "cooperative-sticky");
    bench.sync_with(&[("t", 1)]);
    let beyond = ChangeKind::Revoke(partitions(&[("t", 0)]));
    assert_eq!(bench.apply(&[("t", 1)]), beyond);
    assert!(!bench.has("join"));
    assert_eq!(assigned(bench.change()), Some(vec!["t-1".to_owned()]));
    bench.apply(&[("t", 1)]);
    let join = bench.join_as(3, "cooperative-sticky");
    let reason = "need to revoke partitions and re-join";
    assert_eq!(join.reason.as_deref(), Some(reason));
}

#[test]
fn a_cooperative_member_first_gives_up_what_it_no_longer_subscribes_to() {
    let mut bench = stable_cooperative(&[("t", 0), ("u", 0)]);
    bench.subscribe(&["t"]);
    assert!(!bench.has("join"));
    let unwanted = ChangeKind::Revoke(partitions(&[("u", 0)]));
    assert_eq!(bench.apply(&[("t", 0)]), unwanted);
    assert!(bench.has("join"));
}

#[test]
fn a_disowned_member_joins_only_after_the_consumer_answered_the_loss() {
    for (code, member_id) in [(ILLEGAL_GENERATION, "m"), (UNKNOWN_MEMBER_ID, "")] {
        for mut bench in [stable_eager(&[("t", 0)]), stable_cooperative(&[("t", 0)])] {
            bench.beat(code);
            assert_eq!(
                bench.change(),
                Some(&ChangeKind::Lost(partitions(&[("t", 0)])))
            );
            bench.pass(Duration::from_secs(10));
            assert!(!bench.has("join"), "code {code}");
            bench.apply(&[]);
            let join = bench.take("join");
            let weft_client::wire::Request::JoinGroup(request) = join.request else {
                panic!("not a join");
            };
            assert_eq!(request.member_id.as_str(), member_id, "code {code}");
        }
    }
}

#[test]
fn a_disowned_member_that_owns_nothing_joins_at_once() {
    let mut bench = stable_cooperative(&[]);
    bench.beat(UNKNOWN_MEMBER_ID);
    assert_eq!(bench.change(), None);
    assert!(bench.has("join"));
}

#[test]
fn a_loss_takes_the_place_of_a_change_that_was_not_taken_yet() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    assert!(matches!(bench.change(), Some(ChangeKind::Revoke(_))));
    bench.beat(UNKNOWN_MEMBER_ID);
    assert_eq!(
        bench.change(),
        Some(&ChangeKind::Lost(partitions(&[("t", 0)])))
    );
}

#[test]
fn a_loss_waits_for_the_answer_to_a_change_that_the_consumer_is_applying() {
    let mut bench = stable_cooperative(&[("t", 0), ("t", 1)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    bench.join_as(2, "cooperative-sticky");
    bench.sync_with(&[("t", 1)]);
    let change = bench.take_change();
    bench.beat(UNKNOWN_MEMBER_ID);
    assert_eq!(bench.change(), None);
    bench.answer_change(change.id, &[("t", 1)]);
    assert_eq!(bench.apply(&[]), ChangeKind::Lost(partitions(&[("t", 1)])));
    assert!(bench.has("join"));
}

#[test]
fn a_loss_that_leaves_nothing_to_lose_is_not_told() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    let change = bench.take_change();
    bench.beat(UNKNOWN_MEMBER_ID);
    bench.answer_change(change.id, &[]);
    assert_eq!(bench.change(), None);
    assert!(bench.has("join"));
}

#[test]
fn an_assignment_that_was_not_taken_before_the_loss_was_never_owned() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    bench.join_as(1, "range");
    bench.sync_with(&[("t", 0)]);
    bench.beat(UNKNOWN_MEMBER_ID);
    assert_eq!(bench.change(), None);
    assert!(bench.has("join"));
}

#[test]
fn answers_to_unknown_or_old_changes_are_ignored() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    let change = bench.take_change();
    bench.answer_change(crate::lane::ChangeId(change.id.0 + 7), &[]);
    assert!(!bench.has("join"));
    bench.answer_change(change.id, &[]);
    bench.answer_change(change.id, &[("t", 0)]);
    assert!(bench.has("join"));
}

#[test]
#[should_panic(expected = "owns nothing of what was taken from it")]
fn an_answer_that_keeps_what_was_revoked_is_a_bug() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    bench.apply(&[("t", 0)]);
}

#[test]
fn after_an_assignment_was_answered_nothing_is_sent_again() {
    let mut bench = stable_eager(&[("t", 0)]);
    for _ in 0..5 {
        bench.beat(0);
    }
    assert_eq!(bench.change(), None);
}

#[test]
fn changes_carry_the_life_of_the_subscription_and_those_of_an_old_life_are_taken_back() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    assert_eq!(bench.slot.as_ref().unwrap().epoch, SubscriptionEpoch(1));
    bench.leave(MembershipOperation::Default, None);
    assert_eq!(bench.change(), None);
    bench.subscribe_in(2, &["t"]);
    bench.join_as(5, "range");
    bench.sync_with(&[("t", 3)]);
    assert_eq!(bench.slot.as_ref().unwrap().epoch, SubscriptionEpoch(2));
}

#[test]
fn a_rejoin_asked_for_makes_an_eager_member_give_up_and_join() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.command(Command::Rejoin {
        reason: "rebalance enforced by user".into(),
    });
    bench.apply(&[]);
    let join = bench.join_as(2, "range");
    assert_eq!(join.reason.as_deref(), Some("rebalance enforced by user"));
}
