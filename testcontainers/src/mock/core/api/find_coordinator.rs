//! FindCoordinator: which broker answers for a group or a transactional id, one at a time or
//! several (KIP-699).
//!
//! All versions, for groups and transactional ids; there are no share groups.

use weft_client::wire::messages::find_coordinator_response::Coordinator;
use weft_client::wire::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use weft_client::wire::{ErrorCode, StrBytes};

use super::super::cluster::Cluster;
use super::super::reply::{Ask, Reply, message, text};
use super::{broker_id, port};

pub(super) fn find_coordinator(
    cluster: &mut Cluster,
    ask: &Ask,
    request: FindCoordinatorRequest,
) -> Reply {
    let key_type = request.key_type;
    if ask.version() >= BATCHED {
        let keys = request.coordinator_keys.into_iter();
        let coordinators = keys.map(|key| find(cluster, key_type, key)).collect();
        return FindCoordinatorResponse::default()
            .with_coordinators(coordinators)
            .into();
    }
    let found = find(cluster, key_type, request.key);
    FindCoordinatorResponse::default()
        .with_error_code(found.error_code)
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port)
        .with_error_message(message(ErrorCode(found.error_code)).or_else(|| Some(text("NONE"))))
        .into()
}

fn find(cluster: &mut Cluster, key_type: i8, key: StrBytes) -> Coordinator {
    let nobody = Coordinator::default()
        .with_key(key.clone())
        .with_node_id((-1).into())
        .with_port(-1);
    let coordinator = match key_type {
        GROUP => cluster.brokers.coordinator(&key.as_str().into()),
        TRANSACTION => cluster
            .brokers
            .transaction_coordinator(&key.as_str().into()),
        // There are no share groups.
        _ => {
            let refused = ErrorCode::INVALID_REQUEST;
            return nobody
                .with_error_code(refused.0)
                .with_error_message(message(refused));
        }
    };
    match coordinator.and_then(|id| cluster.brokers.broker(id)) {
        Some(broker) => Coordinator::default()
            .with_key(key)
            .with_node_id(broker_id(broker.id))
            .with_host(text(&broker.host))
            .with_port(port(broker)),
        None => nobody.with_error_code(ErrorCode::COORDINATOR_NOT_AVAILABLE.0),
    }
}

/// The first version that looks up several at once.
const BATCHED: i16 = 4;

/// The type of key that names a group.
const GROUP: i8 = 0;

/// The type of key that is a transactional id.
const TRANSACTION: i8 = 1;
