//! Java's transactional producer and what `read_committed` consumers see of it: the same story for
//! the mock and for real Kafka.

use std::time::{Duration, Instant};

use weft_client::admin::Admin;
use weft_client::{ClientConfig, TopicPartition};
use weft_testcontainers::kafka::{JavaCommand, JavaProgram, JavaRecord, KafkaVersion};

/// A transactional producer, told what to do call by call.
pub(crate) struct Teller(JavaProgram);

impl Teller {
    pub(crate) fn start(version: KafkaVersion, bootstrap: &str, transactional_id: &str) -> Self {
        let command = JavaCommand::transact(transactional_id);
        let program = JavaProgram::start_with(version, bootstrap, &command).unwrap();
        let mut teller = Self(program);
        assert_eq!(teller.outcome("init"), "DONE init");
        teller
    }

    /// Makes these calls, all of which must succeed.
    pub(crate) fn all(&mut self, calls: &[&str]) {
        for call in calls {
            let name = call.split(' ').next().unwrap();
            assert_eq!(self.call(call), format!("DONE {name}"), "{call}");
        }
    }

    /// Makes one call and returns what became of it.
    pub(crate) fn call(&mut self, call: &str) -> String {
        self.0.tell(call).unwrap();
        self.outcome(call.split(' ').next().unwrap())
    }

    pub(crate) fn stop(self) {
        self.0.stop(PATIENCE).unwrap();
    }

    fn outcome(&mut self, name: &str) -> String {
        loop {
            let line = self.0.wait_for("", PATIENCE).unwrap();
            if line.starts_with(&format!("DONE {name}"))
                || line.starts_with(&format!("FAILED {name}"))
            {
                return line;
            }
        }
    }
}

/// The keys that a reader of this isolation level sees in a topic, in the order of their offsets.
pub(crate) fn keys(
    version: KafkaVersion,
    bootstrap: &str,
    topic: &str,
    isolation_level: &str,
) -> Vec<String> {
    let command = JavaCommand::read(topic).with_property("isolation.level", isolation_level);
    let reader = JavaProgram::start_with(version, bootstrap, &command).unwrap();
    let read = reader.finish(PATIENCE).unwrap();
    let records = read.iter().filter_map(|line| JavaRecord::parse(line));
    records
        .map(|record| String::from_utf8(record.key.unwrap()).unwrap())
        .collect()
}

/// Waits until the group `group` has committed this offset of the first partition of a topic: real
/// brokers end a transaction after they have said so.
fn wait_committed(bootstrap: &str, topic: &str, expected: i64) {
    let config = ClientConfig::builder()
        .bootstrap_servers(bootstrap)
        .build()
        .unwrap();
    let mut admin = Admin::new(config).unwrap();
    let partition = TopicPartition::new(topic, 0);
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let committed = admin.committed_offsets(&"group".into(), std::slice::from_ref(&partition));
        let committed = committed.unwrap().remove(&partition).flatten();
        let committed = committed.map(|committed| committed.offset.value());
        if committed == Some(expected) {
            return;
        }
        assert!(
            Instant::now() < give_up_at,
            "{committed:?} is not {expected}"
        );
    }
}

/// Commits, aborts, is fenced by another life and sends offsets, in a topic with one partition.
pub(crate) fn transactions_pass_through(version: KafkaVersion, bootstrap: &str, topic: &str) {
    let send = |key: &str| format!("send {topic} 0 {key}");
    let offsets = |offset: i64| format!("offsets group {topic} 0 {offset}");
    let mut first = Teller::start(version, bootstrap, "transactional");
    first.all(&[
        "begin",
        &send("committed"),
        &send("too"),
        &offsets(1),
        "commit",
    ]);
    wait_committed(bootstrap, topic, 1);
    first.all(&["begin", &send("aborted"), &offsets(5), "abort"]);
    first.all(&["begin", "commit", "begin", "abort"]);
    first.all(&["begin", &send("fenced")]);
    let seen = keys(version, bootstrap, topic, "read_committed");
    assert_eq!(seen, ["committed", "too"], "one is open");

    let mut second = Teller::start(version, bootstrap, "transactional");
    second.all(&["begin", &send("again")]);
    let fenced = first.call(&send("late"));
    assert_eq!(fenced, "FAILED send InvalidProducerEpochException");
    let fenced = first.call("abort");
    assert_eq!(fenced, "FAILED abort ProducerFencedException");
    second.all(&[&offsets(3), "commit"]);

    wait_committed(bootstrap, topic, 3);
    let seen = keys(version, bootstrap, topic, "read_committed");
    assert_eq!(seen, ["committed", "too", "again"]);
    let seen = keys(version, bootstrap, topic, "read_uncommitted");
    assert_eq!(seen, ["committed", "too", "aborted", "fenced", "again"]);
    first.stop();
    second.stop();
}

/// How long anything may take on a machine busy with other builds.
const PATIENCE: Duration = Duration::from_secs(60);
