//! The administrator and the producer against real Kafka of each version. Without Java or Maven the
//! tests print that they did not run; with `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose cluster refuses has failed"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use weft_client::admin::{Admin, NewTopic, OffsetSpec};
use weft_client::{ClientConfig, ErrorKind, GroupId, Offset, TopicName, TopicPartition};
use weft_testcontainers::kafka::{
    JavaAssignor, JavaCommand, JavaProgram, KafkaCluster, KafkaVersion, Prerequisites,
};

/// How long a step may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `test` on a cluster of each version; says so where this machine cannot.
fn on_every_version(test: impl Fn(&KafkaCluster)) {
    match Prerequisites::check() {
        Ok(()) => {}
        Err(error) if std::env::var_os("WEFT_REQUIRE_KAFKA").is_some() => panic!("{error}"),
        Err(error) => {
            println!("not run: {error}");
            return;
        }
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
        let record = weft_testcontainers::kafka::JavaRecord {
            partition: Some(1),
            ..Default::default()
        };
        producer.send(&record).unwrap();
        producer.stop(PATIENCE).unwrap();
        member.wait_for("COMMITTED", PATIENCE).unwrap();

        let described = admin.describe_groups(std::slice::from_ref(&group)).unwrap();
        let described = &described[&group];
        assert_eq!(described.state, weft_client::admin::GroupState::Stable);
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
