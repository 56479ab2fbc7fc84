//! DescribeCluster: who is there.
//!
//! All versions, for brokers only: there is no listener of controllers, and no broker is fenced.

use weft_client::wire::messages::describe_cluster_response::DescribeClusterBroker;
use weft_client::wire::messages::{DescribeClusterRequest, DescribeClusterResponse};
use weft_client::wire::{ErrorCode, StrBytes};

use super::super::cluster::Cluster;
use super::super::reply::{Reply, message, text};
use super::{CLUSTER_ID, broker_id, broker_id_or_nobody, port};

pub(super) fn describe_cluster(cluster: &Cluster, request: &DescribeClusterRequest) -> Reply {
    let response =
        DescribeClusterResponse::default().with_cluster_id(StrBytes::from_static_str(CLUSTER_ID));
    if request.endpoint_type != BROKERS {
        let error = match request.endpoint_type {
            CONTROLLERS => ErrorCode::MISMATCHED_ENDPOINT_TYPE,
            _ => ErrorCode::UNSUPPORTED_ENDPOINT_TYPE,
        };
        return DescribeClusterResponse::default()
            .with_controller_id((-1).into())
            .with_error_code(error.0)
            .with_error_message(message(error))
            .into();
    }
    let brokers = cluster.brokers.alive().map(|broker| {
        DescribeClusterBroker::default()
            .with_broker_id(broker_id(broker.id))
            .with_host(text(&broker.host))
            .with_port(port(broker))
            .with_rack(broker.rack.as_deref().map(text))
    });
    response
        .with_controller_id(broker_id_or_nobody(cluster.brokers.controller()))
        .with_brokers(brokers.collect())
        .into()
}

/// Asks for brokers rather than controllers.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;
