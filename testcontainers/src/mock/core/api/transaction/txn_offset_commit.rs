//! TxnOffsetCommit: offsets that count when the transaction is committed. The group takes them from
//! a member of its current generation, or from a producer that names none (KIP-447).
//!
//! Versions 0 to 5, by name.

use std::collections::BTreeSet;

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use weft_client::wire::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use weft_client::wire::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};
use weft_client::{GenerationId, GroupId};

use super::super::super::cluster::Cluster;
use super::super::super::group::{Committer, commit_value};
use super::super::super::release::KafkaRelease;
use super::super::super::reply::{Ask, Reply};
use super::super::super::transaction::{Participant, ProducerIdentity};
use super::super::membership::{self, check_group};
use super::super::offset_commit::METADATA_BYTES_MAX;
use super::{identity, participant};

pub(in super::super) fn txn_offset_commit(
    cluster: &mut Cluster,
    ask: &Ask,
    request: TxnOffsetCommitRequest,
) -> Reply {
    let producer = identity(request.producer_id, request.producer_epoch);
    let checked = check(cluster, ask, &request, producer);
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let committed = match (
                &checked,
                participant(cluster, &topic.name, asked.partition_index),
            ) {
                (_, None) => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
                (Err(error), _) => Err(*error),
                (Ok(group), Some(_)) => ask
                    .check_partition(topic.name.as_str(), asked.partition_index)
                    .and_then(|()| commit(cluster, group, producer, &topic, asked)),
            };
            let error = committed.err().unwrap_or(ErrorCode::NONE);
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(error.0)
        });
        let partitions = partitions.collect();
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    TxnOffsetCommitResponse::default()
        .with_topics(topics)
        .into()
}

/// The group, if this producer may commit to it now.
fn check(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &TxnOffsetCommitRequest,
    producer: ProducerIdentity,
) -> Result<GroupId, ErrorCode> {
    let mut partitions = request.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(move |asked| (&topic.name, asked.partition_index))
    });
    if !partitions.any(|(name, index)| participant(cluster, name, index).is_some()) {
        // With nothing left to commit nobody is asked, and nothing joins the transaction.
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    }
    let group_id = check_group(cluster, ask, request.group_id.as_str())?;
    let id = request.transactional_id.as_str();
    let group = Participant::Group(group_id.clone());
    let transactions = &mut cluster.transactions;
    let verified = if ask.version() >= ADDS_SINCE {
        transactions.add(ask.now, id, producer, BTreeSet::from([group]))
    } else {
        transactions.verify(id, producer, &group)
    };
    verified.map_err(|error| match error {
        ErrorCode::PRODUCER_FENCED => ErrorCode::INVALID_PRODUCER_EPOCH,
        ErrorCode::TRANSACTION_ABORTABLE if ask.version() < ABORTABLE_SINCE => {
            ErrorCode::INVALID_TXN_STATE
        }
        other => other,
    })?;
    let committer = Committer {
        identity: membership::identity(&request.member_id, request.group_instance_id.as_ref()),
        generation: GenerationId::new(request.generation_id),
    };
    let is_known = cluster.groups.find(group_id.as_str()).is_some();
    if !is_known && committer.generation > GenerationId::NONE {
        return Err(ErrorCode::ILLEGAL_GENERATION);
    }
    let group = cluster.groups.find_or_create(&group_id)?;
    let is_nameless = request.member_id.is_empty() && request.group_instance_id.is_none();
    if is_nameless && cluster.options.release < KafkaRelease::V3_0 {
        // Who gives no name was only asked for the generation.
        let is_current = committer.generation == group.generation();
        return if committer.generation <= GenerationId::NONE || is_current {
            Ok(group_id)
        } else {
            Err(ErrorCode::ILLEGAL_GENERATION)
        };
    }
    group.check_transactional_commit(&committer, &mut cluster.violations)?;
    Ok(group_id)
}

fn commit(
    cluster: &mut Cluster,
    group_id: &GroupId,
    producer: ProducerIdentity,
    topic: &TxnOffsetCommitRequestTopic,
    asked: &TxnOffsetCommitRequestPartition,
) -> Result<(), ErrorCode> {
    let metadata = asked.committed_metadata.as_deref().unwrap_or_default();
    if metadata.len() > METADATA_BYTES_MAX {
        return Err(ErrorCode::OFFSET_METADATA_TOO_LARGE);
    }
    let value = commit_value(
        asked.committed_offset,
        asked.committed_leader_epoch,
        metadata,
    );
    if let Some(group) = cluster.groups.find_mut(group_id.as_str()) {
        let committed = group.committed_mut();
        committed.set_pending(
            producer.id,
            topic.name.as_str(),
            asked.partition_index,
            value,
        );
    }
    Ok(())
}

/// The first version that adds the group to the transaction (KIP-890).
const ADDS_SINCE: i16 = 5;

/// The first version that knows TRANSACTION_ABORTABLE.
const ABORTABLE_SINCE: i16 = 4;
