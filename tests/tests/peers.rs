//! The scenarios whose peers are no brokers.

use weft_tests::scenario::{bad_input, processes};
use weft_tests::suite::run_bounded;

const TARGET: &str = "no broker";

#[test]
fn an_admin_survives_peers_that_are_no_brokers() {
    let name = "an_admin_survives_peers_that_are_no_brokers";
    run_bounded(
        name,
        TARGET,
        bad_input::an_admin_survives_peers_that_are_no_brokers,
    );
}

#[test]
fn a_producer_survives_peers_that_are_no_brokers() {
    let name = "a_producer_survives_peers_that_are_no_brokers";
    run_bounded(
        name,
        TARGET,
        bad_input::a_producer_survives_peers_that_are_no_brokers,
    );
}

#[test]
fn a_consumer_survives_peers_that_are_no_brokers() {
    let name = "a_consumer_survives_peers_that_are_no_brokers";
    run_bounded(
        name,
        TARGET,
        bad_input::a_consumer_survives_peers_that_are_no_brokers,
    );
}

#[test]
fn options_that_make_no_sense_are_refused_by_name() {
    let name = "options_that_make_no_sense_are_refused_by_name";
    run_bounded(
        name,
        TARGET,
        bad_input::options_that_make_no_sense_are_refused_by_name,
    );
}

#[test]
fn nonsense_ends_the_program_with_a_reason() {
    let name = "nonsense_ends_the_program_with_a_reason";
    run_bounded(
        name,
        TARGET,
        processes::nonsense_ends_the_program_with_a_reason,
    );
}
