//! Leaders that move, are elected or lose records, and followers that serve reads.

use std::sync::Arc;

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::elect_leaders_request::TopicPartitions;
use weft_client::wire::messages::fetch_response::PartitionData;
use weft_client::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use weft_client::wire::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use weft_client::wire::messages::{
    ElectLeadersRequest, ElectLeadersResponse, FetchResponse, ListOffsetsRequest,
    OffsetForLeaderEpochRequest, TopicName,
};
use weft_client::{LeaderEpoch, Offset};

use super::super::brokers::Brokers;
use super::super::topics::Placement;
use super::fetching::{TOPIC, append, bench, fetch};
use super::*;

fn move_leader(bench: &mut Bench, partition: i32, to: i32) -> Result<Vec<Output>, ErrorCode> {
    let mut out = Vec::new();
    let (now, to) = (bench.now, NodeId::new(to));
    let moved = bench
        .cluster
        .move_leader(now, TOPIC, partition, to, &mut out);
    moved.map(|()| out)
}

fn truncate(bench: &mut Bench, partition: i32, offset: i64) -> Result<LeaderEpoch, ErrorCode> {
    let mut out = Vec::new();
    let (now, offset) = (bench.now, Offset::new(offset));
    bench
        .cluster
        .truncate(now, TOPIC, partition, offset, &mut out)
}

fn answer(response: Response) -> FetchResponse {
    match response {
        Response::Fetch(response) => response,
        other => panic!("{other:?}"),
    }
}

/// The only partition of the answer.
fn told(response: &FetchResponse) -> &PartitionData {
    &response.responses[0].partitions[0]
}

/// A fetch of a partition from its beginning by somebody who believes in this epoch.
fn fetched(bench: &mut Bench, wire: Wire, partition: i32, epoch: i32) -> FetchResponse {
    let mut request = fetch(bench, &[(partition, 0)]);
    request.topics[0].partitions[0].current_leader_epoch = epoch;
    answer(bench.ask(wire, request))
}

/// Where an epoch of a partition ends, asked of its leader.
fn end_of(bench: &mut Bench, wire: Wire, partition: i32, epoch: i32) -> (i32, i64) {
    let asked = OffsetForLeaderPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(-1)
        .with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(TopicName(string(TOPIC)))
        .with_partitions(vec![asked]);
    let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
    let Response::OffsetForLeaderEpoch(response) = bench.ask(wire, request) else {
        panic!("another answer");
    };
    let told = &response.topics[0].partitions[0];
    assert_eq!(told.error_code, 0);
    (told.leader_epoch, told.end_offset)
}

#[test]
fn a_leader_that_moved_is_named_to_those_who_believe_in_the_old_one() {
    let mut bench = bench();
    let (old, new) = (bench.connect(0), bench.connect(1));
    append(&mut bench, 0, batch(1));
    let version = newest(ApiKey::Fetch);
    let mut waiting = fetch(&bench, &[(0, 1)]).with_max_wait_ms(500);
    waiting.topics[0].partitions[0].current_leader_epoch = 0;
    assert_eq!(bench.send(old, version, waiting), []);

    let out = move_leader(&mut bench, 0, 1).unwrap();

    let waited = answer(answer_to(old, ApiKey::Fetch, version, &out).expect("told at once"));
    let expected = ErrorCode::FENCED_LEADER_EPOCH;
    assert_eq!(ErrorCode(told(&waited).error_code), expected);
    let current = &told(&waited).current_leader;
    assert_eq!((current.leader_id.0, current.leader_epoch), (1, 1));
    assert_eq!(waited.node_endpoints[0].port, 9093);
    assert_eq!(told(&fetched(&mut bench, new, 0, 1)).error_code, 0);
    let unknown = fetched(&mut bench, new, 0, 2);
    assert_eq!(
        ErrorCode(told(&unknown).error_code),
        ErrorCode::UNKNOWN_LEADER_EPOCH
    );
    assert_eq!(move_leader(&mut bench, 0, 1), Ok(vec![]));
    assert_eq!(
        told(&fetched(&mut bench, new, 0, 1)).error_code,
        0,
        "the same epoch"
    );
}

#[test]
fn a_leader_moves_only_to_a_live_replica() {
    let mut bench = bench();
    bench.feed(Input::Kill(NodeId::new(1)));

    for (partition, to, expected) in [
        (0, 1, ErrorCode::BROKER_NOT_AVAILABLE),
        (0, 7, ErrorCode::INVALID_REPLICA_ASSIGNMENT),
        (9, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
    ] {
        assert_eq!(move_leader(&mut bench, partition, to), Err(expected));
    }
}

#[test]
fn followers_serve_whoever_may_read_from_them() {
    let mut bench = bench();
    let follower = bench.connect(1);
    append(&mut bench, 0, batch(1));

    let read = fetched(&mut bench, follower, 0, 0);
    let records = told(&read).records.as_ref().map(Bytes::len);
    assert_eq!(records, Some(batch(1).len()));
    let request = fetch(&bench, &[(0, 0)]);
    let refused = answer(bench.ask_in(follower, 10, request));
    let expected = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    assert_eq!(ErrorCode(told(&refused).error_code), expected);
}

#[test]
fn a_broker_without_a_replica_says_who_leads_whatever_the_epoch() {
    let mut bench = Bench::new(2);
    let Cluster {
        topics, brokers, ..
    } = &mut bench.cluster;
    let placement = Placement::Given(vec![vec![NodeId::new(0)]]);
    topics.create(TOPIC, 1, &placement, brokers).unwrap();
    let elsewhere = bench.connect(1);

    for epoch in [-1, 0, 7] {
        let refused = fetched(&mut bench, elsewhere, 0, epoch);
        let expected = ErrorCode::NOT_LEADER_OR_FOLLOWER;
        assert_eq!(ErrorCode(told(&refused).error_code), expected);
        assert_eq!(told(&refused).current_leader.leader_id.0, 0);
        assert_eq!(refused.node_endpoints[0].port, 9092);
    }
}

#[test]
fn a_leader_sends_a_client_to_the_replica_in_its_rack() {
    let mut bench = bench();
    bench.cluster.options.rack_aware_reads = true;
    let racked = [(0, "here"), (1, "there")].map(|(id, rack)| Broker {
        id: NodeId::new(id),
        host: "127.0.0.1".into(),
        port: 9092,
        rack: Some(Arc::from(rack)),
    });
    bench.cluster.brokers = Brokers::new(racked.to_vec());
    let (leader, follower) = (bench.connect(0), bench.connect(1));
    append(&mut bench, 0, batch(1));
    let size = batch(1).len();
    let read = |bench: &mut Bench, wire: Wire, rack: &str| {
        let request = fetch(bench, &[(0, 0)])
            .with_rack_id(string(rack))
            .with_max_wait_ms(60_000);
        let response = answer(bench.ask(wire, request));
        let partition = told(&response);
        let records = partition.records.as_ref().map_or(0, Bytes::len);
        assert_eq!((partition.error_code, partition.high_watermark), (0, 1));
        (partition.preferred_read_replica.0, records)
    };

    assert_eq!(read(&mut bench, leader, "there"), (1, 0));
    assert_eq!(read(&mut bench, follower, "there"), (-1, size));
    assert_eq!(read(&mut bench, leader, "here"), (-1, size));
    assert_eq!(read(&mut bench, leader, "nowhere"), (-1, size));
    assert_eq!(read(&mut bench, leader, ""), (-1, size));
    bench.feed(Input::Kill(NodeId::new(1)));
    assert_eq!(read(&mut bench, leader, "there"), (-1, size), "it is dead");
    bench.feed(Input::Restart(NodeId::new(1)));
    bench.cluster.options.rack_aware_reads = false;
    assert_eq!(
        read(&mut bench, leader, "there"),
        (-1, size),
        "not asked for"
    );
}

#[test]
fn an_election_by_order_brings_the_preferred_leader_back() {
    let mut bench = bench();
    bench.feed(Input::Kill(NodeId::new(1)));
    let wire = bench.connect(0);
    let elect = |bench: &mut Bench, kind: i8, partitions: Option<Vec<i32>>| {
        let topics = partitions.map(|partitions| {
            let topic = TopicName(string(TOPIC));
            vec![
                TopicPartitions::default()
                    .with_topic(topic)
                    .with_partitions(partitions),
            ]
        });
        let request = ElectLeadersRequest::default()
            .with_election_type(kind)
            .with_topic_partitions(topics);
        let Response::ElectLeaders(response) = bench.ask(wire, request) else {
            panic!("another answer");
        };
        response
    };
    let results = |response: &ElectLeadersResponse| -> Vec<(i32, ErrorCode)> {
        let topics = response.replica_election_results.iter();
        let partitions = topics.flat_map(|topic| &topic.partition_result);
        partitions
            .map(|result| (result.partition_id, ErrorCode(result.error_code)))
            .collect()
    };

    let early = elect(&mut bench, 0, Some(vec![0, 1, 9]));
    assert_eq!(
        results(&early),
        [
            (0, ErrorCode::ELECTION_NOT_NEEDED),
            (1, ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE),
            (9, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ]
    );
    bench.feed(Input::Restart(NodeId::new(1)));
    assert_eq!(bench.cluster.leader(TOPIC, 1), Some(NodeId::new(0)));
    let everywhere = elect(&mut bench, 0, None);
    assert_eq!(
        results(&everywhere),
        [(1, ErrorCode::NONE), (3, ErrorCode::NONE)]
    );
    assert_eq!(bench.cluster.leader(TOPIC, 1), Some(NodeId::new(1)));
    let unclean = elect(&mut bench, 1, Some(vec![1]));
    assert_eq!(results(&unclean), [(1, ErrorCode::ELECTION_NOT_NEEDED)]);
    let unknown = elect(&mut bench, 2, None);
    assert_eq!(ErrorCode(unknown.error_code), ErrorCode::INVALID_REQUEST);
}

#[test]
fn a_truncated_log_ends_its_epochs_earlier_and_begins_another() {
    let mut bench = bench();
    let wire = bench.connect(0);
    append(&mut bench, 0, batch(2));
    append(&mut bench, 0, batch(3));
    assert_eq!(end_of(&mut bench, wire, 0, 0), (0, 5));

    assert_eq!(
        truncate(&mut bench, 0, 6),
        Err(ErrorCode::OFFSET_OUT_OF_RANGE)
    );
    assert_eq!(truncate(&mut bench, 0, 2), Ok(LeaderEpoch::new(1)));

    assert_eq!(bench.cluster.end_offset(TOPIC, 0), Some(Offset::new(2)));
    assert_eq!(bench.cluster.leader(TOPIC, 0), Some(NodeId::new(0)));
    append(&mut bench, 0, batch(4));
    assert_eq!(end_of(&mut bench, wire, 0, 0), (0, 2));
    assert_eq!(end_of(&mut bench, wire, 0, 1), (1, 6));
    assert_eq!(end_of(&mut bench, wire, 0, 2), (-1, -1));
    assert_eq!(truncate(&mut bench, 0, 1), Ok(LeaderEpoch::new(2)));
    append(&mut bench, 0, batch(1));
    assert_eq!(end_of(&mut bench, wire, 0, 0), (0, 1));
    assert_eq!(end_of(&mut bench, wire, 0, 1), (0, 1), "all of it is lost");
}

#[test]
fn an_epoch_in_which_nothing_was_written_is_as_good_as_none() {
    let mut bench = bench();
    append(&mut bench, 0, batch(5));
    for to in [1, 0, 1, 0] {
        move_leader(&mut bench, 0, to).unwrap();
    }
    append(&mut bench, 0, batch(1));
    let wire = bench.connect(0);

    for (epoch, expected) in [(0, (0, 5)), (2, (0, 5)), (3, (0, 5)), (4, (4, 6))] {
        assert_eq!(end_of(&mut bench, wire, 0, epoch), expected, "{epoch}");
    }
}

#[test]
fn a_client_whose_last_record_is_lost_is_told_where_its_log_diverges() {
    let mut bench = bench();
    let wire = bench.connect(0);
    append(&mut bench, 0, batch(5));
    for _ in 0..2 {
        truncate(&mut bench, 0, 3).unwrap();
    }
    append(&mut bench, 0, batch(4));
    let read = |bench: &mut Bench, offset: i64, last_epoch: i32| {
        let mut request = fetch(bench, &[(0, offset)]).with_max_wait_ms(60_000);
        request.topics[0].partitions[0].last_fetched_epoch = last_epoch;
        let response = answer(bench.ask(wire, request));
        let partition = told(&response);
        let diverging = &partition.diverging_epoch;
        let records = partition.records.as_ref().map_or(0, Bytes::len);
        let at = (diverging.epoch, diverging.end_offset);
        (ErrorCode(partition.error_code), at, records > 0)
    };

    let ok = ErrorCode::NONE;
    assert_eq!(read(&mut bench, 7, 0), (ok, (0, 3), false), "at once");
    assert_eq!(
        read(&mut bench, 3, 1),
        (ok, (0, 3), false),
        "of a lost epoch"
    );
    assert_eq!(read(&mut bench, 3, 0), (ok, (-1, -1), true));
    assert_eq!(read(&mut bench, 5, 2), (ok, (-1, -1), true));
    let future = read(&mut bench, 5, 3);
    assert_eq!(future, (ErrorCode::OFFSET_OUT_OF_RANGE, (-1, -1), false));
}

#[test]
fn the_earliest_offset_comes_with_the_epoch_of_its_record() {
    let mut bench = bench();
    let wire = bench.connect(0);
    append(&mut bench, 0, batch(2));
    truncate(&mut bench, 0, 2).unwrap();
    append(&mut bench, 0, batch(2));
    let earliest = |bench: &mut Bench| {
        let asked = ListOffsetsPartition::default()
            .with_current_leader_epoch(-1)
            .with_timestamp(-2);
        let topic = ListOffsetsTopic::default()
            .with_name(TopicName(string(TOPIC)))
            .with_partitions(vec![asked]);
        let request = ListOffsetsRequest::default().with_topics(vec![topic]);
        let Response::ListOffsets(response) = bench.ask(wire, request) else {
            panic!("another answer");
        };
        let told = &response.topics[0].partitions[0];
        (told.offset, told.leader_epoch)
    };

    assert_eq!(earliest(&mut bench), (0, 0));
    let deleted = bench
        .cluster
        .delete_records_before(TOPIC, 0, Offset::new(3));
    assert_eq!(deleted, Ok(()));
    assert_eq!(earliest(&mut bench), (3, 1));
}
