//! The topics that records were sent to: their partitions, and which of them a record goes to.
//!
//! It decides which topics metadata has to be asked for, and when a refusal by the brokers ends a
//! caller's wait. It never holds records.

use std::collections::HashMap;

use super::partitioner::{Sticky, place_of};
use super::record::ProducerRecord;
use crate::backoff::Random;
use crate::cluster::{ClusterSnapshot, TopicSnapshot};
use crate::error::Error;
use crate::ids::{TopicName, TopicPartition};
use crate::wire::{Context, Reaction, reaction};

/// All topics that records were sent to.
#[derive(Debug)]
pub(super) struct Topics {
    by_name: HashMap<TopicName, Topic>,
    /// Topics that metadata has to be asked for.
    wanted: Vec<TopicName>,
    /// How often metadata was learnt.
    version: u64,
    random: Random,
}

/// What is known of one topic.
#[derive(Debug, Default)]
struct Topic {
    /// The partitions in the order of their numbers, with their queues.
    places: Vec<(i32, usize)>,
    /// The places whose partition has a leader.
    led: Vec<usize>,
    sticky: Sticky,
    refused: Option<Refused>,
}

/// What the brokers last answered instead of a description.
#[derive(Debug)]
struct Refused {
    at_version: u64,
    error: Error,
    is_final: bool,
}

impl Topics {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            by_name: HashMap::new(),
            wanted: Vec::new(),
            version: 0,
            random: Random::new(seed),
        }
    }

    /// How often metadata was learnt.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// The queue for a record; `None` while metadata does not name its partition. Refusals by
    /// brokers count if they came after version `since`.
    pub(super) fn find(
        &mut self,
        record: &ProducerRecord,
        since: u64,
    ) -> Result<Option<usize>, Error> {
        let Some(topic) = self.by_name.get_mut(record.topic.as_str()) else {
            self.by_name.insert(record.topic.clone(), Topic::default());
            self.wanted.push(record.topic.clone());
            return Ok(None);
        };
        if let Some(place) = topic.place(record, &mut self.random) {
            return Ok(Some(topic.places[place].1));
        }
        let refused = topic.refused.as_ref();
        match refused.filter(|refused| refused.is_final && refused.at_version > since) {
            Some(refused) => Err(refused.error.clone()),
            None => {
                if !self.wanted.contains(&record.topic) {
                    self.wanted.push(record.topic.clone());
                }
                Ok(None)
            }
        }
    }

    /// Why metadata does not name the record's partition, as far as the brokers said.
    pub(super) fn refusal(&self, record: &ProducerRecord) -> Option<&Error> {
        let topic = self.by_name.get(record.topic.as_str())?;
        topic.refused.as_ref().map(|refused| &refused.error)
    }

    /// The place where records without key gather.
    pub(super) fn sticky(&mut self, name: &TopicName) -> Option<&mut Sticky> {
        let topic = self.by_name.get_mut(name.as_str())?;
        Some(&mut topic.sticky)
    }

    /// The topics that metadata has to be asked for since the last call.
    pub(super) fn take_wanted(&mut self) -> Vec<TopicName> {
        std::mem::take(&mut self.wanted)
    }

    /// Learns which partitions there are; `queue` makes a queue for a new one.
    pub(super) fn learn(
        &mut self,
        snapshot: &ClusterSnapshot,
        queue: &mut dyn FnMut(TopicPartition) -> usize,
    ) {
        self.version += 1;
        for (name, topic) in &mut self.by_name {
            if let Some(known) = snapshot.topic(name.as_str()) {
                topic.learn(name, known, queue);
            } else if let Some(code) = snapshot.topic_error(name.as_str()) {
                let reaction = reaction(Context::Metadata, code);
                let text = format!("the brokers refuse to describe topic {name}: {code}");
                topic.refused = Some(Refused {
                    at_version: self.version,
                    error: Error::broker(code, text).with_topics([name.clone()]),
                    is_final: !matches!(reaction, Reaction::RefreshMetadata | Reaction::Retry),
                });
            }
        }
    }
}

impl Topic {
    fn place(&mut self, record: &ProducerRecord, random: &mut Random) -> Option<usize> {
        let count = self.places.len();
        match (record.partition, &record.key) {
            (Some(number), _) => self.place_of(number).ok(),
            _ if count == 0 => None,
            (None, Some(key)) => Some(place_of(key, count)),
            (None, None) => Some(self.sticky.place(count, &self.led, random)),
        }
    }

    fn place_of(&self, number: i32) -> Result<usize, usize> {
        self.places
            .binary_search_by_key(&number, |(number, _)| *number)
    }

    fn learn(
        &mut self,
        name: &TopicName,
        known: &TopicSnapshot,
        queue: &mut dyn FnMut(TopicPartition) -> usize,
    ) {
        self.refused = None;
        for number in known.partitions.keys() {
            if let Err(place) = self.place_of(*number) {
                let queue = queue(TopicPartition::new(name.clone(), *number));
                self.places.insert(place, (*number, queue));
                self.sticky.leave();
            }
        }
        let is_led = |number| {
            let partition = known.partitions.get(number);
            partition.is_some_and(|partition| partition.current_leader().is_some())
        };
        let places = self.places.iter().enumerate();
        let led = places.filter(|(_, (number, _))| is_led(number));
        self.led = led.map(|(place, _)| place).collect();
    }
}
