//! The scenarios that need three brokers, on the mock and on real Kafka.

#![expect(
    clippy::disallowed_types,
    reason = "scenarios take turns at hurting brokers"
)]

use std::sync::{Mutex, PoisonError};

use weft_tests::cluster::{Cluster, Target};
use weft_tests::failure::Outcome;
use weft_tests::outside::OutsideClient;
use weft_tests::scenario::broker_loss::{
    a_killed_coordinator_is_replaced, a_killed_leader_loses_nothing,
    a_rolling_bounce_moves_no_partition,
};
use weft_tests::scenario::outside::matrix::CLIENTS;
use weft_tests::scenario::outside::shared_groups_outlive_brokers;
use weft_tests::scenario::racks::a_consumer_reads_in_its_rack_and_outlives_the_replica;
use weft_tests::suite::{run, run_outside, run_with_all};

/// The three real brokers are shared, and no scenario may lose one that another has killed.
static TURN: Mutex<()> = Mutex::new(());

fn in_turn(name: &'static str, scenario: fn(&Cluster) -> Outcome) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run(name, Target::ThreeKafkas, scenario);
}

fn outside_in_turn(
    name: &str,
    target: Target,
    client: OutsideClient,
    scenario: fn(&Cluster, OutsideClient) -> Outcome,
) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run_outside(name, target, client, scenario);
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

#[test]
fn shared_groups_outlive_brokers_on_the_mock() {
    let name = "shared_groups_outlive_brokers";
    let target = Target::Mock { brokers: 3 };
    run_with_all(name, target, &CLIENTS, shared_groups_outlive_brokers);
}

#[test]
fn shared_groups_outlive_brokers_on_kafka() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let name = "shared_groups_outlive_brokers";
    let target = Target::ThreeKafkas;
    run_with_all(name, target, &CLIENTS, shared_groups_outlive_brokers);
}

#[test]
fn a_rolling_bounce_moves_no_partition_on_the_mock() {
    let name = "a_rolling_bounce_moves_no_partition";
    run(
        name,
        Target::Mock { brokers: 3 },
        a_rolling_bounce_moves_no_partition,
    );
}

#[test]
fn a_rolling_bounce_moves_no_partition_on_kafka() {
    in_turn(
        "a_rolling_bounce_moves_no_partition",
        a_rolling_bounce_moves_no_partition,
    );
}

#[test]
fn a_consumer_reads_in_its_rack_and_outlives_the_replica_on_the_mock() {
    run(
        "a_consumer_reads_in_its_rack_and_outlives_the_replica",
        Target::Mock { brokers: 3 },
        a_consumer_reads_in_its_rack_and_outlives_the_replica,
    );
}

#[test]
fn a_consumer_reads_in_its_rack_and_outlives_the_replica_on_kafka() {
    in_turn(
        "a_consumer_reads_in_its_rack_and_outlives_the_replica",
        a_consumer_reads_in_its_rack_and_outlives_the_replica,
    );
}

mod clients {
    use super::*;

    weft_tests::outside_suite! { Target::ThreeKafkas, outside_in_turn, {
        a_killed_broker_loses_nothing,
    } }
}
