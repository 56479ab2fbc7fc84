//! The metrics as a user reads them, all of one moment.

use std::fmt;
use std::sync::Arc;

use super::definition::{Definition, definition};

/// The value of a metric.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MetricValue {
    /// A number; averages and extremes are NaN while there is nothing to take them of.
    Number(f64),
    /// A text, such as a version.
    Text(Arc<str>),
}

/// One metric at one moment (Kafka's `KafkaMetric`).
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    definition: &'static Definition,
    tags: Vec<(&'static str, Arc<str>)>,
    value: MetricValue,
}

impl Metric {
    /// Kafka's name for it, such as `records-lag-max`.
    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    /// Kafka's name for its group, such as `consumer-fetch-manager-metrics`.
    pub fn group(&self) -> &'static str {
        self.definition.group
    }

    /// What it says, in a sentence, with the unit.
    pub fn description(&self) -> &'static str {
        self.definition.description
    }

    /// Whom it is about: `client-id` always, then `topic`, `partition` or `node-id`.
    pub fn tags(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.tags.iter().map(|(tag, value)| (*tag, &**value))
    }

    /// The value of a tag.
    pub fn tag(&self, name: &str) -> Option<&str> {
        let mut tags = self.tags();
        tags.find(|(tag, _)| *tag == name).map(|(_, value)| value)
    }

    /// The value.
    pub fn value(&self) -> &MetricValue {
        &self.value
    }

    /// The value, if it is a number.
    pub fn number(&self) -> Option<f64> {
        match self.value {
            MetricValue::Number(number) => Some(number),
            MetricValue::Text(_) => None,
        }
    }
}

/// `group{tag=value,...}/name = value`.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{", self.group())?;
        for (index, (tag, value)) in self.tags().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{tag}={value}")?;
        }
        write!(f, "}}/{} = ", self.name())?;
        match &self.value {
            MetricValue::Number(number) => write!(f, "{number}"),
            MetricValue::Text(text) => f.write_str(text),
        }
    }
}

/// All metrics of a consumer at one moment. `docs/metrics.md` lists what there can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    all: Vec<Metric>,
}

impl Metrics {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Metric> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The number that a metric of the consumer as a whole has: one whose only tag is `client-id`.
    pub fn number(&self, group: &str, name: &str) -> Option<f64> {
        self.tagged(group, name, &[])
    }

    /// The number that a metric has whose tags, besides `client-id`, are just these.
    pub fn tagged(&self, group: &str, name: &str, tags: &[(&str, &str)]) -> Option<f64> {
        let metric = self.all.iter().find(|metric| {
            metric.name() == name
                && metric.group() == group
                && metric.tags.len() == tags.len() + 1
                && tags
                    .iter()
                    .all(|(tag, value)| metric.tag(tag) == Some(*value))
        });
        metric?.number()
    }
}

impl<'a> IntoIterator for &'a Metrics {
    type Item = &'a Metric;
    type IntoIter = std::slice::Iter<'a, Metric>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

/// Collects metrics; those put after [`tagged`](Self::tagged) carry its tags.
#[derive(Debug)]
pub(super) struct Sink {
    client_id: Arc<str>,
    tags: Vec<(&'static str, Arc<str>)>,
    all: Vec<Metric>,
}

impl Sink {
    pub(super) fn new(client_id: Arc<str>) -> Self {
        Self {
            client_id,
            tags: Vec::new(),
            all: Vec::new(),
        }
    }

    pub(super) fn tagged(&mut self, tags: &[(&'static str, &str)]) {
        let tags = tags.iter().map(|(tag, value)| (*tag, Arc::from(*value)));
        self.tags = tags.collect();
    }

    pub(super) fn put(&mut self, group: &str, name: &str, value: f64) {
        self.put_value(group, name, MetricValue::Number(value));
    }

    pub(super) fn put_value(&mut self, group: &str, name: &str, value: MetricValue) {
        let names: Vec<&str> = self.tags.iter().map(|(tag, _)| *tag).collect();
        let definition = definition(group, &names, name);
        debug_assert!(
            definition.is_some(),
            "{group} {name} {names:?} is undefined"
        );
        let Some(definition) = definition else {
            return;
        };
        let client = ("client-id", Arc::clone(&self.client_id));
        let tags = std::iter::once(client).chain(self.tags.iter().cloned());
        self.all.push(Metric {
            definition,
            tags: tags.collect(),
            value,
        });
    }

    /// How many were put so far.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn finish(self) -> Metrics {
        Metrics { all: self.all }
    }
}
