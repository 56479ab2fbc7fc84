//! A second consumer that only asks: is there such a topic, where does it end, and how far has the
//! group come.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::{Error, ErrorKind, Offset, TopicName, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig};

use crate::options::Options;

pub(crate) struct Probe {
    consumer: Consumer,
    partitions: BTreeSet<TopicPartition>,
    beginnings: BTreeMap<TopicPartition, Offset>,
    ends: BTreeMap<TopicPartition, Offset>,
    committed_at_start: u64,
}

impl Probe {
    /// Asks the cluster, so that whatever is wrong shows before any thread is started.
    pub(crate) fn open(options: &Options, config: &ConsumerConfig) -> Result<Self, Error> {
        let mut config = config.clone();
        config.client.default_api_timeout = options.timeout();
        config.group_instance_id = None;
        let explain =
            |error: Error| error.with_context(format!("cannot consume from {}", options.bootstrap));
        let consumer = Consumer::new(config).map_err(explain)?;
        let topic = TopicName::from(options.topic.as_str());
        let partitions = consumer.partitions_for(&topic).map_err(explain)?;
        if partitions.is_empty() {
            let text = format!("no topic {topic} is known at {}", options.bootstrap);
            return Err(Error::new(ErrorKind::UnknownTopicOrPartition, text));
        }
        let partitions = partitions.into_iter().map(|found| found.topic_partition);
        let partitions = partitions.collect();
        let beginnings = consumer.beginning_offsets(&partitions).map_err(explain)?;
        let ends = consumer.end_offsets(&partitions).map_err(explain)?;
        let mut probe = Self {
            consumer,
            partitions,
            beginnings,
            ends,
            committed_at_start: 0,
        };
        probe.committed_at_start = probe.committed().map_err(explain)?;
        Ok(probe)
    }

    /// The number of partitions.
    pub(crate) fn partitions(&self) -> usize {
        self.partitions.len()
    }

    /// Whether the group has committed the end that every partition had at the start.
    pub(crate) fn is_at_end(&self) -> Result<bool, Error> {
        let committed = self.consumer.committed(&self.partitions)?;
        Ok(self.ends.iter().all(|(partition, end)| {
            let reached = committed.get(partition).and_then(Option::as_ref);
            self.beginnings.get(partition) == Some(end)
                || reached.is_some_and(|at| at.offset >= *end)
        }))
    }

    /// The offsets that the group committed, counted from the beginning of each partition.
    fn committed(&self) -> Result<u64, Error> {
        let committed = self.consumer.committed(&self.partitions)?;
        let beginning = |partition| self.beginnings.get(partition).map_or(0, |at| at.value());
        let offsets = committed.iter().filter_map(|(partition, at)| {
            let distance = at.as_ref()?.offset.value() - beginning(partition);
            u64::try_from(distance).ok()
        });
        Ok(offsets.sum())
    }

    /// By how many offsets the group has moved since the start, as far as that is known.
    pub(crate) fn progress(&self) -> Option<u64> {
        let committed = self.committed().ok()?;
        committed.checked_sub(self.committed_at_start)
    }
}
