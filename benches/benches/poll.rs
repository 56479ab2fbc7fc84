//! What the consumer costs from socket to record, with the embedded broker at the other end: the
//! processor time of the polling thread alone, for each record.

mod common;

use std::hint::black_box;
use std::time::Duration;

use common::CpuTime;
use criterion::{BenchmarkId, Criterion, Throughput};
use weft_benches::shape::{BatchSource, Shape};
use weft_benches::touch;
use weft_client::record::Compression;
use weft_client::{Offset, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig};
use weft_testcontainers::mock::MockCluster;

/// Records in the partition that is read again and again.
const RECORDS: u64 = 200_000;

fn poll(c: &mut Criterion<CpuTime>) {
    let cluster = MockCluster::builder()
        .start()
        .expect("loopback has free ports");
    let mut group = c.benchmark_group("poll");
    group.throughput(Throughput::Elements(RECORDS));
    for shape in [Shape::Values(10), Shape::Values(100), Shape::KeyAndHeaders] {
        let topic = format!("shape-{shape}");
        cluster.create_topic(&topic, 1).expect("the name is free");
        let mut source = BatchSource::new(shape, Compression::None, 1);
        let mut left = RECORDS;
        while left > 0 {
            let (batch, count) = source.next_batch(left).expect("batches can be made");
            cluster
                .append(&topic, 0, batch)
                .expect("the topic is there");
            left -= count;
        }
        let consumer = consumer(&cluster.bootstrap());
        let partition = TopicPartition::new(topic.as_str(), 0);
        consumer
            .assign([partition.clone()])
            .expect("nothing else is assigned");
        group.bench_function(BenchmarkId::from_parameter(shape), |b| {
            b.iter(|| drain(&consumer, &partition));
        });
    }
}

fn consumer(bootstrap: &str) -> Consumer {
    let config = ConsumerConfig::builder()
        .bootstrap_servers(bootstrap)
        .build()
        .expect("the options are sound");
    Consumer::new(config).expect("the system lets us wait for sockets")
}

fn drain(consumer: &Consumer, partition: &TopicPartition) -> u64 {
    consumer
        .seek(partition, Offset::ZERO)
        .expect("the partition is assigned");
    let mut count = 0;
    let mut sum = 0_u64;
    while count < RECORDS {
        let records = consumer
            .poll(Duration::from_secs(5))
            .expect("the embedded broker serves");
        for run in records.runs() {
            for record in run.slice() {
                sum = sum.wrapping_add(touch::value(&record));
            }
        }
        count += records.count() as u64;
    }
    black_box(sum)
}

fn main() {
    let mut criterion = common::criterion();
    poll(&mut criterion);
    criterion.final_summary();
}
