//! Produce and fetch through frames: limits, long polls, leaders and epochs.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::fetch_response::PartitionData;
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::{FetchRequest, ProduceRequest, TopicName};

use super::*;

pub(super) const TOPIC: &str = "topic";

pub(super) fn bench() -> Bench {
    let mut bench = Bench::new(2);
    bench.cluster.create_topic(TOPIC, 4).unwrap();
    bench
}

pub(super) fn append(bench: &mut Bench, partition: i32, records: Bytes) -> Vec<Output> {
    let mut out = Vec::new();
    bench
        .cluster
        .append(bench.now, TOPIC, partition, records, &mut out)
        .unwrap();
    out
}

/// A fetch of these partitions from these offsets that does not wait.
pub(super) fn fetch(bench: &Bench, partitions: &[(i32, i64)]) -> FetchRequest {
    let id = bench.cluster.topics.by_name(TOPIC).unwrap().id;
    let partitions = partitions.iter().map(|(partition, offset)| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(*offset)
            .with_current_leader_epoch(-1)
            .with_partition_max_bytes(1 << 20)
    });
    let topic = FetchTopic::default()
        .with_topic(TopicName(string(TOPIC)))
        .with_topic_id(uuid::Uuid::from_bytes(id.0))
        .with_partitions(partitions.collect());
    FetchRequest::default()
        .with_max_bytes(1 << 20)
        .with_min_bytes(1)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

pub(super) fn partitions(response: Response) -> Vec<PartitionData> {
    let Response::Fetch(mut response) = response else {
        panic!("{response:?}");
    };
    assert_eq!((response.error_code, response.session_id), (0, 0));
    response.responses.remove(0).partitions
}

pub(super) fn sizes(response: Response) -> Vec<usize> {
    let size = |partition: PartitionData| {
        assert_eq!(partition.error_code, 0);
        partition.records.expect("never null").len()
    };
    partitions(response).into_iter().map(size).collect()
}

fn error(bench: &mut Bench, wire: Wire, request: FetchRequest) -> ErrorCode {
    let partitions = partitions(bench.ask(wire, request));
    assert_eq!(partitions[0].high_watermark, -1);
    ErrorCode(partitions[0].error_code)
}

pub(super) fn produce(bench: &Bench, partition: i32, records: Bytes) -> ProduceRequest {
    let id = bench.cluster.topics.by_name(TOPIC).unwrap().id;
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(records));
    let topic = TopicProduceData::default()
        .with_topic_id(uuid::Uuid::from_bytes(id.0))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(1)
        .with_topic_data(vec![topic])
}

pub(super) fn produced(bench: &mut Bench, wire: Wire, request: ProduceRequest) -> (ErrorCode, i64) {
    let Response::Produce(response) = bench.ask(wire, request) else {
        panic!("no produce response");
    };
    let partition = &response.responses[0].partition_responses[0];
    (ErrorCode(partition.error_code), partition.base_offset)
}

#[test]
fn records_are_read_as_they_were_produced_and_carry_their_offsets() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let request = produce(&bench, 0, batch(3));
    assert_eq!(produced(&mut bench, wire, request), (ErrorCode::NONE, 0));
    let request = produce(&bench, 0, batch(2));
    assert_eq!(produced(&mut bench, wire, request), (ErrorCode::NONE, 3));

    let request = fetch(&bench, &[(0, 3)]);
    let read = partitions(bench.ask(wire, request)).remove(0);

    assert_eq!((read.high_watermark, read.last_stable_offset), (5, 5));
    let records = read.records.unwrap();
    let mut batches = weft_client::record::Batches::new(records);
    let read = batches.next().unwrap().unwrap();
    read.check_crc().unwrap();
    assert_eq!(read.header().base_offset().value(), 3);
    assert!(batches.next().is_none());
}

#[test]
fn batches_that_a_leader_would_refuse_are_refused() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let mut corrupt = batch(2).to_vec();
    *corrupt.last_mut().unwrap() ^= 1;
    let mut miscounted = batch(2).to_vec();
    miscounted[26] = 5;
    for (records, expected) in [
        (corrupt.into(), ErrorCode::CORRUPT_MESSAGE),
        (miscounted.into(), ErrorCode::CORRUPT_MESSAGE),
        (batch(2).slice(..70), ErrorCode::INVALID_RECORD),
        (Bytes::new(), ErrorCode::INVALID_RECORD),
        (
            [batch(1), batch(1)].concat().into(),
            ErrorCode::INVALID_RECORD,
        ),
    ] {
        let request = produce(&bench, 0, records);
        assert_eq!(produced(&mut bench, wire, request), (expected, -1));
    }
    let request = produce(&bench, 1, batch(1));
    assert_eq!(
        produced(&mut bench, wire, request).0,
        ErrorCode::NOT_LEADER_OR_FOLLOWER
    );
    let request = produce(&bench, 0, batch(1)).with_acks(2);
    assert_eq!(
        produced(&mut bench, wire, request).0,
        ErrorCode::INVALID_REQUIRED_ACKS
    );
    assert_eq!(bench.cluster.end_offset(TOPIC, 0).unwrap().value(), 0);
}

#[test]
fn without_acks_there_is_no_answer_and_a_failure_ends_the_connection() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let version = newest(ApiKey::Produce);
    let request = produce(&bench, 0, batch(1)).with_acks(0);
    assert_eq!(
        bench.send(wire, version, request),
        [Output::NoAnswer(wire.id)]
    );
    let request = produce(&bench, 1, batch(1)).with_acks(0);
    assert_eq!(bench.send(wire, version, request), [Output::Close(wire.id)]);
}

#[test]
fn the_limits_hold_but_the_first_batch_comes_whole() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let size = batch(10).len();
    for partition in [0, 2] {
        append(&mut bench, partition, batch(10));
        append(&mut bench, partition, batch(10));
    }
    let both = fetch(&bench, &[(0, 0), (2, 0)]);

    let all = bench.ask(wire, both.clone());
    assert_eq!(sizes(all), [2 * size, 2 * size]);

    let one_byte = both.clone().with_max_bytes(1);
    assert_eq!(sizes(bench.ask(wire, one_byte)), [size, 0]);

    let some = both.clone().with_max_bytes(3 * size as i32);
    assert_eq!(sizes(bench.ask(wire, some)), [2 * size, size]);

    let mut small = both;
    for partition in &mut small.topics[0].partitions {
        partition.partition_max_bytes = 1;
    }
    assert_eq!(sizes(bench.ask(wire, small)), [size, 0]);
}

#[test]
fn a_fetch_waits_for_enough_bytes_or_for_its_time() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let version = newest(ApiKey::Fetch);
    let size = batch(1).len();
    let waiting = fetch(&bench, &[(0, 0), (2, 0)])
        .with_max_wait_ms(500)
        .with_min_bytes(2 * size as i32);

    assert_eq!(bench.send(wire, version, waiting.clone()), []);
    assert_eq!(append(&mut bench, 1, batch(5)), [], "another partition");
    assert_eq!(append(&mut bench, 0, batch(1)), [], "not enough");
    let out = append(&mut bench, 2, batch(1));
    let answer = answer_to(wire, ApiKey::Fetch, version, &out).unwrap();
    assert_eq!(sizes(answer), [size, size]);

    let waiting = waiting.with_min_bytes(1 << 20);
    assert_eq!(bench.send(wire, version, waiting), []);
    assert_eq!(bench.wait(Duration::from_millis(499)), []);
    let out = bench.wait(Duration::from_millis(1));
    let answer = answer_to(wire, ApiKey::Fetch, version, &out).unwrap();
    assert_eq!(sizes(answer), [size, size]);
}

#[test]
fn a_waiting_fetch_is_told_at_once_that_its_partition_moved_or_went() {
    let mut bench = bench();
    let other = bench.connect(1);
    let version = newest(ApiKey::Fetch);
    let waiting = fetch(&bench, &[(1, 0)]).with_max_wait_ms(60_000);
    assert_eq!(bench.send(other, version, waiting.clone()), []);
    let out = bench.feed(Input::Kill(NodeId::new(1)));
    assert_eq!(
        out,
        [
            Output::StopListening(NodeId::new(1)),
            Output::Close(other.id)
        ]
    );

    let wire = bench.connect(0);
    assert_eq!(bench.send(wire, version, waiting), [], "it leads now");
    bench.cluster.topics.delete(TOPIC);
    let out = bench.feed(Input::Tick);
    let answer = answer_to(wire, ApiKey::Fetch, version, &out).unwrap();
    let error = partitions(answer)[0].error_code;
    assert_eq!(ErrorCode(error), ErrorCode::UNKNOWN_TOPIC_ID);
}

#[test]
fn a_fetch_that_cannot_be_served_says_why() {
    let mut bench = bench();
    let wire = bench.connect(0);
    append(&mut bench, 0, batch(3));

    for (partition, offset, expected) in [
        (0, 4, ErrorCode::OFFSET_OUT_OF_RANGE),
        (9, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (-1, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
    ] {
        let request = fetch(&bench, &[(partition, offset)]).with_max_wait_ms(60_000);
        assert_eq!(error(&mut bench, wire, request), expected);
    }
    assert_eq!(bench.cluster.violations(), [""; 0]);
    let request = fetch(&bench, &[(0, -1)]);
    assert_eq!(
        error(&mut bench, wire, request),
        ErrorCode::OFFSET_OUT_OF_RANGE
    );
    assert_eq!(bench.cluster.violations().len(), 1, "no client asks that");
}

#[test]
fn epochs_rise_with_every_new_leader_and_old_ones_are_fenced() {
    let mut bench = bench();
    bench.feed(Input::Kill(NodeId::new(1)));
    let wire = bench.connect(0);
    let with_epoch = |epoch: i32| {
        let mut request = fetch(&bench, &[(1, 0)]);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        request
    };
    let (old, current, future) = (with_epoch(0), with_epoch(1), with_epoch(2));

    assert_eq!(error(&mut bench, wire, old), ErrorCode::FENCED_LEADER_EPOCH);
    assert_eq!(
        error(&mut bench, wire, future),
        ErrorCode::UNKNOWN_LEADER_EPOCH
    );
    assert_eq!(sizes(bench.ask(wire, current)), [0]);
}

#[test]
fn a_partition_without_live_replicas_has_no_leader_until_one_comes_back() {
    let mut bench = Bench::new(2);
    let brokers = |bench: &Bench| bench.cluster.leader("alone", 0);
    let topic = weft_client::wire::messages::create_topics_request::CreatableTopic::default()
        .with_name(TopicName(string("alone")))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = weft_client::wire::messages::CreateTopicsRequest::default();
    let wire = bench.connect(1);
    let Response::CreateTopics(created) = bench.ask(wire, request.with_topics(vec![topic])) else {
        panic!("no topic");
    };
    assert_eq!(created.topics[0].error_code, 0);
    assert_eq!(brokers(&bench), Some(NodeId::new(0)));

    bench.feed(Input::Kill(NodeId::new(0)));
    assert_eq!(brokers(&bench), None);
    let request = weft_client::wire::messages::MetadataRequest::default()
        .with_topics(None)
        .with_allow_auto_topic_creation(true);
    let Response::Metadata(metadata) = bench.ask(wire, request) else {
        panic!("no metadata");
    };
    let partition = &metadata.topics[0].partitions[0];
    let error = ErrorCode(partition.error_code);
    assert_eq!(error, ErrorCode::LEADER_NOT_AVAILABLE);
    assert_eq!((partition.leader_id.0, partition.leader_epoch), (-1, 1));

    bench.feed(Input::Restart(NodeId::new(0)));
    assert_eq!(brokers(&bench), Some(NodeId::new(0)));
}
