//! The APIs of idempotent and transactional producers, and of those who watch them.

pub(super) mod add_offsets_to_txn;
pub(super) mod add_partitions_to_txn;
pub(super) mod admit;
pub(super) mod describe_producers;
pub(super) mod describe_transactions;
pub(super) mod end_txn;
pub(super) mod init_producer_id;
pub(super) mod list_transactions;
pub(super) mod txn_offset_commit;
pub(super) mod write_txn_markers;

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::{ProducerId as ProducerIdOnWire, TopicName};

use super::super::cluster::Cluster;
use super::super::reply::Ask;
use super::super::transaction::{Participant, ProducerId, ProducerIdentity, TransactionalId};

pub(super) use admit::ADDS_SINCE;
pub(super) use end_txn::BUMPS_SINCE;

/// Checks that this broker answers for a transactional id.
fn check_coordinator(cluster: &mut Cluster, ask: &Ask, id: &str) -> Result<(), ErrorCode> {
    let id = TransactionalId::from(id);
    if cluster.brokers.transaction_coordinator(&id) == Some(ask.broker) {
        Ok(())
    } else {
        Err(ErrorCode::NOT_COORDINATOR)
    }
}

fn identity(id: ProducerIdOnWire, epoch: i16) -> ProducerIdentity {
    ProducerIdentity {
        id: ProducerId(id.0),
        epoch,
    }
}

/// The partition, if it exists.
fn participant(cluster: &Cluster, topic: &TopicName, index: i32) -> Option<Participant> {
    let topic = cluster.topics.by_name(topic.as_str())?;
    let at = usize::try_from(index).ok()?;
    let exists = at < topic.partitions.len();
    exists.then_some(Participant::Partition((topic.id, index)))
}

/// What a producer of an older version understands: before KIP-588 all fenced ones were told the
/// same.
fn understood(error: ErrorCode, knows_fencing: bool) -> ErrorCode {
    if error == ErrorCode::PRODUCER_FENCED && !knows_fencing {
        ErrorCode::INVALID_PRODUCER_EPOCH
    } else {
        error
    }
}
