//! Both patterns on real Kafka. Without Java or Maven the tests print that they did not run; with
//! `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "scenarios run threads and watch them"
)]

mod scenario;

use std::sync::{Mutex, PoisonError};

use scenario::{Cluster, PATTERNS, Pattern};
use weft_runtime::route::Ordering;
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion, Prerequisites};

/// Runs a scenario, one at a time: machines for tests are small.
fn run(scenario: impl FnOnce(&Cluster<'_>)) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    match Prerequisites::check() {
        Ok(()) => {
            let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
            let kafka = KafkaCluster::shared(KafkaVersion::V4_4_0).unwrap();
            scenario(&Cluster {
                bootstrap: kafka.bootstrap(),
                create_topic: &|topic, partitions| {
                    kafka.create_topic(topic, partitions as u32).unwrap();
                },
            });
        }
        Err(error) if std::env::var_os("WEFT_REQUIRE_KAFKA").is_some() => panic!("{error}"),
        Err(error) => println!("not run: {error}"),
    }
}

const BY_KEY: Pattern = Pattern::WorkerPool(Ordering::Key);

#[test]
fn every_record_is_handled_once() {
    run(|cluster| {
        for pattern in PATTERNS {
            scenario::every_record_is_handled_once(cluster, pattern);
        }
    });
}

#[test]
fn order_is_kept_and_nothing_repeated_while_members_come_and_go() {
    run(|cluster| {
        for pattern in [Pattern::PerThread, BY_KEY] {
            scenario::order_is_kept_and_nothing_repeated_while_members_come_and_go(
                cluster, pattern,
            );
        }
    });
}

#[test]
fn slow_handlers_cost_no_membership() {
    run(|cluster| {
        for pattern in [Pattern::PerThread, BY_KEY] {
            scenario::slow_handlers_cost_no_membership(cluster, pattern);
        }
    });
}

#[test]
fn a_record_that_fails_for_good_is_not_lost() {
    run(|cluster| {
        for pattern in [Pattern::PerThread, BY_KEY] {
            scenario::a_record_that_fails_for_good_is_not_lost(cluster, pattern);
        }
    });
}

#[test]
fn panics_and_failures_are_tried_again_in_order() {
    run(|cluster| {
        for pattern in [Pattern::PerThread, BY_KEY] {
            scenario::panics_and_failures_are_tried_again_in_order(cluster, pattern);
        }
    });
}

#[test]
fn a_shutdown_finishes_what_was_started() {
    run(|cluster| {
        for pattern in [Pattern::PerThread, BY_KEY] {
            scenario::a_shutdown_finishes_what_was_started(cluster, pattern);
        }
    });
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
    run(|cluster| {
        for arguments in [
            &[
                "--pattern",
                "per-thread",
                "--threads",
                "3",
                "--handler-us",
                "1000",
            ][..],
            &[
                "--pattern",
                "worker-pool",
                "--workers",
                "8",
                "--handler-us",
                "2000",
            ],
        ] {
            scenario::nothing_is_lost_when_the_process_is_killed(cluster, arguments);
        }
    });
}
