//! Reading, finding and forgetting, on a log of three batches.

use weft_client::record::{BatchBuilder, Batches, Compression, Compressor};

use super::*;

/// A batch of records with these timestamps.
fn batch(timestamps: &[i64]) -> Batch {
    let mut builder = BatchBuilder::new();
    for timestamp in timestamps {
        builder
            .append(*timestamp, None, Some(b"value"), &[])
            .unwrap();
    }
    let bytes = builder
        .build(Compression::None, &mut Compressor::default())
        .unwrap();
    Batches::new(bytes).next().unwrap().unwrap()
}

/// Three batches with the offsets 0 and 1, 2, 3 to 5.
fn log() -> Log {
    let mut log = Log::default();
    log.begin_epoch(LeaderEpoch::new(0));
    for timestamps in [&[10, 20][..], &[5], &[30, 40, 40]] {
        log.append(batch(timestamps));
    }
    log
}

fn read(log: &Log, offset: i64, bytes_max: usize, at_least: AtLeast) -> Vec<usize> {
    let mut out = Vec::new();
    let read = log
        .read(
            Offset::new(offset),
            EVERYTHING,
            bytes_max,
            at_least,
            &mut out,
        )
        .unwrap();
    let sizes: Vec<usize> = out.iter().map(Bytes::len).collect();
    assert_eq!(read.bytes, sizes.iter().sum::<usize>());
    sizes
}

fn sizes() -> [usize; 3] {
    [&[1, 2][..], &[1], &[1, 2, 3]].map(|timestamps| batch(timestamps).bytes().len())
}

#[test]
fn a_read_begins_with_the_whole_batch_that_holds_the_offset() {
    let [first, second, third] = sizes();
    let all = usize::MAX;

    assert_eq!(
        read(&log(), 0, all, AtLeast::Nothing),
        [first, second, third]
    );
    assert_eq!(
        read(&log(), 1, all, AtLeast::Nothing),
        [first, second, third]
    );
    assert_eq!(read(&log(), 2, all, AtLeast::Nothing), [second, third]);
    assert_eq!(read(&log(), 5, all, AtLeast::Nothing), [third]);
    assert_eq!(read(&log(), 6, all, AtLeast::OneBatch), []);
}

#[test]
fn batches_carry_the_offsets_and_the_epoch_that_the_log_gave_them() {
    let mut out = Vec::new();
    let log = log();
    log.read(
        Offset::ZERO,
        EVERYTHING,
        usize::MAX,
        AtLeast::Nothing,
        &mut out,
    )
    .unwrap();

    let offsets: Vec<_> = out
        .into_iter()
        .flat_map(|bytes| Batches::new(bytes).map(Result::unwrap))
        .map(|batch| {
            batch.check_crc().unwrap();
            let header = batch.header();
            (header.base_offset().value(), header.leader_epoch())
        })
        .collect();

    let epoch = Some(LeaderEpoch::new(0));
    assert_eq!(offsets, [(0, epoch), (2, epoch), (3, epoch)]);
}

#[test]
fn the_limit_cuts_the_last_batch_but_never_the_first() {
    let [first, second, _] = sizes();

    assert_eq!(
        read(&log(), 0, first + 7, AtLeast::Nothing),
        [first, 7],
        "the second is cut"
    );
    assert_eq!(read(&log(), 0, first - 1, AtLeast::Nothing), []);
    assert_eq!(read(&log(), 0, 1, AtLeast::OneBatch), [first]);
    assert_eq!(read(&log(), 2, 0, AtLeast::OneBatch), [second]);
}

#[test]
fn offsets_outside_of_the_log_are_out_of_range() {
    let mut log = log();
    let mut out = Vec::new();
    log.delete_before(Offset::new(4)).unwrap();

    for offset in [-1, 0, 3, 7] {
        let read = log.read(
            Offset::new(offset),
            EVERYTHING,
            100,
            AtLeast::OneBatch,
            &mut out,
        );
        assert_eq!(read, Err(OutOfRange), "{offset}");
    }
    assert_eq!(
        read(&log, 4, usize::MAX, AtLeast::Nothing),
        [sizes()[2]],
        "a batch stays until all of it may go"
    );
    assert_eq!(log.delete_before(Offset::new(7)), Err(OutOfRange));
}

#[test]
fn what_is_available_is_what_a_read_without_limit_would_return() {
    let [first, second, third] = sizes();

    assert_eq!(
        log().available(Offset::ZERO, EVERYTHING, usize::MAX),
        first + second + third
    );
    assert_eq!(
        log().available(Offset::new(3), EVERYTHING, usize::MAX),
        third
    );
    assert_eq!(log().available(Offset::new(3), EVERYTHING, 10), 10);
    assert_eq!(log().available(Offset::new(6), EVERYTHING, 10), 0);
}

#[test]
fn a_record_is_found_by_its_time_even_where_times_go_back() {
    let mut decompressor = Decompressor::default();
    let mut find = |timestamp| {
        log()
            .find_time(timestamp, &mut decompressor)
            .map(|found| (found.timestamp, found.offset.value()))
    };

    assert_eq!(find(0), Some((10, 0)));
    assert_eq!(find(11), Some((20, 1)));
    assert_eq!(find(21), Some((30, 3)));
    assert_eq!(find(41), None);
    assert_eq!(
        log()
            .find_max_time(&mut decompressor)
            .map(|found| (found.timestamp, found.offset.value())),
        Some((40, 4)),
        "the first of two"
    );
}

#[test]
fn an_epoch_ends_where_the_next_begins() {
    let epoch = LeaderEpoch::new;
    let mut log = Log::default();
    log.begin_epoch(epoch(2));
    log.append(batch(&[1, 2]));
    log.begin_epoch(epoch(5));
    log.append(batch(&[3]));
    let end = |asked| {
        log.end_of_epoch(epoch(asked))
            .map(|(epoch, offset)| (epoch.value(), offset.value()))
    };

    assert_eq!(end(1), Some((1, 0)), "before everything");
    assert_eq!(end(2), Some((2, 2)));
    assert_eq!(end(4), Some((2, 2)));
    assert_eq!(end(5), Some((5, 3)));
    assert_eq!(end(6), None);
}

const EVERYTHING: Isolation = Isolation::ReadUncommitted;
