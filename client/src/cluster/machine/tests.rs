mod start;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::cluster::NodeLoad;
use crate::cluster::answers::{partition, response, topic, topic_error};
use crate::cluster::clock::start;
use crate::wire::ErrorCode;

/// A cluster under test, a clock, and the loads of its nodes; nodes without entry are ready.
struct Bench {
    cluster: Cluster,
    now: Instant,
    loads: BTreeMap<i32, NodeLoad>,
}

impl NodeLoads for BTreeMap<i32, NodeLoad> {
    fn load(&self, node: NodeId) -> NodeLoad {
        let idle = NodeLoad::Ready { in_flight: 0 };
        self.get(&node.value()).copied().unwrap_or(idle)
    }
}

fn bench(properties: &[(&str, &str)]) -> Bench {
    let mut builder = ClientConfig::builder().bootstrap_servers("a:1");
    for (key, value) in properties {
        builder = builder.set(key, value);
    }
    let now = start();
    Bench {
        cluster: Cluster::new(&builder.build().unwrap(), now, 11),
        now,
        loads: BTreeMap::new(),
    }
}

fn names(names: &[&str]) -> Topics {
    Topics::Named(names.iter().map(|name| TopicName::from(*name)).collect())
}

impl Bench {
    /// The id of the broker asked, and the topics asked for.
    fn asked(&mut self) -> Option<(i32, Option<Vec<String>>)> {
        let (broker, request) = self.cluster.poll(self.now, &self.loads)?;
        let Request::Metadata(request) = request else {
            unreachable!("only metadata is asked for")
        };
        let name = |topic: &MetadataRequestTopic| topic.name.as_ref().unwrap().to_string();
        let topics = request
            .topics
            .map(|topics| topics.iter().map(name).collect());
        Some((broker.id.value(), topics))
    }

    fn asked_topics(&mut self) -> Option<Vec<String>> {
        self.asked().and_then(|(_, topics)| topics)
    }

    fn answer(&mut self, answer: &MetadataResponse) {
        self.cluster.handle_response(self.now, answer);
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    /// Moves to the deadline and tells how far it was.
    fn pass_to_deadline(&mut self) -> u64 {
        let deadline = self.cluster.next_deadline().unwrap();
        let wait = deadline.saturating_duration_since(self.now);
        self.now += wait;
        u64::try_from(wait.as_millis()).unwrap()
    }

    /// Learns about topic `t`, led by node 1 in epoch 5.
    fn learn(&mut self) {
        self.cluster.set_topics(names(&["t"]));
        assert!(self.asked().is_some());
        self.answer(&response(
            &[1, 2],
            vec![topic("t", 1, vec![partition(0, 1, 5)])],
        ));
    }

    fn leader(&self) -> Option<(i32, i32)> {
        let (broker, epoch) = self.cluster.leader(&TopicPartition::new("t", 0))?;
        Some((broker.id.value(), LeaderEpoch::to_wire(epoch)))
    }
}

#[test]
fn the_first_question_goes_to_a_bootstrap_address_and_only_one_is_asked_at_a_time() {
    let mut bench = bench(&[]);
    assert_eq!(bench.cluster.next_deadline(), Some(bench.now));
    assert_eq!(bench.asked(), Some((-1, Some(Vec::new()))));
    assert_eq!(bench.asked(), None);
    assert_eq!(bench.cluster.next_deadline(), None);
    bench.answer(&response(&[7], Vec::new()));
    assert_eq!(bench.cluster.version(), 1);
    assert_eq!(bench.asked(), None);
    assert_eq!(bench.pass_to_deadline(), 300_000);
    assert_eq!(bench.asked(), Some((7, Some(Vec::new()))));
}

#[test]
fn new_topics_are_asked_for_at_once_and_alone() {
    let mut bench = bench(&[]);
    bench.learn();
    bench.cluster.set_topics(names(&["t", "u"]));
    assert_eq!(bench.asked_topics(), Some(vec!["u".to_owned()]));
    bench.answer(&response(
        &[1],
        vec![topic("u", 2, vec![partition(0, 1, 0)])],
    ));
    assert_eq!(bench.leader(), Some((1, 5)));
    assert_eq!(bench.asked(), None);
}

#[test]
fn a_topic_wanted_while_a_question_is_out_is_asked_for_next() {
    let mut bench = bench(&[]);
    bench.cluster.set_topics(names(&["t"]));
    assert_eq!(bench.asked_topics(), Some(vec!["t".to_owned()]));
    bench.cluster.add_topic(&TopicName::from("u"));
    bench.cluster.add_topic(&TopicName::from("u"));
    bench.answer(&response(
        &[1],
        vec![topic("t", 1, vec![partition(0, 1, 0)])],
    ));
    assert_eq!(bench.asked_topics(), Some(vec!["u".to_owned()]));
    bench.answer(&response(
        &[1],
        vec![topic("u", 1, vec![partition(0, 1, 0)])],
    ));
    assert_eq!(bench.asked(), None);
    assert_eq!(bench.cluster.snapshot().topics().len(), 2);
}

#[test]
fn all_topics_are_asked_for_without_names() {
    let mut bench = bench(&[]);
    bench.learn();
    bench.cluster.set_topics(Topics::All);
    let asked = bench.asked().unwrap();
    assert_eq!(asked.1, None);
}

#[test]
fn all_topics_wanted_while_a_question_is_out_are_asked_for_next() {
    let mut bench = bench(&[]);
    bench.cluster.set_topics(names(&["t"]));
    assert_eq!(bench.asked_topics(), Some(vec!["t".to_owned()]));
    bench.cluster.set_topics(Topics::All);
    bench.answer(&response(
        &[1],
        vec![topic("t", 1, vec![partition(0, 1, 0)])],
    ));
    assert_eq!(bench.asked(), Some((1, None)));
    bench.answer(&response(&[1], Vec::new()));
    assert_eq!(bench.asked(), None);
}

#[test]
fn an_unknown_topic_is_asked_for_again_slower_and_slower() {
    let mut bench = bench(&[]);
    bench.cluster.set_topics(names(&["t"]));
    let mut waits = Vec::new();
    for _ in 0..6 {
        assert!(bench.asked().is_some());
        bench.answer(&response(&[1], vec![topic_error("t", 3)]));
        waits.push(bench.pass_to_deadline());
    }
    assert!(
        waits
            .windows(2)
            .all(|pair| pair[0] < pair[1] || pair[1] >= 800),
        "{waits:?}"
    );
    assert!(
        (80..=120).contains(&waits[0]) && waits[5] <= 1000,
        "{waits:?}"
    );
    assert_eq!(
        bench.cluster.snapshot().topic_error("t"),
        Some(ErrorCode(3))
    );
    assert_eq!(
        bench.cluster.take_topic_error().map(|error| error.kind()),
        None
    );
}

#[test]
fn refused_topics_are_told_once_per_answer_and_not_retried() {
    let mut bench = bench(&[]);
    bench.cluster.set_topics(names(&["a!", "b", "c"]));
    assert!(bench.asked().is_some());
    let refused = vec![
        topic_error("a!", 17),
        topic_error("b", 29),
        topic_error("c", 29),
    ];
    bench.answer(&response(&[1], refused.clone()));
    let told = |bench: &mut Bench| {
        let error = bench.cluster.take_topic_error()?;
        Some((
            error.kind(),
            error
                .topics()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        ))
    };
    assert_eq!(
        told(&mut bench),
        Some((ErrorKind::InvalidTopic, vec!["a!".to_owned()]))
    );
    let unauthorized = vec!["b".to_owned(), "c".to_owned()];
    assert_eq!(
        told(&mut bench),
        Some((ErrorKind::TopicAuthorization, unauthorized))
    );
    assert_eq!(told(&mut bench), None);
    assert_eq!(bench.pass_to_deadline(), 300_000);
    assert!(bench.asked().is_some());
    bench.answer(&response(&[1], refused));
    assert!(told(&mut bench).is_some());
}

#[test]
fn failures_and_answers_without_brokers_are_retried_with_backoff() {
    let mut bench = bench(&[]);
    assert!(bench.asked().is_some());
    bench.cluster.handle_failure(bench.now);
    assert_eq!(bench.asked(), None);
    let first = bench.pass_to_deadline();
    assert!((80..=120).contains(&first), "{first}");
    assert!(bench.asked().is_some());
    bench.answer(&response(&[], Vec::new()));
    assert_eq!(bench.cluster.version(), 0);
    let second = bench.pass_to_deadline();
    assert!((160..=240).contains(&second), "{second}");
    assert!(bench.asked().is_some());
}

#[test]
fn answers_and_failures_that_nobody_waits_for_change_nothing() {
    let mut bench = bench(&[]);
    bench.learn();
    let before = bench.cluster.clone();
    bench.answer(&response(&[9], Vec::new()));
    bench.cluster.handle_failure(bench.now);
    assert_eq!(bench.cluster, before);
}

#[test]
fn a_requested_update_is_there_when_the_version_grew() {
    let mut bench = bench(&[]);
    bench.learn();
    let version = bench.cluster.request_update(UpdateReason::CallerWaits);
    assert!(bench.asked().is_some());
    bench.cluster.handle_failure(bench.now);
    assert_eq!(bench.cluster.version(), version);
    bench.pass_to_deadline();
    assert!(bench.asked().is_some());
    bench.answer(&response(
        &[1],
        vec![topic("t", 1, vec![partition(0, 1, 5)])],
    ));
    assert!(bench.cluster.version() > version);
}

#[test]
fn news_of_a_leader_are_believed_if_newer_and_if_the_broker_is_known_or_described() {
    let described = |id| Broker {
        id: NodeId::new(id),
        host: "new".into(),
        port: 9,
        rack: None,
    };
    for (node, epoch, described, expected) in [
        (2, 6, None, Some((2, 6))),
        (2, 5, None, Some((1, 5))),
        (2, 4, None, Some((1, 5))),
        (3, 6, None, Some((1, 5))),
        (3, 6, Some(described(3)), Some((3, 6))),
        (3, 6, Some(described(4)), Some((1, 5))),
    ] {
        let mut bench = bench(&[]);
        bench.learn();
        let version = bench.cluster.version();
        let partition = TopicPartition::new("t", 0);
        let (node, epoch) = (NodeId::new(node), LeaderEpoch::new(epoch));
        let update = bench
            .cluster
            .update_leader(&partition, node, epoch, described);
        assert_eq!(bench.leader(), expected);
        let is_believed = update == LeaderUpdate::Believed;
        assert_eq!(is_believed, bench.cluster.version() > version);
        assert_eq!(is_believed, expected != Some((1, 5)));
    }
}

#[test]
fn a_newer_epoch_seen_elsewhere_makes_the_leader_unknown_until_the_next_answer() {
    let mut bench = bench(&[]);
    bench.learn();
    let partition_0 = TopicPartition::new("t", 0);
    bench.cluster.see_epoch(&partition_0, LeaderEpoch::new(5));
    assert_eq!((bench.leader(), bench.asked()), (Some((1, 5)), None));
    bench.cluster.see_epoch(&partition_0, LeaderEpoch::new(6));
    assert_eq!(bench.leader(), None);
    assert!(bench.asked().is_some());
    bench.answer(&response(
        &[1, 2],
        vec![topic("t", 1, vec![partition(0, 2, 6)])],
    ));
    assert_eq!(bench.leader(), Some((2, 6)));
}

#[test]
fn whether_brokers_may_create_a_topic_that_is_asked_for_follows_the_option() {
    for allowed in [true, false] {
        let mut bench = bench(&[("allow.auto.create.topics", &allowed.to_string())]);
        for topics in [names(&["t"]), Topics::All] {
            bench.cluster.set_topics(topics);
            let (_, request) = bench.cluster.poll(bench.now, &bench.loads).unwrap();
            let Request::Metadata(request) = request else {
                unreachable!("only metadata is asked for")
            };
            assert_eq!(request.allow_auto_topic_creation, allowed);
            bench.answer(&response(&[1], Vec::new()));
        }
    }
}
