//! A cluster as the scenarios need it, and topics with records on it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::{Offset, TopicName, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig};

pub(crate) struct Cluster<'a> {
    pub(crate) bootstrap: String,
    /// Makes a topic of this name with so many partitions.
    pub(crate) create_topic: &'a dyn Fn(&str, usize),
}

/// Records have one of so many keys.
const KEYS: usize = 100;

impl Cluster<'_> {
    /// A new topic with records spread over its partitions by key; returns its name.
    pub(crate) fn fill(&self, name: &str, partitions: usize, records: usize) -> String {
        static TOPICS: AtomicU32 = AtomicU32::new(0);
        let number = TOPICS.fetch_add(1, Ordering::Relaxed);
        let topic = format!("{name}-{number}-{}", std::process::id());
        (self.create_topic)(&topic, partitions);
        let config = ProducerConfig::builder()
            .set("bootstrap.servers", &self.bootstrap)
            .build()
            .unwrap();
        let producer = Producer::new(config).unwrap();
        for number in 0..records {
            let record = ProducerRecord::to(topic.as_str())
                .partition((number % partitions) as i32)
                .key(format!("key-{}", number * 7 / partitions % KEYS))
                .value(number.to_string());
            producer.send_and_forget(record).unwrap();
        }
        producer.close(Duration::from_secs(30)).unwrap();
        topic
    }

    fn ask<T>(
        config: &ConsumerConfig,
        topic: &str,
        question: impl Fn(&Consumer, &BTreeSet<TopicPartition>) -> T,
    ) -> T {
        let consumer = Consumer::new(config.clone()).unwrap();
        let partitions = consumer.partitions_for(&TopicName::from(topic)).unwrap();
        let partitions = partitions.into_iter().map(|found| found.topic_partition);
        let answer = question(&consumer, &partitions.collect());
        consumer.close().unwrap();
        answer
    }

    /// How many records lie beyond what the group committed.
    pub(crate) fn behind(&self, config: &ConsumerConfig, topic: &str) -> u64 {
        Self::ask(config, topic, |consumer, partitions| {
            let committed = consumer.committed(partitions).unwrap();
            let ends = consumer.end_offsets(partitions).unwrap();
            ends.iter()
                .map(|(partition, end)| {
                    let at = committed.get(partition).and_then(Option::as_ref);
                    (end.value() - at.map_or(0, |at| at.offset.value())) as u64
                })
                .sum()
        })
    }

    /// What the group committed for a partition.
    pub(crate) fn committed(
        &self,
        config: &ConsumerConfig,
        topic: &str,
        partition: i32,
    ) -> Option<Offset> {
        let wanted = TopicPartition::new(topic, partition);
        Self::ask(config, topic, |consumer, partitions| {
            let committed = consumer.committed(partitions).unwrap();
            committed.get(&wanted)?.as_ref().map(|at| at.offset)
        })
    }
}
