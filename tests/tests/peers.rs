//! The scenarios whose peers are no brokers.

use weft_tests::scenario::bad_input;
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
