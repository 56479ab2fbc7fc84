use weft_client::record::Compression;

use super::bench::{offsets, reading, reading_with, records, tp};
use super::cluster::{Part, batch, batch_of_epoch, compacted, compressed, joined, marker, message};

#[test]
fn a_budget_cuts_through_batches_and_goes_on_where_it_stopped() {
    let mut bench = reading(1);
    let data = joined(&[batch(0, 3), batch(3, 4), batch(7, 1)]);
    bench.answer(1, vec![("t-0", Part::of(data))]);
    let mut all = Vec::new();
    for budget in [2, 3, 1, 9] {
        let some = bench.collected(budget);
        all.push(some.len());
        let next = all.iter().sum::<usize>() as i64;
        assert_eq!(bench.position("t-0"), Some(next));
    }
    assert_eq!(all, [2, 3, 1, 2]);
}

#[test]
fn one_call_goes_on_to_the_next_partition_when_one_is_drained() {
    let mut bench = reading(2);
    bench.answer(
        1,
        vec![
            ("t-0", Part::of(batch(0, 2))),
            ("t-1", Part::of(batch(0, 3))),
        ],
    );
    let got = bench.collect(4).unwrap();
    assert_eq!(records(&got), ["t-0@0", "t-0@1", "t-1@0", "t-1@1"]);
    assert_eq!(offsets(got.next_offsets()), ["t-0@2", "t-1@2"]);
    assert_eq!(got.count(), 4);
}

#[test]
fn answers_are_handed_out_in_the_order_of_their_arrival() {
    let mut bench = reading_with(&[], &[1, 2]);
    bench.answer(2, vec![("t-1", Part::of(batch(0, 1)))]);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 1)))]);
    bench.answer(2, vec![("t-1", Part::of(batch(1, 1)))]);
    assert_eq!(bench.collected(500), ["t-1@0", "t-0@0", "t-1@1"]);
}

#[test]
fn records_before_the_position_are_skipped() {
    let mut bench = reading(1);
    bench.seek("t-0", 6);
    for codec in [Compression::None, Compression::Gzip] {
        bench.answer(1, vec![("t-0", Part::of(compressed(0, 10, codec)))]);
        assert_eq!(bench.collected(2), ["t-0@6", "t-0@7"]);
        bench.seek("t-0", 6);
    }
}

#[test]
fn a_compressed_batch_is_handed_out_in_slices() {
    for codec in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let mut bench = reading(1);
        bench.answer(1, vec![("t-0", Part::of(compressed(0, 5, codec)))]);
        assert_eq!(bench.collected(3), ["t-0@0", "t-0@1", "t-0@2"]);
        assert_eq!(bench.collected(3), ["t-0@3", "t-0@4"]);
    }
}

#[test]
fn the_position_passes_what_compaction_removed() {
    let mut bench = reading(1);
    bench.answer(1, vec![("t-0", Part::of(compacted(0, 2, 9)))]);
    let got = bench.collect(500).unwrap();
    assert_eq!(records(&got), ["t-0@0", "t-0@1"]);
    assert_eq!(offsets(got.next_offsets()), ["t-0@10"]);
    assert_eq!(bench.fetches(), ["1: t-0@10"]);
}

#[test]
fn batches_without_records_and_markers_move_the_position_all_the_same() {
    for data in [compacted(0, 0, 4), joined(&[compacted(0, 0, 3), marker(4)])] {
        let mut bench = reading(1);
        bench.answer(1, vec![("t-0", Part::of(data))]);
        let got = bench.collect(500).unwrap();
        assert!(got.is_empty());
        assert_eq!(offsets(got.next_offsets()), ["t-0@5"]);
        assert_eq!(bench.position("t-0"), Some(5));
        assert_eq!(bench.fetches(), ["1: t-0@5"]);
    }
}

#[test]
fn markers_between_records_are_not_returned() {
    let mut bench = reading(1);
    let data = joined(&[batch(0, 1), marker(1), batch(2, 1)]);
    bench.answer(1, vec![("t-0", Part::of(data))]);
    assert_eq!(bench.collected(500), ["t-0@0", "t-0@2"]);
    assert_eq!(bench.position("t-0"), Some(3));
}

#[test]
fn messages_of_older_brokers_are_read_among_batches() {
    let mut bench = reading(1);
    let data = joined(&[message(0), message(1), batch(2, 1)]);
    bench.answer(1, vec![("t-0", Part::of(data))]);
    assert_eq!(bench.collected(500), ["t-0@0", "t-0@1", "t-0@2"]);
    assert_eq!(bench.fetches(), ["1: t-0@3"]);
}

#[test]
fn a_batch_cut_off_at_the_end_is_fetched_again() {
    let whole = joined(&[batch(0, 2), batch(2, 2)]);
    let cut = whole.slice(..whole.len() - 1);
    let mut bench = reading(1);
    bench.answer(1, vec![("t-0", Part::of(cut))]);
    assert_eq!(bench.fetches(), ["1: t-0@2"]);
    assert_eq!(bench.collected(500), ["t-0@0", "t-0@1"]);
}

#[test]
fn what_would_be_committed_carries_the_epoch_of_the_last_record() {
    let mut bench = reading(2);
    let data = joined(&[batch_of_epoch(0, 2, 4), batch_of_epoch(2, 2, 6)]);
    bench.answer(1, vec![("t-0", Part::of(data))]);
    assert_eq!(offsets(&bench.core.consumed_offsets()), ["t-0@0", "t-1@0"]);
    let got = bench.collect(2).unwrap();
    assert_eq!(offsets(got.next_offsets()), ["t-0@2/4"]);
    assert_eq!(
        offsets(&bench.core.consumed_offsets()),
        ["t-0@2/4", "t-1@0"]
    );
    bench.collect(1).unwrap();
    assert_eq!(
        offsets(&bench.core.consumed_offsets()),
        ["t-0@3/6", "t-1@0"]
    );
}

#[test]
fn the_lag_is_what_lies_between_position_and_high_watermark() {
    let mut bench = reading(1);
    assert_eq!(bench.core.current_lag(&tp("t-0")).unwrap(), None);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 10)))]);
    assert_eq!(bench.core.current_lag(&tp("t-0")).unwrap(), Some(1_000));
    bench.collected(4);
    assert_eq!(bench.core.current_lag(&tp("t-0")).unwrap(), Some(996));
    bench.seek("t-0", 2_000);
    assert_eq!(bench.core.current_lag(&tp("t-0")).unwrap(), Some(0));
    assert!(bench.core.current_lag(&tp("u-0")).is_err());
}
