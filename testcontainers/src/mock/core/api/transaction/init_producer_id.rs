//! InitProducerId: who a producer is from now on.
//!
//! Versions 0 to 5; a transaction cannot be kept over a restart (KIP-939).

use std::time::Duration;

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::{InitProducerIdRequest, InitProducerIdResponse};

use super::super::super::cluster::Cluster;
use super::super::super::reply::{Ask, Reply};
use super::super::super::transaction::{InitProducer, ProducerIdentity, TransactionalId};
use super::{check_coordinator, identity, understood};

pub(in super::super) fn init_producer_id(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &InitProducerIdRequest,
) -> Reply {
    let response = InitProducerIdResponse::default();
    match init(cluster, ask, request) {
        Ok(producer) => response
            .with_producer_id(producer.id.0.into())
            .with_producer_epoch(producer.epoch)
            .into(),
        Err(error) => response
            .with_error_code(understood(error, ask.version() >= KNOWS_FENCING).0)
            .with_producer_id(NOBODY.into())
            .with_producer_epoch(-1)
            .into(),
    }
}

fn init(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &InitProducerIdRequest,
) -> Result<ProducerIdentity, ErrorCode> {
    let current = match (request.producer_id.0, request.producer_epoch) {
        // Older requests do not say.
        _ if ask.version() < CURRENT_SINCE => None,
        (NOBODY, -1) => None,
        (NOBODY, _) | (_, -1) => return Err(ErrorCode::INVALID_REQUEST),
        (_, epoch) => Some(identity(request.producer_id, epoch)),
    };
    let Some(id) = &request.transactional_id else {
        // An idempotent producer that lost its way gets another id.
        let id = cluster.transactions.take_producer_id();
        return Ok(ProducerIdentity { id, epoch: 0 });
    };
    check_coordinator(cluster, ask, id.as_str())?;
    let timeout = u64::try_from(request.transaction_timeout_ms).unwrap_or_default();
    let init = InitProducer {
        transactional_id: TransactionalId::from(id.as_str()),
        timeout: Duration::from_millis(timeout),
        current,
    };
    let version = cluster.transaction_version();
    cluster.transactions.init(ask.now, &init, version)
}

/// The producer id of nobody.
const NOBODY: i64 = -1;

/// The first version that tells who the producer was (KIP-360).
const CURRENT_SINCE: i16 = 3;

/// The first version that knows PRODUCER_FENCED (KIP-588).
const KNOWS_FENCING: i16 = 4;
