//! AddPartitionsToTxn: what a transaction is about to write to. Clients add to one transaction;
//! brokers, from version 4 on, add to several, or only ask whether that was done (KIP-890).
//!
//! All versions.

use std::collections::BTreeSet;

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use weft_client::wire::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use weft_client::wire::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, TopicName,
};

use super::super::super::cluster::Cluster;
use super::super::super::reply::{Ask, Reply};
use super::super::super::transaction::Participant;
use super::{check_coordinator, identity, participant, understood};

pub(in super::super) fn add_partitions_to_txn(
    cluster: &mut Cluster,
    ask: &Ask,
    request: AddPartitionsToTxnRequest,
) -> Reply {
    if ask.version() >= BATCHED {
        let transactions = request.transactions.iter();
        let results = transactions.map(|transaction| {
            AddPartitionsToTxnResult::default()
                .with_transactional_id(transaction.transactional_id.clone())
                .with_topic_results(topic_results(cluster, ask, transaction))
        });
        return AddPartitionsToTxnResponse::default()
            .with_results_by_transaction(results.collect())
            .into();
    }
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(request.v3_and_below_transactional_id)
        .with_producer_id(request.v3_and_below_producer_id)
        .with_producer_epoch(request.v3_and_below_producer_epoch)
        .with_topics(request.v3_and_below_topics);
    AddPartitionsToTxnResponse::default()
        .with_results_by_topic_v3_and_below(topic_results(cluster, ask, &transaction))
        .into()
}

/// Either all partitions are added or none.
fn topic_results(
    cluster: &mut Cluster,
    ask: &Ask,
    transaction: &AddPartitionsToTxnTransaction,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let topics = &transaction.topics;
    let asked = topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|index| participant(cluster, &topic.name, *index))
    });
    let Some(participants) = asked.collect::<Option<BTreeSet<Participant>>>() else {
        return results(topics, |name, index| {
            if participant(cluster, name, index).is_some() {
                ErrorCode::OPERATION_NOT_ATTEMPTED
            } else {
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            }
        });
    };
    let id = transaction.transactional_id.as_str();
    let producer = identity(transaction.producer_id, transaction.producer_epoch);
    let checked = check_coordinator(cluster, ask, id);
    if transaction.verify_only {
        return results(topics, |name, index| {
            let verified = checked.and_then(|()| {
                let asked = participant(cluster, name, index);
                let asked = asked.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
                cluster.transactions.verify(id, producer, &asked)
            });
            verified.err().unwrap_or(ErrorCode::NONE)
        });
    }
    let added = checked.and_then(|()| {
        let transactions = &mut cluster.transactions;
        transactions.add(ask.now, id, producer, participants)
    });
    let error = added.err().unwrap_or(ErrorCode::NONE);
    let error = understood(error, ask.version() >= KNOWS_FENCING);
    results(topics, |_, _| error)
}

fn results(
    topics: &[AddPartitionsToTxnTopic],
    error: impl Fn(&TopicName, i32) -> ErrorCode,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let results = topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|index| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*index)
                .with_partition_error_code(error(&topic.name, *index).0)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    });
    results.collect()
}

/// The first version for several transactions.
const BATCHED: i16 = 4;

/// The first version that knows PRODUCER_FENCED (KIP-588).
const KNOWS_FENCING: i16 = 2;
