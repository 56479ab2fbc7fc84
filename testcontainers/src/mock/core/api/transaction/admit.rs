//! Whether a producer may append a batch: in its turn, and within a transaction that is open.

use std::collections::BTreeSet;

use weft_client::record::BatchHeader;
use weft_client::wire::ErrorCode;

use super::super::super::cluster::Cluster;
use super::super::super::log::Admission;
use super::super::super::reply::Ask;
use super::super::super::topics::PartitionKey;
use super::super::super::transaction::{
    Participant, ProducerId, ProducerIdentity, TransactionVersion,
};

/// Decides about a batch for the partition `key` from a request that names this transactional id.
pub(in super::super) fn admit(
    cluster: &mut Cluster,
    ask: &Ask,
    transactional_id: Option<&str>,
    key: PartitionKey,
    header: &BatchHeader,
) -> Result<Admission, ErrorCode> {
    let Some(producer) = header.producer() else {
        return if header.is_transactional() {
            Err(ErrorCode::INVALID_RECORD)
        } else {
            Ok(Admission::Append)
        };
    };
    if producer.base_sequence < 0 || producer.epoch < 0 {
        return Err(ErrorCode::INVALID_RECORD);
    }
    let identity = ProducerIdentity {
        id: ProducerId(producer.id),
        epoch: producer.epoch,
    };
    let known = cluster.topics.partition_mut(key);
    let known = known.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let is_open = known.log.producers().is_in_transaction(identity);
    let begins = if header.is_transactional() && !is_open {
        let id = transactional_id.ok_or(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED)?;
        Some(begin(cluster, ask, id, identity, key)?)
    } else {
        None
    };
    let known = cluster.topics.partition_mut(key);
    let known = known.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    known.log.producers().admit(header, producer, begins)
}

/// Makes sure that the coordinator knows of this partition, before the first batch.
fn begin(
    cluster: &mut Cluster,
    ask: &Ask,
    id: &str,
    producer: ProducerIdentity,
    key: PartitionKey,
) -> Result<TransactionVersion, ErrorCode> {
    let participant = Participant::Partition(key);
    let transactions = &mut cluster.transactions;
    let (version, verified) = if ask.version() >= ADDS_SINCE {
        let participants = BTreeSet::from([participant]);
        let added = transactions.add(ask.now, id, producer, participants);
        (TransactionVersion::V2, added)
    } else {
        let verified = transactions.verify(id, producer, &participant);
        (TransactionVersion::V1, verified)
    };
    verified.map_err(|error| match error {
        ErrorCode::PRODUCER_FENCED => ErrorCode::INVALID_PRODUCER_EPOCH,
        ErrorCode::TRANSACTION_ABORTABLE if ask.version() < ABORTABLE_SINCE => {
            ErrorCode::INVALID_TXN_STATE
        }
        // Older producers do not know that they may try again after this one.
        ErrorCode::CONCURRENT_TRANSACTIONS if ask.version() < ADDS_SINCE => {
            ErrorCode::NOT_ENOUGH_REPLICAS
        }
        other => other,
    })?;
    Ok(version)
}

/// The first version of Produce that adds the partition to the transaction (KIP-890).
pub(in super::super) const ADDS_SINCE: i16 = 12;

/// The first version of Produce that knows TRANSACTION_ABORTABLE.
const ABORTABLE_SINCE: i16 = 11;
