//! Offsets that are committed by transactions.

use weft_client::wire::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use weft_client::wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use weft_client::wire::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use super::*;

const GROUP: &str = "group";

fn request(producer: Producer, offset: i64) -> TxnOffsetCommitRequest {
    TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(string(ID)))
        .with_group_id(GroupId(string(GROUP)))
        .with_producer_id(producer.id.into())
        .with_producer_epoch(producer.epoch)
        .with_generation_id(-1)
        .with_topics(vec![
            TxnOffsetCommitRequestTopic::default()
                .with_name(TopicName(string(TOPIC)))
                .with_partitions(vec![
                    TxnOffsetCommitRequestPartition::default()
                        .with_committed_offset(offset)
                        .with_committed_leader_epoch(-1),
                ]),
        ])
}

fn commit(
    bench: &mut Bench,
    wire: Wire,
    version: i16,
    request: TxnOffsetCommitRequest,
) -> ErrorCode {
    let Response::TxnOffsetCommit(response) = bench.ask_in(wire, version, request) else {
        panic!();
    };
    ErrorCode(response.topics[0].partitions[0].error_code)
}

/// What a consumer finds that wants no offset which may change.
fn stable_offset(bench: &mut Bench, wire: Wire) -> Result<i64, ErrorCode> {
    offset(bench, wire, true)
}

fn offset(bench: &mut Bench, wire: Wire, require_stable: bool) -> Result<i64, ErrorCode> {
    let asked = OffsetFetchRequestTopics::default()
        .with_name(TopicName(string(TOPIC)))
        .with_partition_indexes(vec![0]);
    let request = OffsetFetchRequest::default()
        .with_require_stable(require_stable)
        .with_groups(vec![
            OffsetFetchRequestGroup::default()
                .with_group_id(GroupId(string(GROUP)))
                .with_topics(Some(vec![asked])),
        ]);
    let Response::OffsetFetch(response) = bench.ask(wire, request) else {
        panic!();
    };
    let partition = &response.groups[0].topics[0].partitions[0];
    match ErrorCode(partition.error_code) {
        ErrorCode::NONE => Ok(partition.committed_offset),
        error => Err(error),
    }
}

fn plain_commit(bench: &mut Bench, wire: Wire, offset: i64) {
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(string(GROUP)))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![
            OffsetCommitRequestTopic::default()
                .with_name(TopicName(string(TOPIC)))
                .with_partitions(vec![
                    OffsetCommitRequestPartition::default().with_committed_offset(offset),
                ]),
        ]);
    let version = *ours(ApiKey::OffsetCommit).end();
    bench.ask_in(wire, version, request);
}

#[test]
fn they_count_when_the_transaction_is_committed() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    plain_commit(&mut bench, wire, 1);
    assert_eq!(stable_offset(&mut bench, wire), Ok(1));
    let unstable = Err(ErrorCode::UNSTABLE_OFFSET_COMMIT);

    assert_eq!(
        commit(&mut bench, wire, 5, request(producer, 7)),
        ErrorCode::NONE
    );
    assert_eq!(stable_offset(&mut bench, wire), unstable);
    assert_eq!(offset(&mut bench, wire, false), Ok(1), "as it is now");
    let producer = end(&mut bench, wire, 5, producer, false).unwrap();
    assert_eq!(stable_offset(&mut bench, wire), Ok(1), "it was aborted");

    assert_eq!(
        commit(&mut bench, wire, 5, request(producer, 8)),
        ErrorCode::NONE
    );
    end(&mut bench, wire, 5, producer, true).unwrap();
    assert_eq!(stable_offset(&mut bench, wire), Ok(8));
}

#[test]
fn a_later_commit_is_not_undone_by_an_older_transaction() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    commit(&mut bench, wire, 5, request(producer, 7));
    plain_commit(&mut bench, wire, 9);
    let unstable = Err(ErrorCode::UNSTABLE_OFFSET_COMMIT);
    assert_eq!(stable_offset(&mut bench, wire), unstable, "as Kafka has it");

    end(&mut bench, wire, 5, producer, true).unwrap();

    assert_eq!(stable_offset(&mut bench, wire), Ok(9));
}

#[test]
fn older_producers_add_the_group_first() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let invalid = ErrorCode::INVALID_TXN_STATE;
    assert_eq!(commit(&mut bench, wire, 3, request(producer, 7)), invalid);
    let abortable = ErrorCode::TRANSACTION_ABORTABLE;
    assert_eq!(commit(&mut bench, wire, 4, request(producer, 7)), abortable);

    let add = AddOffsetsToTxnRequest::default()
        .with_transactional_id(TransactionalId(string(ID)))
        .with_producer_id(producer.id.into())
        .with_producer_epoch(producer.epoch)
        .with_group_id(GroupId(string(GROUP)));
    let Response::AddOffsetsToTxn(added) = bench.ask(wire, add) else {
        panic!();
    };

    assert_eq!(added.error_code, 0);
    assert_eq!(
        commit(&mut bench, wire, 3, request(producer, 7)),
        ErrorCode::NONE
    );
    end(&mut bench, wire, 4, producer, true).unwrap();
    assert_eq!(stable_offset(&mut bench, wire), Ok(7));
}

#[test]
fn only_a_member_of_the_generation_commits_for_a_group() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let fenced = Producer {
        epoch: producer.epoch + 1,
        ..producer
    };
    for (request, expected) in [
        (
            request(producer, 7).with_generation_id(3),
            ErrorCode::ILLEGAL_GENERATION,
        ),
        (
            request(producer, 7).with_group_id(GroupId(string(""))),
            ErrorCode::INVALID_GROUP_ID,
        ),
        (request(fenced, 7), ErrorCode::INVALID_PRODUCER_EPOCH),
        (request(producer, 7), ErrorCode::NONE),
        // The group exists now.
        (
            request(producer, 7)
                .with_generation_id(3)
                .with_member_id(string("stranger")),
            ErrorCode::UNKNOWN_MEMBER_ID,
        ),
    ] {
        let name = format!("{request:?}");
        assert_eq!(commit(&mut bench, wire, 5, request), expected, "{name}");
    }
}

#[test]
fn a_partition_that_does_not_exist_is_refused_and_begins_nothing() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    let mut unknown = request(producer, 7);
    unknown.topics[0].partitions[0].partition_index = 9;

    let refused = commit(&mut bench, wire, 5, unknown);

    assert_eq!(refused, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let empty = TransactionState::Empty;
    assert_eq!(bench.cluster.transaction_state(ID), Some(empty));
}
