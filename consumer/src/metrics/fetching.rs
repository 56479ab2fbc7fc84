//! What fetches bring: sizes, records, latencies, and how far each partition is from its end.
//!
//! A fetch counts once all that it brought was handed out or dropped, as Kafka counts it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use weft_client::{NodeId, TopicName, TopicPartition};

use super::definition::FETCH;
use super::polling::milliseconds;
use super::sampled::{Sampled, Windowing};
use super::snapshot::Sink;

/// What of an answer was handed to the user, by topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Consumed {
    pub(crate) by_topic: Vec<(TopicName, Amount)>,
}

/// Records and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) records: u64,
    /// Uncompressed, lengths included.
    pub(crate) bytes: u64,
}

impl Consumed {
    /// Adds what was handed out of one partition.
    pub(crate) fn add(&mut self, topic: &TopicName, amount: Amount) {
        let mut known = self.by_topic.iter_mut();
        match known.find(|(name, _)| name == topic) {
            Some((_, sum)) => {
                sum.records += amount.records;
                sum.bytes += amount.bytes;
            }
            None => self.by_topic.push((topic.clone(), amount)),
        }
    }
}

/// Where a partition stands after records of it were handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) topic_partition: TopicPartition,
    /// Records between the position and the end.
    pub(crate) lag: Option<u64>,
    /// Records between the beginning and the position.
    pub(crate) lead: Option<u64>,
    /// The follower that is read from.
    pub(crate) replica: Option<NodeId>,
}

#[derive(Clone, Debug, Default)]
struct Amounts {
    bytes: Sampled,
    records: Sampled,
}

#[derive(Clone, Debug, Default)]
struct Partition {
    last_lag: Option<u64>,
    lag: Sampled,
    last_lead: Option<u64>,
    lead: Sampled,
    replica: Option<NodeId>,
}

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetching {
    latency: Sampled,
    throttle: Sampled,
    whole: Amounts,
    lag: Sampled,
    lead: Sampled,
    topics: BTreeMap<TopicName, Amounts>,
    partitions: BTreeMap<TopicPartition, Partition>,
}

impl Fetching {
    pub(super) fn answered(
        &mut self,
        windowing: Windowing,
        now: Instant,
        latency: Duration,
        throttle: Duration,
    ) {
        self.latency.record(windowing, now, milliseconds(latency));
        self.throttle.record(windowing, now, milliseconds(throttle));
    }

    pub(super) fn consumed(&mut self, windowing: Windowing, now: Instant, consumed: &Consumed) {
        let mut whole = Amount::default();
        for (topic, amount) in &consumed.by_topic {
            whole.records += amount.records;
            whole.bytes += amount.bytes;
            if !self.topics.contains_key(topic) {
                self.topics.insert(topic.clone(), Amounts::default());
            }
            if let Some(amounts) = self.topics.get_mut(topic) {
                amounts.add(windowing, now, *amount);
            }
        }
        self.whole.add(windowing, now, whole);
    }

    pub(super) fn stands(&mut self, windowing: Windowing, now: Instant, standing: &Standing) {
        let Some(partition) = self.partitions.get_mut(&standing.topic_partition) else {
            return;
        };
        if let Some(lag) = standing.lag {
            partition.last_lag = Some(lag);
            partition.lag.record(windowing, now, lag as f64);
            self.lag.record(windowing, now, lag as f64);
        }
        if let Some(lead) = standing.lead {
            partition.last_lead = Some(lead);
            partition.lead.record(windowing, now, lead as f64);
            self.lead.record(windowing, now, lead as f64);
        }
        partition.replica = standing.replica;
    }

    /// Keeps what is told of partitions, and of their topics, to those that are assigned.
    pub(super) fn assigned(&mut self, assignment: &BTreeSet<TopicPartition>) {
        self.partitions.retain(|name, _| assignment.contains(name));
        for name in assignment {
            if !self.partitions.contains_key(name) {
                self.partitions.insert(name.clone(), Partition::default());
            }
        }
        let topics: BTreeSet<&TopicName> = assignment.iter().map(TopicPartition::topic).collect();
        self.topics.retain(|topic, _| topics.contains(topic));
    }

    pub(super) fn read(&self, windowing: Windowing, now: Instant, sink: &mut Sink) {
        self.whole.read(windowing, now, sink);
        let mut put = |name, value| sink.put(FETCH, name, value);
        put("fetch-latency-avg", self.latency.average(windowing, now));
        put("fetch-latency-max", self.latency.maximum(windowing, now));
        put("fetch-rate", self.latency.occurrence_rate(windowing, now));
        put("fetch-total", self.latency.count_total());
        put("records-lag-max", self.lag.maximum(windowing, now));
        put("records-lead-min", self.lead.minimum(windowing, now));
        put(
            "fetch-throttle-time-avg",
            self.throttle.average(windowing, now),
        );
        put(
            "fetch-throttle-time-max",
            self.throttle.maximum(windowing, now),
        );
        for (topic, amounts) in &self.topics {
            sink.tagged(&[("topic", topic.as_str())]);
            amounts.read(windowing, now, sink);
        }
        for (name, partition) in &self.partitions {
            let number = name.partition().to_string();
            sink.tagged(&[("topic", name.topic().as_str()), ("partition", &number)]);
            partition.read(windowing, now, sink);
        }
        sink.tagged(&[]);
    }
}

impl Amounts {
    fn add(&mut self, windowing: Windowing, now: Instant, amount: Amount) {
        self.bytes.record(windowing, now, amount.bytes as f64);
        self.records.record(windowing, now, amount.records as f64);
    }

    fn read(&self, windowing: Windowing, now: Instant, sink: &mut Sink) {
        let mut put = |name, value| sink.put(FETCH, name, value);
        put("fetch-size-avg", self.bytes.average(windowing, now));
        put("fetch-size-max", self.bytes.maximum(windowing, now));
        put("bytes-consumed-rate", self.bytes.rate(windowing, now));
        put("bytes-consumed-total", self.bytes.sum_total());
        put(
            "records-per-request-avg",
            self.records.average(windowing, now),
        );
        put("records-consumed-rate", self.records.rate(windowing, now));
        put("records-consumed-total", self.records.sum_total());
    }
}

impl Partition {
    fn read(&self, windowing: Windowing, now: Instant, sink: &mut Sink) {
        let number = |last: Option<u64>| last.map_or(f64::NAN, |last| last as f64);
        let mut put = |name, value| sink.put(FETCH, name, value);
        put("records-lag", number(self.last_lag));
        put("records-lag-avg", self.lag.average(windowing, now));
        put("records-lag-max", self.lag.maximum(windowing, now));
        put("records-lead", number(self.last_lead));
        put("records-lead-avg", self.lead.average(windowing, now));
        put("records-lead-min", self.lead.minimum(windowing, now));
        let replica = self.replica.map_or(-1, NodeId::value);
        put("preferred-read-replica", f64::from(replica));
    }
}
