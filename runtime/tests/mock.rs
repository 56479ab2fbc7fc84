//! Both patterns on the mock cluster.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "scenarios run threads and watch them"
)]

mod scenario;

use std::time::Duration;

use scenario::{Cluster, PATTERNS, Pattern};
use weft_runtime::route::Ordering;
use weft_testcontainers::mock::MockCluster;

/// Runs a scenario, and lets the mock judge how the clients spoke.
fn run(scenario: impl Fn(&Cluster<'_>)) {
    let mock = MockCluster::builder()
        .brokers(1)
        .group_initial_rebalance_delay(Duration::from_millis(100))
        .start()
        .unwrap();
    scenario(&Cluster {
        bootstrap: mock.bootstrap(),
        create_topic: &|topic, partitions| mock.create_topic(topic, partitions).unwrap(),
    });
    assert_eq!(mock.violations(), Vec::<String>::new());
}

fn run_patterns(patterns: &[Pattern], scenario: impl Fn(&Cluster<'_>, Pattern)) {
    for pattern in patterns {
        println!("{pattern:?}");
        run(|cluster| scenario(cluster, *pattern));
    }
}

const ORDERED: [Pattern; 2] = [Pattern::PerThread, Pattern::WorkerPool(Ordering::Key)];

#[test]
fn every_record_is_handled_once() {
    run_patterns(&PATTERNS, scenario::every_record_is_handled_once);
}

#[test]
fn order_is_kept_and_nothing_repeated_while_members_come_and_go() {
    run_patterns(
        &ORDERED,
        scenario::order_is_kept_and_nothing_repeated_while_members_come_and_go,
    );
}

#[test]
fn slow_handlers_cost_no_membership() {
    run_patterns(&ORDERED, scenario::slow_handlers_cost_no_membership);
}

#[test]
fn a_record_that_fails_for_good_is_not_lost() {
    run_patterns(
        &PATTERNS,
        scenario::a_record_that_fails_for_good_is_not_lost,
    );
}

#[test]
fn panics_and_failures_are_tried_again_in_order() {
    run_patterns(
        &PATTERNS,
        scenario::panics_and_failures_are_tried_again_in_order,
    );
}

#[test]
fn a_shutdown_finishes_what_was_started() {
    run_patterns(&PATTERNS, scenario::a_shutdown_finishes_what_was_started);
}

#[test]
fn a_stuck_handler_is_left_behind_and_named() {
    run(scenario::a_stuck_handler_is_left_behind_and_named);
}

#[test]
fn what_was_handled_before_a_stuck_record_is_committed() {
    run(scenario::what_was_handled_before_a_stuck_record_is_committed);
}

#[test]
fn a_small_window_never_stalls() {
    run(scenario::a_small_window_never_stalls);
}

#[test]
fn a_drain_gives_up_at_its_deadline() {
    run(scenario::a_drain_gives_up_at_its_deadline);
}

#[test]
fn a_full_window_can_make_the_caller_run() {
    run(scenario::a_full_window_can_make_the_caller_run);
}

#[test]
fn nothing_is_lost_when_the_process_is_killed() {
    for arguments in KILLED {
        run(|cluster| scenario::nothing_is_lost_when_the_process_is_killed(cluster, arguments));
    }
}

const KILLED: [&[&str]; 2] = [
    &[
        "--pattern",
        "per-thread",
        "--threads",
        "3",
        "--handler-us",
        "1000",
    ],
    &[
        "--pattern",
        "worker-pool",
        "--workers",
        "8",
        "--order",
        "key",
        "--handler-us",
        "2000",
    ],
];
