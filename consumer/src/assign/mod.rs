//! Decides which member of a group reads which partition.
//!
//! The leader of a classic group runs one [`Assignor`] over what all members announced. An assignor
//! is a function of its arguments: it keeps nothing between rebalances, asks nobody, and never
//! learns of time or sockets. What a member remembers of its last assignment is handed to it.

pub(crate) mod blob;
mod cooperative_sticky;
mod range;
mod roster;
mod round_robin;
mod sticky;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use weft_client::ids::{GenerationId, GroupInstanceId, MemberId, TopicName, TopicPartition};

pub use cooperative_sticky::CooperativeStickyAssignor;
pub use range::RangeAssignor;
pub use round_robin::RoundRobinAssignor;
pub use sticky::StickyAssignor;

/// How a group hands partitions over in a rebalance. Ordered: the later one interrupts less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RebalanceProtocol {
    /// Every member gives up everything before it joins.
    Eager,
    /// A member keeps what it has and gives up only what is taken from it (KIP-429).
    Cooperative,
}

/// What one member announced when it joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberSubscription {
    /// The topics it wants, in the order in which it sent them.
    pub topics: Vec<TopicName>,
    /// Whatever its assignor added; `None` if nothing.
    pub user_data: Option<Bytes>,
    /// What it owns at the moment of joining; nothing under the eager protocol.
    pub owned_partitions: Vec<TopicPartition>,
    /// The generation in which it came to own them, if it said so.
    pub generation: Option<GenerationId>,
    /// The rack it reads from, `client.rack`; never empty after decoding.
    pub rack: Option<Arc<str>>,
    /// The id of a static member. It travels beside the subscription, in the JoinGroup response.
    pub group_instance_id: Option<GroupInstanceId>,
}

/// What one member is to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberAssignment {
    /// The partitions, in the order in which the assignor gave them.
    pub partitions: Vec<TopicPartition>,
    /// Whatever the assignor wants to tell the member's assignor; `None` if nothing.
    pub user_data: Option<Bytes>,
}

/// What a member remembers of the last rebalance that it completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAssignment {
    /// What it was given.
    pub partitions: Vec<TopicPartition>,
    /// The generation in which it was given.
    pub generation: GenerationId,
}

/// The racks that hold a replica of one partition; replicas without a rack are left out.
pub type ReplicaRacks = BTreeSet<Arc<str>>;

/// The partitions of the topics that a group reads, as the leader's metadata has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterTopics {
    topics: BTreeMap<TopicName, Vec<ReplicaRacks>>,
}

impl ClusterTopics {
    /// Knows of no topic.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a topic, or replaces it. Kafka numbers partitions from 0 without holes, so the place in
    /// `partitions` is the partition's number. A topic without partitions counts as unknown.
    pub fn insert(&mut self, topic: TopicName, partitions: Vec<ReplicaRacks>) {
        if partitions.is_empty() {
            self.topics.remove(&topic);
        } else {
            self.topics.insert(topic, partitions);
        }
    }

    /// The partitions of `topic` in the order of their numbers; `None` if it is unknown.
    pub fn partitions(&self, topic: &TopicName) -> Option<&[ReplicaRacks]> {
        self.topics.get(topic).map(Vec::as_slice)
    }
}

/// Divides the partitions of a group's topics among its members.
///
/// All members must list an assignor of the same [`name`](Self::name); the coordinator picks one
/// that everybody lists. Methods take `&self`, so that one assignor can serve several consumers.
pub trait Assignor: fmt::Debug + Send + Sync {
    /// The name by which the members of a group agree on an assignor, such as `range`.
    fn name(&self) -> &str;

    /// The protocols under which it gives correct results.
    fn supported_protocols(&self) -> &[RebalanceProtocol] {
        &[RebalanceProtocol::Eager]
    }

    /// What a member that joins for `topics` tells the leader beyond its subscription. `last` is
    /// what it was given in the last rebalance it completed, whichever assignor ran then.
    fn subscription_user_data(
        &self,
        topics: &BTreeSet<TopicName>,
        last: Option<&LastAssignment>,
    ) -> Option<Bytes> {
        let _ = (topics, last);
        None
    }

    /// Divides the partitions. Only the leader calls it. Topics that `topics` does not know are
    /// left out; every member has an entry in the result, an empty one if there is nothing for it.
    ///
    /// A result that makes no sense is refused, unlike in Java: a share for somebody who is no
    /// member, a partition that does not exist, that is given twice, or whose topic its reader does
    /// not want; under the cooperative protocol also one that another member still owns. Then, and
    /// after an error or a panic, the leader leaves the group, so that another member may divide,
    /// and its next `poll` tells why.
    ///
    /// # Errors
    ///
    /// If it cannot divide; the rebalance then fails on the leader. Kafka's own assignors always
    /// can.
    fn assign(
        &self,
        topics: &ClusterTopics,
        members: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, AssignError>;

    /// Tells the assignor on every member what was decided, before the rebalance listener hears it.
    fn on_assignment(&self, assignment: &MemberAssignment, generation: GenerationId) {
        let _ = (assignment, generation);
    }
}

/// Why an assignor could not divide the partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignError {
    reason: Box<str>,
}

impl AssignError {
    /// An error that gives `reason` to whoever reads the log.
    pub fn new(reason: impl Into<Box<str>>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl fmt::Display for AssignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for AssignError {}
