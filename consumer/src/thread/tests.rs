//! Members with real threads and sockets, on the mock and, where Java is, on Apache Kafka. Each has
//! a consumer that applies whatever it is told and owns nothing but its partitions.

#![expect(
    clippy::disallowed_methods,
    reason = "the threads under test live in real time"
)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use weft_client::net::NetworkClient;
use weft_client::{ClientConfig, Error, Offset, TopicPartition};
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion, Prerequisites};
use weft_testcontainers::mock::{GroupState, MockCluster};

use super::HeartbeatThread;
use crate::ConsumerConfig;
use crate::group::GroupSettings;
use crate::lane::{
    Change, ChangeKind, Command, CommandId, GroupResult, MembershipOperation, Offsets,
    SubscriptionEpoch,
};
use crate::metrics::MetricsHandle;

/// Much longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// One turn of a consumer that waits beside another.
const TURN: Duration = Duration::from_millis(2);

struct Member {
    thread: HeartbeatThread,
    network: NetworkClient,
    owned: BTreeSet<TopicPartition>,
    results: Vec<GroupResult>,
    /// All changes, in short.
    told: Vec<String>,
    commits_on_revoke: bool,
    next_id: u64,
}

fn member(bootstrap: &str, group: &str, strategy: &str) -> Member {
    let client = ClientConfig::builder().bootstrap_servers(bootstrap);
    let network = NetworkClient::new(&client.build().unwrap()).unwrap();
    let config = ConsumerConfig::builder()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("partition.assignment.strategy", strategy)
        .set("heartbeat.interval.ms", "100")
        .set("session.timeout.ms", "10000")
        .build()
        .unwrap();
    let settings = GroupSettings::from_config(&config).unwrap();
    let thread = HeartbeatThread::start(
        settings,
        config.assignors(),
        network.waker(),
        MetricsHandle::new(&config),
    )
    .unwrap();
    Member {
        thread,
        network,
        owned: BTreeSet::new(),
        results: Vec::new(),
        told: Vec::new(),
        commits_on_revoke: false,
        next_id: 0,
    }
}

impl Member {
    fn subscribe(&self, topic: &str) {
        let command = Command::Subscribe {
            epoch: SubscriptionEpoch(1),
            topics: BTreeSet::from([topic.into()]),
        };
        self.thread.send(command).unwrap();
    }

    /// What a `poll` does: stamps, waits a little, applies.
    fn turn(&mut self, wait: Duration) {
        self.thread.polled(Instant::now());
        if !self.thread.has_news() {
            self.network.poll(wait, &mut Vec::new());
        }
        if let Some(change) = self.thread.take_change() {
            self.apply(change);
        }
        self.thread.take_results(&mut self.results);
    }

    fn apply(&mut self, change: Change) {
        let (verb, partitions) = match change.kind {
            ChangeKind::Revoke(gone) => {
                if self.commits_on_revoke {
                    self.commit(100).unwrap();
                }
                self.owned.retain(|partition| !gone.contains(partition));
                ("revoke", gone)
            }
            ChangeKind::Lost(gone) => {
                self.owned.retain(|partition| !gone.contains(partition));
                ("lose", gone)
            }
            ChangeKind::Assign { assignment, .. } => {
                self.owned.clone_from(&assignment);
                ("assign", assignment)
            }
        };
        self.told.push(format!("{verb} {}", partitions.len()));
        let answer = Command::Answer {
            change: change.id,
            owned: self.owned.clone(),
        };
        self.thread.send(answer).unwrap();
    }

    fn id(&mut self) -> CommandId {
        self.next_id += 1;
        CommandId(self.next_id)
    }

    /// Commits the same offset for all that is owned, and waits for the end.
    fn commit(&mut self, offset: i64) -> Result<(), Error> {
        let id = self.id();
        let committed =
            |partition: &TopicPartition| (partition.clone(), Offset::new(offset).into());
        let offsets: Offsets = self.owned.iter().map(committed).collect();
        let retry_until = Some(Instant::now() + PATIENCE);
        self.thread
            .send(Command::Commit {
                id,
                offsets,
                retry_until,
            })
            .unwrap();
        self.wait(|result| match result {
            GroupResult::Committed { id: of, result } if *of == id => Some(result.clone()),
            _ => None,
        })
    }

    fn committed(&mut self, partitions: &BTreeSet<TopicPartition>) -> Vec<Option<i64>> {
        let id = self.id();
        self.thread
            .send(Command::FetchCommitted {
                id,
                partitions: partitions.clone(),
                retry_until: Instant::now() + PATIENCE,
            })
            .unwrap();
        let found = self.wait(|result| match result {
            GroupResult::Fetched { id: of, result } if *of == id => Some(result.clone()),
            _ => None,
        });
        let offsets = found.unwrap().into_values();
        offsets
            .map(|offset| offset.map(|known| known.offset.value()))
            .collect()
    }

    /// Waits for a result without taking changes, as a blocking call does.
    fn wait<T>(&mut self, wanted: impl Fn(&GroupResult) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.thread.take_results(&mut self.results);
            if let Some(found) = self.results.iter().find_map(&wanted) {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "no such result in time: {:?}",
                self.results
            );
            self.network.poll(TURN, &mut Vec::new());
        }
    }

    fn close(mut self) {
        let id = self.id();
        self.thread
            .send(Command::Leave {
                id,
                reason: "closed".into(),
                operation: MembershipOperation::Default,
                wait_until: Some(Instant::now() + PATIENCE),
            })
            .unwrap();
        self.wait(|result| matches!(result, GroupResult::Left { .. }).then_some(()));
        assert!(self.thread.join_by(Instant::now() + PATIENCE));
    }
}

/// Polls all members in turn until it is so.
fn until(members: &mut [&mut Member], is_so: impl Fn(&[&mut Member]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so(members) {
        if Instant::now() >= deadline {
            let told: Vec<_> = members.iter().map(|m| (&m.told, &m.results)).collect();
            panic!("it did not come about: {told:?}");
        }
        for member in members.iter_mut() {
            member.turn(TURN);
        }
    }
}

fn owns(member: &Member, count: usize) -> bool {
    member.owned.len() == count
}

/// Two members share four partitions, and what one committed in its revocation the other finds.
fn members_share(bootstrap: &str, topic: &str, strategy: &str, revoked: &str) {
    let group = format!("{topic}-{strategy}");
    let mut first = member(bootstrap, &group, strategy);
    first.commits_on_revoke = true;
    first.subscribe(topic);
    until(&mut [&mut first], |members| owns(members[0], 4));
    first.commit(7).unwrap();

    let mut second = member(bootstrap, &group, strategy);
    second.subscribe(topic);
    until(&mut [&mut first, &mut second], |members| {
        owns(members[0], 2) && owns(members[1], 2)
    });
    assert!(first.owned.is_disjoint(&second.owned));
    assert!(first.told.contains(&revoked.to_owned()), "{:?}", first.told);
    let partitions = second.owned.clone();
    assert_eq!(second.committed(&partitions), [Some(100), Some(100)]);

    first.close();
    until(&mut [&mut second], |members| owns(members[0], 4));
    second.commit(9).unwrap();
    let partitions = second.owned.clone();
    assert_eq!(second.committed(&partitions), [Some(9); 4]);
    let failed = |result: &GroupResult| matches!(result, GroupResult::Failed(_));
    assert!(!second.results.iter().any(failed), "{:?}", second.results);
    second.close();
}

fn mock(brokers: usize) -> MockCluster {
    let builder = MockCluster::builder().brokers(brokers).topic("t", 4);
    builder.start().unwrap()
}

#[test]
fn eager_members_share_a_topic_of_the_mock() {
    let cluster = mock(1);
    members_share(&cluster.bootstrap(), "t", "range", "revoke 4");
    assert_eq!(cluster.violations(), [""; 0]);
}

#[test]
fn cooperative_members_share_a_topic_of_the_mock() {
    let cluster = mock(1);
    members_share(&cluster.bootstrap(), "t", "cooperative-sticky", "revoke 2");
    assert_eq!(cluster.violations(), [""; 0]);
}

#[test]
fn a_member_follows_its_coordinator_to_another_broker() {
    let cluster = mock(3);
    let mut member = member(&cluster.bootstrap(), "g", "range");
    member.subscribe("t");
    until(&mut [&mut member], |members| owns(members[0], 4));
    let first = cluster.coordinator("g").unwrap();
    cluster.kill_broker(first).unwrap();
    // The group may have moved with or without its members, so the commit may be refused once.
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = member.commit(5) {
        assert!(Instant::now() < deadline, "{error}");
        member.turn(TURN);
    }
    assert_ne!(cluster.coordinator("g"), Some(first));
    assert_eq!(cluster.committed("g", "t", 0), Some(5));
    member.close();
    assert_eq!(cluster.violations(), [""; 0]);
}

#[test]
fn a_consumer_that_leaves_while_the_group_waits_for_others_does_not_wait_for_them() {
    let cluster = MockCluster::builder()
        .topic("t", 4)
        .group_initial_rebalance_delay(PATIENCE)
        .start()
        .unwrap();
    let mut member = member(&cluster.bootstrap(), "g", "range");
    let began_at = Instant::now();
    member.subscribe("t");
    until(&mut [&mut member], |_| {
        cluster.group_state("g") == Some(GroupState::PreparingRebalance)
    });
    member.close();
    assert!(
        began_at.elapsed() < PATIENCE,
        "the leave waited for the join"
    );
    assert_eq!(cluster.violations(), [""; 0]);
}

#[test]
fn members_share_a_topic_of_real_kafka() {
    match Prerequisites::check() {
        Ok(()) => {}
        Err(error) if std::env::var_os("WEFT_REQUIRE_KAFKA").is_some() => panic!("{error}"),
        Err(error) => {
            println!("not run: {error}");
            return;
        }
    }
    let cluster = KafkaCluster::builder()
        .version(KafkaVersion::V4_4_0)
        .nodes(1)
        .start()
        .unwrap();
    cluster.create_topic("t", 4).unwrap();
    members_share(&cluster.bootstrap(), "t", "range", "revoke 4");
    members_share(&cluster.bootstrap(), "t", "cooperative-sticky", "revoke 2");
}
