//! Leaders beyond what deaths decide: those that are moved or elected by order, followers that
//! serve reads, and logs that lose their end with a leader. It moves leaderships; who leads after a
//! death is decided with the topics.

use weft_client::wire::ErrorCode;
use weft_client::{LeaderEpoch, NodeId, Offset};

use super::brokers::Brokers;
use super::topics::{Partition, PartitionKey, Topic, Topics};

/// Which leader an administrator wants elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Election {
    /// The first replica.
    Preferred,
    /// Any live replica, if there is no leader, even one that lacks records.
    Unclean,
}

impl Topics {
    /// Lets this broker lead in the next epoch. Nothing changes if it leads already.
    pub(crate) fn move_leader(
        &mut self,
        key: PartitionKey,
        to: NodeId,
        brokers: &Brokers,
    ) -> Result<(), ErrorCode> {
        let partition = self.partition_mut(key);
        let partition = partition.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        if !partition.replicas.contains(&to) {
            return Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
        }
        if !brokers.is_alive(to) {
            return Err(ErrorCode::BROKER_NOT_AVAILABLE);
        }
        if partition.leader != Some(to) {
            partition.lead(Some(to));
            self.note_change(key);
        }
        Ok(())
    }

    /// Holds an election by order (KIP-460).
    pub(crate) fn hold(
        &mut self,
        key: PartitionKey,
        election: Election,
        brokers: &Brokers,
    ) -> Result<(), ErrorCode> {
        let partition = self.partition_mut(key);
        let partition = partition.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let preferred = partition.replicas.first().copied();
        let (is_needless, wanted, unavailable) = match election {
            Election::Preferred => (
                partition.leader == preferred,
                preferred,
                ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE,
            ),
            Election::Unclean => (
                partition.leader.is_some(),
                partition.in_sync(brokers).first().copied(),
                ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE,
            ),
        };
        if is_needless {
            return Err(ErrorCode::ELECTION_NOT_NEEDED);
        }
        let wanted = wanted.filter(|id| brokers.is_alive(*id));
        let wanted = wanted.ok_or(unavailable)?;
        self.move_leader(key, wanted, brokers)
    }

    /// Cuts the log off at `offset` and begins an epoch there, as when a replica that lacks the
    /// records behind it is elected. Returns that epoch.
    pub(crate) fn truncate(
        &mut self,
        key: PartitionKey,
        offset: Offset,
    ) -> Result<LeaderEpoch, ErrorCode> {
        let partition = self.partition_mut(key);
        let partition = partition.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let truncated = partition.log.truncate(offset);
        truncated.map_err(|_| ErrorCode::OFFSET_OUT_OF_RANGE)?;
        let epochs = partition.log.epochs().len();
        partition.lead(partition.leader);
        let epoch = partition.epoch;
        self.unsaved.truncated(key, offset, epochs);
        self.note_change(key);
        Ok(epoch)
    }
}

impl Topic {
    /// The partition, for a broker that must lead it or follow its leader (KIP-392); `epoch` as in
    /// [`Self::led_by`].
    pub(crate) fn read_from(
        &self,
        broker: NodeId,
        partition: i32,
        epoch: i32,
    ) -> Result<&Partition, ErrorCode> {
        self.held_by(broker, partition, epoch)
    }

    /// The partition, for a broker that must lead it; `epoch` is what the client believes, -1 if it
    /// does not say (KIP-320).
    pub(crate) fn led_by(
        &self,
        broker: NodeId,
        partition: i32,
        epoch: i32,
    ) -> Result<&Partition, ErrorCode> {
        let partition = self.held_by(broker, partition, epoch)?;
        if partition.leader == Some(broker) {
            Ok(partition)
        } else {
            Err(ErrorCode::NOT_LEADER_OR_FOLLOWER)
        }
    }

    /// Epochs are compared by those who have a replica; others only know that they have none.
    fn held_by(&self, broker: NodeId, partition: i32, epoch: i32) -> Result<&Partition, ErrorCode> {
        let index = usize::try_from(partition).ok();
        let partition = index.and_then(|index| self.partitions.get(index));
        let partition = partition.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        if !partition.replicas.contains(&broker) {
            return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        match LeaderEpoch::from_wire(epoch) {
            Some(epoch) if epoch < partition.epoch => Err(ErrorCode::FENCED_LEADER_EPOCH),
            Some(epoch) if epoch > partition.epoch => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
            _ => Ok(partition),
        }
    }
}

impl Partition {
    /// Somebody leads from here on, or nobody, in the next epoch.
    pub(super) fn lead(&mut self, leader: Option<NodeId>) {
        self.leader = leader;
        self.epoch = LeaderEpoch::new(self.epoch.value().saturating_add(1));
        self.log.begin_epoch(self.epoch);
    }

    /// The replica from which a client in this rack had better read, if it is not the leader
    /// (Kafka's `RackAwareReplicaSelector`). All live replicas have all records.
    pub(crate) fn closer_replica(&self, rack: &str, brokers: &Brokers) -> Option<NodeId> {
        let is_near = |id: &NodeId| {
            let broker = brokers.broker(*id);
            broker.and_then(|broker| broker.rack.as_deref()) == Some(rack)
        };
        if rack.is_empty() || self.leader.as_ref().is_none_or(is_near) {
            return None;
        }
        let near = self.in_sync(brokers).into_iter().filter(is_near);
        near.max()
    }
}
