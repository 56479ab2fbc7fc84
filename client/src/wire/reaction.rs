//! The one table that turns a broker's error code into what has to happen. The machines act on the
//! reaction and never look at the code, except to print it.
//!
//! A reaction says what the code asks for, not when: pace, attempts and deadlines belong to the
//! machine that asked. Nor does it know whether the answer is still of interest; a code that
//! concerns a membership counts only if the generation has not changed since the request was sent.

use super::error_code::ErrorCode;

/// What was asked when the code came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// The whole of a fetch response.
    FetchSession,
    /// One partition of a fetch response.
    Fetch,
    /// One partition of a ListOffsets response.
    ListOffsets,
    /// One partition of an OffsetForLeaderEpoch response.
    OffsetForLeaderEpoch,
    /// A metadata response: the whole, a topic or a partition.
    Metadata,
    /// A coordinator looked up.
    FindCoordinator,
    /// A JoinGroup response.
    JoinGroup,
    /// A SyncGroup response.
    SyncGroup,
    /// A Heartbeat response.
    Heartbeat,
    /// A LeaveGroup response: the whole or a member.
    LeaveGroup,
    /// One partition of an OffsetCommit response.
    OffsetCommit,
    /// A group of an OffsetFetch response.
    OffsetFetch,
    /// One partition of an OffsetFetch response.
    OffsetFetchPartition,
    /// One partition of a Produce response.
    Produce,
    /// An InitProducerId response.
    InitProducerId,
    /// An administrative call: topics, partitions, groups, the cluster.
    Admin,
}

/// What a code asks for. Where several things have to happen, they are listed in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// The request was carried out, or what it asked for is so already.
    Accept,
    /// Ask again after the backoff; there is nothing to learn first.
    Retry,
    /// Request a metadata update, forget the preferred replica, and ask again after the backoff.
    RefreshMetadata,
    /// Mark the coordinator unknown, look it up, and ask again after the backoff.
    FindCoordinator,
    /// Look the controller up, and ask again after the backoff.
    FindController,
    /// Forget the cluster and begin with the bootstrap addresses (KIP-1102).
    Rebootstrap,
    /// Begin another fetch session (KIP-227). The response carries no usable data.
    RestartSession(SessionRestart),
    /// Join the group again, at once. Where it answers a commit, the commit has failed: with
    /// "rebalance in progress" if the generation stays, with "commit failed" if not.
    Rejoin(Membership),
    /// Take the member id out of the response and join again with it, at once (KIP-394).
    AdoptMemberId,
    /// The position lies outside the log: fall back from a preferred replica to the leader, or
    /// reset the position by policy.
    ResetPosition,
    /// The partition has no such offset: leave it out of the result.
    NoSuchOffset,
    /// Split the batch and send its parts, or fail its only record.
    SplitBatch,
    /// The broker lost track of this idempotent producer: get another epoch or id, number the
    /// batches in flight anew, and send them again.
    ResetProducer,
    /// Someone else took over the identity: `group.instance.id`, or producer id and epoch. Nothing
    /// that needs it can succeed any more. Fatal, not retried.
    Fenced,
    /// The topic may not be used: collect the topics, and fail the call with all of them.
    FailTopic,
    /// Fail the call, or this `poll`, with the error that stands for the code. The client stays
    /// usable.
    Fail,
}

/// What stays of the membership when a member has to rejoin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Membership {
    /// The generation is still valid, and so are its partitions until they are revoked.
    KeepGeneration,
    /// The generation is lost, and with it the partitions; the coordinator still knows the member.
    KeepMemberId,
    /// The coordinator does not know the member: it joins as a new one.
    DropMemberId,
}

/// How the next fetch session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionRestart {
    /// The broker has forgotten the old one: id 0, epoch 0.
    New,
    /// The old one may still exist, so close it on the way: its id, epoch 0.
    CloseOld,
    /// As [`CloseOld`](Self::CloseOld), and request a metadata update for the topic ids.
    CloseOldAndRefreshMetadata,
}

/// What `code` asks for when it answers `context`.
pub fn reaction(context: Context, code: ErrorCode) -> Reaction {
    if code.is_none() {
        return Reaction::Accept;
    }
    match context {
        Context::FetchSession => fetch_session(code),
        Context::Fetch => fetch(code),
        Context::ListOffsets => list_offsets(code),
        Context::OffsetForLeaderEpoch => offset_for_leader_epoch(code),
        Context::Metadata => metadata(code),
        Context::FindCoordinator => find_coordinator(code),
        Context::JoinGroup => join_group(code),
        Context::SyncGroup => sync_group(code),
        Context::Heartbeat => heartbeat(code),
        Context::LeaveGroup => leave_group(code),
        Context::OffsetCommit => offset_commit(code),
        Context::OffsetFetch => offset_fetch(code),
        Context::OffsetFetchPartition => offset_fetch_partition(code),
        Context::Produce => produce(code),
        Context::InitProducerId => init_producer_id(code),
        Context::Admin => admin(code),
    }
}

fn fetch_session(code: ErrorCode) -> Reaction {
    Reaction::RestartSession(match code {
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND => SessionRestart::New,
        ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR => SessionRestart::CloseOldAndRefreshMetadata,
        _ => SessionRestart::CloseOld,
    })
}

fn fetch(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::NOT_LEADER_OR_FOLLOWER
        | ErrorCode::REPLICA_NOT_AVAILABLE
        | ErrorCode::KAFKA_STORAGE_ERROR
        | ErrorCode::FENCED_LEADER_EPOCH
        | ErrorCode::OFFSET_NOT_AVAILABLE
        | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::UNKNOWN_TOPIC_ID
        | ErrorCode::INCONSISTENT_TOPIC_ID => Reaction::RefreshMetadata,
        ErrorCode::OFFSET_OUT_OF_RANGE => Reaction::ResetPosition,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => Reaction::FailTopic,
        ErrorCode::UNKNOWN_LEADER_EPOCH | ErrorCode::UNKNOWN_SERVER_ERROR => Reaction::Retry,
        _ => Reaction::Fail,
    }
}

fn list_offsets(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT => Reaction::NoSuchOffset,
        _ => offset_for_leader_epoch(code),
    }
}

/// Even a code that nobody expects is asked again: the call's deadline bounds it.
fn offset_for_leader_epoch(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => Reaction::FailTopic,
        _ => Reaction::RefreshMetadata,
    }
}

fn metadata(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::REBOOTSTRAP_REQUIRED => Reaction::Rebootstrap,
        ErrorCode::INVALID_TOPIC_EXCEPTION | ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            Reaction::FailTopic
        }
        _ if code.is_invalid_metadata() => Reaction::RefreshMetadata,
        _ if code.is_retriable() => Reaction::Retry,
        _ => Reaction::Fail,
    }
}

/// Any broker answers a lookup, so a retriable code asks for fresh metadata: the broker that was
/// asked may have a stale view.
fn find_coordinator(code: ErrorCode) -> Reaction {
    if code.is_retriable() {
        Reaction::RefreshMetadata
    } else {
        Reaction::Fail
    }
}

fn join_group(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => Reaction::Retry,
        ErrorCode::MEMBER_ID_REQUIRED => Reaction::AdoptMemberId,
        // Unlike in a SyncGroup it cannot happen here, so it is not taken for a lost generation.
        ErrorCode::ILLEGAL_GENERATION => Reaction::Fail,
        _ => sync_group(code),
    }
}

fn sync_group(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR => {
            Reaction::FindCoordinator
        }
        ErrorCode::FENCED_INSTANCE_ID => Reaction::Fenced,
        ErrorCode::REBALANCE_IN_PROGRESS
        | ErrorCode::ILLEGAL_GENERATION
        | ErrorCode::UNKNOWN_MEMBER_ID => lost_membership(code),
        _ => Reaction::Fail,
    }
}

/// A heartbeat has no caller who could be told, so what is not understood is tried again.
fn heartbeat(code: ErrorCode) -> Reaction {
    match sync_group(code) {
        Reaction::Fail => Reaction::Retry,
        reaction => reaction,
    }
}

fn leave_group(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::FENCED_INSTANCE_ID => Reaction::Accept,
        _ => coordinator_call(code),
    }
}

fn offset_commit(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => Reaction::FailTopic,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => {
            Reaction::Retry
        }
        // The coordinator ran out of time for the write: it may have lost its log.
        ErrorCode::REQUEST_TIMED_OUT => Reaction::FindCoordinator,
        _ => sync_group(code),
    }
}

fn offset_fetch(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR => {
            Reaction::FindCoordinator
        }
        _ if code.is_retriable() => Reaction::Retry,
        _ => Reaction::Fail,
    }
}

fn offset_fetch_partition(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => Reaction::FailTopic,
        ErrorCode::UNSTABLE_OFFSET_COMMIT => Reaction::Retry,
        // Brokers before OffsetFetch v2 report the group's errors with its partitions.
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => Reaction::Retry,
        ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR => {
            Reaction::FindCoordinator
        }
        _ => Reaction::Fail,
    }
}

fn produce(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::DUPLICATE_SEQUENCE_NUMBER => Reaction::Accept,
        ErrorCode::MESSAGE_TOO_LARGE => Reaction::SplitBatch,
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
        | ErrorCode::UNKNOWN_PRODUCER_ID
        | ErrorCode::INVALID_PRODUCER_EPOCH => Reaction::ResetProducer,
        ErrorCode::PRODUCER_FENCED => Reaction::Fenced,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::INVALID_TOPIC_EXCEPTION => {
            Reaction::FailTopic
        }
        _ if code.is_invalid_metadata() => Reaction::RefreshMetadata,
        _ if code.is_retriable() => Reaction::Retry,
        _ => Reaction::Fail,
    }
}

fn init_producer_id(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::PRODUCER_FENCED | ErrorCode::INVALID_PRODUCER_EPOCH => Reaction::Fenced,
        ErrorCode::CONCURRENT_TRANSACTIONS => Reaction::Retry,
        _ => coordinator_call(code),
    }
}

fn admin(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::NOT_CONTROLLER => Reaction::FindController,
        ErrorCode::THROTTLING_QUOTA_EXCEEDED => Reaction::Retry,
        _ => coordinator_call(code),
    }
}

fn coordinator_call(code: ErrorCode) -> Reaction {
    match code {
        ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR => {
            Reaction::FindCoordinator
        }
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => Reaction::Retry,
        _ => Reaction::Fail,
    }
}

/// What the three codes by which a coordinator disowns a member leave of the membership.
fn lost_membership(code: ErrorCode) -> Reaction {
    Reaction::Rejoin(match code {
        ErrorCode::REBALANCE_IN_PROGRESS => Membership::KeepGeneration,
        ErrorCode::ILLEGAL_GENERATION => Membership::KeepMemberId,
        _ => Membership::DropMemberId,
    })
}

#[cfg(test)]
mod tests;
