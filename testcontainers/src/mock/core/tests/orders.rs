//! Orders: what a test does to brokers, partitions and groups, seen through frames.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use weft_client::wire::messages::{
    JoinGroupRequest, JoinGroupResponse, ListGroupsRequest, OffsetForLeaderEpochRequest, TopicName,
};
use weft_client::{GroupId, Offset};

use super::fetching::{TOPIC, append, bench, fetch, produce, sizes};
use super::groups::{heartbeat, join, joined, settled, sync};
use super::*;

fn order(bench: &mut Bench, order: Order) -> Vec<Output> {
    let mut out = Vec::new();
    bench.cluster.obey(bench.now, order, &mut out).unwrap();
    out
}

fn refused(bench: &mut Bench, order: Order) -> OrderRefused {
    let mut out = Vec::new();
    let obeyed = bench.cluster.obey(bench.now, order, &mut out);
    assert_eq!(out, []);
    obeyed.unwrap_err()
}

fn broker(id: i32) -> NodeId {
    NodeId::new(id)
}

fn group() -> GroupId {
    GroupId::from("group")
}

fn list() -> ListGroupsRequest {
    ListGroupsRequest::default()
}

fn is_answered(wire: Wire, api_key: ApiKey, version: i16, out: &[Output]) -> bool {
    answer_to(wire, api_key, version, out).is_some()
}

/// A cluster, a connection to the coordinator of a group, and its only member.
fn group_of_one() -> (Bench, Wire, JoinGroupResponse) {
    let mut bench = Bench::new(2);
    let coordinator = bench.cluster.coordinator("group").unwrap();
    let wire = bench.connect(coordinator.value());
    let member = settled(&mut bench, wire);
    (bench, wire, member)
}

fn other_than(id: NodeId) -> NodeId {
    broker(1 - id.value())
}

#[test]
fn a_frozen_broker_takes_requests_and_serves_them_when_it_thaws() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let elsewhere = bench.connect(1);
    assert_eq!(order(&mut bench, Order::Freeze(broker(0))), []);

    let late = bench.connect(0);
    let request = produce(&bench, 0, batch(1));
    assert_eq!(bench.send(wire, 13, request), []);
    assert_eq!(bench.send(late, 5, list()), []);
    assert_eq!(
        bench.cluster.requests(ApiKey::Produce),
        0,
        "nobody reads it"
    );
    let out = bench.send(elsewhere, 5, list());
    assert!(is_answered(elsewhere, ApiKey::ListGroups, 5, &out));
    assert_eq!(bench.cluster.leader(TOPIC, 0), Some(broker(0)));

    let out = order(&mut bench, Order::Thaw(broker(0)));

    assert!(is_answered(wire, ApiKey::Produce, 13, &out), "{out:?}");
    assert!(is_answered(late, ApiKey::ListGroups, 5, &out), "{out:?}");
    assert_eq!(bench.cluster.end_offset(TOPIC, 0), Some(Offset::new(1)));
}

#[test]
fn what_a_frozen_broker_was_doing_goes_on_when_it_thaws() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let wait = Duration::from_secs(1);
    let request = fetch(&bench, &[(0, 0)]).with_max_wait_ms(1_000);
    let version = newest(ApiKey::Fetch);
    bench.send(wire, version, request);
    order(&mut bench, Order::Freeze(broker(0)));

    assert_eq!(bench.wait(wait), [], "its long poll is over, but it sleeps");
    assert_eq!(bench.cluster.next_deadline(), None);
    let out = order(&mut bench, Order::Thaw(broker(0)));

    assert!(is_answered(wire, ApiKey::Fetch, version, &out));
}

#[test]
fn a_frozen_broker_reads_nothing_and_serves_nothing_late() {
    let mut bench = bench();
    let delay = Duration::from_secs(1);
    let fault = Fault::new(ApiKey::Produce, FaultAction::DelayBefore(delay));
    order(&mut bench, Order::SetFault(fault));
    let late = bench.connect(0);
    let request = produce(&bench, 0, batch(1));
    bench.send(late, 13, request);
    order(&mut bench, Order::Freeze(broker(0)));

    let garbled = bench.connect(0);
    let garbage = Input::Request(garbled.id, Bytes::from_static(b"garbage"));
    assert_eq!(bench.feed(garbage), []);
    assert_eq!(bench.wait(delay), []);
    assert_eq!(bench.cluster.end_offset(TOPIC, 0), Some(Offset::ZERO));

    let out = order(&mut bench, Order::Thaw(broker(0)));
    assert!(out.contains(&Output::Close(garbled.id)));
    assert!(is_answered(late, ApiKey::Produce, 13, &out));
    assert_eq!(bench.cluster.end_offset(TOPIC, 0), Some(Offset::new(1)));
}

#[test]
fn the_timers_of_a_frozen_coordinator_stand_still() {
    let (mut bench, wire, member) = group_of_one();
    let coordinator = bench.cluster.coordinator("group").unwrap();
    order(&mut bench, Order::Freeze(coordinator));

    bench.wait(Duration::from_secs(60));

    assert_eq!(bench.cluster.next_deadline(), None);
    assert_eq!(bench.cluster.group_state("group"), Some(GroupState::Stable));
    // A heartbeat that came meanwhile is heard before anybody looks at the clock.
    let request = weft_client::wire::messages::HeartbeatRequest::default()
        .with_group_id(weft_client::wire::messages::GroupId(string("group")))
        .with_generation_id(member.generation_id)
        .with_member_id(member.member_id.clone());
    assert_eq!(bench.send(wire, 4, request), []);
    let out = order(&mut bench, Order::Thaw(coordinator));
    let Some(Response::Heartbeat(answer)) = answer_to(wire, ApiKey::Heartbeat, 4, &out) else {
        panic!("{out:?}");
    };
    assert_eq!(answer.error_code, 0);
}

#[test]
fn a_frozen_broker_can_be_killed_and_is_awake_when_it_comes_back() {
    let mut bench = bench();
    let wire = bench.connect(0);
    order(&mut bench, Order::Freeze(broker(0)));
    bench.send(wire, 5, list());

    let out = order(&mut bench, Order::Kill(broker(0)));
    let gone = [Output::StopListening(broker(0)), Output::Close(wire.id)];
    assert_eq!(out, gone);
    order(&mut bench, Order::Restart(broker(0)));

    let wire = bench.connect(0);
    let out = bench.send(wire, 5, list());
    assert!(is_answered(wire, ApiKey::ListGroups, 5, &out));
}

#[test]
fn an_isolated_client_gets_nothing_through_until_it_is_healed() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let elsewhere = bench.connect(1);
    let version = newest(ApiKey::Fetch);
    let waiting = bench.connect(0);
    let request = fetch(&bench, &[(0, 0)]).with_max_wait_ms(60_000);
    bench.send(waiting, version, request);
    let isolate = |client_id: &str| Order::Isolate {
        broker: broker(0),
        client_id: client_id.to_owned(),
    };
    order(&mut bench, isolate("somebody else"));
    let out = bench.send(wire, 5, list());
    assert!(is_answered(wire, ApiKey::ListGroups, 5, &out));
    order(&mut bench, isolate("client"));

    assert_eq!(append(&mut bench, 0, batch(1)), [], "no answer leaves");
    assert_eq!(bench.send(wire, 5, list()), [], "no request arrives");
    let out = bench.send(elsewhere, 5, list());
    assert!(is_answered(elsewhere, ApiKey::ListGroups, 5, &out));

    let heal = Order::Heal {
        broker: broker(0),
        client_id: "client".to_owned(),
    };
    let out = order(&mut bench, heal);
    assert!(is_answered(wire, ApiKey::ListGroups, 5, &out));
    assert!(is_answered(waiting, ApiKey::Fetch, version, &out));
}

#[test]
fn a_moved_leader_takes_records_and_the_old_one_refuses_them() {
    let mut bench = bench();
    let old = bench.connect(0);
    let new = bench.connect(1);

    order(&mut bench, move_leader(0, 1));

    let mut produced = |wire| {
        let request = produce(&bench, 0, batch(1));
        let Response::Produce(answer) = bench.ask(wire, request) else {
            panic!("no answer to a produce");
        };
        ErrorCode(answer.responses[0].partition_responses[0].error_code)
    };
    assert_eq!(produced(old), ErrorCode::NOT_LEADER_OR_FOLLOWER);
    assert_eq!(produced(new), ErrorCode::NONE);
}

#[test]
fn an_isolated_member_hears_of_its_rebalance_once_it_is_healed() {
    let delay = Duration::from_secs(3);
    let mut bench = Bench::with(1, delay);
    let wire = bench.connect(0);
    let given = joined(bench.ask(wire, join("")));
    let version = newest(ApiKey::JoinGroup);
    bench.send(wire, version, join(&given.member_id));
    let (broker, client_id) = (broker(0), "client".to_owned());
    let isolate = Order::Isolate {
        broker,
        client_id: client_id.clone(),
    };
    order(&mut bench, isolate);

    assert_eq!(bench.wait(delay), []);

    let state = bench.cluster.group_state("group");
    assert_eq!(state, Some(GroupState::CompletingRebalance));
    let out = order(&mut bench, Order::Heal { broker, client_id });
    assert!(is_answered(wire, ApiKey::JoinGroup, version, &out));
}

fn move_leader(partition: i32, to: i32) -> Order {
    Order::MoveLeader {
        topic: TOPIC.into(),
        partition,
        to: broker(to),
    }
}

#[test]
fn a_truncated_log_ends_where_it_was_cut_in_a_new_epoch() {
    let mut bench = bench();
    let wire = bench.connect(0);
    append(&mut bench, 0, batch(2));
    append(&mut bench, 0, batch(3));
    let truncate = |offset| Order::Truncate {
        topic: TOPIC.into(),
        partition: 0,
        offset: Offset::new(offset),
    };
    order(&mut bench, truncate(4));

    assert_eq!(bench.cluster.end_offset(TOPIC, 0), Some(Offset::new(4)));
    let request = fetch(&bench, &[(0, 0)]);
    assert_eq!(
        sizes(bench.ask(wire, request)),
        [batch(2).len()],
        "the batch that holds the offset is gone as a whole"
    );
    let partition = OffsetForLeaderPartition::default()
        .with_current_leader_epoch(1)
        .with_leader_epoch(0);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(TopicName(string(TOPIC)))
        .with_partitions(vec![partition]);
    let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
    let Response::OffsetForLeaderEpoch(answer) = bench.ask(wire, request) else {
        panic!("no answer about epochs");
    };
    let ended = &answer.topics[0].partitions[0];
    let found = (ended.error_code, ended.leader_epoch, ended.end_offset);
    assert_eq!(found, (0, 0, 4), "so a client sees that it is ahead");
    assert_eq!(
        refused(&mut bench, truncate(5)),
        OrderRefused::OffsetOutOfRange(Offset::new(5))
    );
}

#[test]
fn the_old_coordinator_refuses_and_the_new_one_knows_the_members() {
    let (mut bench, wire, member) = group_of_one();
    let coordinator = bench.cluster.coordinator("group").unwrap();
    let to = other_than(coordinator);
    let group = group();

    order(&mut bench, Order::MoveCoordinator { group, to });

    let code = heartbeat(&mut bench, wire, &member);
    assert_eq!(code, ErrorCode::NOT_COORDINATOR);
    assert_eq!(bench.cluster.coordinator("group"), Some(to));
    let wire = bench.connect(to.value());
    assert_eq!(heartbeat(&mut bench, wire, &member), ErrorCode::NONE);
}

#[test]
fn who_waits_for_a_coordinator_that_moves_is_told_so() {
    let (mut bench, wire, member) = group_of_one();
    let coordinator = bench.cluster.coordinator("group").unwrap();
    let second = bench.connect(coordinator.value());
    let given = joined(bench.ask(second, join("")));
    let version = newest(ApiKey::JoinGroup);
    assert_eq!(bench.send(second, version, join(&given.member_id)), []);
    assert_eq!(
        heartbeat(&mut bench, wire, &member),
        ErrorCode::REBALANCE_IN_PROGRESS
    );

    let (group, to) = (group(), other_than(coordinator));
    let out = order(&mut bench, Order::MoveCoordinator { group, to });

    let Some(Response::JoinGroup(answer)) = answer_to(second, ApiKey::JoinGroup, version, &out)
    else {
        panic!("{out:?}");
    };
    assert_eq!(ErrorCode(answer.error_code), ErrorCode::NOT_COORDINATOR);
}

#[test]
fn a_coordinator_that_loads_says_so_until_it_has() {
    let (mut bench, wire, member) = group_of_one();
    let (group, time) = (group(), Duration::from_secs(3));

    order(&mut bench, Order::LoadCoordinator { group, time });

    let refusal = |bench: &mut Bench| ErrorCode(joined(bench.ask(wire, join(""))).error_code);
    let loading = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
    assert_eq!(refusal(&mut bench), loading);
    bench.wait(time - Duration::from_millis(1));
    assert_eq!(refusal(&mut bench), loading);
    bench.wait(Duration::from_millis(1));
    assert_ne!(refusal(&mut bench), loading);
    assert_eq!(heartbeat(&mut bench, wire, &member), ErrorCode::NONE);
}

#[test]
fn a_coordinator_that_loads_takes_heartbeats_and_has_forgotten_the_rebalance() {
    let (mut bench, wire, member) = group_of_one();
    let (group, time) = (group(), Duration::from_secs(3));

    order(&mut bench, Order::LoadCoordinator { group, time });

    assert_eq!(heartbeat(&mut bench, wire, &member), ErrorCode::NONE);
    let code = ErrorCode(sync(&mut bench, wire, &member).error_code);
    assert_eq!(code, ErrorCode::REBALANCE_IN_PROGRESS);
}

#[test]
fn a_member_whose_session_is_ended_is_unknown_and_the_others_rebalance() {
    let (mut bench, wire, member) = group_of_one();

    let expire = |member: &str| Order::ExpireMember {
        group: group(),
        member: member.into(),
    };
    order(&mut bench, expire(&member.member_id));

    let code = heartbeat(&mut bench, wire, &member);
    assert_eq!(code, ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(bench.cluster.group_state("group"), Some(GroupState::Empty));
    assert_eq!(
        refused(&mut bench, expire("nobody")),
        OrderRefused::UnknownMember("nobody".to_owned())
    );
}

#[test]
fn a_forced_rebalance_is_told_with_the_next_heartbeat() {
    let (mut bench, wire, member) = group_of_one();

    order(&mut bench, Order::Rebalance { group: group() });

    let code = heartbeat(&mut bench, wire, &member);
    assert_eq!(code, ErrorCode::REBALANCE_IN_PROGRESS);
    let again = joined(bench.ask(wire, join(&member.member_id)));
    assert_eq!((again.error_code, again.generation_id), (0, 2));
}

#[test]
fn an_evicted_static_member_is_gone() {
    let mut bench = Bench::new(1);
    let wire = bench.connect(0);
    let request: JoinGroupRequest = join("").with_group_instance_id(Some(string("static")));
    let member = joined(bench.ask(wire, request));
    assert_eq!(member.error_code, 0);
    let evict = || Order::EvictStatic {
        group: group(),
        instance: "static".into(),
    };

    order(&mut bench, evict());

    let code = heartbeat(&mut bench, wire, &member);
    assert_eq!(code, ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(
        refused(&mut bench, evict()),
        OrderRefused::UnknownMember("static".to_owned())
    );
}

#[test]
fn faults_are_set_and_lifted_by_order() {
    let mut bench = bench();
    let fault = Fault::new(ApiKey::ListGroups, FaultAction::Silence);
    let mut obey = |order| bench.cluster.obey(bench.now, order, &mut Vec::new());
    let id = FaultId(1);

    assert_eq!(obey(Order::SetFault(fault)), Ok(Obeyed::FaultSet(id)));
    let counts = FaultCounts::default();
    assert_eq!(obey(Order::LiftFault(id)), Ok(Obeyed::FaultLifted(counts)));
    assert_eq!(
        obey(Order::LiftFault(id)),
        Err(OrderRefused::UnknownFault(id))
    );
}

#[test]
fn orders_that_cannot_be_carried_out_say_why() {
    let mut bench = bench();
    let unknown = OrderRefused::UnknownBroker(broker(9));
    for order in [
        Order::Kill(broker(9)),
        Order::Restart(broker(9)),
        Order::Freeze(broker(9)),
        Order::Thaw(broker(9)),
        move_leader(0, 9),
        Order::MoveCoordinator {
            group: group(),
            to: broker(9),
        },
    ] {
        assert_eq!(refused(&mut bench, order), unknown);
    }
    assert_eq!(
        refused(&mut bench, move_leader(7, 1)),
        OrderRefused::UnknownPartition(TOPIC.into(), 7)
    );
    assert_eq!(
        refused(&mut bench, Order::Rebalance { group: group() }),
        OrderRefused::UnknownGroup(group())
    );
    order(&mut bench, Order::Kill(broker(1)));
    let dead = OrderRefused::DeadBroker(broker(1));
    assert_eq!(refused(&mut bench, move_leader(0, 1)), dead);
    assert_eq!(refused(&mut bench, Order::Freeze(broker(1))), dead);
}
