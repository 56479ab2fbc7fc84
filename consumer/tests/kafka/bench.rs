//! The cluster that all tests share, its records, and members that say what they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::{Offset, TopicPartition};
use weft_consumer::{
    CallbackError, Consumer, ConsumerConfig, ConsumerRecords, Offsets, RebalanceConsumer,
    RebalanceListener,
};
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion, Prerequisites};

/// The cluster that all tests share; nothing if this machine cannot run one.
pub(crate) fn kafka() -> Option<&'static KafkaCluster> {
    match Prerequisites::check() {
        Ok(()) => Some(KafkaCluster::shared(KafkaVersion::V4_4_0).unwrap()),
        Err(error) if std::env::var_os("WEFT_REQUIRE_KAFKA").is_some() => panic!("{error}"),
        Err(error) => {
            println!("not run: {error}");
            None
        }
    }
}

/// Creates a topic and fills each of its partitions with records whose values are their offsets.
pub(crate) fn filled(kafka: &KafkaCluster, topic: &str, partitions: i32, records: i64) {
    kafka
        .create_topic(topic, partitions.unsigned_abs())
        .unwrap();
    fill(kafka, topic, partitions, 0..records);
}

pub(crate) fn fill(
    kafka: &KafkaCluster,
    topic: &str,
    partitions: i32,
    values: std::ops::Range<i64>,
) {
    let config = ProducerConfig::builder().bootstrap_servers(kafka.bootstrap());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    for partition in 0..partitions {
        for value in values.clone() {
            let record = ProducerRecord::to(topic).partition(partition);
            let record = record.timestamp(EPOCH_MS + value).value(value.to_string());
            producer.send_and_forget(record).unwrap();
        }
    }
    producer.close(PATIENCE).unwrap();
}

pub(crate) fn consumer(kafka: &KafkaCluster, options: &[(&str, &str)]) -> Consumer {
    consumer_at(&kafka.bootstrap(), options)
}

pub(crate) fn consumer_at(bootstrap: &str, options: &[(&str, &str)]) -> Consumer {
    let start = ConsumerConfig::builder()
        .bootstrap_servers(bootstrap)
        .set("auto.offset.reset", "earliest");
    let builder = options
        .iter()
        .fold(start, |b, (key, value)| b.set(key, value));
    Consumer::new(builder.build().unwrap()).unwrap()
}

/// A member that commits only what it is told to, with heartbeats that make rebalances quick.
pub(crate) fn member(kafka: &KafkaCluster, group: &str, options: &[(&str, &str)]) -> Consumer {
    let mut all = vec![
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("heartbeat.interval.ms", "200"),
        ("session.timeout.ms", "10000"),
        ("partition.assignment.strategy", "range"),
    ];
    all.extend_from_slice(options);
    consumer(kafka, &all)
}

pub(crate) fn tp(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

pub(crate) fn tps(topic: &str, partitions: &[i32]) -> BTreeSet<TopicPartition> {
    partitions.iter().map(|&number| tp(topic, number)).collect()
}

pub(crate) fn offsets(partition: &TopicPartition, offset: i64) -> Offsets {
    BTreeMap::from([(partition.clone(), Offset::new(offset).into())])
}

/// Checks that values are offsets, and appends what was read to the lists of its partitions.
pub(crate) fn note(records: &ConsumerRecords, read: &mut BTreeMap<TopicPartition, Vec<i64>>) {
    for record in records {
        let offset = record.offset().value();
        assert_eq!(record.value().unwrap(), offset.to_string().as_bytes());
        assert_eq!(record.timestamp(), EPOCH_MS + offset);
        read.entry(record.topic_partition().clone())
            .or_default()
            .push(offset);
    }
}

/// Polls until so many records were read.
pub(crate) fn read(consumer: &Consumer, count: usize) -> BTreeMap<TopicPartition, Vec<i64>> {
    let mut read = BTreeMap::new();
    let mut total = 0;
    until("records come", || {
        let records = consumer.poll(STEP).unwrap();
        total += records.count();
        note(&records, &mut read);
        total >= count
    });
    assert_eq!(total, count, "more was read than expected");
    read
}

pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began_at = Instant::now();
    while !is_so() {
        assert!(
            began_at.elapsed() < PATIENCE,
            "it did not happen that {what}"
        );
    }
}

/// Polls all of them in turn, none of them waiting for long.
pub(crate) fn poll_until(consumers: &[&Consumer], what: &str, mut is_so: impl FnMut() -> bool) {
    until(what, || {
        for consumer in consumers {
            consumer.poll(STEP).unwrap();
        }
        is_so()
    });
}

pub(crate) fn owns(consumer: &Consumer, topic: &str, partitions: &[i32]) -> bool {
    consumer.assignment().unwrap() == tps(topic, partitions)
}

pub(crate) type Act =
    Box<dyn FnMut(&RebalanceConsumer<'_>, &str) -> Result<(), CallbackError> + Send>;

/// Writes down what it is told, as `assigned 0 1`, and then acts.
pub(crate) struct Recorder {
    told: Arc<Mutex<Vec<String>>>,
    act: Act,
}

impl Recorder {
    pub(crate) fn new() -> (Self, Arc<Mutex<Vec<String>>>) {
        Self::acting(|_, _| Ok(()))
    }

    pub(crate) fn acting(
        act: impl FnMut(&RebalanceConsumer<'_>, &str) -> Result<(), CallbackError> + Send + 'static,
    ) -> (Self, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let recorder = Self {
            told: Arc::clone(&told),
            act: Box::new(act),
        };
        (recorder, told)
    }

    fn tell(
        &mut self,
        what: &str,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        let numbers = partitions.iter().map(|p| format!(" {}", p.partition()));
        self.told
            .lock()
            .unwrap()
            .push(format!("{what}{}", numbers.collect::<String>()));
        (self.act)(consumer, what)
    }
}

impl RebalanceListener for Recorder {
    fn on_partitions_revoked(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.tell("revoked", consumer, partitions)
    }

    fn on_partitions_assigned(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.tell("assigned", consumer, partitions)
    }

    fn on_partitions_lost(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.tell("lost", consumer, partitions)
    }
}

pub(crate) fn told(by: &Arc<Mutex<Vec<String>>>) -> Vec<String> {
    by.lock().unwrap().clone()
}

pub(crate) fn poll_for_error(consumer: &Consumer) -> weft_client::Error {
    let mut error = None;
    until("poll fails", || {
        error = consumer.poll(STEP).err();
        error.is_some()
    });
    error.unwrap()
}

/// Longer than anything here takes, on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long one poll of many waits.
pub(crate) const STEP: Duration = Duration::from_millis(50);

/// The timestamp of the record at offset 0.
pub(crate) const EPOCH_MS: i64 = 1_700_000_000_000;
