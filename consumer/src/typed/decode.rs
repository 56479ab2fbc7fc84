//! Deserializes what one poll returned, as far as that goes.
//!
//! Decides what is delivered, and where each partition has to go back to if a record cannot be
//! read. It moves nothing itself.

use std::collections::BTreeMap;

use weft_client::{Error, ErrorKind, OffsetAndMetadata, TopicPartition};

use super::error::{Origin, RecordDeserializationError};
use crate::deserializer::Deserializer;
use crate::listener::CallbackError;
use crate::record::{ConsumerRecord, ConsumerRecords};

/// The key and the value of one record; `None` is null.
pub(super) type Entry<K, V> = (Option<K>, Option<V>);

/// What became of the records of one poll.
#[derive(Debug)]
pub(super) struct Decoded<K, V> {
    /// Keys and values of the first records, in order.
    pub(super) entries: Vec<Entry<K, V>>,
    /// Where the positions are afterwards, for `next_offsets`.
    pub(super) next_offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    /// Where partitions have to go back to, because some of their records are not delivered. The
    /// position is the one of the first of them.
    pub(super) back_to: BTreeMap<TopicPartition, OffsetAndMetadata>,
    /// Why not all are delivered: a failure, or a panic of a deserializer.
    pub(super) failure: Option<std::thread::Result<Error>>,
}

pub(super) fn decode<K, V>(
    records: &ConsumerRecords,
    mut read: impl FnMut(&ConsumerRecord<'_>) -> std::thread::Result<Result<Entry<K, V>, Error>>,
) -> Decoded<K, V> {
    let mut decoded = Decoded {
        entries: Vec::with_capacity(records.count()),
        next_offsets: records.next_offsets().clone(),
        back_to: BTreeMap::new(),
        failure: None,
    };
    // The last record that was delivered, for the epoch of a position behind it.
    let mut last: Option<ConsumerRecord<'_>> = None;
    for record in records {
        if decoded.failure.is_none() {
            match read(&record) {
                Ok(Ok(entry)) => {
                    decoded.entries.push(entry);
                    last = Some(record);
                    continue;
                }
                Ok(Err(error)) => decoded.failure = Some(Ok(error)),
                Err(panic) => decoded.failure = Some(Err(panic)),
            }
        }
        decoded.go_back(&record, last.as_ref());
    }
    decoded
}

impl<K, V> Decoded<K, V> {
    /// Neither this record nor any behind it in its partition is delivered. `last` is the last one
    /// that is, in whichever partition.
    fn go_back(&mut self, record: &ConsumerRecord<'_>, last: Option<&ConsumerRecord<'_>>) {
        let name = record.topic_partition();
        if self.back_to.contains_key(name) {
            return;
        }
        let before = last.filter(|last| last.topic_partition() == name);
        let to = OffsetAndMetadata {
            leader_epoch: before.and_then(ConsumerRecord::leader_epoch),
            ..OffsetAndMetadata::new(record.offset())
        };
        match before {
            Some(_) => self.next_offsets.insert(name.clone(), to.clone()),
            None => self.next_offsets.remove(name),
        };
        self.back_to.insert(name.clone(), to);
    }
}

/// Key and value of one record.
pub(super) fn read_record<K, V>(
    record: &ConsumerRecord<'_>,
    key: &impl Deserializer<K>,
    value: &impl Deserializer<V>,
) -> Result<Entry<K, V>, Error> {
    let key = part(record, Origin::Key, record.key(), key)?;
    let value = part(record, Origin::Value, record.value(), value)?;
    Ok((key, value))
}

fn part<T>(
    record: &ConsumerRecord<'_>,
    origin: Origin,
    bytes: Option<&[u8]>,
    deserializer: &impl Deserializer<T>,
) -> Result<Option<T>, Error> {
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let read = deserializer.deserialize(record.topic(), record.headers(), bytes);
    read.map(Some)
        .map_err(|error| failure(record, origin, error))
}

fn failure(record: &ConsumerRecord<'_>, origin: Origin, error: CallbackError) -> Error {
    let text = format!(
        "the {origin} of the record at offset {} cannot be deserialized: {error}; seek past it to \
         go on",
        record.offset()
    );
    Error::new(ErrorKind::Deserialization, text)
        .with_source(RecordDeserializationError::new(origin, record, error))
        .with_topic_partition(record.topic_partition().clone())
}
