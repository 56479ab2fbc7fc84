//! The scenarios with clients that others wrote, on the embedded mock. On real Kafka they run in
//! the binaries of its versions.

use weft_testcontainers::mock::KafkaRelease;
use weft_tests::cluster::Target;
use weft_tests::scenario::outside;
use weft_tests::suite::{run_outside, run_with_java};

mod one_broker {
    use super::*;

    weft_tests::outside_suite! { Target::Mock { brokers: 1 }, run_outside, {
        its_transactions_are_kept, reads_what_weft_writes, shares_a_group_with_its_like,
        shares_groups_with_weft, writes_what_weft_reads,
    } }
}

/// As a release whose transactions and whose topics in requests are of the old kind.
mod of_kafka_2_8 {
    use super::*;

    weft_tests::outside_suite! { Target::Pretended(KafkaRelease::V2_8), run_outside, {
        its_transactions_are_kept, shares_groups_with_weft,
    } }
}

mod three_brokers {
    use super::*;

    weft_tests::outside_suite! { Target::Mock { brokers: 3 }, run_outside, {
        a_killed_broker_loses_nothing,
    } }
}

/// kcat cannot do this.
mod copying {
    use super::*;

    weft_tests::outside_suite! { of java Java, Target::Mock { brokers: 1 }, run_outside, {
        copies_each_record_once,
    } }
    weft_tests::outside_suite! {
        of kafka_python KafkaPython, Target::Mock { brokers: 1 }, run_outside, {
            copies_each_record_once,
        }
    }
    weft_tests::outside_suite! { of franz_go FranzGo, Target::Mock { brokers: 1 }, run_outside, {
        copies_each_record_once,
    } }
}

#[test]
fn the_page_has_the_table_of_the_groups_that_are_shared() {
    let page = include_str!("../../docs/clients.md");
    let table = outside::matrix::table();
    assert!(page.contains(&table), "docs/clients.md lacks:\n{table}");
}

#[test]
fn java_administers() {
    run_with_java(
        "java_administers",
        Target::Mock { brokers: 1 },
        outside::java_administers,
    );
}
