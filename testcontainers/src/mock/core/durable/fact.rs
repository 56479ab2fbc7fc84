//! The facts: each is a change of what must outlive the process.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use weft_client::{
    GenerationId, GroupId, GroupInstanceId, LeaderEpoch, MemberId, NodeId, Offset,
    OffsetAndMetadata, TopicId, TopicName,
};

use super::super::configs::Settings;
use super::super::group::Protocol;
use super::super::topics::PartitionKey;
use super::super::transaction::{
    Outcome, Participant, ProducerId, TransactionState, TransactionVersion, TransactionalId,
};

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The cluster was started, and how often it was by then.
    Started {
        times: u32,
    },
    TopicCreated {
        id: TopicId,
        name: TopicName,
        replication_factor: usize,
    },
    /// A topic got one partition more, on these brokers.
    PartitionAdded {
        id: TopicId,
        replicas: Vec<NodeId>,
    },
    /// The topic is set to exactly this.
    TopicConfigured {
        id: TopicId,
        settings: Settings,
    },
    /// One broker, or all of them, are set to exactly this.
    BrokerConfigured {
        broker: Option<NodeId>,
        settings: Settings,
    },
    /// With it went what groups had committed for it.
    TopicDeleted {
        id: TopicId,
    },
    EpochBegan {
        partition: PartitionKey,
        epoch: LeaderEpoch,
        at: Offset,
    },
    /// One whole batch, with the offsets and the epoch that the log gave it.
    Appended {
        partition: PartitionKey,
        batch: Bytes,
    },
    /// The log has no records before `start`, and the next one is not before `end`.
    LogBounds {
        partition: PartitionKey,
        start: Offset,
        end: Offset,
    },
    /// The log lost what was at this offset and behind it.
    Truncated {
        partition: PartitionKey,
        at: Offset,
    },
    OffsetChanged {
        group: GroupId,
        change: OffsetChange,
    },
    /// A group has handed out an assignment, or has lost its last member.
    GroupChanged(GroupImage),
    GroupDeleted {
        id: GroupId,
    },
    /// A transactional id has another producer, or its transaction is in another state.
    TransactionChanged(TransactionImage),
}

/// What happens to the offsets that a group has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OffsetChange {
    Committed {
        topic: TopicName,
        partition: i32,
        committed: OffsetAndMetadata,
    },
    /// There is no committed offset for a partition any more.
    Deleted { topic: TopicName, partition: i32 },
    /// The transaction of a producer is about to commit this.
    Pending {
        producer: ProducerId,
        topic: TopicName,
        partition: i32,
        committed: OffsetAndMetadata,
    },
    /// The transaction of a producer is over, and what it was about to commit with it.
    Ended {
        producer: ProducerId,
        outcome: Outcome,
    },
}

impl OffsetChange {
    /// The topic, if it concerns a single one.
    pub(crate) fn topic(&self) -> Option<&str> {
        match self {
            Self::Committed { topic, .. }
            | Self::Deleted { topic, .. }
            | Self::Pending { topic, .. } => Some(topic.as_str()),
            Self::Ended { .. } => None,
        }
    }
}

/// What a coordinator keeps of a transactional id (Kafka's `TransactionLogValue`), but for the
/// time at which its transaction began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransactionImage {
    pub(crate) id: TransactionalId,
    pub(crate) producer_id: ProducerId,
    pub(crate) previous_producer_id: Option<ProducerId>,
    pub(crate) next_producer_id: Option<ProducerId>,
    pub(crate) epoch: i16,
    pub(crate) last_epoch: i16,
    pub(crate) timeout: Duration,
    pub(crate) state: TransactionState,
    pub(crate) participants: BTreeSet<Participant>,
    pub(crate) is_started: bool,
    pub(crate) version: TransactionVersion,
    pub(crate) coordinator_epoch: i32,
}

/// What a coordinator keeps of a group (Kafka's `GroupMetadataValue`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupImage {
    pub(crate) id: GroupId,
    pub(crate) generation: GenerationId,
    pub(crate) protocol_type: String,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: Option<MemberId>,
    /// Without any the group is empty, otherwise stable.
    pub(crate) members: Vec<MemberImage>,
}

/// What a coordinator keeps of a member: of its protocols only the one that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberImage {
    pub(crate) id: MemberId,
    pub(crate) instance_id: Option<GroupInstanceId>,
    pub(crate) client_id: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol: Protocol,
    pub(crate) assignment: Bytes,
}
