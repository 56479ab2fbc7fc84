//! WriteTxnMarkers: ends a transaction in the partitions that this broker leads, whatever their
//! coordinator says. Brokers send it to each other, and administrators to get rid of a transaction
//! that hangs (KIP-664).
//!
//! Version 1.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::write_txn_markers_request::WritableTxnMarker;
use weft_client::wire::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use weft_client::wire::messages::{TopicName, WriteTxnMarkersRequest, WriteTxnMarkersResponse};

use super::super::super::cluster::Cluster;
use super::super::super::log::Marker;
use super::super::super::reply::{Ask, Reply};
use super::super::super::transaction::{Outcome, TransactionVersion};
use super::identity;

pub(in super::super) fn write_txn_markers(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &WriteTxnMarkersRequest,
) -> Reply {
    let results = request.markers.iter().map(|asked| {
        let topics = asked.topics.iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|index| {
                let written = write(cluster, ask, asked, &topic.name, *index);
                WritableTxnMarkerPartitionResult::default()
                    .with_partition_index(*index)
                    .with_error_code(written.err().unwrap_or(ErrorCode::NONE).0)
            });
            let partitions = partitions.collect();
            WritableTxnMarkerTopicResult::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions)
        });
        let topics = topics.collect();
        WritableTxnMarkerResult::default()
            .with_producer_id(asked.producer_id)
            .with_topics(topics)
    });
    WriteTxnMarkersResponse::default()
        .with_markers(results.collect())
        .into()
}

fn write(
    cluster: &mut Cluster,
    ask: &Ask,
    asked: &WritableTxnMarker,
    topic: &TopicName,
    index: i32,
) -> Result<(), ErrorCode> {
    if asked.producer_id.0 < 0 || asked.producer_epoch < 0 {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    let outcome = if asked.transaction_result {
        Outcome::Commit
    } else {
        Outcome::Abort
    };
    let marker = Marker {
        producer: identity(asked.producer_id, asked.producer_epoch),
        outcome,
        coordinator_epoch: asked.coordinator_epoch,
        // The only one that this version of the API knows.
        version: TransactionVersion::V1,
    };
    let found = cluster.topics.by_name(topic.as_str());
    let found = found.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    found.led_by(ask.broker, index, -1)?;
    let key = (found.id, index);
    cluster.append_marker(ask.now, key, &marker)
}
