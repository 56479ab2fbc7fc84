//! DescribeTransactions: how far the transactions of some transactional ids are (KIP-664).
//!
//! All versions.

use std::collections::BTreeMap;

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::describe_transactions_response::{TopicData, TransactionState};
use weft_client::wire::messages::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, TransactionalId,
};

use super::super::super::cluster::Cluster;
use super::super::super::reply::{Ask, Reply, text};
use super::super::super::transaction::{Participant, Transaction};
use super::check_coordinator;

pub(in super::super) fn describe_transactions(
    cluster: &mut Cluster,
    ask: &Ask,
    request: DescribeTransactionsRequest,
) -> Reply {
    let ids = request.transactional_ids.into_iter();
    let states = ids.map(|id| state(cluster, ask, id)).collect();
    DescribeTransactionsResponse::default()
        .with_transaction_states(states)
        .into()
}

fn state(cluster: &mut Cluster, ask: &Ask, id: TransactionalId) -> TransactionState {
    let checked = if id.is_empty() {
        Err(ErrorCode::INVALID_REQUEST)
    } else {
        check_coordinator(cluster, ask, id.as_str())
    };
    let found = checked.and_then(|()| {
        let found = cluster.transactions.find(id.as_str());
        found.ok_or(ErrorCode::TRANSACTIONAL_ID_NOT_FOUND)
    });
    let response = TransactionState::default().with_transactional_id(id);
    let found = match found {
        Ok(found) => found,
        Err(error) => return response.with_error_code(error.0),
    };
    let started_at = found.started_at;
    let timeout = i32::try_from(found.timeout.as_millis()).unwrap_or(i32::MAX);
    response
        .with_transaction_state(text(found.state.name()))
        .with_transaction_timeout_ms(timeout)
        .with_transaction_start_time_ms(started_at.map_or(-1, |at| cluster.clock.timestamp(at)))
        .with_producer_id(found.producer_id.0.into())
        .with_producer_epoch(found.epoch)
        .with_topics(topics(cluster, found))
}

fn topics(cluster: &Cluster, transaction: &Transaction) -> Vec<TopicData> {
    let mut partitions: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for participant in &transaction.participants {
        let (topic, partition) = match participant {
            Participant::Partition((id, partition)) => match cluster.topics.by_id(*id) {
                Some(topic) => (topic.name.as_str(), *partition),
                None => continue,
            },
            Participant::Group(group) => (OFFSETS_TOPIC, offsets_partition(group.as_str())),
        };
        partitions.entry(topic).or_default().push(partition);
    }
    let topics = partitions.into_iter().map(|(topic, mut partitions)| {
        partitions.sort_unstable();
        partitions.dedup();
        TopicData::default()
            .with_topic(text(topic).into())
            .with_partitions(partitions)
    });
    topics.collect()
}

/// Where Kafka would keep the offsets of a group: by Java's hash of its name.
fn offsets_partition(group: &str) -> i32 {
    let hash = group.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    (hash & i32::MAX) % OFFSETS_PARTITIONS
}

/// The topic in which Kafka keeps committed offsets. The mock has none, and shows it here only.
const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// `offsets.topic.num.partitions`
const OFFSETS_PARTITIONS: i32 = 50;
