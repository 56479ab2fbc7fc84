//! What goes into a producer and what comes out of it.

use bytes::Bytes;

use crate::ids::{Offset, TopicName, TopicPartition};

/// A record to be sent. Only the topic is needed; key and value are null unless set.
///
/// ```
/// use weft_client::producer::ProducerRecord;
///
/// let record = ProducerRecord::to("orders")
///     .key("customer-7")
///     .value(r#"{"item":3}"#)
///     .header("trace", Some("a1b2"));
/// ```
///
/// Where many records go to one topic, a [`TopicName`] that is cloned saves an allocation for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerRecord {
    pub(super) topic: TopicName,
    pub(super) partition: Option<i32>,
    pub(super) key: Option<Bytes>,
    pub(super) value: Option<Bytes>,
    pub(super) headers: Vec<(String, Option<Bytes>)>,
    pub(super) timestamp: Option<i64>,
}

impl ProducerRecord {
    /// A record of nulls for this topic.
    pub fn to(topic: impl Into<TopicName>) -> Self {
        Self {
            topic: topic.into(),
            partition: None,
            key: None,
            value: None,
            headers: Vec::new(),
            timestamp: None,
        }
    }

    /// Sets the partition. Without it the key's hash decides, as in Kafka's own client; records
    /// without key stay with one partition for about a batch and then go to another.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Bytes>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Appends a header; keys may repeat, and `None` is a null value.
    #[must_use]
    pub fn header(mut self, key: impl Into<String>, value: Option<impl Into<Bytes>>) -> Self {
        self.headers.push((key.into(), value.map(Into::into)));
        self
    }

    /// Sets the time of the record, in milliseconds since 1970. Without it the time of sending is
    /// taken.
    #[must_use]
    pub fn timestamp(mut self, millis: i64) -> Self {
        self.timestamp = Some(millis);
        self
    }
}

/// Where a record was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordMetadata {
    /// The partition.
    pub topic_partition: TopicPartition,
    /// The record's offset; `None` with `acks=0`, where the broker does not tell.
    pub offset: Option<Offset>,
    /// The record's time in milliseconds since 1970: the broker's where the topic says so
    /// (`message.timestamp.type=LogAppendTime`), otherwise the sender's.
    pub timestamp: i64,
}
