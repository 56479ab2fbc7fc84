//! The scenarios that need three brokers, on the mock and on real Kafka.

#![expect(
    clippy::disallowed_types,
    reason = "scenarios take turns at hurting brokers"
)]

use std::sync::{Mutex, PoisonError};

use weft_tests::cluster::{Cluster, Target};
use weft_tests::failure::Outcome;
use weft_tests::scenario::broker_loss::{
    a_killed_coordinator_is_replaced, a_killed_leader_loses_nothing,
};
use weft_tests::suite::run;

/// The three real brokers are shared, and no scenario may lose one that another has killed.
fn in_turn(name: &'static str, scenario: fn(&Cluster) -> Outcome) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run(name, Target::ThreeKafkas, scenario);
}

#[test]
fn a_killed_leader_loses_nothing_on_the_mock() {
    let name = "a_killed_leader_loses_nothing";
    run(
        name,
        Target::Mock { brokers: 3 },
        a_killed_leader_loses_nothing,
    );
}

#[test]
fn a_killed_coordinator_is_replaced_on_the_mock() {
    let name = "a_killed_coordinator_is_replaced";
    run(
        name,
        Target::Mock { brokers: 3 },
        a_killed_coordinator_is_replaced,
    );
}

#[test]
fn a_killed_leader_loses_nothing_on_kafka() {
    in_turn(
        "a_killed_leader_loses_nothing",
        a_killed_leader_loses_nothing,
    );
}

#[test]
fn a_killed_coordinator_is_replaced_on_kafka() {
    in_turn(
        "a_killed_coordinator_is_replaced",
        a_killed_coordinator_is_replaced,
    );
}
