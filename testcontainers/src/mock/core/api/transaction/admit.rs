//! Whether a producer may append a batch: in its turn, and within a transaction that is open.

use std::collections::BTreeSet;

use weft_client::record::BatchHeader;
use weft_client::wire::ErrorCode;

use super::super::super::cluster::Cluster;
use super::super::super::log::{Admission, Log};
use super::super::super::release::KafkaRelease;
use super::super::super::reply::Ask;
use super::super::super::topics::PartitionKey;
use super::super::super::transaction::{
    Participant, ProducerId, ProducerIdentity, TransactionVersion,
};

/// Makes sure that the coordinator knows of the partition `key`, before the first batch that a
/// transaction has there. Returns the rules of that transaction, if this is such a batch.
pub(in super::super) fn begin(
    cluster: &mut Cluster,
    ask: &Ask,
    transactional_id: Option<&str>,
    key: PartitionKey,
    header: &BatchHeader,
) -> Result<Option<TransactionVersion>, ErrorCode> {
    if header.is_transactional() && transactional_id.is_none() {
        return Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    }
    let Some(producer) = header.producer().filter(|_| header.is_transactional()) else {
        return Ok(None);
    };
    let id = transactional_id.ok_or(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED)?;
    let identity = ProducerIdentity {
        id: ProducerId(producer.id),
        epoch: producer.epoch,
    };
    let known = cluster.topics.partition_mut(key);
    let known = known.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let producers = known.log.producers();
    if producers.is_in_transaction(identity) {
        return Ok(None);
    }
    if ask.version() < ADDS_SINCE && cluster.options.release < VERIFIES_SINCE {
        return Ok(None);
    }
    if producers.is_fenced(identity) {
        // The coordinator is not even asked.
        return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
    }
    let participant = Participant::Partition(key);
    let transactions = &mut cluster.transactions;
    let (version, verified) = if ask.version() >= ADDS_SINCE {
        let participants = BTreeSet::from([participant]);
        let added = transactions.add(ask.now, id, identity, participants);
        (TransactionVersion::V2, added)
    } else {
        let verified = transactions.verify(id, identity, &participant);
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
    Ok(Some(version))
}

/// Decides about a batch for this log. `begins` is what [`begin`] returned.
pub(in super::super) fn admit(
    release: KafkaRelease,
    log: &Log,
    begins: Option<TransactionVersion>,
    header: &BatchHeader,
) -> Result<Admission, ErrorCode> {
    match header.producer() {
        None if header.is_transactional() => Err(ErrorCode::INVALID_RECORD),
        None => Ok(Admission::Append),
        Some(producer) if producer.base_sequence < 0 || producer.epoch < 0 => {
            Err(ErrorCode::INVALID_RECORD)
        }
        Some(producer)
            if release < RETAINS_SINCE
                && !log
                    .producers()
                    .has_batch_from(ProducerId(producer.id), log.start_offset()) =>
        {
            if producer.base_sequence == 0 {
                Ok(Admission::Append)
            } else {
                Err(ErrorCode::UNKNOWN_PRODUCER_ID)
            }
        }
        Some(producer) => log.producers().admit(header, producer, begins),
    }
}

/// The first version of Produce that adds the partition to the transaction (KIP-890).
pub(in super::super) const ADDS_SINCE: i16 = 12;

/// The first release that asks the coordinator whether a partition was added (KIP-890).
const VERIFIES_SINCE: KafkaRelease = KafkaRelease::V3_6;

/// The first release that knows a producer after its last record was deleted, and takes an unknown
/// one with any sequence number.
const RETAINS_SINCE: KafkaRelease = KafkaRelease::V2_4;

/// The first version of Produce that knows TRANSACTION_ABORTABLE.
const ABORTABLE_SINCE: i16 = 11;
