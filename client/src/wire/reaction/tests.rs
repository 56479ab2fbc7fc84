use super::*;
use Membership::{DropMemberId, KeepGeneration, KeepMemberId};
use Reaction::{
    Accept, AdoptMemberId, Fail, FailTopic, Fenced, FindController, FindCoordinator, NoSuchOffset,
    Rebootstrap, RefreshMetadata, Rejoin, ResetPosition, ResetProducer, RestartSession, Retry,
    SplitBatch,
};

/// Every code that is not listed, and one that nobody knows, must get `otherwise`.
fn check(context: Context, expected: &[(ErrorCode, Reaction)], otherwise: Reaction) {
    for code in (-1..=133).chain([4711]).map(ErrorCode) {
        let listed = expected.iter().find(|(listed, _)| *listed == code);
        let wanted = match listed {
            Some((_, reaction)) => *reaction,
            None if code.is_none() => Accept,
            None => otherwise,
        };
        assert_eq!(reaction(context, code), wanted, "{context:?}: {code}");
    }
}

#[test]
fn a_fetch_session_is_restarted_by_any_error() {
    check(
        Context::FetchSession,
        &[
            (
                ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
                RestartSession(SessionRestart::New),
            ),
            (
                ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
                RestartSession(SessionRestart::CloseOldAndRefreshMetadata),
            ),
        ],
        RestartSession(SessionRestart::CloseOld),
    );
}

#[test]
fn a_fetch_fails_on_what_it_does_not_expect() {
    check(
        Context::Fetch,
        &[
            (ErrorCode::NOT_LEADER_OR_FOLLOWER, RefreshMetadata),
            (ErrorCode::REPLICA_NOT_AVAILABLE, RefreshMetadata),
            (ErrorCode::KAFKA_STORAGE_ERROR, RefreshMetadata),
            (ErrorCode::FENCED_LEADER_EPOCH, RefreshMetadata),
            (ErrorCode::OFFSET_NOT_AVAILABLE, RefreshMetadata),
            (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, RefreshMetadata),
            (ErrorCode::UNKNOWN_TOPIC_ID, RefreshMetadata),
            (ErrorCode::INCONSISTENT_TOPIC_ID, RefreshMetadata),
            (ErrorCode::OFFSET_OUT_OF_RANGE, ResetPosition),
            (ErrorCode::TOPIC_AUTHORIZATION_FAILED, FailTopic),
            (ErrorCode::UNKNOWN_LEADER_EPOCH, Retry),
            (ErrorCode::UNKNOWN_SERVER_ERROR, Retry),
        ],
        Fail,
    );
}

#[test]
fn an_offset_lookup_asks_again_whatever_it_does_not_expect() {
    check(
        Context::ListOffsets,
        &[
            (ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT, NoSuchOffset),
            (ErrorCode::TOPIC_AUTHORIZATION_FAILED, FailTopic),
        ],
        RefreshMetadata,
    );
    check(
        Context::OffsetForLeaderEpoch,
        &[(ErrorCode::TOPIC_AUTHORIZATION_FAILED, FailTopic)],
        RefreshMetadata,
    );
}

#[test]
fn metadata_follows_the_flags_of_the_code() {
    let mut expected = vec![
        (ErrorCode::REBOOTSTRAP_REQUIRED, Rebootstrap),
        (ErrorCode::INVALID_TOPIC_EXCEPTION, FailTopic),
        (ErrorCode::TOPIC_AUTHORIZATION_FAILED, FailTopic),
    ];
    expected.extend(
        retriable_codes().map(|code| match code.is_invalid_metadata() {
            true => (code, RefreshMetadata),
            false => (code, Retry),
        }),
    );
    check(Context::Metadata, &expected, Fail);
}

#[test]
fn a_coordinator_lookup_is_repeated_with_fresh_metadata() {
    let expected: Vec<_> = retriable_codes()
        .map(|code| (code, RefreshMetadata))
        .collect();
    check(Context::FindCoordinator, &expected, Fail);
}

#[test]
fn joining_syncing_and_heartbeating_differ_where_the_coordinator_means_it() {
    let common = [
        (ErrorCode::COORDINATOR_NOT_AVAILABLE, FindCoordinator),
        (ErrorCode::NOT_COORDINATOR, FindCoordinator),
        (ErrorCode::UNKNOWN_MEMBER_ID, Rejoin(DropMemberId)),
        (ErrorCode::REBALANCE_IN_PROGRESS, Rejoin(KeepGeneration)),
        (ErrorCode::FENCED_INSTANCE_ID, Fenced),
    ];
    let with = |more: &[(ErrorCode, Reaction)]| [&common[..], more].concat();

    let loading = (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, Retry);
    let member_id_required = (ErrorCode::MEMBER_ID_REQUIRED, AdoptMemberId);
    let illegal_generation = (ErrorCode::ILLEGAL_GENERATION, Rejoin(KeepMemberId));
    check(
        Context::JoinGroup,
        &with(&[loading, member_id_required]),
        Fail,
    );
    check(Context::SyncGroup, &with(&[illegal_generation]), Fail);
    check(Context::Heartbeat, &with(&[illegal_generation]), Retry);
    check(
        Context::OffsetCommit,
        &with(&[
            loading,
            illegal_generation,
            (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, Retry),
            (ErrorCode::REQUEST_TIMED_OUT, FindCoordinator),
            (ErrorCode::TOPIC_AUTHORIZATION_FAILED, FailTopic),
        ]),
        Fail,
    );
}

#[test]
fn a_member_that_is_gone_has_left() {
    check(
        Context::LeaveGroup,
        &[
            (ErrorCode::UNKNOWN_MEMBER_ID, Accept),
            (ErrorCode::FENCED_INSTANCE_ID, Accept),
            (ErrorCode::COORDINATOR_NOT_AVAILABLE, FindCoordinator),
            (ErrorCode::NOT_COORDINATOR, FindCoordinator),
            (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, Retry),
        ],
        Fail,
    );
}

#[test]
fn an_unknown_topic_fails_the_partition_of_an_offset_fetch_but_not_the_group() {
    let mut expected: Vec<_> = retriable_codes().map(|code| (code, Retry)).collect();
    for (code, reaction) in &mut expected {
        if [
            ErrorCode::COORDINATOR_NOT_AVAILABLE,
            ErrorCode::NOT_COORDINATOR,
        ]
        .contains(code)
        {
            *reaction = FindCoordinator;
        }
    }
    check(Context::OffsetFetch, &expected, Fail);
    check(
        Context::OffsetFetchPartition,
        &[
            (ErrorCode::TOPIC_AUTHORIZATION_FAILED, FailTopic),
            (ErrorCode::UNSTABLE_OFFSET_COMMIT, Retry),
            (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, Retry),
            (ErrorCode::COORDINATOR_NOT_AVAILABLE, FindCoordinator),
            (ErrorCode::NOT_COORDINATOR, FindCoordinator),
        ],
        Fail,
    );
}

#[test]
fn a_producer_tells_a_lost_sequence_from_a_lost_identity() {
    let mut expected = vec![
        (ErrorCode::DUPLICATE_SEQUENCE_NUMBER, Accept),
        (ErrorCode::MESSAGE_TOO_LARGE, SplitBatch),
        (ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, ResetProducer),
        (ErrorCode::UNKNOWN_PRODUCER_ID, ResetProducer),
        (ErrorCode::INVALID_PRODUCER_EPOCH, ResetProducer),
        (ErrorCode::PRODUCER_FENCED, Fenced),
        (ErrorCode::TOPIC_AUTHORIZATION_FAILED, FailTopic),
        (ErrorCode::INVALID_TOPIC_EXCEPTION, FailTopic),
    ];
    expected.extend(
        retriable_codes().map(|code| match code.is_invalid_metadata() {
            true => (code, RefreshMetadata),
            false => (code, Retry),
        }),
    );
    check(Context::Produce, &expected, Fail);
    check(
        Context::InitProducerId,
        &[
            (ErrorCode::PRODUCER_FENCED, Fenced),
            (ErrorCode::INVALID_PRODUCER_EPOCH, Fenced),
            (ErrorCode::CONCURRENT_TRANSACTIONS, Retry),
            (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, Retry),
            (ErrorCode::COORDINATOR_NOT_AVAILABLE, FindCoordinator),
            (ErrorCode::NOT_COORDINATOR, FindCoordinator),
        ],
        Fail,
    );
}

#[test]
fn an_administrative_call_follows_the_controller_and_the_coordinator() {
    check(
        Context::Admin,
        &[
            (ErrorCode::NOT_CONTROLLER, FindController),
            (ErrorCode::THROTTLING_QUOTA_EXCEEDED, Retry),
            (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, Retry),
            (ErrorCode::COORDINATOR_NOT_AVAILABLE, FindCoordinator),
            (ErrorCode::NOT_COORDINATOR, FindCoordinator),
        ],
        Fail,
    );
}

fn retriable_codes() -> impl Iterator<Item = ErrorCode> {
    (-1..=133).map(ErrorCode).filter(|code| code.is_retriable())
}
