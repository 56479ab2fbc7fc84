//! AddOffsetsToTxn: the group whose offsets a transaction is about to commit.
//!
//! All versions.

use std::collections::BTreeSet;

use weft_client::GroupId;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use super::super::super::cluster::Cluster;
use super::super::super::reply::{Ask, Reply};
use super::super::super::transaction::Participant;
use super::{check_coordinator, identity, understood};

pub(in super::super) fn add_offsets_to_txn(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &AddOffsetsToTxnRequest,
) -> Reply {
    let id = request.transactional_id.as_str();
    let producer = identity(request.producer_id, request.producer_epoch);
    let group = Participant::Group(GroupId::from(request.group_id.as_str()));
    let added = check_coordinator(cluster, ask, id).and_then(|()| {
        let transactions = &mut cluster.transactions;
        transactions.add(ask.now, id, producer, BTreeSet::from([group]))
    });
    let error = added.err().unwrap_or(ErrorCode::NONE);
    AddOffsetsToTxnResponse::default()
        .with_error_code(understood(error, ask.version() >= KNOWS_FENCING).0)
        .into()
}

/// The first version that knows PRODUCER_FENCED (KIP-588).
const KNOWS_FENCING: i16 = 2;
