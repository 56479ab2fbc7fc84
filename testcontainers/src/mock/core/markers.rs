//! Writes the markers that the transaction coordinator wants written: into the logs of partitions
//! that have a leader, and to groups, whose pending offsets they turn into committed ones.

use std::time::Instant;

use weft_client::wire::ErrorCode;

use super::cluster::Cluster;
use super::log::Marker;
use super::topics::PartitionKey;
use super::transaction::{DueMarker, Participant, TransactionVersion};

impl Cluster {
    /// By which rules the brokers themselves abort: by the newest that they announce.
    pub(super) fn transaction_version(&self) -> TransactionVersion {
        super::api::api_versions::transaction_version(self.options.release)
    }

    /// Writes what is due and can be written. The rest waits for a leader.
    pub(super) fn write_markers(&mut self, now: Instant) {
        for due in self.transactions.take_due() {
            if self.write_marker(now, &due) {
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
                let has_leader = partition.map(|partition| partition.leader.is_some());
                if has_leader == Some(false) {
                    return false;
                }
                // Like a coordinator, takes a refusal for the end of it: the topic is gone, or a
                // later transaction has been there.
                let _ = self.append_marker(now, *key, &due.marker);
                true
            }
            Participant::Group(group) => {
                if self.brokers.coordinator(group).is_none() {
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
