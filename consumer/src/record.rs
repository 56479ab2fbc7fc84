//! What `poll` returns: runs of checked records, decoded when they are looked at.
//!
//! Nothing is allocated for a record and nothing is copied. A kept run keeps the whole answer to
//! its fetch in memory; [`ConsumerRecord::to_owned`] copies a record out of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use weft_client::record::{
    Headers, Record, RecordIter, RecordPosition, RecordSlice, TimestampType,
};
use weft_client::{LeaderEpoch, Offset, OffsetAndMetadata, TopicPartition};

/// A run of records of one partition, in the order of their offsets. Cheap to clone, and to hand to
/// another thread.
#[derive(Clone, Debug)]
pub struct PartitionRecords {
    topic_partition: TopicPartition,
    slice: RecordSlice,
}

impl PartitionRecords {
    /// The records of `slice`, which belong to the partition.
    pub fn new(topic_partition: TopicPartition, slice: RecordSlice) -> Self {
        Self {
            topic_partition,
            slice,
        }
    }

    /// The partition that they belong to.
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.topic_partition
    }

    /// The records without their partition.
    pub fn slice(&self) -> &RecordSlice {
        &self.slice
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.slice.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.slice.is_empty()
    }

    /// The records in order.
    #[inline]
    pub fn iter(&self) -> PartitionRecordsIter<'_> {
        PartitionRecordsIter {
            topic_partition: &self.topic_partition,
            records: self.slice.iter(),
        }
    }

    /// The records in order, each with the position under which [`record_at`](Self::record_at)
    /// finds it again, in this run or a clone of it.
    pub fn positions(&self) -> impl Iterator<Item = (RecordPosition, ConsumerRecord<'_>)> {
        self.slice.positions().map(|(position, record)| {
            let topic_partition = &self.topic_partition;
            (
                position,
                ConsumerRecord {
                    topic_partition,
                    record,
                },
            )
        })
    }

    /// The record at a position that [`positions`](Self::positions) told.
    ///
    /// # Panics
    ///
    /// If no record of this run begins there.
    #[inline]
    pub fn record_at(&self, position: RecordPosition) -> ConsumerRecord<'_> {
        ConsumerRecord {
            topic_partition: &self.topic_partition,
            record: self.slice.record_at(position),
        }
    }
}

impl<'a> IntoIterator for &'a PartitionRecords {
    type Item = ConsumerRecord<'a>;
    type IntoIter = PartitionRecordsIter<'a>;

    fn into_iter(self) -> PartitionRecordsIter<'a> {
        self.iter()
    }
}

/// The records of [`PartitionRecords`], in order.
#[derive(Clone, Debug)]
pub struct PartitionRecordsIter<'a> {
    topic_partition: &'a TopicPartition,
    records: RecordIter<'a>,
}

impl<'a> Iterator for PartitionRecordsIter<'a> {
    type Item = ConsumerRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<ConsumerRecord<'a>> {
        let record = self.records.next()?;
        Some(ConsumerRecord {
            topic_partition: self.topic_partition,
            record,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl ExactSizeIterator for PartitionRecordsIter<'_> {}

/// What one `poll` returned: records, partition by partition.
#[derive(Clone, Debug, Default)]
pub struct ConsumerRecords {
    runs: Vec<PartitionRecords>,
    count: usize,
    next_offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
}

impl ConsumerRecords {
    /// Puts runs together. Runs of one partition stand side by side, in order. `next_offsets` has
    /// an entry for every partition whose position this poll moved (KIP-1094).
    pub fn new(
        runs: Vec<PartitionRecords>,
        next_offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) -> Self {
        let count = runs.iter().map(PartitionRecords::len).sum();
        Self {
            runs,
            count,
            next_offsets,
        }
    }

    /// The number of records.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All records, partition by partition.
    #[inline]
    pub fn iter(&self) -> ConsumerRecordsIter<'_> {
        ConsumerRecordsIter {
            runs: self.runs.iter(),
            current: None,
        }
    }

    /// The records of one partition, in order.
    pub fn records<'a>(
        &'a self,
        partition: &'a TopicPartition,
    ) -> impl Iterator<Item = ConsumerRecord<'a>> {
        let runs = self.runs.iter();
        runs.filter(move |run| run.topic_partition() == partition)
            .flatten()
    }

    /// The partitions that have records, each once.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        let mut previous = None;
        self.runs.iter().filter_map(move |run| {
            let partition = run.topic_partition();
            (previous.replace(partition) != Some(partition)).then_some(partition)
        })
    }

    /// The runs of records: what to hand to other threads.
    pub fn runs(&self) -> &[PartitionRecords] {
        &self.runs
    }

    /// As [`runs`](Self::runs), taken out.
    pub fn into_runs(self) -> Vec<PartitionRecords> {
        self.runs
    }

    /// Where each partition goes on that this poll moved: the offset of its next record, with the
    /// leader epoch of the last one. A partition has an entry without having records if only
    /// records were passed over that nobody is given, such as the markers of transactions.
    pub fn next_offsets(&self) -> &BTreeMap<TopicPartition, OffsetAndMetadata> {
        &self.next_offsets
    }
}

impl<'a> IntoIterator for &'a ConsumerRecords {
    type Item = ConsumerRecord<'a>;
    type IntoIter = ConsumerRecordsIter<'a>;

    fn into_iter(self) -> ConsumerRecordsIter<'a> {
        self.iter()
    }
}

/// The records of [`ConsumerRecords`], partition by partition.
#[derive(Clone, Debug)]
pub struct ConsumerRecordsIter<'a> {
    runs: std::slice::Iter<'a, PartitionRecords>,
    current: Option<PartitionRecordsIter<'a>>,
}

impl<'a> Iterator for ConsumerRecordsIter<'a> {
    type Item = ConsumerRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<ConsumerRecord<'a>> {
        loop {
            if let Some(record) = self.current.as_mut().and_then(Iterator::next) {
                return Some(record);
            }
            self.current = Some(self.runs.next()?.iter());
        }
    }
}

/// One record, borrowed from the answer that brought it.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerRecord<'a> {
    topic_partition: &'a TopicPartition,
    record: Record<'a>,
}

impl<'a> ConsumerRecord<'a> {
    /// The partition that it belongs to.
    #[inline]
    pub fn topic_partition(&self) -> &'a TopicPartition {
        self.topic_partition
    }

    /// The topic's name.
    #[inline]
    pub fn topic(&self) -> &'a str {
        self.topic_partition.topic().as_str()
    }

    /// The partition's number.
    #[inline]
    pub fn partition(&self) -> i32 {
        self.topic_partition.partition()
    }

    /// Its place in the partition.
    #[inline]
    pub fn offset(&self) -> Offset {
        self.record.offset()
    }

    /// The key; `None` is null, which differs from empty.
    #[inline]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.record.key()
    }

    /// The value; `None` is null, the mark of a deleted key.
    #[inline]
    pub fn value(&self) -> Option<&'a [u8]> {
        self.record.value()
    }

    /// The headers in their order, duplicates and nulls included; decoded when walked.
    #[inline]
    pub fn headers(&self) -> Headers<'a> {
        self.record.headers()
    }

    /// Milliseconds since 1970; -1 if there is none.
    #[inline]
    pub fn timestamp(&self) -> i64 {
        self.record.timestamp()
    }

    /// Whether the producer or the broker chose the timestamp.
    #[inline]
    pub fn timestamp_type(&self) -> TimestampType {
        self.record.timestamp_type()
    }

    /// The epoch of the leader that appended the record.
    #[inline]
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.record.leader_epoch()
    }

    /// A copy that keeps nothing else in memory.
    pub fn to_owned(&self) -> OwnedRecord {
        let copy = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
        OwnedRecord {
            topic_partition: self.topic_partition.clone(),
            offset: self.offset(),
            timestamp: self.timestamp(),
            timestamp_type: self.timestamp_type(),
            leader_epoch: self.leader_epoch(),
            key: self.key().map(copy),
            value: self.value().map(copy),
            headers: self
                .headers()
                .iter()
                .map(|header| (copy(header.key()), header.value().map(copy)))
                .collect(),
        }
    }
}

/// A record that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// The partition that it belongs to.
    pub topic_partition: TopicPartition,
    /// Its place in the partition.
    pub offset: Offset,
    /// Milliseconds since 1970; -1 if there is none.
    pub timestamp: i64,
    /// Whether the producer or the broker chose the timestamp.
    pub timestamp_type: TimestampType,
    /// The epoch of the leader that appended it.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The key; `None` is null.
    pub key: Option<Bytes>,
    /// The value; `None` is null.
    pub value: Option<Bytes>,
    /// Keys and values of the headers, in order; keys need not be UTF-8.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}
