use weft_client::ErrorKind;
use weft_client::record::{BatchKind, ControlRecord};
use weft_client::wire::ApiKey;

use super::bench::{Bench, offsets, reading, reading_with, records, tp};
use super::cluster::{Part, batch, batch_of, damaged, joined, marker_of};

const PLAIN: BatchKind = BatchKind::Plain;
const TRANSACTIONAL: BatchKind = BatchKind::Transactional;

fn committed_only() -> Bench {
    reading_with(&[("isolation.level", "read_committed")], &[1])
}

/// What such an answer holds for the user, and where the position is behind it.
fn delivered(bench: &mut Bench, part: Part) -> (Vec<i64>, i64) {
    bench.answer(1, vec![("t-0", part)]);
    let mut offsets = Vec::new();
    while bench.core.has_fetched() {
        let polled = bench.collect(2).unwrap();
        offsets.extend(polled.iter().map(|record| record.offset().value()));
    }
    (offsets, bench.position("t-0").unwrap())
}

/// Two producers, 7 and 8. Producer 7 aborts, then commits; producer 8 commits.
fn interleaved() -> Part {
    let batches = [
        batch_of(0, 2, 7, TRANSACTIONAL),
        batch_of(2, 2, 8, TRANSACTIONAL),
        batch_of(4, 1, 7, TRANSACTIONAL),
        marker_of(5, 7, ControlRecord::Abort),
        batch_of(6, 2, 7, TRANSACTIONAL),
        marker_of(8, 8, ControlRecord::Commit),
        marker_of(9, 7, ControlRecord::Commit),
    ];
    Part::of(joined(&batches)).with_aborted(&[(7, 0)])
}

#[test]
fn read_committed_leaves_out_what_was_aborted_and_nothing_else() {
    let mut bench = committed_only();
    assert_eq!(bench.fetch_request(1).isolation_level, 1);
    let all = delivered(&mut bench, interleaved());
    assert_eq!(all, (vec![2, 3, 6, 7], 10));
}

#[test]
fn read_uncommitted_leaves_out_only_markers() {
    let mut bench = reading(1);
    let all = delivered(&mut bench, interleaved());
    assert_eq!(all, (vec![0, 1, 2, 3, 4, 6, 7], 10));
}

#[test]
fn a_poll_may_bring_nothing_but_another_position() {
    let mut bench = committed_only();
    let batches = [
        batch_of(0, 3, 7, TRANSACTIONAL),
        marker_of(3, 7, ControlRecord::Abort),
    ];
    let part = Part::of(joined(&batches)).with_aborted(&[(7, 0)]);
    bench.answer(1, vec![("t-0", part)]);
    assert_eq!(bench.fetches(), ["1: t-0@4"]);
    let polled = bench.collect(500).unwrap();
    assert!(polled.is_empty());
    assert_eq!(offsets(polled.next_offsets()), ["t-0@4"]);
    assert_eq!(bench.position("t-0"), Some(4));
}

#[test]
fn batches_outside_of_transactions_are_kept_beside_aborted_ones_of_their_producer() {
    let mut bench = committed_only();
    let batches = [
        batch_of(0, 1, 7, TRANSACTIONAL),
        batch_of(1, 1, 7, PLAIN),
        batch(2, 1),
        marker_of(3, 7, ControlRecord::Abort),
    ];
    let part = Part::of(joined(&batches)).with_aborted(&[(7, 0)]);
    assert_eq!(delivered(&mut bench, part), (vec![1, 2], 4));
}

#[test]
fn aborted_transactions_may_be_listed_in_any_order() {
    for listed in [[(7, 0), (8, 2), (7, 6)], [(7, 6), (8, 2), (7, 0)]] {
        let mut bench = committed_only();
        let batches = [
            batch_of(0, 1, 7, TRANSACTIONAL),
            marker_of(1, 7, ControlRecord::Abort),
            batch_of(2, 1, 8, TRANSACTIONAL),
            batch_of(3, 1, 7, TRANSACTIONAL),
            marker_of(4, 8, ControlRecord::Abort),
            marker_of(5, 7, ControlRecord::Commit),
            batch_of(6, 1, 7, TRANSACTIONAL),
            marker_of(7, 7, ControlRecord::Abort),
        ];
        let part = Part::of(joined(&batches)).with_aborted(&listed);
        assert_eq!(delivered(&mut bench, part), (vec![3], 8), "{listed:?}");
    }
}

#[test]
fn a_transaction_that_begins_inside_of_a_batch_is_compared_with_its_last_offset() {
    let mut bench = committed_only();
    // The first offset that is listed lies inside the batch, as after compaction.
    let batches = [
        batch_of(0, 5, 7, TRANSACTIONAL),
        marker_of(5, 7, ControlRecord::Abort),
    ];
    let part = Part::of(joined(&batches)).with_aborted(&[(7, 3)]);
    assert_eq!(delivered(&mut bench, part), (vec![], 6));
}

#[test]
fn a_transaction_that_ends_in_the_next_answer_is_left_out_there_too() {
    let mut bench = committed_only();
    let first = Part::of(batch_of(0, 2, 7, TRANSACTIONAL)).with_aborted(&[(7, 0)]);
    let rest = [
        batch_of(2, 2, 7, TRANSACTIONAL),
        marker_of(4, 7, ControlRecord::Abort),
        batch_of(5, 1, 7, TRANSACTIONAL),
        marker_of(6, 7, ControlRecord::Commit),
    ];
    bench.answer(1, vec![("t-0", first)]);
    let rest = Part::of(joined(&rest)).with_aborted(&[(7, 0)]);
    assert_eq!(delivered(&mut bench, rest), (vec![5], 7));
}

#[test]
fn markers_of_other_kinds_and_empty_ones_end_no_transaction() {
    let mut bench = committed_only();
    let batches = [
        batch_of(0, 1, 7, TRANSACTIONAL),
        marker_of(1, 7, ControlRecord::Unknown(99)),
        batch_of(2, 1, 7, TRANSACTIONAL),
        marker_of(3, 7, ControlRecord::Abort),
        batch_of(4, 1, 7, TRANSACTIONAL),
    ];
    let part = Part::of(joined(&batches)).with_aborted(&[(7, 0)]);
    assert_eq!(delivered(&mut bench, part), (vec![4], 5));
}

#[test]
fn a_damaged_marker_is_an_error_that_comes_after_what_was_before_it() {
    let mut bench = committed_only();
    let batches = [
        batch_of(0, 2, 7, TRANSACTIONAL),
        damaged(&marker_of(2, 7, ControlRecord::Commit)),
    ];
    bench.answer(1, vec![("t-0", Part::of(joined(&batches)))]);
    assert_eq!(records(&bench.collect(500).unwrap()), ["t-0@0", "t-0@1"]);
    let error = bench.collect(500).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptRecord);
    assert_eq!(bench.position("t-0"), Some(2));
}

#[test]
fn the_lag_ends_where_open_transactions_begin() {
    for (isolation, lag) in [("read_committed", 990), ("read_uncommitted", 1_000)] {
        let mut bench = reading_with(&[("isolation.level", isolation)], &[1]);
        bench.answer(1, vec![("t-0", Part::high_watermark(1_000))]);
        assert_eq!(bench.core.current_lag(&tp("t-0")).unwrap(), Some(lag));
    }
}

#[test]
fn look_ups_end_where_open_transactions_begin() {
    let properties = [("isolation.level", "read_committed")];
    let mut bench = super::bench::bench(&properties);
    bench.topology.lead("t", &[1]);
    bench.core.assign(&[tp("t-0")].into()).unwrap();
    let sent = bench.take(ApiKey::ListOffsets, 1);
    let weft_client::wire::Request::ListOffsets(request) = sent.request else {
        panic!("only look-ups are taken");
    };
    assert_eq!(request.isolation_level, 1);
}
