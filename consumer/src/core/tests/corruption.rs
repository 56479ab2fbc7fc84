use bytes::Bytes;
use weft_client::ErrorKind;

use super::bench::{Bench, reading, reading_with, tp};
use super::cluster::{Part, batch, damaged, joined};

/// Collects until the error comes; returns the records before it.
fn collected_until_error(bench: &mut Bench) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..10 {
        bench.run();
        match bench.collect(500) {
            Ok(some) => all.extend(super::bench::records(&some)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::CorruptRecord, "{error}");
                assert_eq!(error.topic_partition(), Some(&tp("t-0")));
                return all;
            }
        }
    }
    panic!("the damage was never told");
}

#[test]
fn what_is_sound_before_a_damaged_batch_is_delivered_first() {
    let mut bench = reading(1);
    let data = joined(&[batch(0, 3), damaged(&batch(3, 2))]);
    bench.answer(1, vec![("t-0", Part::of(data))]);
    assert_eq!(
        collected_until_error(&mut bench),
        ["t-0@0", "t-0@1", "t-0@2"]
    );
    assert_eq!(bench.position("t-0"), Some(3));
}

#[test]
fn the_error_names_partition_and_offset() {
    let mut bench = reading(1);
    bench.seek("t-0", 3);
    bench.answer(1, vec![("t-0", Part::of(damaged(&batch(3, 2))))]);
    let error = bench.collect(500).unwrap_err();
    assert_eq!(error.topic_partition(), Some(&tp("t-0")));
    assert!(error.to_string().contains("offset 3"), "{error}");
}

#[test]
fn damage_is_told_again_until_the_user_seeks_past_it() {
    let mut bench = reading(1);
    for _ in 0..3 {
        assert_eq!(bench.fetches(), ["1: t-0@0"]);
        bench.answer(1, vec![("t-0", Part::of(damaged(&batch(0, 2))))]);
        assert!(bench.collect(500).is_err());
        assert_eq!(bench.position("t-0"), Some(0));
    }
    bench.seek("t-0", 2);
    assert!(bench.collected(500).is_empty());
    assert_eq!(bench.fetches(), ["1: t-0@2"]);
}

#[test]
fn a_seek_before_the_error_is_told_forgets_it() {
    let mut bench = reading(1);
    let data = joined(&[batch(0, 1), damaged(&batch(1, 1))]);
    bench.answer(1, vec![("t-0", Part::of(data))]);
    assert_eq!(bench.collected(500), ["t-0@0"]);
    bench.seek("t-0", 2);
    assert!(bench.collected(500).is_empty());
    assert_eq!(bench.fetches().len(), 1);
}

#[test]
fn the_call_after_the_sound_records_tells_the_error_however_much_others_have() {
    let mut bench = reading_with(&[], &[1, 2]);
    let data = joined(&[batch(0, 1), damaged(&batch(1, 1))]);
    bench.answer(1, vec![("t-0", Part::of(data))]);
    bench.answer(2, vec![("t-1", Part::of(batch(0, 100)))]);
    let mut calls = 0;
    while let Ok(some) = bench.collect(5) {
        assert!(!some.is_empty());
        calls += 1;
    }
    assert_eq!(calls, 1, "the damage comes right after the sound records");
    assert_eq!(bench.collected(2), ["t-1@0", "t-1@1"]);
}

#[test]
fn other_partitions_go_on_while_one_is_damaged() {
    let mut bench = reading(2);
    for round in 0..4 {
        let parts = vec![
            ("t-0", Part::of(damaged(&batch(0, 2)))),
            ("t-1", Part::of(batch(round, 1))),
        ];
        bench.answer(1, parts);
        assert!(bench.collect(500).is_err());
        assert_eq!(bench.collected(500), [format!("t-1@{round}")]);
        bench.run();
    }
}

#[test]
fn checksums_are_not_compared_if_that_is_switched_off() {
    let mut bench = reading_with(&[("check.crcs", "false")], &[1]);
    let sound = batch(0, 2);
    let mut bytes = sound.to_vec();
    bytes[17] ^= 1;
    bench.answer(1, vec![("t-0", Part::of(Bytes::from(bytes)))]);
    assert_eq!(bench.collected(500), ["t-0@0", "t-0@1"]);
}

#[test]
fn a_record_that_lies_about_its_length_is_found_without_a_checksum_too() {
    let mut bench = reading_with(&[("check.crcs", "false")], &[1]);
    let mut bytes = batch(0, 2).to_vec();
    // The first byte of the first record is its length.
    bytes[61] = 0x7e;
    bench.answer(1, vec![("t-0", Part::of(Bytes::from(bytes)))]);
    assert!(collected_until_error(&mut bench).is_empty());
    assert_eq!(bench.position("t-0"), Some(0));
}

#[test]
fn bytes_that_are_no_batch_are_damage() {
    let mut bench = reading(1);
    bench.answer(1, vec![("t-0", Part::of(Bytes::from(vec![0; 100])))]);
    assert!(collected_until_error(&mut bench).is_empty());
}

#[test]
fn an_answer_without_one_whole_batch_is_an_error_and_not_a_loop() {
    let mut bench = reading(1);
    let whole = batch(0, 2);
    bench.answer(1, vec![("t-0", Part::of(whole.slice(..30)))]);
    assert_eq!(bench.fetches(), [""; 0]);
    let error = bench.collect(500).unwrap_err();
    assert_eq!(error.topic_partition(), Some(&tp("t-0")));
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
}

#[test]
fn an_answer_with_nothing_but_older_records_is_an_error_and_not_a_loop() {
    let mut bench = reading(1);
    bench.seek("t-0", 5);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 5)))]);
    let error = bench.collect(500).unwrap_err();
    assert_eq!(error.topic_partition(), Some(&tp("t-0")));
    assert_eq!(bench.position("t-0"), Some(5));
    bench.pass(2_000);
    assert_eq!(bench.fetches(), ["1: t-0@5"], "it is asked for again");
}
