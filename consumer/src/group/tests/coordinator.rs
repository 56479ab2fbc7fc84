//! Finding the coordinator and losing it.

use std::sync::Arc;
use std::time::Duration;

use weft_client::net::{CloseReason, Lane, NetworkEvent};
use weft_client::wire::messages::FindCoordinatorResponse;
use weft_client::{Broker, ErrorKind, NodeId};

use super::bench::*;
use crate::group::GroupInput;

fn closed(host: &str, lane: Lane) -> GroupInput {
    GroupInput::Network(NetworkEvent::ConnectionClosed {
        broker: Arc::new(Broker {
            id: NodeId::new(1),
            host: host.into(),
            port: 9092,
            rack: None,
        }),
        lane,
        error: CloseReason::Unresolved("no such host".into()),
    })
}

#[test]
fn without_a_subscription_nothing_is_looked_up_until_a_commit_needs_it() {
    let mut bench = bench(eager(), &[]);
    bench.pass(Duration::from_secs(1000));
    assert_eq!(bench.kinds(), [""; 0]);
    bench.commit(1, None);
    assert!(bench.has("find") && !bench.has("join"));
}

#[test]
fn look_ups_that_fail_are_repeated_more_and_more_slowly_and_one_at_a_time() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.answer_metadata(&[("t", 1)]);
    for (early, late) in [(79, 121), (159, 241), (319, 481)] {
        bench.find_coordinator_code(15);
        while bench.has("metadata") {
            bench.answer_metadata(&[("t", 1)]);
        }
        assert!(!bench.has("find"));
        bench.pass_millis(early);
        assert!(!bench.has("find"), "before {early} ms");
        bench.pass_millis(late - early);
        assert!(bench.has("find"), "after {late} ms");
    }
    assert_eq!(
        bench.kinds().iter().filter(|kind| **kind == "find").count(),
        1
    );
}

#[test]
fn a_look_up_that_is_refused_reaches_the_user_and_all_that_waits() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.ask_committed(1);
    bench.find_coordinator_code(30);
    let failures = bench.failures();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].kind(), ErrorKind::GroupAuthorization);
    assert!(failures[0].to_string().contains("coordinator of group g"));
    assert_eq!(bench.results.len(), 1, "the question is answered too");
    bench.pass(Duration::from_secs(1));
    assert!(
        bench.has("find"),
        "the consumer polled, so that it is tried again"
    );
}

#[test]
fn an_answer_for_more_than_one_group_is_no_answer() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.answer("find", FindCoordinatorResponse::default());
    assert!(!bench.has("join") && !bench.has("find"));
    bench.pass_millis(150);
    assert!(bench.has("find"));
}

#[test]
fn a_lost_connection_makes_the_coordinator_unknown_and_closes_what_is_left_of_it() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.feed(closed("one", Lane::General));
    assert_eq!(bench.disconnects, []);
    bench.feed(closed("one", Lane::Coordinator));
    assert_eq!(bench.disconnects, [(1, Lane::Coordinator)]);
    bench.pass_millis(150);
    bench.find_coordinator();
    bench.pass_millis(3_000);
    assert!(
        bench.has("heartbeat") && !bench.has("join"),
        "the generation stays"
    );
}

#[test]
fn a_failure_under_an_earlier_coordinator_says_nothing_about_the_next() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.pass_millis(3_000);
    let heartbeat = bench.take("heartbeat");
    bench.feed(closed("one", Lane::Coordinator));
    bench.pass_millis(150);
    bench.find_coordinator();
    bench.disconnects.clear();
    bench.feed(failed(&heartbeat, CloseReason::Requested));
    assert_eq!(bench.disconnects, []);
}

#[test]
fn while_no_broker_can_be_reached_look_ups_wait_without_spinning() {
    let mut bench = bench(eager(), &[]);
    bench.is_reachable = false;
    bench.subscribe(&["t"]);
    assert_eq!(bench.kinds(), [""; 0]);
    assert!(bench.next_in().unwrap() > Duration::ZERO);
    bench.is_reachable = true;
    bench.pass(Duration::from_secs(2));
    assert!(bench.has("find"));
}
