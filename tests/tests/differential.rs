//! The mock answers as real brokers of three releases do, field by field.

#![expect(
    clippy::disallowed_types,
    reason = "one cluster at a time on small machines"
)]

use std::sync::{Mutex, PoisonError};

use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};
use weft_testcontainers::mock::{KafkaRelease, MockCluster};
use weft_tests::cluster::{NoCluster, check_java};
use weft_tests::differential::run::compare;
use weft_tests::ensure;
use weft_tests::suite;

fn the_mock_answers_as(release: KafkaVersion, pretended: KafkaRelease) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let name = "the_mock_answers_as_a_real_broker";
    let target = format!("Kafka {release} (1 node)");
    match check_java() {
        Ok(()) => {}
        Err(NoCluster::NotHere(why)) => return suite::not_run(name, &target, why),
        Err(NoCluster::Broken(failure)) => panic!("{failure}"),
    }
    suite::run_bounded(name, &target, move || {
        let mock = MockCluster::builder().release(pretended).start()?;
        let real = KafkaCluster::builder().version(release).start()?;
        let verdict = compare(&mock.bootstrap(), &real.bootstrap(), release)?;
        let complaints = verdict.complaints();
        println!("Kafka {release}: {verdict}");
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        Ok(format!("{} answers compared", verdict.compared()))
    });
}

#[test]
fn the_mock_answers_as_kafka_2_8_2() {
    the_mock_answers_as(KafkaVersion::V2_8_2, KafkaRelease::V2_8);
}

#[test]
fn the_mock_answers_as_kafka_3_9_1() {
    the_mock_answers_as(KafkaVersion::V3_9_1, KafkaRelease::V3_9);
}

#[test]
fn the_mock_answers_as_kafka_4_4_0() {
    the_mock_answers_as(KafkaVersion::V4_4_0, KafkaRelease::V4_4);
}
