//! The public methods about topics.

use std::collections::BTreeMap;
use std::time::Duration;

use weft_client::{Error, TopicName};

use super::Consumer;
use crate::access::Call;
use crate::partition_info::PartitionInfo;

impl Consumer {
    /// The partitions of a topic in the order of their numbers, with their leaders and replicas;
    /// none if the brokers do not know the topic.
    ///
    /// Answers at once if the topic is read, otherwise asks a broker, and waits for the answer up
    /// to `default.api.timeout.ms`. With `allow.auto.create.topics`, asking may make the broker
    /// create the topic, as with Java's consumer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`](weft_client::ErrorKind::Timeout);
    /// [`ErrorKind::InvalidTopic`](weft_client::ErrorKind::InvalidTopic);
    /// [`ErrorKind::TopicAuthorization`](weft_client::ErrorKind::TopicAuthorization);
    /// [`ErrorKind::Wakeup`](weft_client::ErrorKind::Wakeup).
    ///
    /// # Examples
    ///
    /// Reading a whole topic without a group:
    ///
    /// ```no_run
    /// # fn main() -> Result<(), weft_client::Error> {
    /// # let config = weft_consumer::ConsumerConfig::builder().bootstrap_servers("a:1").build()?;
    /// # let consumer = weft_consumer::Consumer::new(config)?;
    /// let partitions = consumer.partitions_for(&"orders".into())?;
    /// consumer.assign(partitions.into_iter().map(|found| found.topic_partition))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn partitions_for(&self, topic: &TopicName) -> Result<Vec<PartitionInfo>, Error> {
        self.enter(Call::PartitionsFor)?.partitions_for(topic, None)
    }

    /// As [`partitions_for`](Self::partitions_for), with a time limit of its own. With a limit of
    /// zero only what is known already is told.
    ///
    /// # Errors
    ///
    /// As [`partitions_for`](Self::partitions_for).
    pub fn partitions_for_within(
        &self,
        topic: &TopicName,
        timeout: Duration,
    ) -> Result<Vec<PartitionInfo>, Error> {
        self.enter(Call::PartitionsFor)?
            .partitions_for(topic, Some(timeout))
    }

    /// All topics that this client may see, those too that brokers keep for themselves, with their
    /// partitions. Always asks a broker, and waits for the answer up to `default.api.timeout.ms`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`](weft_client::ErrorKind::Timeout);
    /// [`ErrorKind::Wakeup`](weft_client::ErrorKind::Wakeup).
    pub fn list_topics(&self) -> Result<BTreeMap<TopicName, Vec<PartitionInfo>>, Error> {
        self.enter(Call::ListTopics)?.list_topics(None)
    }

    /// As [`list_topics`](Self::list_topics), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`list_topics`](Self::list_topics).
    pub fn list_topics_within(
        &self,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicName, Vec<PartitionInfo>>, Error> {
        self.enter(Call::ListTopics)?.list_topics(Some(timeout))
    }
}
