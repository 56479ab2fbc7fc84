use std::collections::BTreeMap;

use bytes::Bytes;
use weft_client::TopicPartition;
use weft_client::backoff::Random;
use weft_client::wire::{ApiKey, Request, Response};

use super::bench::{Bench, reading_with, tps};
use super::cluster::{Part, batch, joined, large};

#[test]
fn a_fetch_asks_for_no_more_than_its_option_allows() {
    let mut bench = reading_with(&[("fetch.max.bytes", "5000")], &[1]);
    assert_eq!(bench.fetch_request(1).max_bytes, 5_000);
}

#[test]
fn paused_data_does_not_keep_other_partitions_from_being_fetched() {
    let mut bench = reading_with(&[("fetch.max.bytes", "1000")], &[1, 1]);
    bench.answer(1, vec![("t-0", Part::of(large(0, 900)))]);
    bench.answer(1, vec![("t-0", Part::of(large(1, 900)))]);
    bench.core.pause(&tps(&["t-0"])).unwrap();
    assert!(bench.collected(500).is_empty());
    assert_eq!(bench.fetches(), ["1: t-1@0"]);
    assert!(bench.fetch_request(1).max_bytes >= 1_000);
    assert!(bench.core.buffered_bytes() <= 1_000);
    bench.core.resume(&tps(&["t-0"])).unwrap();
    let mut all = bench.collected(500);
    if all.is_empty() {
        bench.answer(1, vec![]);
        bench.answer(1, vec![("t-0", Part::of(large(0, 900)))]);
        all = bench.collected(500);
    }
    assert_eq!(all[0], "t-0@0", "nothing was skipped");
}

#[test]
fn paused_data_within_half_of_the_limit_is_kept() {
    let mut bench = reading_with(&[("fetch.max.bytes", "1000")], &[1, 1]);
    bench.answer(1, vec![("t-0", Part::of(large(0, 900)))]);
    bench.core.pause(&tps(&["t-0"])).unwrap();
    bench.run();
    bench.core.resume(&tps(&["t-0"])).unwrap();
    assert_eq!(bench.collected(500), ["t-0@0"]);
}

#[test]
fn the_bytes_of_an_answer_count_until_its_last_part_is_gone() {
    let mut bench = reading_with(&[], &[1, 1]);
    let parts = vec![
        ("t-0", Part::of(batch(0, 2))),
        ("t-1", Part::of(batch(0, 3))),
    ];
    bench.answer(1, parts);
    let all = bench.core.buffered_bytes();
    assert!(all > 2 * 61);
    assert_eq!(bench.collected(3).len(), 3);
    assert_eq!(bench.core.buffered_bytes(), all);
    bench.collected(500);
    assert_eq!(bench.core.buffered_bytes(), 0);
}

#[test]
fn what_is_asked_of_one_node_is_not_asked_of_another_too() {
    let mut bench = reading_with(&[("fetch.max.bytes", "3000")], &[1, 2, 3]);
    let others = tps(&["t-1", "t-2"]);
    bench.core.pause(&others).unwrap();
    bench.answer(1, vec![("t-0", Part::of(large(0, 2_900)))]);
    bench.answer(1, vec![("t-0", Part::of(large(1, 2_900)))]);
    bench.core.resume(&others).unwrap();
    assert_eq!(bench.fetches(), [""; 0], "there is no room");
    assert_eq!(bench.collected(1), ["t-0@0"]);
    assert_eq!(bench.fetches(), ["2: t-1@0", "3: t-2@0"]);
    let asked = bench.fetch_request(2).max_bytes + bench.fetch_request(3).max_bytes;
    let waiting = i32::try_from(bench.core.buffered_bytes()).unwrap();
    assert!(asked + waiting <= 6_000, "{asked} and {waiting}");
}

#[test]
fn an_answer_on_its_way_counts_as_if_it_waited() {
    let mut bench = reading_with(&[("fetch.max.bytes", "3000")], &[1, 2]);
    bench.core.pause(&tps(&["t-1"])).unwrap();
    bench.answer(1, vec![("t-0", Part::of(large(0, 2_900)))]);
    assert_eq!(bench.fetches(), ["1: t-0@1"]);
    bench.core.resume(&tps(&["t-1"])).unwrap();
    assert_eq!(bench.fetches(), ["1: t-0@1"], "there is no room for more");
    bench.answer(1, vec![]);
    assert_eq!(bench.fetches(), ["2: t-1@0"], "node 1 has its share");
}

/// What one broker holds of each partition: so many records, in batches of random size.
struct Logs {
    random: Random,
    batches: BTreeMap<TopicPartition, Vec<(i64, Bytes)>>,
    largest: usize,
}

impl Logs {
    fn new(seed: u64, partitions: i32, records: i64) -> Self {
        let mut random = Random::new(seed);
        let mut batches = BTreeMap::new();
        let mut largest = 0;
        for number in 0..partitions {
            let mut log = Vec::new();
            let mut base = 0;
            while base < records {
                let count = 1 + (random.next_u64() % 30) as i64;
                let bytes = batch(base, count);
                largest = largest.max(bytes.len());
                base += count;
                log.push((base, bytes));
            }
            batches.insert(TopicPartition::new("t", number), log);
        }
        Self {
            random,
            batches,
            largest,
        }
    }

    /// Answers as a broker would: in the order of the request, up to its limits, the first batch
    /// whatever its size (KIP-74).
    fn answer(&mut self, bench: &mut Bench, node: i32) {
        let sent = bench.take(ApiKey::Fetch, node);
        let Request::Fetch(request) = &sent.request else {
            unreachable!("only fetches are taken")
        };
        let mut left = usize::try_from(request.max_bytes).unwrap();
        let mut parts = Vec::new();
        let mut is_first = true;
        for (name, offset) in bench.kept[&node].wanted.clone() {
            let mut partition_left = PARTITION_BYTES_MAX.min(left);
            let mut taken = Vec::new();
            for (_, bytes) in self.batches[&name].iter().filter(|(end, _)| *end > offset) {
                if bytes.len() > partition_left && !is_first {
                    break;
                }
                is_first = false;
                partition_left = partition_left.saturating_sub(bytes.len());
                left = left.saturating_sub(bytes.len());
                taken.push(bytes.clone());
            }
            if !taken.is_empty() {
                parts.push((name, Part::of(joined(&taken))));
            }
        }
        let response = bench.response(node, parts);
        bench.respond(&sent, Response::Fetch(response));
    }
}

#[test]
fn buffered_bytes_stay_within_the_limit_and_every_record_is_delivered_once_in_order() {
    for seed in 0..30 {
        let properties = [
            ("fetch.max.bytes", "3000"),
            (
                "max.partition.fetch.bytes",
                &PARTITION_BYTES_MAX.to_string(),
            ),
        ];
        let leaders = [1, 1, 1, 2, 2, 3, 3];
        let mut bench = reading_with(&properties, &leaders);
        let mut logs = Logs::new(seed, leaders.len() as i32, 300);
        let mut next: BTreeMap<String, i64> = BTreeMap::new();
        let mut paused = false;
        for _ in 0..20_000 {
            bench.run();
            match logs.random.next_u64() % 8 {
                0 => {
                    let all = tps(&["t-1", "t-3"]);
                    paused = !paused;
                    if paused {
                        bench.core.pause(&all).unwrap();
                    } else {
                        bench.core.resume(&all).unwrap();
                    }
                }
                1..4 if !bench.wire.is_empty() => {
                    let index = logs.random.next_u64() as usize % bench.wire.len();
                    let node = bench.wire[index].broker.id.value();
                    logs.answer(&mut bench, node);
                }
                _ => {
                    let budget = 1 + (logs.random.next_u64() % 40) as u32;
                    for record in &bench.collect(budget).unwrap() {
                        let expected = next
                            .entry(record.topic_partition().to_string())
                            .or_default();
                        assert_eq!(record.offset().value(), *expected, "seed {seed}");
                        *expected += 1;
                    }
                }
            }
            // Every node may exceed what it was asked for by one batch.
            let limit = 2 * 3_000 + 3 * logs.largest;
            let bytes = bench.core.buffered_bytes();
            assert!(bytes <= limit, "{bytes} bytes wait, seed {seed}");
            if !paused && next.len() == 7 && next.values().all(|next| *next >= 300) {
                break;
            }
        }
        let delivered: Vec<i64> = next.values().copied().collect();
        assert!(
            delivered.len() == 7 && delivered.iter().all(|next| *next >= 300),
            "{delivered:?}, seed {seed}"
        );
    }
}

const PARTITION_BYTES_MAX: usize = 1_200;
