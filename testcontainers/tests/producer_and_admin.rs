//! The administrator and the producer against real Kafka of each version. Without Java or Maven the
//! tests print that they did not run; with `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose cluster refuses has failed"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use weft_client::admin::{Admin, GroupState, NewTopic, OffsetSpec};
use weft_client::producer::{
    Acks, CompressionType, Producer, ProducerConfig, ProducerConfigBuilder, ProducerRecord,
};
use weft_client::{ClientConfig, ErrorKind, GroupId, Offset, TopicName, TopicPartition};
use weft_testcontainers::kafka::{
    JavaAssignor, JavaCommand, JavaProgram, JavaRecord, KafkaCluster, KafkaVersion, Prerequisites,
};

/// How long a step may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether this machine can run Kafka; says so if not.
fn can_run() -> bool {
    match Prerequisites::check() {
        Ok(()) => true,
        Err(error) if std::env::var_os("WEFT_REQUIRE_KAFKA").is_some() => panic!("{error}"),
        Err(error) => {
            println!("not run: {error}");
            false
        }
    }
}

/// Runs `test` on a cluster of each version; says so where this machine cannot.
fn on_every_version(test: impl Fn(&KafkaCluster)) {
    if !can_run() {
        return;
    }
    for version in KafkaVersion::ALL {
        println!("on Kafka {version}");
        test(KafkaCluster::shared(version).unwrap_or_else(|error| panic!("{error}")));
    }
}

fn admin(cluster: &KafkaCluster) -> Admin {
    let config = ClientConfig::builder()
        .bootstrap_servers(cluster.bootstrap().as_str())
        .client_id("test-admin")
        .default_api_timeout(PATIENCE)
        .build()
        .unwrap();
    Admin::new(config).unwrap()
}

fn producer(cluster: &KafkaCluster) -> ProducerConfigBuilder {
    ProducerConfig::builder()
        .bootstrap_servers(cluster.bootstrap().as_str())
        .client_id("test-producer")
        .max_block(PATIENCE)
}

/// Everything in a topic, as Java's consumer reads it, in the order of partition and offset.
fn read(cluster: &KafkaCluster, topic: &str) -> Vec<JavaRecord> {
    let reader = JavaProgram::start(cluster, &JavaCommand::read(topic)).unwrap();
    let lines = reader.finish(PATIENCE).unwrap();
    let mut records: Vec<JavaRecord> = lines
        .iter()
        .filter_map(|line| JavaRecord::parse(line))
        .collect();
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// The number that is a record's value.
fn number(record: &JavaRecord) -> usize {
    let value = record.value.clone().unwrap_or_default();
    String::from_utf8(value).unwrap().parse().unwrap()
}

#[test]
fn topics_are_created_described_grown_and_deleted() {
    on_every_version(|cluster| {
        let mut admin = admin(cluster);
        let name = TopicName::from("life-of-a-topic");
        let topic = NewTopic::new(name.clone(), 2).replication_factor(1);
        let topic = topic.config("retention.ms", "3600000");
        admin.create_topic(&topic).unwrap();

        let described = admin.describe_topics(std::slice::from_ref(&name)).unwrap();
        let described = &described[&name];
        assert!(!described.id.is_unknown() && !described.is_internal);
        let numbers: Vec<i32> = described.partitions.keys().copied().collect();
        assert_eq!(numbers, [0, 1]);
        for partition in described.partitions.values() {
            assert!(partition.leader.is_some(), "{partition:?}");
            assert_eq!(partition.replicas, partition.in_sync_replicas);
        }

        let again = admin.create_topic(&topic).unwrap_err();
        assert!(
            again.to_string().contains("TOPIC_ALREADY_EXISTS"),
            "{again}"
        );
        assert!(
            again.to_string().contains("node 0 at 127.0.0.1:"),
            "{again}"
        );
        assert_eq!(again.topics(), std::slice::from_ref(&name));

        admin.create_partitions(&name, 3).unwrap();
        assert_eq!(admin.list_topics().unwrap()[&name].partitions.len(), 3);

        admin.delete_topics(std::slice::from_ref(&name)).unwrap();
        let gone = admin
            .delete_topics(std::slice::from_ref(&name))
            .unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::UnknownTopicOrPartition, "{gone}");
        let unknown = admin
            .describe_topics(&["never-created".into()])
            .unwrap_err();
        assert_eq!(
            unknown.kind(),
            ErrorKind::UnknownTopicOrPartition,
            "{unknown}"
        );
        assert!(!admin.list_topics().unwrap().contains_key("never-created"));
    });
}

#[test]
fn groups_are_described_listed_and_deleted_with_what_they_committed() {
    on_every_version(|cluster| {
        let mut admin = admin(cluster);
        admin.create_topic(&NewTopic::new("committed", 2)).unwrap();
        let group = GroupId::from("committing-group");
        let command = JavaCommand::consume("committing-group", &["committed"], JavaAssignor::Range);
        let mut member = JavaProgram::start(cluster, &command).unwrap();
        member.wait_for("ASSIGNED", PATIENCE).unwrap();
        let mut producer = JavaProgram::start(cluster, &JavaCommand::produce("committed")).unwrap();
        let record = JavaRecord {
            partition: Some(1),
            ..Default::default()
        };
        producer.send(&record).unwrap();
        producer.stop(PATIENCE).unwrap();
        member.wait_for("COMMITTED", PATIENCE).unwrap();

        let described = admin.describe_groups(std::slice::from_ref(&group)).unwrap();
        let described = &described[&group];
        assert_eq!(described.state, GroupState::Stable);
        assert_eq!(
            (&*described.protocol_type, &*described.protocol),
            ("consumer", "range")
        );
        let [only] = &described.members[..] else {
            panic!("{described:?}");
        };
        assert!(
            !only.member_id.is_empty() && only.host.contains("127.0.0.1"),
            "{only:?}"
        );
        assert!(!only.subscription.is_empty() && !only.assignment.is_empty());
        let listed = admin.list_groups().unwrap();
        assert!(
            listed.iter().any(|listed| listed.group == group),
            "{listed:?}"
        );

        let busy = admin
            .delete_groups(std::slice::from_ref(&group))
            .unwrap_err();
        assert!(busy.to_string().contains("NON_EMPTY_GROUP"), "{busy}");
        member.stop(PATIENCE).unwrap();
        let written = TopicPartition::new("committed", 1);
        let elsewhere = TopicPartition::new("committed-elsewhere", 0);
        let asked = [written.clone(), elsewhere.clone()];
        let committed = admin.committed_offsets(&group, &asked).unwrap();
        let offset = committed[&written].as_ref().map(|found| found.offset);
        assert_eq!(
            (offset, &committed[&elsewhere]),
            (Some(Offset::new(1)), &None)
        );
        let partitions = [0, 1].map(|number| TopicPartition::new("committed", number));
        let ends = admin.offsets(&partitions, OffsetSpec::Latest).unwrap();
        let expected = partitions.into_iter().zip([Offset::ZERO, Offset::new(1)]);
        assert_eq!(ends, expected.collect::<BTreeMap<_, _>>());
        admin.delete_groups(std::slice::from_ref(&group)).unwrap();
        let listed = admin.list_groups().unwrap();
        assert!(
            listed.iter().all(|listed| listed.group != group),
            "{listed:?}"
        );
    });
}

#[test]
fn java_reads_what_was_produced_with_every_compression_and_acks() {
    on_every_version(|cluster| {
        let mut admin = admin(cluster);
        admin.create_topic(&NewTopic::new("produced", 1)).unwrap();
        let mut expected = Vec::new();
        for compression in ["none", "gzip", "snappy", "lz4", "zstd"] {
            for acks in ["0", "1", "all"] {
                let config = producer(cluster)
                    .set("compression.type", compression)
                    .set("acks", acks)
                    .build()
                    .unwrap();
                let producer = Producer::new(config).unwrap();
                let text = format!("{compression} {acks} ").repeat(20);
                let record = ProducerRecord::to("produced")
                    .key(compression)
                    .value(text.clone())
                    .header("acks", Some(acks))
                    .header("null", None::<&str>)
                    .timestamp(1_700_000_000_000);
                let stored = producer.send(record).unwrap().wait().unwrap();
                let offset = (acks != "0").then(|| Offset::new(expected.len() as i64));
                assert_eq!(stored.offset, offset, "{compression} {acks}");
                assert_eq!(stored.timestamp, 1_700_000_000_000);
                producer.close(PATIENCE).unwrap();
                expected.push(JavaRecord {
                    partition: Some(0),
                    offset: Some(expected.len() as i64),
                    timestamp: Some(1_700_000_000_000),
                    timestamp_type: "CreateTime".into(),
                    key: Some(compression.into()),
                    value: Some(text.into()),
                    headers: vec![("acks".into(), Some(acks.into())), ("null".into(), None)],
                });
            }
        }
        assert_eq!(read(cluster, "produced"), expected);
    });
}

#[test]
fn many_records_arrive_once_each_and_in_the_order_of_their_partition() {
    const RECORDS: usize = 20_000;
    on_every_version(|cluster| {
        let mut admin = admin(cluster);
        let topic = TopicName::from("many");
        admin
            .create_topic(&NewTopic::new(topic.clone(), 4))
            .unwrap();
        let config = producer(cluster).compression_type(CompressionType::Lz4);
        let config = config.acks(Acks::All).buffer_memory(256 * 1024_usize);
        let producer = Producer::new(config.build().unwrap()).unwrap();
        for number in 0..RECORDS {
            let record = ProducerRecord::to(topic.clone()).value(number.to_string());
            let record = match number % 3 {
                0 => record.key(format!("key {}", number % 7)),
                1 => record.partition(3),
                _ => record,
            };
            producer.send_and_forget(record).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
        let partitions = [0, 1, 2, 3].map(|number| TopicPartition::new(topic.clone(), number));
        let ends = admin.offsets(&partitions, OffsetSpec::Latest).unwrap();
        let counts: Vec<i64> = ends.values().map(|end| end.value()).collect();
        assert_eq!(counts.iter().sum::<i64>(), RECORDS as i64);
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");

        let read = read(cluster, "many");
        let numbers =
            |records: &[JavaRecord]| -> Vec<usize> { records.iter().map(number).collect() };
        let mut all = numbers(&read);
        for part in read.chunk_by(|a, b| a.partition == b.partition) {
            assert!(
                numbers(part).is_sorted(),
                "partition {:?}",
                part[0].partition
            );
        }
        all.sort_unstable();
        assert_eq!(all, (0..RECORDS).collect::<Vec<_>>());
        let early = admin
            .offsets(&partitions, OffsetSpec::Timestamp(0))
            .unwrap();
        assert!(
            early.values().all(|offset| *offset == Offset::ZERO),
            "{early:?}"
        );
        let late = admin
            .offsets(&partitions, OffsetSpec::Timestamp(i64::MAX))
            .unwrap();
        assert!(late.is_empty(), "{late:?}");
    });
}

#[test]
fn what_a_broker_refuses_is_told_to_every_record() {
    on_every_version(|cluster| {
        let mut admin = admin(cluster);
        let small = NewTopic::new("small-messages", 1).config("max.message.bytes", "1000");
        admin.create_topic(&small).unwrap();
        let config = producer(cluster).max_block(Duration::from_millis(300));
        let producer = Producer::new(config.build().unwrap()).unwrap();
        let large = ProducerRecord::to("small-messages").value(vec![b'x'; 5000]);
        let handle = producer.send(large.clone()).unwrap();
        let refused = handle.wait().unwrap_err();
        assert!(
            refused.to_string().contains("MESSAGE_TOO_LARGE"),
            "{refused}"
        );
        let told = producer.flush(PATIENCE).unwrap_err();
        assert!(told.to_string().starts_with("1 records failed"), "{told}");
        let small = ProducerRecord::to("small-messages").value("x");
        producer.send_and_forget(small).unwrap();
        producer.flush(PATIENCE).unwrap();

        let beyond = ProducerRecord::to("small-messages").partition(7);
        let beyond = producer.send_and_forget(beyond).unwrap_err();
        assert_eq!(beyond.kind(), ErrorKind::Timeout, "{beyond}");
        let invalid = producer.send_and_forget(ProducerRecord::to("no topic!"));
        let invalid = invalid.unwrap_err();
        assert_eq!(invalid.kind(), ErrorKind::InvalidTopic, "{invalid}");
        producer.close(PATIENCE).unwrap();
    });
}

#[test]
fn a_leader_that_dies_costs_neither_records_nor_their_order() {
    const RECORDS: usize = 3000;
    if !can_run() {
        return;
    }
    let cluster = KafkaCluster::builder().nodes(3).start();
    let cluster = cluster.unwrap_or_else(|error| panic!("{error}"));
    let mut admin = admin(&cluster);
    let topic = NewTopic::new("survivor", 1).replication_factor(3);
    admin
        .create_topic(&topic.config("min.insync.replicas", "2"))
        .unwrap();
    let topics = [TopicName::from("survivor")];
    let leader = admin.describe_topics(&topics).unwrap()[&topics[0]].partitions[&0].leader;
    let leader = usize::try_from(leader.unwrap().value()).unwrap();
    let producer = Producer::new(producer(&cluster).build().unwrap()).unwrap();
    for number in 0..RECORDS {
        if number == RECORDS / 2 {
            cluster.node(leader).kill().unwrap();
        }
        let record = ProducerRecord::to("survivor").value(number.to_string());
        producer.send_and_forget(record).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    producer.close(PATIENCE).unwrap();
    let mut read: Vec<usize> = read(&cluster, "survivor").iter().map(number).collect();
    // Without idempotence a batch whose answer was lost is there twice, but as a whole.
    let mut seen = vec![false; RECORDS];
    read.retain(|number| !std::mem::replace(&mut seen[*number], true));
    assert_eq!(read, (0..RECORDS).collect::<Vec<_>>());
}
