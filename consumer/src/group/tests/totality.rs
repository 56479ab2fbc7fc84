//! Every input in every state has a result: no panic, no silence that a deadline does not end.

use std::time::Duration;

use weft_client::net::RequestToken;
use weft_client::wire::Response;
use weft_client::wire::messages::{
    FindCoordinatorResponse, HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse,
    MetadataResponse, OffsetCommitResponse, OffsetFetchResponse, SyncGroupResponse,
};

use super::bench::*;
use crate::group::GroupInput;
use crate::lane::{ChangeId, Command, GroupResult, MembershipOperation};

type Prepare = fn() -> Bench;

fn subscribed() -> Bench {
    let mut bench = bench(cooperative(), &[]);
    bench.subscribe(&["t", "u"]);
    bench
}

fn joining() -> Bench {
    let mut bench = subscribed();
    bench.find_coordinator();
    bench
}

fn assigning() -> Bench {
    let mut bench = joining();
    let response = joined(1, "cooperative-sticky")
        .with_leader(str_bytes("m"))
        .with_members(vec![group_member("m", &["t", "other"], &[])]);
    bench.answer("join", response);
    bench
}

fn syncing() -> Bench {
    let mut bench = joining();
    bench.join_as(1, "cooperative-sticky");
    bench
}

fn publishing() -> Bench {
    let mut bench = syncing();
    bench.sync_with(&[("t", 0)]);
    bench
}

fn stable() -> Bench {
    stable_cooperative(&[("t", 0)])
}

fn losing() -> Bench {
    let mut bench = stable();
    bench.beat(25);
    bench
}

fn halted() -> Bench {
    let mut bench = joining();
    bench.join_code(30);
    bench
}

fn left() -> Bench {
    let mut bench = stable();
    bench.leave(MembershipOperation::Default, Some(Duration::from_secs(5)));
    bench
}

const STATES: &[(&str, Prepare)] = &[
    ("idle", || bench(cooperative(), &[])),
    ("subscribed", subscribed),
    ("joining", joining),
    ("assigning", assigning),
    ("syncing", syncing),
    ("publishing", publishing),
    ("stable", stable),
    ("losing", losing),
    ("halted", halted),
    ("left", left),
];

fn responses() -> Vec<Response> {
    vec![
        MetadataResponse::default().into(),
        FindCoordinatorResponse::default().into(),
        JoinGroupResponse::default().into(),
        SyncGroupResponse::default().into(),
        HeartbeatResponse::default().into(),
        LeaveGroupResponse::default().into(),
        OffsetCommitResponse::default().into(),
        OffsetFetchResponse::default().into(),
    ]
}

/// A deadline in the past would make the thread spin.
fn check_deadline(bench: &mut Bench, name: &str) {
    bench.feed(GroupInput::Tick);
    let next = bench.next_in();
    assert_ne!(next, Some(Duration::ZERO), "{name}: the thread would spin");
}

#[test]
fn every_command_is_answered_from_every_state_though_nobody_answers_the_member() {
    for (name, prepare) in STATES {
        let mut bench = prepare();
        bench.results.clear();
        bench.commit(1, Some(Duration::from_secs(8)));
        check_deadline(&mut bench, name);
        bench.commit(2, None);
        bench.ask_committed(3);
        check_deadline(&mut bench, name);
        for _ in 0..700 {
            let Some(next) = bench.next_in() else {
                break;
            };
            bench.pass(next);
            check_deadline(&mut bench, name);
            // A network gives up on every request in the end.
            while let Some(request) = bench.wire.pop_front() {
                let reason = weft_client::net::CloseReason::Unresolved("gone".into());
                bench.feed(failed(&request, reason));
            }
        }
        bench.leave(MembershipOperation::Default, Some(Duration::from_secs(1)));
        bench.pass(Duration::from_secs(1));
        let mut ids: Vec<u64> = bench
            .results
            .iter()
            .filter_map(|result| match result {
                GroupResult::Committed { id, .. }
                | GroupResult::Fetched { id, .. }
                | GroupResult::Left { id } => Some(id.0),
                _ => None,
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, [1, 2, 3, 99], "{name}");
    }
}

#[test]
fn every_answer_to_no_question_changes_nothing() {
    for (name, prepare) in STATES {
        for response in responses() {
            let mut bench = prepare();
            let before = (bench.kinds(), bench.change().cloned(), bench.results.len());
            bench.respond(RequestToken::new(u64::MAX), response);
            let after = (bench.kinds(), bench.change().cloned(), bench.results.len());
            assert_eq!(before, after, "{name}");
        }
    }
}

#[test]
fn every_answer_of_another_api_leaves_the_member_usable() {
    for (name, prepare) in STATES {
        for response in responses() {
            let mut bench = prepare();
            let Some(request) = bench.wire.pop_front() else {
                continue;
            };
            bench.respond(request.token, response);
            check_deadline(&mut bench, name);
            bench.leave(MembershipOperation::Default, None);
            let is_left = |result: &GroupResult| matches!(result, GroupResult::Left { .. });
            assert!(bench.results.iter().any(is_left), "{name}");
        }
    }
}

#[test]
fn every_code_to_every_request_leaves_a_deadline_or_a_request_behind() {
    for (name, prepare) in STATES {
        for code in -1..=133 {
            let mut bench = prepare();
            let kinds = bench.kinds();
            for kind in kinds {
                match kind {
                    "find" => bench.find_coordinator_code(code),
                    "join" => bench.join_code(code),
                    "sync" => bench.sync_code(code),
                    "leave" => bench.answer_leave(),
                    _ => {}
                }
            }
            check_deadline(&mut bench, name);
            let is_moving = !bench.wire.is_empty()
                || bench.slot.is_some()
                || bench.next_in().is_some()
                || bench.core.is_finished();
            assert!(
                is_moving,
                "{name}: nothing happens any more after code {code}"
            );
        }
    }
}

#[test]
fn every_command_in_every_state_leaves_a_member_that_can_leave() {
    let commands: Vec<Command> = vec![
        Command::Subscribe {
            epoch: crate::lane::SubscriptionEpoch(1),
            topics: topics(&["u"]),
        },
        Command::Answer {
            change: ChangeId(77),
            owned: partitions(&[("t", 3)]),
        },
        Command::Rejoin { reason: "r".into() },
    ];
    for (name, prepare) in STATES {
        for command in &commands {
            let mut bench = prepare();
            bench.feed(GroupInput::Withdrawn(ChangeId(77)));
            bench.command(command.clone());
            check_deadline(&mut bench, name);
            bench.leave(MembershipOperation::LeaveGroup, None);
            bench.pass(Duration::from_secs(10));
            let is_left = |result: &GroupResult| matches!(result, GroupResult::Left { .. });
            assert!(bench.results.iter().any(is_left), "{name} {command:?}");
            assert_eq!(bench.change(), None, "{name} {command:?}");
        }
    }
}
