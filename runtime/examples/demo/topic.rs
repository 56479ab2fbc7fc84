//! The topic: made and filled, or found.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use indicatif::ProgressBar;
use weft_client::admin::{Admin, NewTopic, OffsetSpec};
use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::{ClientConfig, Error, ErrorKind, Offset, TopicName, TopicPartition};

use crate::options::Options;
use crate::table::progress_style;

/// A topic between the offsets that it had when it was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: TopicName,
    pub(crate) ranges: BTreeMap<TopicPartition, (Offset, Offset)>,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, partitions) = (&self.name, self.ranges.len());
        let offsets = self.offsets();
        write!(
            f,
            "topic {name}: {partitions} partitions, {offsets} offsets to read"
        )
    }
}

impl Topic {
    /// Creates the demo's topic and writes to it.
    pub(crate) fn make(options: &Options, bootstrap: &str) -> Result<Self, Error> {
        let name = TopicName::new("weft-demo");
        let mut admin = admin(options, bootstrap)?;
        admin.create_topic(&NewTopic::new(name.clone(), PARTITIONS).replication_factor(1))?;
        fill(options, bootstrap, &name)?;
        Self::measure(&mut admin, name)
    }

    /// Looks at a topic that is there already.
    pub(crate) fn find(options: &Options, bootstrap: &str) -> Result<Self, Error> {
        let name = TopicName::new(options.topic.as_deref().unwrap_or_default());
        let mut admin = admin(options, bootstrap)?;
        let explain = |error: Error| error.with_context(format!("cannot use {bootstrap}"));
        let topics = admin.list_topics().map_err(explain)?;
        if !topics.contains_key(&name) {
            let text = format!("no topic {name} is known at {bootstrap}");
            return Err(Error::new(ErrorKind::UnknownTopicOrPartition, text));
        }
        Self::measure(&mut admin, name).map_err(explain)
    }

    /// How many offsets there are to read.
    pub(crate) fn offsets(&self) -> u64 {
        let lengths = self.ranges.values();
        lengths
            .map(|(begin, end)| u64::try_from(end.value() - begin.value()).unwrap_or(0))
            .sum()
    }

    fn measure(admin: &mut Admin, name: TopicName) -> Result<Self, Error> {
        let described = admin.describe_topics(std::slice::from_ref(&name))?;
        let partitions: Vec<TopicPartition> = described
            .values()
            .flat_map(|topic| topic.partitions.keys())
            .map(|number| TopicPartition::new(name.clone(), *number))
            .collect();
        let begins = admin.offsets(&partitions, OffsetSpec::Earliest)?;
        let ends = admin.offsets(&partitions, OffsetSpec::Latest)?;
        let ranges = ends
            .into_iter()
            .filter_map(|(partition, end)| {
                let begin = *begins.get(&partition)?;
                Some((partition, (begin, end)))
            })
            .collect();
        Ok(Self { name, ranges })
    }
}

fn admin(options: &Options, bootstrap: &str) -> Result<Admin, Error> {
    let config = ClientConfig::builder()
        .bootstrap_servers(bootstrap)
        .default_api_timeout(options.timeout())
        .build()?;
    Admin::new(config)
}

fn fill(options: &Options, bootstrap: &str, name: &TopicName) -> Result<(), Error> {
    let config = ProducerConfig::builder()
        .set("bootstrap.servers", bootstrap)
        .set("batch.size", "65536")
        .build()?;
    let producer = Producer::new(config)?;
    let bar = ProgressBar::new(options.records).with_style(progress_style());
    bar.set_message("producing");
    let value = [b'.'; VALUE_BYTES];
    for number in 0..options.records {
        let key = format!("key-{:06}", number % KEYS);
        let record = ProducerRecord::to(name.clone())
            .key(key)
            .value(value.to_vec());
        producer.send_and_forget(record)?;
        if number % 1000 == 0 {
            bar.set_position(number);
        }
    }
    producer.flush(FLUSH_TIMEOUT)?;
    bar.finish();
    producer.close(FLUSH_TIMEOUT)
}

const PARTITIONS: i32 = 12;
const KEYS: u64 = 10_000;
const VALUE_BYTES: usize = 100;
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);
