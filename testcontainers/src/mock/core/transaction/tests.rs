//! The coordinator alone: every request in every state.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use weft_client::wire::ErrorCode;
use weft_client::{GroupId, TopicId};

use super::*;

const ID: &str = "transactional";

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "any time will do as the first")]
    Instant::now()
}

fn partition(index: i32) -> Participant {
    Participant::Partition((TopicId([7; 16]), index))
}

fn identity(id: i64, epoch: i16) -> ProducerIdentity {
    ProducerIdentity {
        id: ProducerId(id),
        epoch,
    }
}

fn init(
    transactions: &mut Transactions,
    at: Instant,
    current: Option<ProducerIdentity>,
    version: TransactionVersion,
) -> Result<ProducerIdentity, ErrorCode> {
    let init = InitProducer {
        transactional_id: ID.into(),
        timeout: TIMEOUT,
        current,
    };
    transactions.init(at, &init, version)
}

fn end(
    transactions: &mut Transactions,
    at: Instant,
    producer: ProducerIdentity,
    outcome: Outcome,
    version: TransactionVersion,
) -> Result<ProducerIdentity, ErrorCode> {
    let end = EndTxn {
        transactional_id: ID.into(),
        producer,
        outcome,
        version,
    };
    transactions.end(at, &end)
}

/// Writes all the markers.
fn settle(transactions: &mut Transactions) -> Vec<DueMarker> {
    let due = transactions.take_due();
    for due in &due {
        transactions.note_written(due);
    }
    due
}

fn state(transactions: &Transactions) -> TransactionState {
    transactions.find(ID).unwrap().state
}

/// The coordinator when producer 0 of epoch 0 has brought its transaction to a state by the rules
/// of `version`, and who the producer is by then.
fn in_state(
    at: Instant,
    state: TransactionState,
    version: TransactionVersion,
) -> (Transactions, ProducerIdentity) {
    let mut transactions = Transactions::default();
    let mut producer = init(&mut transactions, at, None, version).unwrap();
    let added = BTreeSet::from([partition(0)]);
    let outcome = match state {
        TransactionState::Empty => return (transactions, producer),
        TransactionState::PrepareCommit | TransactionState::CompleteCommit => Outcome::Commit,
        _ => Outcome::Abort,
    };
    transactions.add(at, ID, producer, added).unwrap();
    if state != TransactionState::Ongoing {
        producer = end(&mut transactions, at, producer, outcome, version).unwrap();
    }
    if matches!(
        state,
        TransactionState::CompleteCommit | TransactionState::CompleteAbort
    ) {
        settle(&mut transactions);
    }
    (transactions, producer)
}

/// What an end gets in each state: abort and commit, with the epoch before and the current one.
fn answers(version: TransactionVersion) -> Vec<(TransactionState, [Result<i16, ErrorCode>; 4])> {
    let at = now();
    let answer = |state, outcome, is_again| {
        let (mut transactions, producer) = in_state(at, state, version);
        assert_eq!(transactions.find(ID).unwrap().state, state);
        let epoch = producer.epoch - i16::from(is_again);
        let producer = identity(producer.id.0, epoch);
        end(&mut transactions, at, producer, outcome, version).map(|producer| producer.epoch)
    };
    let states = TransactionState::ALL.into_iter();
    states
        .map(|state| {
            let answers = [
                answer(state, Outcome::Abort, true),
                answer(state, Outcome::Abort, false),
                answer(state, Outcome::Commit, true),
                answer(state, Outcome::Commit, false),
            ];
            (state, answers)
        })
        .collect()
}

#[test]
fn in_the_first_version_a_repeated_end_is_known_by_the_state() {
    let fenced = Err(ErrorCode::PRODUCER_FENCED);
    let invalid = Err(ErrorCode::INVALID_TXN_STATE);
    let concurrent = Err(ErrorCode::CONCURRENT_TRANSACTIONS);

    assert_eq!(
        answers(TransactionVersion::V1),
        [
            (TransactionState::Empty, [fenced, invalid, fenced, invalid]),
            (TransactionState::Ongoing, [fenced, Ok(0), fenced, Ok(0)]),
            (
                TransactionState::PrepareCommit,
                [fenced, invalid, fenced, concurrent]
            ),
            (
                TransactionState::PrepareAbort,
                [fenced, concurrent, fenced, invalid]
            ),
            (
                TransactionState::CompleteCommit,
                [fenced, invalid, fenced, Ok(0)]
            ),
            (
                TransactionState::CompleteAbort,
                [fenced, Ok(0), fenced, invalid]
            ),
        ]
    );
}

#[test]
fn in_the_second_version_a_repeated_end_is_known_by_the_epoch() {
    let fenced = Err(ErrorCode::PRODUCER_FENCED);
    let invalid = Err(ErrorCode::INVALID_TXN_STATE);
    let concurrent = Err(ErrorCode::CONCURRENT_TRANSACTIONS);

    assert_eq!(
        answers(TransactionVersion::V2),
        [
            (TransactionState::Empty, [fenced, Ok(1), fenced, invalid]),
            (TransactionState::Ongoing, [fenced, Ok(1), fenced, Ok(1)]),
            (
                TransactionState::PrepareCommit,
                [invalid, fenced, concurrent, fenced]
            ),
            (
                TransactionState::PrepareAbort,
                [concurrent, fenced, invalid, fenced]
            ),
            (
                TransactionState::CompleteCommit,
                [invalid, Ok(2), Ok(1), invalid]
            ),
            (
                TransactionState::CompleteAbort,
                [Ok(1), Ok(2), invalid, invalid]
            ),
        ]
    );
}

#[test]
fn a_new_life_fences_the_one_before_whatever_it_was_doing() {
    let at = now();
    let again = Err(ErrorCode::CONCURRENT_TRANSACTIONS);
    let (v1, v2) = (TransactionVersion::V1, TransactionVersion::V2);
    for (state, version, first, second) in [
        (
            TransactionState::Empty,
            v2,
            Ok(identity(0, 1)),
            Ok(identity(0, 2)),
        ),
        (TransactionState::Ongoing, v1, again, Ok(identity(0, 2))),
        (TransactionState::Ongoing, v2, again, Ok(identity(0, 2))),
        (
            TransactionState::PrepareCommit,
            v1,
            again,
            Ok(identity(0, 1)),
        ),
        (
            TransactionState::PrepareAbort,
            v2,
            again,
            Ok(identity(0, 2)),
        ),
        (
            TransactionState::CompleteCommit,
            v1,
            Ok(identity(0, 1)),
            Ok(identity(0, 2)),
        ),
        (
            TransactionState::CompleteAbort,
            v2,
            Ok(identity(0, 2)),
            Ok(identity(0, 3)),
        ),
    ] {
        let (mut transactions, producer) = in_state(at, state, version);
        assert_eq!(
            init(&mut transactions, at, None, version),
            first,
            "{state:?}"
        );
        settle(&mut transactions);
        assert_eq!(
            init(&mut transactions, at, None, version),
            second,
            "{state:?}"
        );
        let added = BTreeSet::from([partition(1)]);
        let fenced = transactions.add(at, ID, producer, added);
        assert_eq!(fenced, Err(ErrorCode::PRODUCER_FENCED), "{state:?}");
    }
}

#[test]
fn a_producer_bumps_its_own_epoch_and_may_ask_twice() {
    let at = now();
    let v2 = TransactionVersion::V2;
    let (mut transactions, producer) = in_state(at, TransactionState::Empty, v2);

    let bumped = init(&mut transactions, at, Some(producer), v2);
    assert_eq!(bumped, Ok(identity(0, 1)));
    let again = init(&mut transactions, at, Some(producer), v2);
    assert_eq!(again, Ok(identity(0, 1)), "the answer may have been lost");
    let other = init(&mut transactions, at, None, v2);
    assert_eq!(other, Ok(identity(0, 2)));
    for (current, who) in [
        (identity(0, 1), "fenced by another life"),
        (identity(5, 2), "never had this transactional id"),
    ] {
        let refused = init(&mut transactions, at, Some(current), v2);
        assert_eq!(refused, Err(ErrorCode::PRODUCER_FENCED), "{who}");
    }
}

#[test]
fn when_the_epochs_are_used_up_the_producer_gets_another_id() {
    let at = now();
    let last = i16::MAX - 1;
    let exhausted = |version| {
        let mut transactions = Transactions::default();
        init(&mut transactions, at, None, version).unwrap();
        let known = transactions.find(ID).unwrap().clone();
        let known = Transaction {
            epoch: last,
            ..known
        };
        transactions.put(&ID.into(), known);
        transactions
    };
    let (v1, v2) = (TransactionVersion::V1, TransactionVersion::V2);

    let mut transactions = exhausted(v1);
    assert_eq!(init(&mut transactions, at, None, v1), Ok(identity(1, 0)));
    let stale = Some(identity(0, last));
    let retried = init(&mut transactions, at, stale, v1);
    assert_eq!(
        retried,
        Err(ErrorCode::PRODUCER_FENCED),
        "it did not say so at first"
    );

    let mut transactions = exhausted(v1);
    assert_eq!(init(&mut transactions, at, stale, v1), Ok(identity(1, 0)));
    assert_eq!(init(&mut transactions, at, stale, v1), Ok(identity(1, 0)));

    let mut transactions = exhausted(v2);
    let producer = identity(0, last);
    let added = BTreeSet::from([partition(0)]);
    transactions.add(at, ID, producer, added).unwrap();
    let ended = end(&mut transactions, at, producer, Outcome::Commit, v2);
    assert_eq!(ended, Ok(identity(1, 0)));
    let due = settle(&mut transactions);
    assert_eq!(due[0].marker.producer, identity(0, i16::MAX));
    let again = end(&mut transactions, at, producer, Outcome::Commit, v2);
    assert_eq!(again, Ok(identity(1, 0)));
}

#[test]
fn a_transaction_is_complete_when_its_last_marker_is_written() {
    let at = now();
    let v2 = TransactionVersion::V2;
    let (mut transactions, producer) = in_state(at, TransactionState::Ongoing, v2);
    let group = Participant::Group(GroupId::from("group"));
    let added = BTreeSet::from([group.clone(), partition(0), partition(1)]);
    transactions.add(at, ID, producer, added).unwrap();
    let ended = end(&mut transactions, at, producer, Outcome::Commit, v2).unwrap();

    let due = transactions.take_due();
    let participants: Vec<_> = due.iter().map(|due| due.participant.clone()).collect();
    assert_eq!(participants, [partition(0), partition(1), group]);
    transactions.note_written(&due[0]);
    transactions.note_written(&due[2]);
    assert_eq!(state(&transactions), TransactionState::PrepareCommit);
    let more = transactions.add(at, ID, ended, BTreeSet::from([partition(0)]));
    assert_eq!(more, Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    assert_eq!(
        transactions.take_due(),
        [due[1].clone()],
        "until it is written"
    );
    transactions.note_written(&due[1]);

    assert_eq!(state(&transactions), TransactionState::CompleteCommit);
    assert_eq!(transactions.take_due(), []);
}

#[test]
fn what_takes_longer_than_its_timeout_is_aborted_and_fenced() {
    for version in [TransactionVersion::V1, TransactionVersion::V2] {
        let at = now();
        let (mut transactions, producer) = in_state(at, TransactionState::Ongoing, version);
        assert_eq!(transactions.next_deadline(|_| false), Some(at + TIMEOUT));
        transactions.expire(at + TIMEOUT / 2, version, |_| false);
        assert_eq!(state(&transactions), TransactionState::Ongoing);

        transactions.expire(at + TIMEOUT, version, |_| true);
        assert_eq!(state(&transactions), TransactionState::Ongoing, "stopped");
        assert_eq!(transactions.next_deadline(|_| true), None);

        transactions.expire(at + TIMEOUT, version, |_| false);

        assert_eq!(state(&transactions), TransactionState::PrepareAbort);
        assert_eq!(transactions.next_deadline(|_| false), None);
        assert_eq!(settle(&mut transactions)[0].marker.producer, identity(0, 1));
        assert_eq!(state(&transactions), TransactionState::CompleteAbort);
        let late = end(
            &mut transactions,
            at,
            producer,
            Outcome::Commit,
            TransactionVersion::V1,
        );
        assert_eq!(late, Err(ErrorCode::PRODUCER_FENCED));
    }
}

#[test]
fn only_the_producer_of_the_transaction_may_add_to_it() {
    let at = now();
    let (mut transactions, _) = in_state(at, TransactionState::Empty, TransactionVersion::V2);
    let other = ErrorCode::INVALID_PRODUCER_ID_MAPPING;
    for (id, producer, expected) in [
        ("", identity(0, 0), Err(ErrorCode::INVALID_REQUEST)),
        ("unknown", identity(0, 0), Err(other)),
        (ID, identity(1, 0), Err(other)),
        (ID, identity(0, 1), Err(ErrorCode::PRODUCER_FENCED)),
        (ID, identity(0, 0), Ok(())),
    ] {
        let added = transactions.add(at, id, producer, BTreeSet::from([partition(0)]));
        assert_eq!(added, expected, "{id:?} {producer:?}");
    }
    let verify = |index| transactions.verify(ID, identity(0, 0), &partition(index));
    assert_eq!(verify(0), Ok(()));
    assert_eq!(verify(1), Err(ErrorCode::TRANSACTION_ABORTABLE));
}

#[test]
fn a_timeout_that_the_brokers_do_not_allow_is_refused() {
    for timeout in [Duration::ZERO, Duration::from_secs(901)] {
        let init = InitProducer {
            transactional_id: ID.into(),
            timeout,
            current: None,
        };
        let mut transactions = Transactions::default();
        let refused = transactions.init(now(), &init, TransactionVersion::V2);
        assert_eq!(refused, Err(ErrorCode::INVALID_TRANSACTION_TIMEOUT));
    }
}

const TIMEOUT: Duration = Duration::from_secs(60);
