//! What may be done to the simulated programs and brokers.

use std::fmt;
use std::time::Duration;

use weft_client::wire::{ApiKey, ErrorCode};
use weft_testcontainers::mock::FaultAction;

use super::TOPICS;
use super::transactions::Transaction;

/// One event of a plan. Each stands for itself: leaving one out leaves the others what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// So many records for a partition of a topic.
    Produce(usize, i32, u32),
    /// A transaction of a producer begins, and ends by itself.
    Transact(Transaction),
    /// A member's process starts, unless one runs.
    Start(usize),
    /// A member's process ends in order.
    Stop(usize),
    /// A member's process is gone; brokers notice at once, or not at all.
    Crash(usize, bool),
    /// A member's process gets no processor for so long.
    Freeze(usize, Duration),
    /// Handling a record takes a member so long, for some time.
    Slow(usize, Duration, Duration),
    /// So many of a member's handlings fail, for good or not.
    Failing(usize, usize, bool),
    /// Nothing passes between a member and a broker for so long.
    CutLink(usize, i32, Duration),
    /// Nothing passes between any member and a broker for so long.
    CutBroker(i32, Duration),
    /// A member's connections are reset, to one broker or to all.
    Reset(usize, Option<i32>),
    KillBroker(i32),
    RestartBroker(i32),
    /// The next so many requests of an API are refused.
    Refuse(ApiKey, ErrorCode, usize),
    /// Something is done to the next so many requests of an API, or to their answers.
    Spoil(ApiKey, FaultAction, u64),
    /// A broker does nothing for so long, and keeps its connections.
    FreezeBroker(i32, Duration),
    /// A broker does something again.
    ThawBroker(i32),
    /// Another broker leads a partition of a topic, or answers for the group.
    MoveLeader(usize, i32, i32),
    MoveCoordinator(i32),
    /// The coordinator knows nothing of the group for so long.
    LoadCoordinator(Duration),
    /// The group rebalances for no reason that members can see.
    Rebalance,
    /// The session of the member that was heard of last ends.
    ExpireMember,
    /// A topic gets one more partition.
    Grow(usize),
    /// What the group has committed of a partition is deleted.
    DeleteRecords(usize, i32),
    /// A plain consumer goes back to what is committed.
    Rewind(usize),
    /// A plain consumer pauses what it owns for so long.
    Pause(usize, Duration),
    /// A call of a member is ended.
    Wakeup(usize),
    /// All faults are over.
    Calm,
}

impl Fault {
    /// What kind of fault it is, for the coverage.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Produce(..) => "produce",
            Self::Transact(_) => "begin a transaction",
            Self::Start(_) => "start a member",
            Self::Stop(_) => "stop a member",
            Self::Crash(_, true) => "crash a member, noticed",
            Self::Crash(_, false) => "crash a member, unnoticed",
            Self::Freeze(..) => "freeze a member",
            Self::Slow(..) => "slow handler",
            Self::Failing(_, _, true) => "handler fails for good",
            Self::Failing(_, _, false) => "handler fails",
            Self::CutLink(..) => "cut a link",
            Self::CutBroker(..) => "cut a broker off",
            Self::Reset(..) => "reset connections",
            Self::KillBroker(_) => "kill a broker",
            Self::RestartBroker(_) => "restart a broker",
            Self::Refuse(..) => "refuse requests",
            Self::Spoil(_, action, _) => spoiling(action),
            Self::FreezeBroker(..) => "freeze a broker",
            Self::ThawBroker(_) => "thaw a broker",
            Self::MoveLeader(..) => "move a leader",
            Self::MoveCoordinator(_) => "move the coordinator",
            Self::LoadCoordinator(_) => "the coordinator loads",
            Self::Rebalance => "rebalance",
            Self::ExpireMember => "expire a member",
            Self::Grow(_) => "one more partition",
            Self::DeleteRecords(..) => "delete records",
            Self::Rewind(_) => "rewind",
            Self::Pause(..) => "pause",
            Self::Wakeup(_) => "wake up a member",
            Self::Calm => "end of all faults",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Produce(topic, partition, records) => {
                write!(f, "{records} record(s) for {}-{partition}", TOPICS[*topic])
            }
            Self::Refuse(api_key, code, count) => {
                write!(f, "the next {count} {api_key:?} are refused: {code}")
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// What kind of thing is done to requests or answers, for the coverage.
pub(super) fn spoiling(action: &FaultAction) -> &'static str {
    match action {
        FaultAction::DelayBefore(_) => "delay requests",
        FaultAction::DelayAfter(_) => "delay answers",
        FaultAction::Silence => "swallow requests",
        FaultAction::LoseAnswer => "lose answers",
        FaultAction::CutBefore => "cut before serving",
        FaultAction::CutAfter => "cut after serving",
        FaultAction::HalfFrame => "send half of an answer",
        FaultAction::Throttle(_) => "throttle",
        _ => "other faults",
    }
}

/// The refusals that a broker may give for no reason that a client can see.
pub(super) fn refusals() -> &'static [(ApiKey, &'static [ErrorCode])] {
    const COORDINATOR: &[ErrorCode] = &[
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
    ];
    const MEMBER: &[ErrorCode] = &[
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::UNKNOWN_MEMBER_ID,
    ];
    const COMMIT: &[ErrorCode] = &[
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode::REQUEST_TIMED_OUT,
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::UNKNOWN_MEMBER_ID,
    ];
    const LEADER: &[ErrorCode] = &[
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::UNKNOWN_LEADER_EPOCH,
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    ];
    &[
        (
            ApiKey::FindCoordinator,
            &[ErrorCode::COORDINATOR_NOT_AVAILABLE],
        ),
        (ApiKey::JoinGroup, COORDINATOR),
        (ApiKey::SyncGroup, MEMBER),
        (ApiKey::Heartbeat, MEMBER),
        (ApiKey::LeaveGroup, COORDINATOR),
        (ApiKey::OffsetCommit, COMMIT),
        (ApiKey::OffsetFetch, COORDINATOR),
        (ApiKey::Fetch, LEADER),
        (ApiKey::ListOffsets, LEADER),
    ]
}
