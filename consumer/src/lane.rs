//! What the consumer thread and the heartbeat thread say to each other.
//!
//! Three lanes and one clock stamp are all that the two threads share (the shells in `thread` own
//! the queues; here are only the words):
//!
//! 1. [`Command`], consumer to heartbeat, first in first out.
//! 2. [`Change`], heartbeat to consumer, a single slot: the next change is published only after the
//!    last one was answered with [`Command::Answer`].
//! 3. [`GroupResult`], heartbeat to consumer, first in first out.
//!
//! Changes and results never share a queue: a result would wait behind a change that only `poll`
//! may take, and `commit_sync` waits for results outside `poll`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use weft_client::{
    Error, GenerationId, GroupId, GroupInstanceId, MemberId, OffsetAndMetadata, TopicName,
    TopicPartition,
};

/// Ties a [`GroupResult`] to the [`Command`] that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CommandId(pub(crate) u64);

/// Counts the changes published to one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChangeId(pub(crate) u64);

/// One life of a subscription. It moves on when the consumer unsubscribes, so that a change which
/// was published before the heartbeat thread heard of it is recognised as stale and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubscriptionEpoch(pub(crate) u64);

/// Whether leaving the group tells the coordinator so (Kafka's `GroupMembershipOperation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MembershipOperation {
    /// Dynamic members leave, static members stay.
    #[default]
    Default,
    /// Always leave.
    LeaveGroup,
    /// Never leave; the coordinator finds out when the session times out.
    RemainInGroup,
}

/// Offsets to commit, or committed, by partition.
pub type Offsets = BTreeMap<TopicPartition, OffsetAndMetadata>;

/// Lane 1: what the consumer thread asks of the heartbeat thread.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Be a member of the group for these topics. A set that differs from the last one makes the
    /// member join again; an equal one changes nothing.
    Subscribe {
        /// The life of the subscription this belongs to; changes carry it back.
        epoch: SubscriptionEpoch,
        /// The topics; none only if a pattern matches none.
        topics: BTreeSet<TopicName>,
    },
    /// The last change has been applied, its callbacks have run.
    Answer {
        /// The change this answers.
        change: ChangeId,
        /// All that the consumer owns now.
        owned: BTreeSet<TopicPartition>,
    },
    /// Commit offsets, stamped with the generation the heartbeat thread holds. Refused at once
    /// while a join or sync is outstanding. Answered by [`GroupResult::Committed`].
    Commit {
        /// Comes back with the result.
        id: CommandId,
        /// What to commit; not empty.
        offsets: Offsets,
        /// Retriable failures are retried with backoff until then; `None` means one try.
        retry_until: Option<Instant>,
    },
    /// Ask for committed offsets (stable ones only). Answered by [`GroupResult::Fetched`].
    FetchCommitted {
        /// Comes back with the result.
        id: CommandId,
        /// Whose offsets; not empty.
        partitions: BTreeSet<TopicPartition>,
        /// Retriable failures are retried with backoff until then.
        retry_until: Instant,
    },
    /// Join again although nothing changed.
    Rejoin {
        /// Told to the coordinator (JoinGroup v8 and newer).
        reason: String,
    },
    /// Give up membership. Whatever is outstanding fails, then [`GroupResult::Left`] answers.
    Leave {
        /// Comes back with the result.
        id: CommandId,
        /// Told to the coordinator (LeaveGroup v5 and newer).
        reason: String,
        /// Whether a LeaveGroup request is sent.
        operation: MembershipOperation,
        /// When to stop waiting for the coordinator's reply; `None` answers without waiting.
        wait_until: Option<Instant>,
    },
}

/// Lane 2: a new assignment, or the loss of one, to be applied by the consumer inside `poll`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// To be named in the answer.
    pub(crate) id: ChangeId,
    /// The life of the subscription for which it was made; a stale one is dropped unanswered.
    pub(crate) epoch: SubscriptionEpoch,
    /// What to do.
    pub(crate) kind: ChangeKind,
}

/// What a [`Change`] asks of the consumer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ChangeKind {
    /// Give these up, after committing if auto commit is on: a rebalance has begun. With an eager
    /// assignor these are all partitions, possibly none (the callback runs all the same).
    Revoke(BTreeSet<TopicPartition>),
    /// These are gone already: somebody else may own them. Nothing can be committed any more. Empty
    /// if the member left because of `max.poll.interval.ms` while it owned nothing: no callback has
    /// anything to say then, but the member joins again only after the answer.
    Lost(BTreeSet<TopicPartition>),
    /// From now on the consumer owns exactly `assignment`. Partitions it owned before and still
    /// owns keep their state.
    Assign {
        /// The complete new assignment.
        assignment: BTreeSet<TopicPartition>,
        /// The membership in which it was given.
        group: GroupMetadata,
    },
}

/// Lane 3: what became of commands, and failures that nobody asked about.
#[derive(Clone, Debug)]
pub(crate) enum GroupResult {
    /// The end of a [`Command::Commit`].
    Committed {
        /// The command's id.
        id: CommandId,
        /// The first decisive error, if it failed.
        result: Result<(), Error>,
    },
    /// The end of a [`Command::FetchCommitted`]: an entry for each partition asked for, `None`
    /// where nothing is committed.
    Fetched {
        /// The command's id.
        id: CommandId,
        /// The offsets.
        result: Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error>,
    },
    /// The end of a [`Command::Leave`].
    Left {
        /// The command's id.
        id: CommandId,
    },
    /// The membership changed (or ended, with generation -1).
    Membership(GroupMetadata),
    /// Something that the user must hear of: raised by the next `poll`, once.
    Failed(Error),
}

/// Who this consumer is in its group (Kafka's `ConsumerGroupMetadata`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadata {
    /// `group.id`.
    pub group_id: GroupId,
    /// The generation; -1 before the first join and after leaving.
    pub generation: GenerationId,
    /// The member id; empty before the first join.
    pub member_id: MemberId,
    /// `group.instance.id`, if the member is static.
    pub group_instance_id: Option<GroupInstanceId>,
}
