//! Which batches come in their turn, and what a partition remembers of them.

use weft_client::record::{
    BatchBuilder, BatchKind, BatchProducer, Batches, Compression, Compressor,
};

use super::super::Log;
use super::*;

/// A batch of so many records.
fn batch(id: i64, epoch: i16, base_sequence: i32, records: usize, kind: BatchKind) -> Batch {
    let mut builder = BatchBuilder::new();
    builder.set_kind(kind);
    builder.set_producer(BatchProducer {
        id,
        epoch,
        base_sequence,
    });
    for _ in 0..records {
        builder.append(5, None, Some(b"value"), &[]).unwrap();
    }
    let bytes = builder.build(Compression::None, &mut Compressor::default());
    Batches::new(bytes.unwrap()).next().unwrap().unwrap()
}

fn marker(id: i64, epoch: i16, outcome: Outcome, version: TransactionVersion) -> Marker {
    Marker {
        producer: ProducerIdentity {
            id: ProducerId(id),
            epoch,
        },
        outcome,
        coordinator_epoch: 3,
        version,
    }
}

/// What becomes of a batch of two records of producer 7.
fn admitted(log: &Log, epoch: i16, base_sequence: i32) -> Result<Admission, ErrorCode> {
    let batch = batch(7, epoch, base_sequence, 2, BatchKind::Plain);
    let header = batch.header();
    log.producers()
        .admit(header, header.producer().unwrap(), None)
}

/// Producer 7 has written so many batches of two records, from sequence number 0 on.
fn log_with(batches: i32) -> Log {
    let mut log = Log::default();
    for index in 0..batches {
        log.append(batch(7, 1, index * 2, 2, BatchKind::Plain));
    }
    log
}

#[test]
fn batches_are_admitted_in_their_turn_only() {
    let out_of_order = Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    let cases = [
        // Nobody knows the producer, so that any number will do.
        (0, 0, 0, Ok(Admission::Append)),
        (0, 0, 40, Ok(Admission::Append)),
        (6, 1, 12, Ok(Admission::Append)),
        (6, 1, 14, out_of_order),
        (6, 1, 11, out_of_order),
        // The last five are known again, the one before is not.
        (6, 1, 10, Ok(Admission::Duplicate(Offset::new(10)))),
        (6, 1, 2, Ok(Admission::Duplicate(Offset::new(2)))),
        (6, 1, 0, out_of_order),
        // Another epoch begins anew.
        (6, 2, 0, Ok(Admission::Append)),
        (6, 2, 12, out_of_order),
        (6, 0, 12, Err(ErrorCode::INVALID_PRODUCER_EPOCH)),
        (6, 0, 10, Err(ErrorCode::INVALID_PRODUCER_EPOCH)),
    ];
    for (batches, epoch, sequence, expected) in cases {
        assert_eq!(
            admitted(&log_with(batches), epoch, sequence),
            expected,
            "epoch {epoch}, sequence {sequence} after {batches} batches"
        );
    }
}

#[test]
fn sequence_numbers_go_on_with_zero_behind_the_largest() {
    let mut log = Log::default();
    log.append(batch(7, 1, i32::MAX - 1, 2, BatchKind::Plain));
    assert_eq!(admitted(&log, 1, 0), Ok(Admission::Append));

    let mut log = Log::default();
    log.append(batch(7, 1, i32::MAX, 2, BatchKind::Plain));
    assert_eq!(admitted(&log, 1, 1), Ok(Admission::Append));
    assert_eq!(
        admitted(&log, 1, i32::MAX),
        Ok(Admission::Duplicate(Offset::ZERO))
    );
}

#[test]
fn records_outside_of_the_open_transaction_are_refused() {
    let mut log = Log::default();
    log.append(batch(7, 1, 0, 2, BatchKind::Transactional));

    assert_eq!(admitted(&log, 1, 2), Err(ErrorCode::INVALID_TXN_STATE));
}

#[test]
fn the_first_batch_of_a_transaction_that_bumps_the_epoch_has_sequence_zero() {
    let log = Log::default();
    for (version, sequence, expected) in [
        (TransactionVersion::V1, 8, Ok(Admission::Append)),
        (TransactionVersion::V2, 0, Ok(Admission::Append)),
        (
            TransactionVersion::V2,
            8,
            Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
        ),
    ] {
        let batch = batch(7, 1, sequence, 1, BatchKind::Transactional);
        let header = batch.header();
        let producer = header.producer().unwrap();
        let admitted = log.producers().admit(header, producer, Some(version));
        assert_eq!(admitted, expected, "{version:?}, {sequence}");
    }
}

#[test]
fn what_is_stable_ends_where_the_first_open_transaction_begins() {
    let mut log = log_with(1);
    let mut stable = Vec::new();
    let mut note = |log: &Log| stable.push(log.last_stable_offset().value());
    note(&log);
    log.append(batch(8, 0, 0, 2, BatchKind::Transactional));
    note(&log);
    log.append(batch(9, 0, 0, 1, BatchKind::Transactional));
    note(&log);
    log.append(marker(9, 0, Outcome::Abort, TransactionVersion::V1).batch(6));
    note(&log);
    log.append(marker(8, 0, Outcome::Commit, TransactionVersion::V1).batch(6));
    note(&log);

    assert_eq!(stable, [2, 2, 2, 2, 7]);
}

#[test]
fn aborted_transactions_are_told_for_what_they_overlap() {
    let mut log = Log::default();
    for id in [1, 2] {
        log.append(batch(id, 0, 0, 2, BatchKind::Transactional));
    }
    log.append(marker(2, 0, Outcome::Abort, TransactionVersion::V1).batch(6));
    log.append(marker(1, 0, Outcome::Abort, TransactionVersion::V1).batch(6));
    log.append(batch(3, 0, 0, 2, BatchKind::Transactional));
    log.append(marker(3, 0, Outcome::Commit, TransactionVersion::V1).batch(6));
    let aborted = |log: &Log, from, until| {
        let producers = log.producers();
        let aborted = producers.aborted(Offset::new(from), Offset::new(until));
        aborted
            .iter()
            .map(|aborted| (aborted.producer_id.0, aborted.first_offset.value()))
            .collect::<Vec<_>>()
    };

    assert_eq!(aborted(&log, 0, 9), [(2, 2), (1, 0)]);
    assert_eq!(aborted(&log, 0, 2), [(1, 0)]);
    assert_eq!(aborted(&log, 5, 9), [(1, 0)], "its marker is at 5");
    assert_eq!(aborted(&log, 6, 9), []);
    log.delete_before(Offset::new(5)).unwrap();
    assert_eq!(aborted(&log, 0, 9), [(1, 0)], "the other's marker is gone");
}

#[test]
fn markers_from_the_past_are_refused() {
    let mut log = Log::default();
    log.append(batch(7, 4, 0, 1, BatchKind::Transactional));
    let check = |log: &Log, epoch, coordinator_epoch, version| {
        let marker = Marker {
            coordinator_epoch,
            ..marker(7, epoch, Outcome::Commit, version)
        };
        log.producers().admit_marker(&marker)
    };
    let (v1, v2) = (TransactionVersion::V1, TransactionVersion::V2);
    let old = Err(ErrorCode::INVALID_PRODUCER_EPOCH);

    assert_eq!(check(&log, 3, 0, v1), old);
    assert_eq!(check(&log, 4, 0, v1), Ok(()));
    assert_eq!(
        check(&log, 4, 0, v2),
        old,
        "it has the epoch of the records"
    );
    assert_eq!(check(&log, 5, 0, v2), Ok(()));
    log.append(marker(7, 5, Outcome::Commit, v2).batch(6));
    assert_eq!(check(&log, 5, 3, v2), Ok(()), "the same one again");
    assert_eq!(
        check(&log, 5, 2, v2),
        Err(ErrorCode::TRANSACTION_COORDINATOR_FENCED)
    );
}

#[test]
fn a_marker_in_a_new_epoch_makes_the_next_batch_the_first() {
    let mut log = Log::default();
    log.append(batch(7, 1, 0, 2, BatchKind::Transactional));
    log.append(marker(7, 2, Outcome::Commit, TransactionVersion::V2).batch(6));

    assert_eq!(admitted(&log, 2, 0), Ok(Admission::Append));
    assert_eq!(
        admitted(&log, 2, 2),
        Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)
    );
    assert_eq!(admitted(&log, 1, 2), Err(ErrorCode::INVALID_PRODUCER_EPOCH));
}

#[test]
fn the_oldest_idle_producer_is_forgotten_when_there_are_too_many() {
    let mut producers = Producers::default();
    let mut open = batch(0, 0, 0, 1, BatchKind::Transactional);
    producers.note(&open);
    for id in 1..PRODUCERS_MAX as i64 + 10 {
        producers.note(&batch(id, 0, 0, 1, BatchKind::Plain));
    }

    assert_eq!(producers.by_id.len(), PRODUCERS_MAX);
    open = batch(0, 0, 1, 1, BatchKind::Transactional);
    let header = open.header();
    let again = producers.admit(header, header.producer().unwrap(), None);
    assert_eq!(again, Ok(Admission::Append), "an open transaction stays");
}

#[test]
fn what_a_log_loses_is_unknown_of_its_producers_as_well() {
    let mut log = log_with(3);
    log.truncate(Offset::new(4)).unwrap();

    assert_eq!(admitted(&log, 1, 4), Ok(Admission::Append), "it is gone");
    let known = Ok(Admission::Duplicate(Offset::new(2)));
    assert_eq!(admitted(&log, 1, 2), known);
}
