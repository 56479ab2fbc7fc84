//! Transactions in every version of their APIs. What belongs to the newest version alone, and what
//! a transaction does to readers, is compared in more depth beside the mock.

use bytes::Bytes;
use weft_client::record::{BatchBuilder, BatchKind, BatchProducer, Compression, Compressor};
use weft_client::wire::ApiKey;
use weft_client::wire::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use weft_client::wire::messages::describe_producers_request::TopicRequest;
use weft_client::wire::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use weft_client::wire::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};
use weft_client::wire::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, DescribeProducersRequest,
    DescribeTransactionsRequest, EndTxnRequest, FindCoordinatorRequest, InitProducerIdRequest,
    ListTransactionsRequest, ProduceRequest, TransactionalId, TxnOffsetCommitRequest,
    WriteTxnMarkersRequest,
};

use super::super::case::{At, Case, Step, ask, repeat};
use super::super::question::Question;
use super::super::tree::Tree;
use super::committed::fetch;
use super::groups::coordinated;
use super::records::produce;
use super::{case, text, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "transactions",
            &[
                ApiKey::AddPartitionsToTxn,
                ApiKey::AddOffsetsToTxn,
                ApiKey::TxnOffsetCommit,
                ApiKey::EndTxn,
            ],
            vec![
                topic("topic", 1),
                coordinated("group"),
                begun(),
                adding(),
                offsets(),
                ending(),
            ],
        ),
        case(
            "watching transactions",
            &[
                ApiKey::DescribeTransactions,
                ApiKey::ListTransactions,
                ApiKey::DescribeProducers,
                ApiKey::WriteTxnMarkers,
            ],
            vec![topic("topic", 1), begun(), watching(), markers()],
        ),
    ]
}

fn id(at: &At<'_>, name: &str) -> TransactionalId {
    TransactionalId(at.name(name))
}

fn begun() -> Vec<Step> {
    let is_loaded = |answer: &Tree| {
        let passing = ["14", "15", "16", "51"];
        !passing.iter().any(|code| answer.has("error_code", code))
    };
    vec![
        repeat("the coordinator of transactions", is_loaded, |at| {
            let request = FindCoordinatorRequest::default().with_key_type(1);
            match at.version(ApiKey::FindCoordinator) {
                4.. => request.with_coordinator_keys(vec![at.name("id")]),
                _ => request.with_key(at.name("id")),
            }
        }),
        repeat("a producer", is_loaded, |at| {
            InitProducerIdRequest::default()
                .with_transactional_id(Some(id(at, "id")))
                .with_transaction_timeout_ms(60_000)
                .with_producer_id((-1).into())
                .with_producer_epoch(-1)
        }),
    ]
}

fn add(at: &At<'_>, name: &str, epoch: i16, partition: i32) -> AddPartitionsToTxnRequest {
    let topic = AddPartitionsToTxnTopic::default()
        .with_name(at.topic("topic"))
        .with_partitions(vec![partition]);
    let request = AddPartitionsToTxnRequest::default();
    match at.version(ApiKey::AddPartitionsToTxn) {
        4.. => request.with_transactions(vec![
            AddPartitionsToTxnTransaction::default()
                .with_transactional_id(id(at, name))
                .with_producer_id(at.producer().0.into())
                .with_producer_epoch(epoch)
                .with_topics(vec![topic]),
        ]),
        _ => request
            .with_v3_and_below_transactional_id(id(at, name))
            .with_v3_and_below_producer_id(at.producer().0.into())
            .with_v3_and_below_producer_epoch(epoch)
            .with_v3_and_below_topics(vec![topic]),
    }
}

fn adding() -> Vec<Step> {
    vec![
        ask("adding for nobody", |at| {
            add(at, "nobody", at.producer().1, 0)
        }),
        ask("adding in a later epoch", |at| {
            add(at, "id", at.producer().1 + 1, 0)
        }),
        ask("adding what does not exist", |at| {
            add(at, "id", at.producer().1, 9)
        }),
        ask("adding a partition", |at| add(at, "id", at.producer().1, 0)),
        ask("a batch", |at| written(at, 0)),
        ask("the next batch", |at| written(at, 1)),
    ]
}

/// One record of the transaction, in a version that does not add partitions by itself (KIP-890).
fn written(at: &At<'_>, sequence: i32) -> ProduceRequest {
    let request = produce(at, "topic", &[(0, Some(batch(at, sequence)))]);
    request.with_transactional_id(Some(id(at, "id")))
}

fn batch(at: &At<'_>, sequence: i32) -> Bytes {
    let (id, epoch) = at.producer();
    let mut builder = BatchBuilder::new();
    builder.set_kind(BatchKind::Transactional);
    builder.set_producer(BatchProducer {
        id,
        epoch,
        base_sequence: sequence,
    });
    let appended = builder.append(1_000, None, Some(b"v"), &[]);
    appended.expect("a small record fits");
    let built = builder.build(Compression::None, &mut Compressor::default());
    built.expect("a small batch can be built")
}

fn commit(at: &At<'_>, name: &str, topic: &str) -> TxnOffsetCommitRequest {
    let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(5);
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(at.topic(topic))
        .with_partitions(vec![partition]);
    let (producer, epoch) = at.producer();
    TxnOffsetCommitRequest::default()
        .with_transactional_id(id(at, name))
        .with_group_id(at.group("group"))
        .with_producer_id(producer.into())
        .with_producer_epoch(epoch)
        .with_generation_id(-1)
        .with_topics(vec![topic])
}

fn offsets() -> Vec<Step> {
    let add = |at: &At<'_>, name: &str, group: &str| {
        let (producer, epoch) = at.producer();
        AddOffsetsToTxnRequest::default()
            .with_transactional_id(id(at, name))
            .with_producer_id(producer.into())
            .with_producer_epoch(epoch)
            .with_group_id(at.group(group))
    };
    vec![
        ask("adding offsets for nobody", move |at| {
            add(at, "nobody", "group")
        }),
        ask("adding offsets", move |at| add(at, "id", "group")),
        ask("an offset", |at| commit(at, "id", "topic")),
        ask("an offset of no topic", |at| commit(at, "id", "none")),
        ask("a generation of no group", |at| {
            commit(at, "id", "topic").with_generation_id(3)
        }),
        ask("the offset before the end", |at| {
            fetch(at, &[("group", Some(&[("topic", &[0])]))])
        }),
    ]
}

fn ending() -> Vec<Step> {
    let end = |at: &At<'_>, name: &str, epoch: i16, committed: bool| {
        EndTxnRequest::default()
            .with_transactional_id(id(at, name))
            .with_producer_id(at.producer().0.into())
            .with_producer_epoch(epoch)
            .with_committed(committed)
    };
    let is_kept = |answer: &Tree| answer.has("committed_offset", "5");
    vec![
        ask("ending nobody's", move |at| {
            end(at, "nobody", at.producer().1, true)
        }),
        ask("ending in a later epoch", move |at| {
            end(at, "id", at.producer().1 + 1, true)
        }),
        ask("the end", move |at| end(at, "id", at.producer().1, true)),
        repeat("the offset afterwards", is_kept, |at| {
            fetch(at, &[("group", Some(&[("topic", &[0])]))])
        }),
    ]
}

fn watching() -> Vec<Step> {
    let of = |names: &'static [&'static str]| {
        move |at: &At<'_>| {
            let ids = names.iter().map(|name| id(at, name));
            DescribeTransactionsRequest::default().with_transactional_ids(ids.collect())
        }
    };
    let list = || ListTransactionsRequest::default().with_duration_filter(-1);
    let producers = |at: &At<'_>, name: &str, partition| {
        let topic = TopicRequest::default()
            .with_name(at.topic(name))
            .with_partition_indexes(vec![partition]);
        DescribeProducersRequest::default().with_topics(vec![topic])
    };
    vec![
        ask("a transaction that has not begun", of(&["id"])),
        ask("no transaction", of(&["nobody"])),
        ask("no name", of(&[""])),
        ask("no transactions at all", of(&[])),
        ask("a transaction twice", of(&["id", "nobody", "id", "nobody"])),
        ask("transactions in no state", move |_| {
            list().with_state_filters(vec![text("Asleep")])
        }),
        ask("transactions that wait", move |_| {
            list().with_state_filters(vec![text("PrepareAbort")])
        }),
        ask("transactions of no producer", move |_| {
            list().with_producer_id_filters(vec![123_456.into()])
        }),
        ask("producers of nothing", move |at| producers(at, "topic", 0)),
        ask("producers of no partition", move |at| {
            producers(at, "topic", 9)
        }),
        ask("producers of no topic", move |at| producers(at, "none", 0)),
    ]
}

fn markers() -> Vec<Step> {
    let marker = |at: &At<'_>, name: &str, partition| {
        let topic = WritableTxnMarkerTopic::default()
            .with_name(at.topic(name))
            .with_partition_indexes(vec![partition]);
        let (id, epoch) = at.producer();
        WriteTxnMarkersRequest::default().with_markers(vec![
            WritableTxnMarker::default()
                .with_producer_id(id.into())
                .with_producer_epoch(epoch)
                .with_topics(vec![topic]),
        ])
    };
    vec![
        ask("a marker for no partition", move |at| {
            marker(at, "topic", 9)
        }),
        ask("a marker for no topic", move |at| marker(at, "none", 0)),
        ask("a marker", move |at| marker(at, "topic", 0)),
        ask("no markers", |_| {
            Question::from(WriteTxnMarkersRequest::default())
        }),
    ]
}
