//! Idempotent and transactional producers, and their readers.

mod faults;
mod offsets;
mod watching;

use weft_client::Offset;
use weft_client::record::{BatchKind, BatchProducer};
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::*;

use super::super::topics::Placement;
use super::super::transaction::TransactionState;
use super::*;

const TOPIC: &str = "topic";
const ID: &str = "transactional";

/// A producer as its broker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Producer {
    id: i64,
    epoch: i16,
}

/// One broker with one topic of two partitions.
fn bench() -> (Bench, Wire) {
    let mut bench = Bench::new(1);
    bench.cluster.create_topic(TOPIC, 2).unwrap();
    let wire = bench.connect(0);
    (bench, wire)
}

fn init(bench: &mut Bench, wire: Wire) -> Result<Producer, ErrorCode> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(string(ID))))
        .with_transaction_timeout_ms(60_000)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    let Response::InitProducerId(response) = bench.ask(wire, request) else {
        panic!();
    };
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => Ok(Producer {
            id: response.producer_id.0,
            epoch: response.producer_epoch,
        }),
        error => Err(error),
    }
}

/// A batch of so many records, as this producer writes it.
fn records(producer: Producer, sequence: i32, count: usize, kind: BatchKind) -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.set_kind(kind);
    builder.set_producer(BatchProducer {
        id: producer.id,
        epoch: producer.epoch,
        base_sequence: sequence,
    });
    for _ in 0..count {
        builder.append(5, None, Some(b"value"), &[]).unwrap();
    }
    let built = builder.build(Compression::None, &mut Compressor::default());
    built.unwrap()
}

/// Produces in a version and returns the offset of the first record.
fn produce(
    bench: &mut Bench,
    wire: Wire,
    version: i16,
    partition: i32,
    records: Bytes,
) -> Result<i64, ErrorCode> {
    let id = bench.cluster.topics.by_name(TOPIC).unwrap().id.0;
    let topic = TopicProduceData::default().with_partition_data(vec![
        PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(records)),
    ]);
    let topic = if version >= 13 {
        topic.with_topic_id(uuid::Uuid::from_bytes(id))
    } else {
        topic.with_name(TopicName(string(TOPIC)))
    };
    let request = ProduceRequest::default()
        .with_transactional_id(Some(TransactionalId(string(ID))))
        .with_acks(-1)
        .with_topic_data(vec![topic]);
    let Response::Produce(response) = bench.ask_in(wire, version, request) else {
        panic!();
    };
    let response = &response.responses[0].partition_responses[0];
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => Ok(response.base_offset),
        error => Err(error),
    }
}

/// Writes two records of the transaction to partition 0, from a sequence number on.
fn write(
    bench: &mut Bench,
    wire: Wire,
    producer: Producer,
    sequence: i32,
) -> Result<i64, ErrorCode> {
    let records = records(producer, sequence, 2, BatchKind::Transactional);
    produce(bench, wire, NEWEST_PRODUCE, 0, records)
}

fn end(
    bench: &mut Bench,
    wire: Wire,
    version: i16,
    producer: Producer,
    committed: bool,
) -> Result<Producer, ErrorCode> {
    let request = EndTxnRequest::default()
        .with_transactional_id(TransactionalId(string(ID)))
        .with_producer_id(producer.id.into())
        .with_producer_epoch(producer.epoch)
        .with_committed(committed);
    let Response::EndTxn(response) = bench.ask_in(wire, version, request) else {
        panic!();
    };
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => Ok(Producer {
            id: response.producer_id.0,
            epoch: response.producer_epoch,
        }),
        error => Err(error),
    }
}

fn fetch_request(bench: &Bench, offset: i64, isolation_level: i8) -> FetchRequest {
    let id = bench.cluster.topics.by_name(TOPIC).unwrap().id.0;
    FetchRequest::default()
        .with_max_bytes(1 << 20)
        .with_min_bytes(1)
        .with_max_wait_ms(500)
        .with_session_epoch(-1)
        .with_isolation_level(isolation_level)
        .with_topics(vec![
            FetchTopic::default()
                .with_topic_id(uuid::Uuid::from_bytes(id))
                .with_partitions(vec![
                    FetchPartition::default()
                        .with_fetch_offset(offset)
                        .with_partition_max_bytes(1 << 20),
                ]),
        ])
}

/// What a fetch of partition 0 from an offset gets.
#[derive(Debug, PartialEq, Eq)]
struct Fetched {
    /// The offsets of the first records of its batches.
    batches: Vec<i64>,
    last_stable: i64,
    high_watermark: i64,
    aborted: Option<Vec<(i64, i64)>>,
}

fn fetched(response: Response) -> Fetched {
    let Response::Fetch(mut response) = response else {
        panic!();
    };
    let partition = response.responses.remove(0).partitions.remove(0);
    assert_eq!(partition.error_code, 0);
    let batches = weft_client::record::Batches::new(partition.records.unwrap_or_default());
    Fetched {
        batches: batches
            .map(|batch| batch.unwrap().header().base_offset().value())
            .collect(),
        last_stable: partition.last_stable_offset,
        high_watermark: partition.high_watermark,
        aborted: partition.aborted_transactions.map(|aborted| {
            let aborted = aborted.iter();
            aborted
                .map(|aborted| (aborted.producer_id.0, aborted.first_offset))
                .collect()
        }),
    }
}

fn fetch(bench: &mut Bench, wire: Wire, offset: i64, isolation_level: i8) -> Fetched {
    let request = fetch_request(bench, offset, isolation_level).with_max_wait_ms(0);
    let response = bench.ask(wire, request);
    fetched(response)
}

/// The end of partition 0 and where a record of time 5 is, -1 for nowhere.
fn list_offsets(bench: &mut Bench, wire: Wire, isolation_level: i8) -> [i64; 2] {
    [-1, 5].map(|timestamp| {
        let request = ListOffsetsRequest::default()
            .with_isolation_level(isolation_level)
            .with_topics(vec![
                ListOffsetsTopic::default()
                    .with_name(TopicName(string(TOPIC)))
                    .with_partitions(vec![
                        ListOffsetsPartition::default()
                            .with_current_leader_epoch(-1)
                            .with_timestamp(timestamp),
                    ]),
            ]);
        let Response::ListOffsets(response) = bench.ask(wire, request) else {
            panic!();
        };
        response.topics[0].partitions[0].offset
    })
}

fn add_partition(bench: &mut Bench, wire: Wire, producer: Producer, partition: i32) -> ErrorCode {
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(TransactionalId(string(ID)))
        .with_v3_and_below_producer_id(producer.id.into())
        .with_v3_and_below_producer_epoch(producer.epoch)
        .with_v3_and_below_topics(vec![
            AddPartitionsToTxnTopic::default()
                .with_name(TopicName(string(TOPIC)))
                .with_partitions(vec![partition]),
        ]);
    let Response::AddPartitionsToTxn(response) = bench.ask_in(wire, 3, request) else {
        panic!();
    };
    let result = &response.results_by_topic_v3_and_below[0].results_by_partition[0];
    ErrorCode(result.partition_error_code)
}

#[test]
fn what_a_producer_sends_again_is_answered_with_where_it_is() {
    let (mut bench, wire) = bench();
    let producer = Producer { id: 4, epoch: 0 };
    let send = |bench: &mut Bench, sequence| {
        let records = records(producer, sequence, 2, BatchKind::Plain);
        produce(bench, wire, NEWEST_PRODUCE, 0, records)
    };

    assert_eq!(send(&mut bench, 0), Ok(0));
    assert_eq!(send(&mut bench, 2), Ok(2));
    assert_eq!(send(&mut bench, 0), Ok(0));
    assert_eq!(send(&mut bench, 2), Ok(2));
    let lost = Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(send(&mut bench, 6), lost);
    assert_eq!(bench.cluster.end_offset(TOPIC, 0), Some(Offset::new(4)));
}

#[test]
fn before_2_4_a_producer_is_unknown_once_its_records_are_gone() {
    let unknown = Err(ErrorCode::UNKNOWN_PRODUCER_ID);
    for (release, expected) in [
        (KafkaRelease::V2_3, [unknown, Ok(0), unknown, Ok(3)]),
        (
            KafkaRelease::V2_4,
            [
                Ok(0),
                Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
                Ok(3),
                Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
            ],
        ),
    ] {
        let (mut bench, wire) = bench();
        bench.cluster.options.release = release;
        let producer = Producer { id: 4, epoch: 0 };
        let send = |bench: &mut Bench, sequence| {
            let records = records(producer, sequence, 2, BatchKind::Plain);
            produce(bench, wire, 7, 0, records)
        };
        let mut answers = vec![send(&mut bench, 6), send(&mut bench, 0)];
        let mut out = Vec::new();
        let now = bench.now;
        let appended = bench.cluster.append(now, TOPIC, 0, batch(1), &mut out);
        let end = Offset::new(appended.unwrap().value() + 1);
        let deleted = bench.cluster.delete_records_before(TOPIC, 0, end);
        assert_eq!(deleted, Ok(()));
        answers.extend([send(&mut bench, 8), send(&mut bench, 0)]);

        assert_eq!(answers, expected, "{release}");
    }
}

#[test]
fn before_3_6_a_leader_does_not_ask_whether_a_partition_was_added() {
    for (release, expected) in [
        (KafkaRelease::V3_5, Ok(0)),
        (KafkaRelease::V3_6, Err(ErrorCode::INVALID_TXN_STATE)),
    ] {
        let (mut bench, wire) = bench();
        let producer = init(&mut bench, wire).unwrap();
        bench.cluster.options.release = release;
        let records = records(producer, 0, 2, BatchKind::Transactional);

        let written = produce(&mut bench, wire, 9, 0, records);

        assert_eq!(written, expected, "{release}");
    }
}

#[test]
fn what_was_committed_is_read_and_what_was_aborted_is_named() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    assert_eq!(write(&mut bench, wire, producer, 0), Ok(0));
    assert_eq!(write(&mut bench, wire, producer, 2), Ok(2));

    let open = Fetched {
        batches: vec![0, 2],
        last_stable: 0,
        high_watermark: 4,
        aborted: None,
    };
    assert_eq!(fetch(&mut bench, wire, 0, READ_UNCOMMITTED), open);
    let hidden = Fetched {
        batches: vec![],
        aborted: Some(vec![]),
        ..open
    };
    assert_eq!(fetch(&mut bench, wire, 0, READ_COMMITTED), hidden);
    assert_eq!(list_offsets(&mut bench, wire, READ_UNCOMMITTED), [4, 0]);
    assert_eq!(list_offsets(&mut bench, wire, READ_COMMITTED), [0, -1]);

    let producer = end(&mut bench, wire, 5, producer, false).unwrap();
    assert_eq!(producer.epoch, 1);
    assert_eq!(write(&mut bench, wire, producer, 0), Ok(5));
    let producer = end(&mut bench, wire, 5, producer, true).unwrap();

    let ended = Fetched {
        batches: vec![0, 2, 4, 5, 7],
        last_stable: 8,
        high_watermark: 8,
        aborted: Some(vec![(producer.id, 0)]),
    };
    assert_eq!(fetch(&mut bench, wire, 0, READ_COMMITTED), ended);
    let later = Fetched {
        batches: vec![5, 7],
        aborted: Some(vec![]),
        ..ended
    };
    assert_eq!(fetch(&mut bench, wire, 5, READ_COMMITTED), later);
    assert_eq!(list_offsets(&mut bench, wire, READ_COMMITTED), [8, 0]);
    assert_eq!(bench.cluster.violations(), [""; 0]);
}

#[test]
fn a_fetch_of_committed_records_waits_for_the_marker() {
    let (mut bench, wire) = bench();
    let reader = bench.connect(0);
    let producer = init(&mut bench, wire).unwrap();
    write(&mut bench, wire, producer, 0).unwrap();
    let request = fetch_request(&bench, 0, READ_COMMITTED);
    let version = newest(ApiKey::Fetch);
    assert_eq!(bench.send(reader, version, request), []);
    write(&mut bench, wire, producer, 2).unwrap();

    let request = EndTxnRequest::default()
        .with_transactional_id(TransactionalId(string(ID)))
        .with_producer_id(producer.id.into())
        .with_producer_epoch(producer.epoch)
        .with_committed(true);
    let out = bench.send(wire, 5, request);

    let answer = answer_to(reader, ApiKey::Fetch, version, &out).expect("woken");
    assert_eq!(fetched(answer).batches, [0, 2, 4]);
}

#[test]
fn a_delayed_commit_wakes_the_readers_as_well() {
    let (mut bench, wire) = bench();
    let reader = bench.connect(0);
    let producer = init(&mut bench, wire).unwrap();
    write(&mut bench, wire, producer, 0).unwrap();
    let delay = Duration::from_millis(100);
    let fault = Fault::new(ApiKey::EndTxn, FaultAction::DelayBefore(delay));
    bench.cluster.faults.set(fault).unwrap();
    let version = newest(ApiKey::Fetch);
    let request = fetch_request(&bench, 0, READ_COMMITTED);
    assert_eq!(bench.send(reader, version, request), []);
    let request = EndTxnRequest::default()
        .with_transactional_id(TransactionalId(string(ID)))
        .with_producer_id(producer.id.into())
        .with_producer_epoch(producer.epoch)
        .with_committed(true);
    assert_eq!(bench.send(wire, 5, request), []);

    let out = bench.wait(delay);

    assert!(answer_to(wire, ApiKey::EndTxn, 5, &out).is_some());
    let answer = answer_to(reader, ApiKey::Fetch, version, &out).expect("woken");
    assert_eq!(fetched(answer).batches, [0, 2]);
}

#[test]
fn older_producers_add_their_partitions_first() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let write = |bench: &mut Bench, version, partition| {
        let records = records(producer, 0, 2, BatchKind::Transactional);
        produce(bench, wire, version, partition, records)
    };

    assert_eq!(write(&mut bench, 10, 0), Err(ErrorCode::INVALID_TXN_STATE));
    assert_eq!(
        write(&mut bench, 11, 0),
        Err(ErrorCode::TRANSACTION_ABORTABLE)
    );
    assert_eq!(
        add_partition(&mut bench, wire, producer, 0),
        ErrorCode::NONE
    );
    let unknown = add_partition(&mut bench, wire, producer, 2);
    assert_eq!(unknown, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(write(&mut bench, 11, 0), Ok(0));
    assert_eq!(
        write(&mut bench, 11, 1),
        Err(ErrorCode::TRANSACTION_ABORTABLE)
    );

    let nobody = Producer { id: -1, epoch: -1 };
    assert_eq!(end(&mut bench, wire, 4, producer, true), Ok(nobody));
    assert_eq!(bench.cluster.end_offset(TOPIC, 0), Some(Offset::new(3)));
    assert_eq!(
        end(&mut bench, wire, 4, producer, true),
        Ok(nobody),
        "again"
    );
    assert_eq!(bench.cluster.end_offset(TOPIC, 0), Some(Offset::new(3)));
}

#[test]
fn another_life_aborts_the_transaction_and_fences_the_producer() {
    let (mut bench, wire) = bench();
    let zombie = init(&mut bench, wire).unwrap();
    write(&mut bench, wire, zombie, 0).unwrap();

    assert_eq!(
        init(&mut bench, wire),
        Err(ErrorCode::CONCURRENT_TRANSACTIONS)
    );
    let aborted = TransactionState::CompleteAbort;
    assert_eq!(bench.cluster.transaction_state(ID), Some(aborted));
    let producer = init(&mut bench, wire).unwrap();

    assert_eq!(producer, Producer { epoch: 2, ..zombie });
    let fenced = Err(ErrorCode::INVALID_PRODUCER_EPOCH);
    assert_eq!(write(&mut bench, wire, zombie, 2), fenced);
    let fenced = Err(ErrorCode::PRODUCER_FENCED);
    assert_eq!(end(&mut bench, wire, 5, zombie, true), fenced);
    let fenced = Err(ErrorCode::INVALID_PRODUCER_EPOCH);
    assert_eq!(
        end(&mut bench, wire, 1, zombie, true),
        fenced,
        "in its words"
    );
    assert_eq!(write(&mut bench, wire, producer, 0), Ok(3));
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted_by_itself() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    write(&mut bench, wire, producer, 0).unwrap();
    let timeout = Duration::from_secs(60);
    assert_eq!(bench.cluster.next_deadline(), Some(bench.now + timeout));

    bench.wait(timeout);

    let stable = bench.cluster.last_stable_offset(TOPIC, 0);
    assert_eq!(stable, Some(Offset::new(3)));
    let fenced = Err(ErrorCode::INVALID_PRODUCER_EPOCH);
    assert_eq!(write(&mut bench, wire, producer, 2), fenced);
    let aborted = end(&mut bench, wire, 5, producer, false).unwrap();
    assert_eq!(
        aborted.epoch, 1,
        "a producer that aborts learns its new epoch"
    );
    assert_eq!(write(&mut bench, wire, aborted, 0), Ok(3));
}

#[test]
fn a_marker_waits_until_the_partition_has_a_leader() {
    let mut bench = Bench::new(2);
    let coordinator = bench.cluster.transaction_coordinator(ID).unwrap();
    let other = NodeId::new(1 - coordinator.value());
    let placement = Placement::Given(vec![vec![other]]);
    let Cluster {
        topics, brokers, ..
    } = &mut bench.cluster;
    topics.create(TOPIC, 1, &placement, brokers).unwrap();
    let wire = bench.connect(coordinator.value());
    let leader = bench.connect(other.value());
    let producer = init(&mut bench, wire).unwrap();
    write(&mut bench, leader, producer, 0).unwrap();
    assert_eq!(init(&mut bench, leader), Err(ErrorCode::NOT_COORDINATOR));

    bench.feed(Input::Kill(other));
    let producer = end(&mut bench, wire, 5, producer, true).unwrap();
    let waiting = TransactionState::PrepareCommit;
    assert_eq!(bench.cluster.transaction_state(ID), Some(waiting));
    assert_eq!(
        init(&mut bench, wire),
        Err(ErrorCode::CONCURRENT_TRANSACTIONS)
    );
    bench.feed(Input::Restart(other));

    let complete = TransactionState::CompleteCommit;
    assert_eq!(bench.cluster.transaction_state(ID), Some(complete));
    let leader = bench.connect(other.value());
    assert_eq!(write(&mut bench, leader, producer, 0), Ok(3));
}

#[test]
fn nothing_goes_on_with_a_transaction_while_its_brokers_are_frozen() {
    let mut bench = Bench::new(2);
    let coordinator = bench.cluster.transaction_coordinator(ID).unwrap();
    let other = NodeId::new(1 - coordinator.value());
    let placement = Placement::Given(vec![vec![other]]);
    let Cluster {
        topics, brokers, ..
    } = &mut bench.cluster;
    topics.create(TOPIC, 1, &placement, brokers).unwrap();
    let wire = bench.connect(coordinator.value());
    let leader = bench.connect(other.value());
    let producer = init(&mut bench, wire).unwrap();
    write(&mut bench, leader, producer, 0).unwrap();
    let state = |bench: &Bench| bench.cluster.transaction_state(ID).unwrap();

    bench.cluster.holds.freeze(coordinator);
    assert_eq!(bench.cluster.next_deadline(), None);
    bench.wait(Duration::from_secs(60));
    assert_eq!(state(&bench), TransactionState::Ongoing);
    bench.cluster.holds.freeze(other);
    bench.cluster.holds.thaw(coordinator);
    bench.wait(Duration::ZERO);
    assert_eq!(state(&bench), TransactionState::PrepareAbort);
    bench.cluster.holds.thaw(other);
    bench.wait(Duration::ZERO);

    assert_eq!(state(&bench), TransactionState::CompleteAbort);
    let stable = bench.cluster.last_stable_offset(TOPIC, 0);
    assert_eq!(stable, Some(Offset::new(3)));
}

#[test]
fn a_transaction_ends_although_its_topic_is_gone() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    write(&mut bench, wire, producer, 0).unwrap();
    bench.cluster.topics.delete(TOPIC);

    end(&mut bench, wire, 5, producer, true).unwrap();

    let complete = TransactionState::CompleteCommit;
    assert_eq!(bench.cluster.transaction_state(ID), Some(complete));
}

#[test]
fn records_of_a_transaction_name_their_transaction() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let id = bench.cluster.topics.by_name(TOPIC).unwrap().id.0;
    let request = ProduceRequest::default()
        .with_transactional_id(None)
        .with_acks(-1)
        .with_topic_data(vec![
            TopicProduceData::default()
                .with_topic_id(uuid::Uuid::from_bytes(id))
                .with_partition_data(vec![
                    PartitionProduceData::default().with_records(Some(records(
                        producer,
                        0,
                        1,
                        BatchKind::Transactional,
                    ))),
                ]),
        ]);

    let Response::Produce(response) = bench.ask(wire, request) else {
        panic!();
    };

    let code = ErrorCode(response.responses[0].partition_responses[0].error_code);
    assert_eq!(code, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
}

const READ_UNCOMMITTED: i8 = 0;
const READ_COMMITTED: i8 = 1;

/// The newest version of Produce.
const NEWEST_PRODUCE: i16 = 13;
