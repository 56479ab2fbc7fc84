//! EndTxn: commits or aborts a transaction. From version 5 on the producer gets another epoch with
//! each (KIP-890).
//!
//! All versions.

use weft_client::wire::messages::{EndTxnRequest, EndTxnResponse};

use super::super::super::cluster::Cluster;
use super::super::super::reply::{Ask, Reply};
use super::super::super::transaction::{EndTxn, Outcome, TransactionVersion, TransactionalId};
use super::{check_coordinator, identity, understood};

pub(in super::super) fn end_txn(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &EndTxnRequest,
) -> Reply {
    let version = if ask.version() >= BUMPS_SINCE {
        TransactionVersion::V2
    } else {
        TransactionVersion::V1
    };
    let end = EndTxn {
        transactional_id: TransactionalId::from(request.transactional_id.as_str()),
        producer: identity(request.producer_id, request.producer_epoch),
        outcome: if request.committed {
            Outcome::Commit
        } else {
            Outcome::Abort
        },
        version,
    };
    let ended = check_coordinator(cluster, ask, end.transactional_id.as_str())
        .and_then(|()| cluster.transactions.end(ask.now, &end));
    let response = EndTxnResponse::default()
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    match ended {
        Ok(producer) if version == TransactionVersion::V2 => response
            .with_producer_id(producer.id.0.into())
            .with_producer_epoch(producer.epoch)
            .into(),
        Ok(_) => response.into(),
        Err(error) => response
            .with_error_code(understood(error, ask.version() >= KNOWS_FENCING).0)
            .into(),
    }
}

/// The first version for transactions that bump the epoch.
pub(in super::super) const BUMPS_SINCE: i16 = 5;

/// The first version that knows PRODUCER_FENCED (KIP-588).
const KNOWS_FENCING: i16 = 2;
