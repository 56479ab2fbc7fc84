//! Records with their keys and values deserialized.

use std::collections::BTreeMap;
use std::ops::Deref;

use weft_client::{OffsetAndMetadata, TopicPartition};

use super::decode::Entry;
use crate::record::{ConsumerRecord, ConsumerRecords, ConsumerRecordsIter};

/// What one poll of a [`TypedConsumer`](crate::TypedConsumer) returned (Kafka's
/// `ConsumerRecords<K, V>`).
#[derive(Clone, Debug)]
pub struct TypedRecords<K, V> {
    raw: ConsumerRecords,
    /// Of the first records of `raw`; the others are not delivered.
    entries: Vec<Entry<K, V>>,
    next_offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
}

impl<K, V> TypedRecords<K, V> {
    pub(super) fn new(
        raw: ConsumerRecords,
        entries: Vec<Entry<K, V>>,
        next_offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) -> Self {
        Self {
            raw,
            entries,
            next_offsets,
        }
    }

    /// The number of records.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All records, partition by partition.
    pub fn iter(&self) -> TypedRecordsIter<'_, K, V> {
        TypedRecordsIter {
            raw: self.raw.iter(),
            entries: self.entries.iter(),
        }
    }

    /// The records of one partition, in order.
    pub fn records<'a>(
        &'a self,
        partition: &'a TopicPartition,
    ) -> impl Iterator<Item = TypedRecord<'a, K, V>> {
        let all = self.iter();
        all.filter(move |record| record.topic_partition() == partition)
    }

    /// The partitions that have records, each once.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        let mut previous = None;
        self.iter().filter_map(move |record| {
            let partition = record.raw.topic_partition();
            (previous.replace(partition) != Some(partition)).then_some(partition)
        })
    }

    /// Where each partition goes on that this poll moved; see
    /// [`ConsumerRecords::next_offsets`](crate::ConsumerRecords::next_offsets).
    pub fn next_offsets(&self) -> &BTreeMap<TopicPartition, OffsetAndMetadata> {
        &self.next_offsets
    }

    /// The keys and values alone, taken out.
    pub fn into_entries(self) -> Vec<(Option<K>, Option<V>)> {
        self.entries
    }
}

impl<'a, K, V> IntoIterator for &'a TypedRecords<K, V> {
    type Item = TypedRecord<'a, K, V>;
    type IntoIter = TypedRecordsIter<'a, K, V>;

    fn into_iter(self) -> TypedRecordsIter<'a, K, V> {
        self.iter()
    }
}

/// The records of [`TypedRecords`], partition by partition.
#[derive(Clone, Debug)]
pub struct TypedRecordsIter<'a, K, V> {
    raw: ConsumerRecordsIter<'a>,
    entries: std::slice::Iter<'a, Entry<K, V>>,
}

impl<'a, K, V> Iterator for TypedRecordsIter<'a, K, V> {
    type Item = TypedRecord<'a, K, V>;

    fn next(&mut self) -> Option<TypedRecord<'a, K, V>> {
        let (key, value) = self.entries.next()?;
        Some(TypedRecord {
            raw: self.raw.next()?,
            key: key.as_ref(),
            value: value.as_ref(),
        })
    }
}

/// One record with its key and value deserialized. What else there is to it, it has from
/// [`ConsumerRecord`].
#[derive(Clone, Copy, Debug)]
pub struct TypedRecord<'a, K, V> {
    raw: ConsumerRecord<'a>,
    key: Option<&'a K>,
    value: Option<&'a V>,
}

impl<'a, K, V> TypedRecord<'a, K, V> {
    /// The key; `None` is null.
    pub fn key(&self) -> Option<&'a K> {
        self.key
    }

    /// The value; `None` is null, the mark of a deleted key.
    pub fn value(&self) -> Option<&'a V> {
        self.value
    }

    /// The record as it came.
    pub fn raw(&self) -> ConsumerRecord<'a> {
        self.raw
    }
}

impl<'a, K, V> Deref for TypedRecord<'a, K, V> {
    type Target = ConsumerRecord<'a>;

    fn deref(&self) -> &ConsumerRecord<'a> {
        &self.raw
    }
}
