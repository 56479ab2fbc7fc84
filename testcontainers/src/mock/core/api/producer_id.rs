//! InitProducerId: ids for idempotent producers. What they write is not checked for duplicates.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::{InitProducerIdRequest, InitProducerIdResponse};

use super::super::cluster::Cluster;
use super::super::reply::Reply;

pub(super) fn init_producer_id(cluster: &mut Cluster, request: &InitProducerIdRequest) -> Reply {
    if request.transactional_id.is_some() {
        // The mock has no transactions; this code makes a client say so and stop.
        return InitProducerIdResponse::default()
            .with_error_code(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED.0)
            .with_producer_id((-1).into())
            .with_producer_epoch(-1)
            .into();
    }
    let producer_id = cluster.producer_ids_given;
    cluster.producer_ids_given += 1;
    InitProducerIdResponse::default()
        .with_producer_id(producer_id.into())
        .with_producer_epoch(0)
        .into()
}
