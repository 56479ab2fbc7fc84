//! Kafka's own clients against the mock: the strongest proof that it answers as a broker does.

use std::time::Duration;

use weft_testcontainers::kafka::{
    JavaAssignor, JavaCommand, JavaProgram, JavaRecord, KafkaVersion, Prerequisites,
};
use weft_testcontainers::mock::{GroupState, MockCluster};

/// Whether this machine has what Java clients need.
pub(crate) fn has_java() -> bool {
    match Prerequisites::check() {
        Ok(()) => true,
        Err(error) if std::env::var_os("WEFT_REQUIRE_KAFKA").is_some() => panic!("{error}"),
        Err(error) => {
            println!("not run: {error}");
            false
        }
    }
}

fn produce(version: KafkaVersion, cluster: &MockCluster, topic: &str, records: &[JavaRecord]) {
    let command = JavaCommand::produce(topic);
    let mut producer = JavaProgram::start_with(version, &cluster.bootstrap(), &command).unwrap();
    for record in records {
        producer.send(record).unwrap();
    }
    let told = producer.stop(PATIENCE).unwrap();
    assert_eq!(told.len(), records.len() + 1, "{told:?}");
}

fn member(version: KafkaVersion, cluster: &MockCluster, command: &JavaCommand) -> JavaProgram {
    JavaProgram::start_with(version, &cluster.bootstrap(), command).unwrap()
}

fn record(partition: i32, key: &str) -> JavaRecord {
    JavaRecord {
        partition: Some(partition),
        key: Some(key.as_bytes().to_vec()),
        value: Some(vec![7; 100]),
        ..JavaRecord::default()
    }
}

/// One client writes, one reads everything, and two share the partitions of a group.
fn records_pass_through(version: KafkaVersion, assignor: JavaAssignor) {
    if !has_java() {
        return;
    }
    let cluster = MockCluster::builder()
        .brokers(3)
        .topic("records", 2)
        .start()
        .unwrap();
    let written = JavaRecord {
        timestamp: Some(1_700_000_000_000),
        headers: vec![("h".into(), Some(Vec::new())), ("h".into(), None)],
        ..record(1, "key")
    };
    produce(
        version,
        &cluster,
        "records",
        &[written.clone(), record(0, "other")],
    );

    let reader = JavaCommand::read("records");
    let reader = JavaProgram::start_with(version, &cluster.bootstrap(), &reader).unwrap();
    let read: Vec<JavaRecord> = reader
        .finish(PATIENCE)
        .unwrap()
        .iter()
        .filter_map(|line| JavaRecord::parse(line))
        .collect();
    let expected = JavaRecord {
        offset: Some(0),
        timestamp_type: "CreateTime".into(),
        ..written
    };
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(read.contains(&expected), "{read:?}");

    let command = JavaCommand::consume("group", &["records"], assignor);
    let mut first = member(version, &cluster, &command);
    let assigned = first.wait_for("ASSIGNED", PATIENCE).unwrap();
    assert_eq!(assigned, "ASSIGNED records-0 records-1");
    first.wait_for("RECORD records 1 0 key", PATIENCE).unwrap();
    first.wait_for("COMMITTED", PATIENCE).unwrap();

    let mut second = member(version, &cluster, &command);
    let mut assigned = second.wait_for("ASSIGNED records-", PATIENCE).unwrap();
    assert_eq!(assigned.matches("records-").count(), 1, "{assigned}");
    let taken = assigned.split_off("ASSIGNED records-".len());
    let partition: i32 = taken.parse().unwrap();
    produce(version, &cluster, "records", &[record(partition, "late")]);
    let line = format!("RECORD records {partition} 1 late");
    second.wait_for(&line, PATIENCE).unwrap();
    second.wait_for("COMMITTED", PATIENCE).unwrap();
    assert_eq!(cluster.committed("group", "records", partition), Some(2));

    second.stop(PATIENCE).unwrap();
    let assigned = if assignor == JavaAssignor::CooperativeSticky {
        format!("ASSIGNED records-{partition}")
    } else {
        "ASSIGNED records-0 records-1".to_owned()
    };
    first.wait_for(&assigned, PATIENCE).unwrap();
    first.stop(PATIENCE).unwrap();
    assert_eq!(cluster.group_state("group"), Some(GroupState::Empty));
    assert_eq!(
        cluster.committed("group", "records", 1 - partition),
        Some(1)
    );
    assert_eq!(cluster.violations(), Vec::<String>::new());
}

#[test]
fn the_newest_java_clients_write_read_and_share_a_group() {
    records_pass_through(KafkaVersion::V4_4_0, JavaAssignor::Range);
}

#[test]
fn java_clients_of_the_last_version_with_old_protocols_do_too() {
    records_pass_through(KafkaVersion::V3_9_1, JavaAssignor::CooperativeSticky);
}

#[test]
fn the_oldest_java_clients_do_too() {
    records_pass_through(KafkaVersion::V2_8_2, JavaAssignor::RoundRobin);
}

#[test]
fn java_clients_go_on_when_the_leader_and_coordinator_dies() {
    if !has_java() {
        return;
    }
    let version = KafkaVersion::V4_4_0;
    let cluster = MockCluster::builder()
        .brokers(3)
        .topic("records", 3)
        .start()
        .unwrap();
    let command = JavaCommand::consume("group", &["records"], JavaAssignor::CooperativeSticky);
    let mut consumer = member(version, &cluster, &command);
    consumer.wait_for("ASSIGNED", PATIENCE).unwrap();

    let coordinator = cluster.coordinator("group").unwrap();
    cluster.kill_broker(coordinator).unwrap();
    let records: Vec<_> = (0..3).map(|partition| record(partition, "after")).collect();
    produce(version, &cluster, "records", &records);

    for _ in 0..3 {
        consumer.wait_for("RECORD records", PATIENCE).unwrap();
    }
    cluster.restart_broker(coordinator).unwrap();
    consumer.stop(PATIENCE).unwrap();
    for partition in 0..3 {
        assert_eq!(cluster.committed("group", "records", partition), Some(1));
    }
    assert_eq!(cluster.violations(), Vec::<String>::new());
}

#[test]
fn a_static_java_member_comes_back_without_a_rebalance() {
    if !has_java() {
        return;
    }
    let version = KafkaVersion::V4_4_0;
    let cluster = MockCluster::builder().topic("records", 2).start().unwrap();
    let command = |instance: &str| {
        let mut command = JavaCommand::consume("group", &["records"], JavaAssignor::Range);
        if let JavaCommand::Consume {
            group_instance_id, ..
        } = &mut command
        {
            *group_instance_id = Some(instance.to_owned());
        }
        command
    };
    let mut stays = member(version, &cluster, &command("stays"));
    stays.wait_for("ASSIGNED", PATIENCE).unwrap();
    let mut goes = member(version, &cluster, &command("goes"));
    let assigned = goes.wait_for("ASSIGNED records-", PATIENCE).unwrap();
    stays.wait_for("ASSIGNED records-", PATIENCE).unwrap();

    goes.stop(PATIENCE).unwrap();
    let mut back = member(version, &cluster, &command("goes"));
    assert_eq!(back.wait_for("ASSIGNED", PATIENCE).unwrap(), assigned);

    assert_eq!(cluster.group_state("group"), Some(GroupState::Stable));
    back.stop(PATIENCE).unwrap();
    let rest = stays.stop(PATIENCE).unwrap();
    let assignments = rest.iter().filter(|line| line.starts_with("ASSIGNED"));
    assert_eq!(assignments.count(), 0, "{rest:?}");
    assert_eq!(cluster.violations(), Vec::<String>::new());
}

/// How long anything may take on a machine busy with other builds.
const PATIENCE: Duration = Duration::from_secs(60);
