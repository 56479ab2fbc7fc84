//! What administrators see of producers and transactions, and how they end one that hangs.

use weft_client::wire::messages::describe_producers_request::TopicRequest;
use weft_client::wire::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};

use super::*;

fn list(bench: &mut Bench, wire: Wire, request: ListTransactionsRequest) -> Vec<String> {
    let Response::ListTransactions(response) = bench.ask(wire, request) else {
        panic!();
    };
    assert_eq!(response.error_code, 0);
    let states = response.transaction_states.iter();
    states
        .map(|state| {
            let id = state.transactional_id.as_str();
            format!("{id} {} {}", state.producer_id.0, state.transaction_state)
        })
        .collect()
}

fn write_marker(
    bench: &mut Bench,
    wire: Wire,
    producer: Producer,
    coordinator_epoch: i32,
) -> ErrorCode {
    let request = WriteTxnMarkersRequest::default().with_markers(vec![
        WritableTxnMarker::default()
            .with_producer_id(producer.id.into())
            .with_producer_epoch(producer.epoch)
            .with_coordinator_epoch(coordinator_epoch)
            .with_topics(vec![
                WritableTxnMarkerTopic::default()
                    .with_name(TopicName(string(TOPIC)))
                    .with_partition_indexes(vec![0]),
            ]),
    ]);
    let Response::WriteTxnMarkers(response) = bench.ask(wire, request) else {
        panic!();
    };
    ErrorCode(response.markers[0].topics[0].partitions[0].error_code)
}

#[test]
fn transactions_are_listed_by_state_producer_age_and_name() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let open = format!("{ID} 0 Ongoing");
    let all = ListTransactionsRequest::default().with_duration_filter(-1);
    assert_eq!(
        list(&mut bench, wire, all.clone()),
        [format!("{ID} 0 Empty")]
    );
    write(&mut bench, wire, producer, 0).unwrap();
    bench.wait(Duration::from_secs(1));

    for (request, is_listed) in [
        (all.clone(), true),
        (
            all.clone().with_state_filters(vec![string("Ongoing")]),
            true,
        ),
        (all.clone().with_state_filters(vec![string("Empty")]), false),
        (all.clone().with_producer_id_filters(vec![0.into()]), true),
        (all.clone().with_producer_id_filters(vec![1.into()]), false),
        (all.clone().with_duration_filter(999), true),
        (all.clone().with_duration_filter(1000), false),
        (with_pattern(&all, "trans.*"), true),
        (with_pattern(&all, "trans"), false),
        (with_pattern(&all, "other|transactional"), true),
        (with_pattern(&all, ""), true),
    ] {
        let name = format!("{request:?}");
        let listed = list(&mut bench, wire, request);
        let expected = if is_listed {
            vec![open.clone()]
        } else {
            vec![]
        };
        assert_eq!(listed, expected, "{name}");
    }
}

fn with_pattern(
    request: &ListTransactionsRequest,
    pattern: &'static str,
) -> ListTransactionsRequest {
    let request = request.clone();
    request.with_transactional_id_pattern(Some(string(pattern)))
}

#[test]
fn a_pattern_that_is_none_and_a_state_that_is_none_are_told() {
    let (mut bench, wire) = bench();
    for pattern in ["(", "a)(b", "x{1000}{1000}{1000}"] {
        let request = with_pattern(&ListTransactionsRequest::default(), pattern);
        let Response::ListTransactions(response) = bench.ask(wire, request) else {
            panic!();
        };
        let invalid = ErrorCode::INVALID_REGULAR_EXPRESSION;
        assert_eq!(ErrorCode(response.error_code), invalid, "{pattern}");
    }
    let request = ListTransactionsRequest::default()
        .with_state_filters(vec![string("Ongoing"), string("Asleep")]);
    let Response::ListTransactions(response) = bench.ask(wire, request) else {
        panic!();
    };
    assert_eq!(response.unknown_state_filters, [string("Asleep")]);
}

#[test]
fn a_transaction_is_described_with_all_that_takes_part() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let begun_at = bench.cluster.clock.timestamp(bench.now);
    for partition in [1, 0] {
        let records = records(producer, 0, 1, BatchKind::Transactional);
        produce(&mut bench, wire, NEWEST_PRODUCE, partition, records).unwrap();
    }
    bench.wait(Duration::from_secs(5));
    let id = |id| TransactionalId(string(id));
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![
        id(ID),
        id("unknown"),
        id(""),
    ]);

    let Response::DescribeTransactions(response) = bench.ask(wire, request) else {
        panic!();
    };

    let [known, unknown, none] = &response.transaction_states[..] else {
        panic!("{response:?}");
    };
    assert_eq!(known.transaction_state.as_str(), "Ongoing");
    assert_eq!(known.transaction_timeout_ms, 60_000);
    assert_eq!(known.transaction_start_time_ms, begun_at);
    assert_eq!((known.producer_id.0, known.producer_epoch), (0, 0));
    assert_eq!(known.topics.len(), 1);
    assert_eq!(known.topics[0].topic.as_str(), TOPIC);
    assert_eq!(known.topics[0].partitions, [0, 1]);
    let missing = ErrorCode::TRANSACTIONAL_ID_NOT_FOUND;
    assert_eq!(ErrorCode(unknown.error_code), missing);
    assert_eq!(ErrorCode(none.error_code), ErrorCode::INVALID_REQUEST);
}

#[test]
fn producers_are_described_by_partition() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    write(&mut bench, wire, producer, 0).unwrap();
    let request = DescribeProducersRequest::default().with_topics(vec![
        TopicRequest::default()
            .with_name(TopicName(string(TOPIC)))
            .with_partition_indexes(vec![0, 1, 2]),
    ]);

    let Response::DescribeProducers(response) = bench.ask(wire, request) else {
        panic!();
    };

    let [written, empty, unknown] = &response.topics[0].partitions[..] else {
        panic!("{response:?}");
    };
    let state = &written.active_producers[0];
    assert_eq!((state.producer_id.0, state.producer_epoch), (0, 0));
    assert_eq!((state.last_sequence, state.last_timestamp), (1, 5));
    assert_eq!(
        (state.coordinator_epoch, state.current_txn_start_offset),
        (-1, 0)
    );
    assert!(empty.active_producers.is_empty());
    let missing = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(ErrorCode(unknown.error_code), missing);
}

#[test]
fn a_transaction_that_hangs_is_ended_in_its_partition() {
    let (mut bench, wire) = bench();
    let hanging = Producer { id: 77, epoch: 3 };
    let records = records(hanging, 0, 2, BatchKind::Transactional);
    let (mut out, now) = (Vec::new(), bench.now);
    let appended = bench.cluster.append(now, TOPIC, 0, records, &mut out);
    assert_eq!(appended, Ok(Offset::ZERO));
    let stable = |bench: &Bench| bench.cluster.last_stable_offset(TOPIC, 0);
    assert_eq!(stable(&bench), Some(Offset::ZERO));
    let old = Producer {
        epoch: 2,
        ..hanging
    };
    let refused = write_marker(&mut bench, wire, old, 0);
    assert_eq!(refused, ErrorCode::INVALID_PRODUCER_EPOCH);

    assert_eq!(write_marker(&mut bench, wire, hanging, 4), ErrorCode::NONE);

    assert_eq!(stable(&bench), Some(Offset::new(3)));
    let aborted = fetch(&mut bench, wire, 0, READ_COMMITTED).aborted;
    assert_eq!(aborted, Some(vec![(77, 0)]));
    let fenced = write_marker(&mut bench, wire, hanging, 3);
    assert_eq!(fenced, ErrorCode::TRANSACTION_COORDINATOR_FENCED);
}

#[test]
fn a_producer_that_a_marker_has_fenced_begins_nothing() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let later = Producer {
        epoch: producer.epoch + 1,
        ..producer
    };
    assert_eq!(write_marker(&mut bench, wire, later, 0), ErrorCode::NONE);

    let refused = write(&mut bench, wire, producer, 0);

    assert_eq!(refused, Err(ErrorCode::INVALID_PRODUCER_EPOCH));
    let state = bench.cluster.transaction_state(ID);
    assert_eq!(state, Some(TransactionState::Empty));
}

#[test]
fn brokers_add_several_transactions_or_only_ask() {
    use weft_client::wire::messages::add_partitions_to_txn_request::AddPartitionsToTxnTransaction;

    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let ask = |bench: &mut Bench, id, verify_only| {
        let request = AddPartitionsToTxnRequest::default().with_transactions(vec![
            AddPartitionsToTxnTransaction::default()
                .with_transactional_id(TransactionalId(string(id)))
                .with_producer_id(producer.id.into())
                .with_verify_only(verify_only)
                .with_topics(vec![
                    AddPartitionsToTxnTopic::default()
                        .with_name(TopicName(string(TOPIC)))
                        .with_partitions(vec![0]),
                ]),
        ]);
        let Response::AddPartitionsToTxn(response) = bench.ask(wire, request) else {
            panic!();
        };
        let result = &response.results_by_transaction[0].topic_results[0];
        ErrorCode(result.results_by_partition[0].partition_error_code)
    };

    assert_eq!(ask(&mut bench, ID, true), ErrorCode::TRANSACTION_ABORTABLE);
    assert_eq!(ask(&mut bench, ID, false), ErrorCode::NONE);
    assert_eq!(ask(&mut bench, ID, true), ErrorCode::NONE);
    let unknown = ErrorCode::INVALID_PRODUCER_ID_MAPPING;
    assert_eq!(ask(&mut bench, "other", false), unknown);
}
