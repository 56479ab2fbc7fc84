//! Writes the markers that the transaction coordinator wants written: into the logs of partitions
//! that have a leader, and to groups, whose pending offsets they turn into committed ones.

use std::time::Instant;

use weft_client::wire::ErrorCode;

use super::brokers::Brokers;
use super::cluster::Cluster;
use super::hold::Holds;
use super::log::Marker;
use super::topics::PartitionKey;
use super::transaction::{DueMarker, Participant, TransactionVersion, TransactionalId};

impl Cluster {
    /// By which rules the brokers themselves abort: by the newest that they announce.
    pub(super) fn transaction_version(&self) -> TransactionVersion {
        super::api::api_versions::transaction_version(self.options.release)
    }

    pub(super) fn next_transaction_deadline(&self) -> Option<Instant> {
        let (brokers, holds) = (&self.brokers, &self.holds);
        self.transactions
            .next_deadline(|id| is_stopped(brokers, holds, id))
    }

    /// Aborts what took too long.
    pub(super) fn expire_transactions(&mut self, now: Instant) {
        let version = self.transaction_version();
        let (brokers, holds) = (&self.brokers, &self.holds);
        self.transactions
            .expire(now, version, |id| is_stopped(brokers, holds, id));
    }

    /// Writes what is due and can be written. The rest waits for a leader, or for a frozen broker.
    pub(super) fn write_markers(&mut self, now: Instant) {
        for due in self.transactions.take_due() {
            let is_stopped = is_stopped(&self.brokers, &self.holds, &due.transactional_id);
            if !is_stopped && self.write_marker(now, &due) {
                self.transactions.note_written(&due);
            }
        }
    }

    /// Appends a marker to a partition, if it is not from the past.
    pub(super) fn append_marker(
        &mut self,
        now: Instant,
        key: PartitionKey,
        marker: &Marker,
    ) -> Result<(), ErrorCode> {
        let timestamp = self.clock.timestamp(now);
        let partition = self.topics.partition_mut(key);
        let partition = partition.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        partition.log.producers().admit_marker(marker)?;
        partition.log.append(marker.batch(timestamp));
        self.topics.note_change(key);
        Ok(())
    }

    /// Whether that is done with.
    fn write_marker(&mut self, now: Instant, due: &DueMarker) -> bool {
        match &due.participant {
            Participant::Partition(key) => {
                let partition = self.topics.partition_mut(*key);
                let leader = partition.map(|partition| partition.leader);
                let waits = |leader| self.holds.is_frozen(leader);
                if leader.is_some_and(|leader| leader.is_none_or(waits)) {
                    return false;
                }
                // Like a coordinator, takes a refusal for the end of it: the topic is gone, or a
                // later transaction has been there.
                let _ = self.append_marker(now, *key, &due.marker);
                true
            }
            Participant::Group(group) => {
                let coordinator = self.brokers.coordinator(group);
                if coordinator.is_none_or(|broker| self.holds.is_frozen(broker)) {
                    return false;
                }
                if let Some(group) = self.groups.find_mut(group.as_str()) {
                    let committed = group.committed_mut();
                    committed.end_transaction(due.marker.producer.id, due.marker.outcome);
                }
                true
            }
        }
    }
}

/// Whether nothing is done for the transactional id, since the broker that answers for it is
/// frozen.
fn is_stopped(brokers: &Brokers, holds: &Holds, id: &TransactionalId) -> bool {
    let coordinator = brokers.known_transaction_coordinator(id);
    coordinator.is_some_and(|broker| holds.is_frozen(broker))
}
