//! The topic to read, and between which offsets.

use std::collections::BTreeMap;

use weft_client::admin::{Admin, OffsetSpec};
use weft_client::{Error, ErrorKind, Offset, TopicName, TopicPartition};
use weft_consumer::ConsumerConfig;

/// A topic, between the offsets that its partitions had when it was looked at.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: TopicName,
    /// First offset and the one behind the last record. Empty partitions are left out.
    pub ranges: BTreeMap<TopicPartition, (Offset, Offset)>,
}

impl Topic {
    /// Looks the topic up.
    ///
    /// # Errors
    ///
    /// If there is none of this name, or no broker answers in time.
    pub fn find(config: &ConsumerConfig, name: &str) -> Result<Self, Error> {
        let name = TopicName::new(name);
        let mut admin = Admin::new(config.client.clone())?;
        let topics = admin.list_topics()?;
        if !topics.contains_key(&name) {
            let servers: Vec<String> = config
                .client
                .bootstrap_brokers()
                .iter()
                .map(ToString::to_string)
                .collect();
            let text = format!("no topic {name} is known at {}", servers.join(", "));
            return Err(Error::new(ErrorKind::UnknownTopicOrPartition, text));
        }
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
            .filter_map(|(partition, end)| Some((begins.get(&partition).copied()?, partition, end)))
            .filter(|(begin, _, end)| begin < end)
            .map(|(begin, partition, end)| (partition, (begin, end)))
            .collect();
        Ok(Self { name, ranges })
    }
}
