//! The scenarios of a bad line, on real Kafka behind a proxy.

#![expect(
    clippy::disallowed_types,
    reason = "scenarios take turns at making the line bad"
)]

use std::sync::{Mutex, PoisonError};

use weft_tests::cluster::{Cluster, Target};
use weft_tests::failure::Outcome;
use weft_tests::scenario::bad_line;
use weft_tests::suite::run;

/// The broker and its line are shared.
static TURN: Mutex<()> = Mutex::new(());

fn in_turn(name: &'static str, scenario: fn(&Cluster) -> Outcome) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run(name, Target::ProxiedKafka, scenario);
}

#[test]
fn a_frozen_broker_is_waited_for() {
    let scenario = bad_line::a_frozen_broker_is_waited_for;
    in_turn("a_frozen_broker_is_waited_for", scenario);
}

#[test]
fn a_rebalance_over_a_bad_line_ends() {
    let scenario = bad_line::a_rebalance_over_a_bad_line_ends;
    in_turn("a_rebalance_over_a_bad_line_ends", scenario);
}

#[test]
fn turned_bits_are_found() {
    in_turn("turned_bits_are_found", bad_line::turned_bits_are_found);
}

#[test]
fn a_narrow_line_carries_everything() {
    let scenario = bad_line::a_narrow_line_carries_everything;
    in_turn("a_narrow_line_carries_everything", scenario);
}
