//! What a fetch response tells beside records.

use std::sync::Arc;

use weft_client::wire::messages::FetchResponse;
use weft_client::wire::messages::fetch_response::PartitionData;
use weft_client::{Broker, NodeId};

use super::plan::AskedPartition;

/// What the broker answered for one partition.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) asked: AskedPartition,
    pub(crate) data: PartitionData,
}

/// The brokers that the response describes because they lead partitions now (KIP-951).
pub(crate) fn described_brokers(response: &FetchResponse) -> Vec<Broker> {
    let endpoints = response.node_endpoints.iter();
    endpoints
        .filter_map(|endpoint| {
            Some(Broker {
                id: NodeId::from(endpoint.node_id),
                host: Arc::from(endpoint.host.as_str()),
                port: u16::try_from(endpoint.port).ok()?,
                rack: endpoint.rack.as_ref().map(|rack| Arc::from(rack.as_str())),
            })
        })
        .collect()
}
