//! What a test does to the cluster from outside: topics and records without the network, brokers
//! that die and come back. And what it may look at.

use std::time::Instant;

use bytes::Bytes;
use weft_client::record::{Batches, RecordError};
use weft_client::wire::{ApiKey, ErrorCode};
use weft_client::{LeaderEpoch, NodeId, Offset, OffsetAndMetadata};

use super::cluster::{Cluster, Output};
use super::configs::{Change, Operation, Refusal, alter_topic};
use super::group::GroupState;
use super::topics::{PartitionKey, Placement, Topic};
use super::transaction::TransactionState;

/// Why records that a test handed over itself were not appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AppendError {
    UnknownPartition,
    Records(RecordError),
    /// Bytes that are no whole batch follow the last one.
    Remainder,
    /// The batch is of magic 0 or 1.
    OldFormat,
    /// The records would exceed the limit of the cluster.
    Full,
}

impl Cluster {
    /// Creates a topic whose partitions every broker may lead.
    pub(crate) fn create_topic(&mut self, name: &str, partitions: usize) -> Result<(), ErrorCode> {
        let placement = Placement::Spread {
            replication_factor: self.brokers.ids().len(),
        };
        self.topics
            .create(name, partitions, &placement, &self.brokers)
            .map(drop)
    }

    /// Appends whole batches and returns the offset of the first record.
    pub(crate) fn append(
        &mut self,
        now: Instant,
        topic: &str,
        partition: i32,
        records: Bytes,
        out: &mut Vec<Output>,
    ) -> Result<Offset, AppendError> {
        let mut batches = Batches::new(records);
        let mut checked = Vec::new();
        for batch in &mut batches {
            let batch = batch.map_err(AppendError::Records)?;
            if batch.header().magic() != 2 {
                return Err(AppendError::OldFormat);
            }
            batch.check_crc().map_err(AppendError::Records)?;
            checked.push(batch);
        }
        if !batches.remainder().is_empty() {
            return Err(AppendError::Remainder);
        }
        let key = self
            .topics
            .by_name(topic)
            .map(|topic| (topic.id, partition));
        let key = key.ok_or(AppendError::UnknownPartition)?;
        let bytes = checked.iter().map(|batch| batch.bytes().len()).sum();
        self.check_room(bytes).map_err(|_| AppendError::Full)?;
        let found = self.topics.partition_mut(key);
        let found = found.ok_or(AppendError::UnknownPartition)?;
        let base = found.log.end_offset();
        for batch in checked {
            found.log.append(batch);
        }
        self.topics.note_change(key);
        self.settle(now, out);
        Ok(base)
    }

    /// Forgets the records before `offset`, as retention does.
    pub(crate) fn delete_records_before(
        &mut self,
        topic: &str,
        partition: i32,
        offset: Offset,
    ) -> Result<(), ErrorCode> {
        let key = self.key(topic, partition)?;
        self.delete_before(key, offset).map(drop)
    }

    /// As [`Self::delete_records_before`]; returns where the log begins then.
    pub(super) fn delete_before(
        &mut self,
        key: PartitionKey,
        offset: Offset,
    ) -> Result<Offset, ErrorCode> {
        let found = self.topics.partition_mut(key);
        let found = found.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let deleted = found.log.delete_before(offset);
        deleted.map_err(|_| ErrorCode::OFFSET_OUT_OF_RANGE)?;
        let start = found.log.start_offset();
        self.topics.note_change(key);
        Ok(start)
    }

    /// Adds partitions to a topic until it has so many.
    #[cfg(feature = "simulation")]
    pub(crate) fn grow(&mut self, topic: &str, partitions: usize) -> Result<(), ErrorCode> {
        self.topics.grow(topic, partitions, &self.brokers)
    }

    /// Lets another replica lead a partition, in the next epoch.
    pub(crate) fn move_leader(
        &mut self,
        now: Instant,
        topic: &str,
        partition: i32,
        to: NodeId,
        out: &mut Vec<Output>,
    ) -> Result<(), ErrorCode> {
        let key = self.key(topic, partition)?;
        self.topics.move_leader(key, to, &self.brokers)?;
        self.settle(now, out);
        Ok(())
    }

    /// Loses the end of a log, as an unclean election does.
    pub(crate) fn truncate(
        &mut self,
        now: Instant,
        topic: &str,
        partition: i32,
        offset: Offset,
        out: &mut Vec<Output>,
    ) -> Result<LeaderEpoch, ErrorCode> {
        let key = self.key(topic, partition)?;
        let epoch = self.topics.truncate(key, offset)?;
        self.settle(now, out);
        Ok(epoch)
    }

    /// Sets a configuration of a topic, or lets the brokers decide again.
    pub(crate) fn set_topic_config(
        &mut self,
        topic: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), Refusal> {
        let found = self.topics.by_name(topic);
        let unknown = || Refusal::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "");
        let found = found.ok_or_else(unknown)?;
        let mut change = Change::set(name, value);
        if value.is_none() {
            change.operation = Operation::Delete;
        }
        let changed = alter_topic(self.options.release, &found.settings, &[change])?;
        let id = found.id;
        self.topics.set(id, changed);
        Ok(())
    }

    fn key(&self, topic: &str, partition: i32) -> Result<PartitionKey, ErrorCode> {
        let topic = self.topics.by_name(topic);
        let topic = topic.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        Ok((topic.id, partition))
    }

    pub(crate) fn end_offset(&self, topic: &str, partition: i32) -> Option<Offset> {
        let topic = self.topics.by_name(topic)?;
        Some(partition_of(topic, partition)?.log.end_offset())
    }

    pub(crate) fn last_stable_offset(&self, topic: &str, partition: i32) -> Option<Offset> {
        let topic = self.topics.by_name(topic)?;
        Some(partition_of(topic, partition)?.log.last_stable_offset())
    }

    pub(crate) fn transaction_state(&self, transactional_id: &str) -> Option<TransactionState> {
        let found = self.transactions.find(transactional_id)?;
        Some(found.state)
    }

    pub(crate) fn transaction_coordinator(&mut self, transactional_id: &str) -> Option<NodeId> {
        let id = transactional_id.into();
        self.brokers.transaction_coordinator(&id)
    }

    /// From now on `now` stands for this many milliseconds since 1970.
    pub(crate) fn set_clock(&mut self, now: Instant, timestamp: i64) {
        self.clock.set(now, timestamp);
    }

    pub(crate) fn leader(&self, topic: &str, partition: i32) -> Option<NodeId> {
        partition_of(self.topics.by_name(topic)?, partition)?.leader
    }

    pub(crate) fn coordinator(&mut self, group: &str) -> Option<NodeId> {
        self.brokers.coordinator(&group.into())
    }

    pub(crate) fn committed(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Option<&OffsetAndMetadata> {
        let group = self.groups.find(group)?;
        group.committed().offset(topic, partition)
    }

    pub(crate) fn group_state(&self, group: &str) -> Option<GroupState> {
        self.groups.find(group).map(super::group::Group::state)
    }

    pub(crate) fn requests(&self, api_key: ApiKey) -> usize {
        self.request_log.count(api_key)
    }

    pub(crate) fn violations(&self) -> &[String] {
        self.violations.texts()
    }

    pub(crate) fn is_alive(&self, broker: NodeId) -> bool {
        self.brokers.is_alive(broker)
    }

    /// The broker dies: its connections are cut, its port closes, others lead its partitions and
    /// answer for its groups.
    pub(super) fn kill(&mut self, now: Instant, broker: NodeId, out: &mut Vec<Output>) {
        if !self.brokers.is_alive(broker) {
            return;
        }
        let connections: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, of)| **of == broker)
            .map(|(connection, _)| *connection)
            .collect();
        out.push(Output::StopListening(broker));
        for connection in connections {
            out.push(Output::Close(connection));
            self.forget(connection);
        }
        let Self {
            groups, brokers, ..
        } = self;
        let ids: Vec<_> = groups.iter().map(|group| group.id.clone()).collect();
        let moving: Vec<_> = ids
            .into_iter()
            .filter(|id| brokers.coordinator(id) == Some(broker))
            .collect();
        self.transactions
            .move_to_another_broker(|id| brokers.transaction_coordinator(id) == Some(broker));
        brokers.set_alive(broker, false);
        let mut answers = Vec::new();
        groups.move_to_another_broker(now, |id| moving.contains(id), &mut answers);
        self.answer_group(answers, out);
        self.holds.thaw(broker);
        self.fetch_sessions.forget_broker(broker);
        self.topics.elect(&self.brokers);
    }

    /// The broker comes back at the same port. It leads only what nobody else could lead.
    pub(super) fn restart(&mut self, broker: NodeId) {
        self.brokers.set_alive(broker, true);
        self.topics.elect(&self.brokers);
    }
}

fn partition_of(topic: &Topic, partition: i32) -> Option<&super::topics::Partition> {
    topic.partitions.get(usize::try_from(partition).ok()?)
}
