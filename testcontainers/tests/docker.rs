//! Kafka in a container, as far as it can be seen without a Docker engine: what a missing one is
//! answered with.

use std::env;
use std::process::Command;

use weft_testcontainers::kafka::docker::KafkaCluster;

/// Where a process learns the engine's place, which must be said before it starts: the test runs
/// itself again.
const STARTED_AGAIN: &str = "WEFT_WITHOUT_DOCKER_ENGINE";

#[test]
fn without_a_docker_engine_the_start_says_what_is_missing() {
    if env::var_os(STARTED_AGAIN).is_some() {
        println!("told: {}", KafkaCluster::builder().start().unwrap_err());
        return;
    }
    for engine in ["tcp://127.0.0.1:1", "unix:///nowhere/docker.sock"] {
        let again = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("without_a_docker_engine_the_start_says_what_is_missing")
            .env("DOCKER_HOST", engine)
            .env(STARTED_AGAIN, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&again.stdout);
        let told = text.lines().find(|line| line.contains("told: "));
        let told = told.unwrap_or_else(|| panic!("{engine}: {again:?}"));
        assert!(
            told.contains("while starting a container of apache/kafka:4.4.0: "),
            "{engine}: {told}"
        );
        assert!(
            told.contains("Is a Docker engine running?"),
            "{engine}: {told}"
        );
    }
}
