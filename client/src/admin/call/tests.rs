//! Calls against a cluster of two brokers, without a network.

use std::collections::BTreeMap;

use super::super::describe::DescribeTopics;
use super::super::groups::{CommittedOffsets, DescribeGroup};
use super::super::offsets::{ListOffsets, OffsetSpec};
use super::super::topics::{CreateTopics, DeleteTopics, NewTopic};
use super::*;
use crate::cluster::NodeLoad;
use crate::config::ClientConfig;
use crate::ids::{Offset, TopicName};
use crate::wire::messages::create_topics_response::CreatableTopicResult;
use crate::wire::messages::delete_topics_response::DeletableTopicResult;
use crate::wire::messages::describe_groups_response::DescribedGroup;
use crate::wire::messages::find_coordinator_response::Coordinator;
use crate::wire::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use crate::wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use crate::wire::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use crate::wire::messages::{
    BrokerId, CreateTopicsResponse, DeleteTopicsResponse, DescribeGroupsResponse,
    FindCoordinatorResponse, ListOffsetsResponse, MetadataResponse, OffsetFetchResponse,
};
use crate::wire::{ApiKey, StrBytes, WireError, messages};

const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// No connection is in anybody's way.
struct Idle;

impl NodeLoads for Idle {
    fn load(&self, _: NodeId) -> NodeLoad {
        NodeLoad::Ready { in_flight: 0 }
    }
}

/// A call, the belief it goes by, and a clock that moves when told.
struct Play<Q: Question> {
    call: Call<Q>,
    cluster: Cluster,
    now: Instant,
}

impl<Q: Question> Play<Q> {
    /// A call that knows of no broker yet.
    fn bare(question: Q) -> Self {
        let now = start();
        let config = ClientConfig::builder().bootstrap_servers("seed:1");
        let patience = Patience {
            request_timeout: Duration::from_secs(30),
            backoff: ExponentialBackoff::new(Duration::from_millis(100), Duration::from_secs(1)),
        };
        Self {
            call: Call::new(question, patience, now, now + CALL_TIMEOUT, 1),
            cluster: Cluster::new(&config.build().unwrap(), now, 1),
            now,
        }
    }

    /// A call that knows brokers 1 and 2, of which 1 is the controller.
    fn new(question: Q) -> Self {
        let mut play = Self::bare(question);
        play.learn(1, Vec::new());
        play
    }

    fn learn(&mut self, controller: i32, topics: Vec<MetadataResponseTopic>) {
        self.now += Duration::from_secs(2);
        self.cluster.request_update(UpdateReason::CallerWaits);
        assert!(
            self.cluster.poll(self.now, &Idle).is_some(),
            "an update is due"
        );
        let answer = metadata(controller, topics);
        self.cluster.handle_response(self.now, &answer);
    }

    fn next(&mut self) -> Step<Q::Answer> {
        self.call.next(self.now, &mut self.cluster, &Idle)
    }

    /// The node that is asked next, and what it is asked.
    fn asked(&mut self) -> (i32, Request) {
        match self.next() {
            Step::Send {
                broker, request, ..
            } => (broker.id.value(), *request),
            Step::Wait(until) => panic!("waits for {:?}", until - self.now),
            Step::Over(result) => panic!("over: {:?}", result.err()),
        }
    }

    fn waits(&mut self) -> bool {
        matches!(self.next(), Step::Wait(_))
    }

    fn answer(&mut self, response: impl Into<Response>) {
        self.call
            .handle(self.now, Ok(response.into()), &mut self.cluster);
    }

    fn fail(&mut self, error: RequestError) {
        self.call.handle(self.now, Err(error), &mut self.cluster);
    }

    fn result(&mut self) -> Result<Q::Answer, Error> {
        match self.next() {
            Step::Over(result) => result,
            _ => panic!("the call is not over"),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be had nowhere else"
)]
fn start() -> Instant {
    Instant::now()
}

fn metadata(controller: i32, topics: Vec<MetadataResponseTopic>) -> MetadataResponse {
    let broker = |id: i32| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(id))
            .with_host(StrBytes::from_string(format!("host-{id}")))
            .with_port(9092)
    };
    MetadataResponse::default()
        .with_brokers(vec![broker(1), broker(2)])
        .with_controller_id(BrokerId(controller))
        .with_topics(topics)
}

fn wire_name(name: &str) -> messages::TopicName {
    messages::TopicName::from(&TopicName::from(name))
}

/// A topic whose partitions are led by these nodes.
fn described(name: &str, leaders: &[i32]) -> MetadataResponseTopic {
    let partition = |(number, leader): (i32, &i32)| {
        MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_leader_id(BrokerId(*leader))
            .with_leader_epoch(1)
    };
    MetadataResponseTopic::default()
        .with_name(Some(wire_name(name)))
        .with_partitions((0..).zip(leaders).map(partition).collect())
}

fn created(results: &[(&str, ErrorCode)]) -> CreateTopicsResponse {
    let result = |(name, code): &(&str, ErrorCode)| {
        CreatableTopicResult::default()
            .with_name(wire_name(name))
            .with_error_code(code.0)
    };
    CreateTopicsResponse::default().with_topics(results.iter().map(result).collect())
}

fn coordinator(node: i32, code: ErrorCode) -> FindCoordinatorResponse {
    let coordinator = Coordinator::default()
        .with_node_id(BrokerId(node))
        .with_host(StrBytes::from_string(format!("host-{node}")))
        .with_port(9092)
        .with_error_code(code.0);
    FindCoordinatorResponse::default().with_coordinators(vec![coordinator])
}

fn seed() -> Arc<Broker> {
    Arc::new(Broker {
        id: NodeId::new(-1),
        host: "seed".into(),
        port: 1,
        rack: None,
    })
}

fn refused_connection() -> RequestError {
    RequestError::Disconnected {
        api_key: ApiKey::Metadata,
        broker: seed(),
        reason: CloseReason::Unreachable("10.0.0.1:1".parse().unwrap(), "refused".into()),
    }
}

fn create(names: &[&str]) -> CreateTopics {
    let topics: Vec<NewTopic> = names.iter().map(|name| NewTopic::new(*name, 1)).collect();
    CreateTopics::new(&topics)
}

#[test]
fn nobody_is_asked_before_the_brokers_are_known() {
    let mut play = Play::bare(create(&["t"]));
    assert!(play.waits());
    play.learn(2, Vec::new());
    let (node, request) = play.asked();
    assert_eq!((node, request.api_key()), (2, ApiKey::CreateTopics));
    assert!(play.waits());
    play.answer(created(&[("t", ErrorCode::NONE)]));
    assert_eq!(play.result().unwrap(), NodeId::new(2));
}

#[test]
fn a_controller_that_has_moved_is_asked_after_the_backoff_and_new_metadata() {
    let mut play = Play::new(create(&["t"]));
    assert_eq!(play.asked().0, 1);
    play.answer(created(&[("t", ErrorCode::NOT_CONTROLLER)]));
    play.now += Duration::from_secs(1);
    assert!(play.waits(), "the old belief is of no use");
    play.learn(2, Vec::new());
    assert_eq!(play.asked().0, 2);
}

#[test]
fn only_what_was_refused_for_now_is_asked_again_and_one_failure_fails_the_call() {
    let mut play = Play::new(create(&["done", "later", "never"]));
    play.asked();
    play.answer(created(&[
        ("done", ErrorCode::NONE),
        ("later", ErrorCode::THROTTLING_QUOTA_EXCEEDED),
        ("never", ErrorCode::TOPIC_ALREADY_EXISTS),
    ]));
    assert!(play.waits(), "the backoff");
    play.now += Duration::from_secs(1);
    let (_, Request::CreateTopics(request)) = play.asked() else {
        panic!("another request");
    };
    let names: Vec<&str> = request
        .topics
        .iter()
        .map(|topic| topic.name.as_str())
        .collect();
    assert_eq!(names, ["later"]);
    play.answer(created(&[("later", ErrorCode::NONE)]));
    let error = play.result().unwrap_err();
    assert_eq!(error.topics(), [TopicName::from("never")]);
    let text = error.to_string();
    assert!(text.contains("CreateTopics for topic never"), "{text}");
    assert!(text.contains("node 1 at host-1:9092"), "{text}");
}

#[test]
fn a_topic_that_is_not_answered_for_fails_the_call() {
    let mut play = Play::new(create(&["a", "b"]));
    play.asked();
    play.answer(created(&[("a", ErrorCode::NONE)]));
    let error = play.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedResponse);
    assert_eq!(error.topics(), [TopicName::from("b")]);
}

#[test]
fn a_coordinator_is_looked_up_kept_and_looked_up_again_when_it_has_moved() {
    let mut play = Play::new(DescribeGroup("g".into()));
    let answer = |code: ErrorCode| {
        let group = DescribedGroup::default()
            .with_error_code(code.0)
            .with_group_state(StrBytes::from_static_str("Stable"));
        DescribeGroupsResponse::default().with_groups(vec![group])
    };
    assert_eq!(play.asked().1.api_key(), ApiKey::FindCoordinator);
    play.answer(coordinator(0, ErrorCode::COORDINATOR_NOT_AVAILABLE));
    play.learn(1, Vec::new());
    assert_eq!(play.asked().1.api_key(), ApiKey::FindCoordinator);
    play.answer(coordinator(2, ErrorCode::NONE));
    let (node, request) = play.asked();
    assert_eq!((node, request.api_key()), (2, ApiKey::DescribeGroups));
    play.answer(answer(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS));
    play.now += Duration::from_secs(1);
    assert_eq!(play.asked().1.api_key(), ApiKey::DescribeGroups);
    play.answer(answer(ErrorCode::NOT_COORDINATOR));
    play.now += Duration::from_secs(1);
    assert_eq!(play.asked().1.api_key(), ApiKey::FindCoordinator);
    play.answer(coordinator(1, ErrorCode::NONE));
    assert_eq!(play.asked().0, 1);
    play.answer(answer(ErrorCode::NONE));
    assert_eq!(play.result().unwrap().coordinator.id, NodeId::new(1));
}

#[test]
fn a_lost_connection_is_tried_again_after_new_metadata() {
    let mut play = Play::new(create(&["t"]));
    play.asked();
    play.fail(refused_connection());
    play.now += Duration::from_secs(1);
    assert!(play.waits());
    play.learn(1, Vec::new());
    assert_eq!(play.asked().0, 1);
}

#[test]
fn an_earlier_failure_explains_more_than_a_request_that_ran_out_with_the_call() {
    let mut play = Play::bare(create(&["t"]));
    play.call.note_failure(play.now, refused_connection());
    play.now += CALL_TIMEOUT;
    let timed_out = RequestError::TimedOut {
        api_key: ApiKey::Metadata,
        broker: seed(),
        timeout: CALL_TIMEOUT,
        stage: Stage::Resolving,
    };
    play.call.note_failure(play.now, timed_out);
    let error = play.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    let text = "CreateTopics did not succeed within 60s; the last failure: Metadata request to \
                bootstrap seed:1 failed: connecting to 10.0.0.1:1: refused";
    assert_eq!(error.to_string(), text);
}

#[test]
fn without_any_failure_the_time_is_the_reason() {
    let mut play = Play::bare(create(&["t"]));
    play.now += CALL_TIMEOUT;
    assert_eq!(play.result().unwrap_err().kind(), ErrorKind::Timeout);
}

#[test]
fn what_a_broker_does_not_speak_fails_at_once() {
    let mut play = Play::new(create(&["t"]));
    play.asked();
    play.fail(RequestError::Unsupported {
        api_key: ApiKey::CreateTopics,
        broker: seed(),
        reason: WireError::Unsupported {
            api_key: ApiKey::CreateTopics,
            needed: 4..=7,
            broker: Some(0..=1),
            feature: "defaults",
        },
    });
    let error = play.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedVersion);
}

#[test]
fn an_outcome_that_nobody_waits_for_changes_nothing() {
    let mut play = Play::new(create(&["t"]));
    play.answer(created(&[("t", ErrorCode::TOPIC_ALREADY_EXISTS)]));
    play.fail(refused_connection());
    assert_eq!(play.asked().0, 1);
}

#[test]
fn offsets_are_asked_of_each_leader_and_left_out_where_there_is_none() {
    let partitions = [0, 1, 2].map(|number| TopicPartition::new("t", number));
    let mut play = Play::new(ListOffsets::new(&partitions, OffsetSpec::Timestamp(7)));
    assert!(play.waits(), "the topic is not known");
    play.learn(1, vec![described("t", &[1, 2, 1])]);
    let answer = |offsets: &[(i32, i64, ErrorCode)]| {
        let partition = |(number, offset, code): &(i32, i64, ErrorCode)| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(*number)
                .with_offset(*offset)
                .with_error_code(code.0)
        };
        let topic = ListOffsetsTopicResponse::default()
            .with_name(wire_name("t"))
            .with_partitions(offsets.iter().map(partition).collect());
        ListOffsetsResponse::default().with_topics(vec![topic])
    };
    let (node, Request::ListOffsets(request)) = play.asked() else {
        panic!("another request");
    };
    let wanted = &request.topics[0].partitions;
    let wanted: Vec<(i32, i64, i32)> = wanted
        .iter()
        .map(|p| (p.partition_index, p.timestamp, p.current_leader_epoch))
        .collect();
    assert_eq!((node, wanted), (1, vec![(0, 7, 1), (2, 7, 1)]));
    play.answer(answer(&[(0, 5, ErrorCode::NONE), (2, -1, ErrorCode::NONE)]));
    assert_eq!(play.asked().0, 2);
    play.answer(answer(&[(1, 0, ErrorCode::NOT_LEADER_OR_FOLLOWER)]));
    play.learn(1, vec![described("t", &[1, 1, 1])]);
    assert_eq!(play.asked().0, 1);
    play.answer(answer(&[(1, 9, ErrorCode::NONE)]));
    let [first, second, _] = partitions;
    let expected = [(first, Offset::new(5)), (second, Offset::new(9))];
    assert_eq!(play.result().unwrap(), BTreeMap::from(expected));
}

#[test]
fn a_new_topic_is_waited_for_until_all_its_partitions_are_led() {
    let wanted = [(TopicName::from("t"), 2)];
    let mut play = Play::new(DescribeTopics::led(NodeId::new(2), wanted));
    let not_yet = described("t", &[]).with_error_code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
    for topic in [not_yet, described("t", &[1]), described("t", &[1, -1])] {
        assert_eq!(play.asked().0, 2);
        play.answer(metadata(1, vec![topic]));
        play.learn(1, Vec::new());
    }
    play.asked();
    play.answer(metadata(1, vec![described("t", &[1, 2])]));
    assert_eq!(
        play.result().unwrap()[&TopicName::from("t")]
            .partitions
            .len(),
        2
    );
}

#[test]
fn a_topic_of_the_brokers_own_size_is_waited_for_until_nothing_is_without_leader() {
    let wanted = [(TopicName::from("t"), 0)];
    let mut play = Play::new(DescribeTopics::led(NodeId::new(1), wanted));
    play.asked();
    play.answer(metadata(1, vec![described("t", &[1, -1])]));
    assert!(play.waits());
    play.now += Duration::from_secs(1);
    play.asked();
    play.answer(metadata(1, vec![described("t", &[1, 2])]));
    play.result().unwrap();
}

#[test]
fn an_unknown_topic_is_refused_when_it_is_described() {
    let mut play = Play::new(DescribeTopics::of(&["t".into()]));
    play.asked();
    let unknown = described("t", &[]).with_error_code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
    play.answer(metadata(1, vec![unknown]));
    let error = play.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopicOrPartition);
}

#[test]
fn deleted_topics_are_not_asked_for_again() {
    let mut play = Play::new(DeleteTopics::new(&["a".into(), "b".into()]));
    let answer = |results: &[(&str, ErrorCode)]| {
        let result = |(name, code): &(&str, ErrorCode)| {
            DeletableTopicResult::default()
                .with_name(Some(wire_name(name)))
                .with_error_code(code.0)
        };
        DeleteTopicsResponse::default().with_responses(results.iter().map(result).collect())
    };
    play.asked();
    let moved = ErrorCode::NOT_CONTROLLER;
    play.answer(answer(&[("a", ErrorCode::NONE), ("b", moved)]));
    play.learn(2, Vec::new());
    let (2, Request::DeleteTopics(request)) = play.asked() else {
        panic!("another request");
    };
    assert_eq!(request.topics.len(), 1);
    play.answer(answer(&[("b", ErrorCode::NONE)]));
    play.result().unwrap();
}

#[test]
fn committed_offsets_are_told_for_every_partition_asked_for() {
    let partitions = [0, 1, 2].map(|number| TopicPartition::new("t", number));
    let mut play = Play::new(CommittedOffsets::new("g".into(), &partitions));
    play.asked();
    play.answer(coordinator(2, ErrorCode::NONE));
    play.asked();
    let partition = |number, offset| {
        OffsetFetchResponsePartitions::default()
            .with_partition_index(number)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(4)
    };
    let topic = OffsetFetchResponseTopics::default()
        .with_name(wire_name("t"))
        .with_partitions(vec![partition(0, 8), partition(1, -1)]);
    let group = OffsetFetchResponseGroup::default().with_topics(vec![topic]);
    play.answer(OffsetFetchResponse::default().with_groups(vec![group]));
    let committed = play.result().unwrap();
    let offsets: Vec<Option<i64>> = committed
        .values()
        .map(|found| found.as_ref().map(|found| found.offset.value()))
        .collect();
    assert_eq!(offsets, [Some(8), None, None]);
}
