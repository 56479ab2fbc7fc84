//! Groups through frames: what the state machine does is tested beside it; here is how it reaches
//! the wire, and which broker answers.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::join_group_request::JoinGroupRequestProtocol;
use weft_client::wire::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use weft_client::wire::messages::{
    FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse,
    OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest, SyncGroupResponse, TopicName,
    offset_fetch_request::OffsetFetchRequestGroup, sync_group_request::SyncGroupRequestAssignment,
};

use super::*;

pub(super) fn join(member_id: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(string("range"))
        .with_metadata(Bytes::from_static(b"metadata"));
    JoinGroupRequest::default()
        .with_group_id(GroupId(string("group")))
        .with_member_id(string(member_id))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(string("consumer"))
        .with_protocols(vec![protocol])
}

pub(super) fn joined(response: Response) -> JoinGroupResponse {
    match response {
        Response::JoinGroup(response) => response,
        other => panic!("{other:?}"),
    }
}

pub(super) fn sync(bench: &mut Bench, wire: Wire, of: &JoinGroupResponse) -> SyncGroupResponse {
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(of.member_id.clone())
        .with_assignment(Bytes::from_static(b"assignment"));
    let request = SyncGroupRequest::default()
        .with_group_id(GroupId(string("group")))
        .with_generation_id(of.generation_id)
        .with_member_id(of.member_id.clone())
        .with_protocol_type(Some(string("consumer")))
        .with_protocol_name(Some(string("range")))
        .with_assignments(vec![assignment]);
    match bench.ask(wire, request) {
        Response::SyncGroup(response) => response,
        other => panic!("{other:?}"),
    }
}

pub(super) fn heartbeat(bench: &mut Bench, wire: Wire, of: &JoinGroupResponse) -> ErrorCode {
    let request = HeartbeatRequest::default()
        .with_group_id(GroupId(string("group")))
        .with_generation_id(of.generation_id)
        .with_member_id(of.member_id.clone());
    match bench.ask(wire, request) {
        Response::Heartbeat(response) => ErrorCode(response.error_code),
        other => panic!("{other:?}"),
    }
}

/// A group of one, all the way to its assignment.
pub(super) fn settled(bench: &mut Bench, wire: Wire) -> JoinGroupResponse {
    let refused = joined(bench.ask(wire, join("")));
    assert_eq!(ErrorCode(refused.error_code), ErrorCode::MEMBER_ID_REQUIRED);
    let member = joined(bench.ask(wire, join(&refused.member_id)));
    assert_eq!(member.error_code, 0);
    assert_eq!(member.members.len(), 1);
    let answer = sync(bench, wire, &member);
    assert_eq!(
        (answer.error_code, &answer.assignment[..]),
        (0, &b"assignment"[..])
    );
    member
}

#[test]
fn a_member_joins_with_the_id_it_is_given_and_gets_its_assignment() {
    let mut bench = Bench::new(1);
    let wire = bench.connect(0);

    let member = settled(&mut bench, wire);

    assert!(member.member_id.starts_with("client-"));
    assert_eq!(member.generation_id, 1);
    assert_eq!(heartbeat(&mut bench, wire, &member), ErrorCode::NONE);
    assert_eq!(bench.cluster.group_state("group"), Some(GroupState::Stable));
    assert_eq!(bench.cluster.violations(), [""; 0]);
}

#[test]
fn only_the_coordinator_answers_and_the_next_one_knows_the_members() {
    let mut bench = Bench::new(2);
    let coordinator = bench.cluster.coordinator("group").unwrap();
    let bystander = NodeId::new(1 - coordinator.value());
    let other = bench.connect(bystander.value());
    let refused = joined(bench.ask(other, join("")));
    assert_eq!(ErrorCode(refused.error_code), ErrorCode::NOT_COORDINATOR);
    let wire = bench.connect(coordinator.value());
    let member = settled(&mut bench, wire);

    bench.feed(Input::Kill(coordinator));

    let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![string("group")]);
    let Response::FindCoordinator(found) = bench.ask(other, request) else {
        panic!("no coordinator");
    };
    assert_eq!(found.coordinators[0].node_id.0, bystander.value());
    assert_eq!(heartbeat(&mut bench, other, &member), ErrorCode::NONE);
}

#[test]
fn a_connection_that_closes_takes_no_answer_but_the_member_stays() {
    let mut bench = Bench::with(1, Duration::from_secs(3));
    let wire = bench.connect(0);
    let refused = joined(bench.ask(wire, join("")));
    let version = newest(ApiKey::JoinGroup);
    assert_eq!(bench.send(wire, version, join(&refused.member_id)), []);

    bench.feed(Input::Closed(wire.id));
    let out = bench.wait(Duration::from_secs(3));

    assert_eq!(out, []);
    let state = bench.cluster.group_state("group");
    assert_eq!(state, Some(GroupState::CompletingRebalance));
}

fn commit(bench: &mut Bench, wire: Wire, topic: &str, member: Option<&JoinGroupResponse>) -> i16 {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(42)
        .with_committed_leader_epoch(3)
        .with_committed_metadata(Some(string("text")));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(TopicName(string(topic)))
        .with_partitions(vec![partition]);
    let mut request = OffsetCommitRequest::default()
        .with_group_id(GroupId(string("group")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    if let Some(member) = member {
        request.generation_id_or_member_epoch = member.generation_id;
        request.member_id = member.member_id.clone();
    }
    match bench.ask(wire, request) {
        Response::OffsetCommit(response) => response.topics[0].partitions[0].error_code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_committed_comes_back_and_unknown_topics_are_refused() {
    let mut bench = Bench::new(1);
    bench.cluster.create_topic("topic", 1).unwrap();
    let wire = bench.connect(0);
    assert_eq!(
        commit(&mut bench, wire, "topic", None),
        0,
        "without members"
    );
    let member = settled(&mut bench, wire);

    let stranger = ErrorCode(commit(&mut bench, wire, "topic", None));
    assert_eq!(stranger, ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(commit(&mut bench, wire, "topic", Some(&member)), 0);
    let unknown = ErrorCode(commit(&mut bench, wire, "none", Some(&member)));
    assert_eq!(unknown, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);

    let everything = OffsetFetchRequestGroup::default()
        .with_group_id(GroupId(string("group")))
        .with_topics(None);
    let request = OffsetFetchRequest::default().with_groups(vec![everything]);
    let Response::OffsetFetch(answer) = bench.ask(wire, request) else {
        panic!("no offsets");
    };
    let topics = &answer.groups[0].topics;
    assert_eq!((topics.len(), topics[0].name.as_str()), (1, "topic"));
    let partition = &topics[0].partitions[0];
    assert_eq!(partition.committed_offset, 42);
    assert_eq!(partition.committed_leader_epoch, 3);
    assert_eq!(partition.metadata.as_deref(), Some("text"));
}

#[test]
fn a_session_timeout_that_is_too_short_is_refused() {
    let mut bench = Bench::new(1);
    let wire = bench.connect(0);
    for timeout in [-1, 0, 999, i32::MAX] {
        let answer = joined(bench.ask(wire, join("").with_session_timeout_ms(timeout)));
        let error = ErrorCode(answer.error_code);
        assert_eq!(error, ErrorCode::INVALID_SESSION_TIMEOUT, "{timeout}");
    }
}
