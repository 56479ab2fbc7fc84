//! What `poll` allocates while records wait: nothing for each of them, and the same few things for
//! each call, however many it returns.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::time::Duration;

use weft_client::TopicPartition;
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_consumer::{Consumer, ConsumerConfig};
use weft_testcontainers::mock::MockCluster;

/// The allocations of one poll that returns so many records from the middle of a batch, each of
/// which is looked at.
fn allocations(mock: &MockCluster, records: usize) -> u64 {
    let config = ConsumerConfig::builder()
        .bootstrap_servers(mock.bootstrap())
        .set("auto.offset.reset", "earliest")
        .set("max.poll.records", &records.to_string())
        .build()
        .unwrap();
    let consumer = Consumer::new(config).unwrap();
    consumer.assign([TopicPartition::new("t", 0)]).unwrap();
    while consumer.poll(Duration::from_secs(10)).unwrap().is_empty() {}
    let mut allocated = Vec::new();
    for _ in 0..ROUNDS {
        let mut seen = (0, 0);
        let used = allocation_counter::measure(|| {
            let polled = consumer.poll(Duration::ZERO).unwrap();
            for record in &polled {
                seen.0 += 1;
                seen.1 += record.value().map_or(0, <[u8]>::len);
                seen.1 += record
                    .headers()
                    .iter()
                    .map(|h| h.key().len())
                    .sum::<usize>();
            }
        });
        assert_eq!(seen, (records, records * 110), "all of them were looked at");
        allocated.push(used.count_total);
    }
    // A poll now and then has something else to do besides.
    *allocated.iter().min().unwrap()
}

#[test]
fn polling_what_waits_allocates_nothing_for_a_record_and_little_for_a_call() {
    let mock = MockCluster::builder().topic("t", 1).start().unwrap();
    let mut builder = BatchBuilder::new();
    for _ in 0..20_000 {
        let header = weft_client::record::Header::new(b"0123456789", None);
        builder.append(0, None, Some(&[7; 100]), &[header]).unwrap();
    }
    let batch = builder.build(Compression::None, &mut Compressor::default());
    mock.append("t", 0, batch.unwrap()).unwrap();
    let (few, many) = (allocations(&mock, 10), allocations(&mock, 1_000));
    println!("{few} allocations for 10 records, {many} for 1000");
    assert_eq!(few, many, "none for a record");
    assert!(many <= CALL_MAX, "{many} for a call");
}

const ROUNDS: usize = 10;

/// The list of runs, and the map of the next offsets.
const CALL_MAX: u64 = 2;
