//! What the leader of a generation does: it waits until it knows the partitions of all members'
//! topics, runs the assignor over them, and afterwards watches whether they change.
//!
//! It never sends a wrong assignment: if the assignor fails, the member leaves instead.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use weft_client::cluster::{ClusterSnapshot, TopicSnapshot, Topics};
use weft_client::wire::messages::JoinGroupResponse;
use weft_client::wire::messages::sync_group_request::SyncGroupRequestAssignment;
use weft_client::{Error, ErrorKind, GroupInstanceId, MemberId, NodeId, TopicName, TopicPartition};

use super::core::{GroupCore, Turn};
use super::handover::Loss;
use super::join::{assignor_panic, text};
use super::membership::State;
use super::protocol::{BlobVersion, decode_subscription, encode_assignment};
use crate::assign::{
    Assignor, ClusterTopics, MemberAssignment, MemberSubscription, RebalanceProtocol, ReplicaRacks,
};

/// What waits to be divided, among whom, by which assignor.
#[derive(Clone, Debug)]
pub(super) struct LeaderWork {
    assignor: Arc<dyn Assignor>,
    members: BTreeMap<MemberId, MemberSubscription>,
    /// The coordinator keeps the assignment it has: a static leader came back (KIP-814).
    keeps_assignment: bool,
    /// The metadata must be newer than this version.
    newer_than: Option<u64>,
}

type Assignments = BTreeMap<MemberId, MemberAssignment>;

/// The partitions of the group's topics as they were when the assignment was made, with the racks
/// of their replicas where the consumer cares about racks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartitionsSeen(BTreeMap<TopicName, Vec<RacksSeen>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RacksSeen {
    racks: ReplicaRacks,
    /// Replicas on brokers that are not known now: each may lie in any one rack.
    unknown: usize,
}

impl RacksSeen {
    /// Whether both can be the racks of the same replicas: whatever only one of them has lies, in
    /// the other one, on a broker that is down.
    fn can_be(&self, other: &Self) -> bool {
        let beyond = |one: &Self, other: &Self| one.racks.difference(&other.racks).count();
        beyond(self, other) <= other.unknown && beyond(other, self) <= self.unknown
    }
}

impl PartitionsSeen {
    fn of(snapshot: &ClusterSnapshot, topics: &BTreeSet<TopicName>, with_racks: bool) -> Self {
        let known = topics.iter().filter_map(|name| {
            let topic = snapshot.topic(name.as_str())?;
            let racks = partitions_of(topic).map(|replicas| {
                if !with_racks {
                    return RacksSeen::default();
                }
                let is_unknown = |node: &&NodeId| snapshot.broker(**node).is_none();
                RacksSeen {
                    racks: racks_of(snapshot, replicas),
                    unknown: replicas.iter().filter(is_unknown).count(),
                }
            });
            Some((name.clone(), racks.collect()))
        });
        Self(known.collect())
    }

    /// Whether there is reason to divide again. A broker that is down for a while takes its rack
    /// with it, which is no reason.
    fn differs_from(&self, other: &Self) -> bool {
        let is_same_topic = |(name, a): (&TopicName, &Vec<RacksSeen>)| {
            other
                .0
                .get(name)
                .is_some_and(|b| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.can_be(b)))
        };
        self.0.len() != other.0.len() || !self.0.iter().all(is_same_topic)
    }
}

impl GroupCore {
    /// Keeps the metadata to what somebody needs: the consumer's topics, and all members' topics as
    /// long as this member leads.
    pub(super) fn want_topics(&mut self) {
        let subscription = self.member.subscription.as_ref();
        let own = subscription.into_iter().flat_map(|wanted| &wanted.topics);
        let all: BTreeSet<TopicName> = own.chain(&self.member.group_topics).cloned().collect();
        if self.cluster.wanted_topics() != &Topics::Named(all.clone()) {
            self.cluster.set_topics(Topics::Named(all));
        }
    }

    /// Begins the leader's work in a new generation.
    pub(super) fn lead(
        &mut self,
        turn: &mut Turn<'_>,
        assignor: Arc<dyn Assignor>,
        response: JoinGroupResponse,
    ) {
        let mut members = BTreeMap::new();
        for member in response.members {
            match decode_subscription(member.metadata) {
                Ok(mut subscription) => {
                    let instance_id = member.group_instance_id;
                    subscription.group_instance_id =
                        instance_id.map(|id| GroupInstanceId::new(id.as_str()));
                    members.insert(MemberId::new(member.member_id.as_str()), subscription);
                }
                Err(error) => {
                    let text = format!(
                        "the subscription of member {} cannot be read: {error}",
                        member.member_id.as_str()
                    );
                    let error = Error::new(ErrorKind::InconsistentGroupProtocol, text);
                    self.give_up_leading(turn, error);
                    return;
                }
            }
        }
        let topics = members.values().flat_map(|member| &member.topics);
        self.member.group_topics = topics.cloned().collect();
        self.want_topics();
        let is_due = self.cluster.is_update_due(turn.now);
        let newer_than = is_due.then(|| self.cluster.version());
        self.member.state = State::Assigning(LeaderWork {
            assignor,
            members,
            keeps_assignment: response.skip_assignment,
            newer_than,
        });
    }

    /// Divides the partitions, as soon as they are known.
    pub(super) fn assign_when_ready(&mut self, turn: &mut Turn<'_>) {
        let State::Assigning(work) = &self.member.state else {
            return;
        };
        let snapshot = self.cluster.snapshot();
        let is_answered = |topic: &TopicName| {
            let name = topic.as_str();
            snapshot.topic(name).is_some() || snapshot.topic_error(name).is_some()
        };
        let is_new = work
            .newer_than
            .is_none_or(|version| self.cluster.version() > version);
        if !is_new || !self.member.group_topics.iter().all(is_answered) {
            return;
        }
        let work = work.clone();
        let divided = if work.keeps_assignment {
            Ok((Vec::new(), false))
        } else {
            self.divide(&work)
        };
        match divided {
            Ok((assignments, is_handing_over)) => {
                let given_up_by = turn.now.checked_add(self.settings.session_timeout);
                self.member.given_up_by = given_up_by.filter(|_| is_handing_over);
                let seen = self.partitions_seen();
                self.member.assigned_over = Some(seen);
                self.cluster_seen = self.cluster.version();
                self.sync(turn, work.assignor, assignments);
            }
            Err(error) => self.give_up_leading(turn, error),
        }
    }

    /// The shares, and whether some member has to give something up before another one gets it.
    fn divide(&self, work: &LeaderWork) -> Result<(Vec<SyncGroupRequestAssignment>, bool), Error> {
        let LeaderWork {
            assignor, members, ..
        } = work;
        let topics = cluster_topics(self.cluster.snapshot(), &self.member.group_topics);
        let divide = AssertUnwindSafe(|| assignor.assign(&topics, members));
        let mut assignments = catch_unwind(divide)
            .map_err(|payload| assignor_panic(&**assignor, &*payload))?
            .map_err(|error| refusal(&**assignor, &error.to_string()).with_source(error))?;
        check_shares(&topics, members, &assignments).map_err(|text| refusal(&**assignor, &text))?;
        let is_ours = assignor.name() == "cooperative-sticky";
        if self.protocol == RebalanceProtocol::Cooperative && !is_ours {
            check_cooperative(&**assignor, members, &assignments)?;
        }
        let is_handing_over = self.protocol == RebalanceProtocol::Cooperative
            && is_handing_over(&topics, members, &assignments);
        let shares: Result<Vec<_>, Error> = members
            .keys()
            .map(|member| {
                let assignment = assignments.remove(member).unwrap_or_default();
                let bytes = encode_assignment(&assignment, BlobVersion::LATEST)
                    .map_err(|error| refusal(&**assignor, &error.to_string()))?;
                Ok(SyncGroupRequestAssignment::default()
                    .with_member_id(text(member.as_str()))
                    .with_assignment(bytes))
            })
            .collect();
        Ok((shares?, is_handing_over))
    }

    /// The member cannot lead: it leaves, so that another member does.
    fn give_up_leading(&mut self, turn: &mut Turn<'_>, error: Error) {
        let loss = Loss::OfPartitions;
        self.leave_because(turn, "the assignor of the leader failed", loss);
        let what = format!(
            "dividing the partitions of group {}",
            self.settings.group_id
        );
        self.report(turn, error.with_context(what));
    }

    /// As leader: joins again if the partitions are no longer those that were divided.
    pub(super) fn watch_partitions(&mut self) {
        let is_stable = matches!(self.member.state, State::Stable);
        if !is_stable || self.cluster_seen == self.cluster.version() {
            return;
        }
        self.cluster_seen = self.cluster.version();
        if let Some(before) = &self.member.assigned_over
            && before.differs_from(&self.partitions_seen())
        {
            self.member
                .rejoin_also_because("cached metadata has changed");
        }
    }

    /// As leader: joins again if a member that was to give partitions up did not.
    ///
    /// That member joins again at once, as everybody does, and then the others get what it gave up.
    /// But a static member that crashes before comes back into a group that is stable, with nothing
    /// to give up; and a member that joined again with what it had owned, and heard only then that
    /// it had lost all of it, has nothing to give up either. Kafka's own client leaves those
    /// partitions to nobody until the next rebalance. This one waits for one `session.timeout.ms`:
    /// if the owner is merely slow, the early join costs nothing but that the owner joins again in
    /// the same rebalance in which the others do.
    pub(super) fn watch_hand_over(&mut self, now: Instant) {
        let is_stable = matches!(self.member.state, State::Stable);
        if is_stable && self.member.given_up_by.is_some_and(|by| by <= now) {
            self.member.given_up_by = None;
            self.member
                .rejoin_also_because("partitions that were to change hands have no owner");
        }
    }

    fn partitions_seen(&self) -> PartitionsSeen {
        let with_racks = !self.settings.client.client_rack.is_empty();
        let topics = &self.member.group_topics;
        PartitionsSeen::of(self.cluster.snapshot(), topics, with_racks)
    }
}

/// The replicas of each partition, in the order of their numbers, up to the first gap.
fn partitions_of(topic: &TopicSnapshot) -> impl Iterator<Item = &[NodeId]> {
    let numbered = (0..).zip(&topic.partitions);
    numbered
        .take_while(|(expected, (number, _))| expected == *number)
        .map(|(_, (_, partition))| partition.replicas.as_slice())
}

fn racks_of(snapshot: &ClusterSnapshot, replicas: &[NodeId]) -> ReplicaRacks {
    let brokers = replicas.iter().filter_map(|node| snapshot.broker(*node));
    brokers.filter_map(|broker| broker.rack.clone()).collect()
}

fn cluster_topics(snapshot: &ClusterSnapshot, names: &BTreeSet<TopicName>) -> ClusterTopics {
    let mut topics = ClusterTopics::new();
    for name in names {
        if let Some(topic) = snapshot.topic(name.as_str()) {
            let racks = partitions_of(topic).map(|replicas| racks_of(snapshot, replicas));
            topics.insert(name.clone(), racks.collect());
        }
    }
    topics
}

/// Whether a partition that a member owns is given to nobody, although members want its topic.
fn is_handing_over(
    topics: &ClusterTopics,
    members: &BTreeMap<MemberId, MemberSubscription>,
    assignments: &Assignments,
) -> bool {
    let shares = assignments.values().flat_map(|share| &share.partitions);
    let given: BTreeSet<&TopicPartition> = shares.collect();
    let wanted: BTreeSet<&TopicName> = members.values().flat_map(|one| &one.topics).collect();
    let is_wanted = |owned: &TopicPartition| wanted.contains(owned.topic());
    let mut owned = members.values().flat_map(|one| &one.owned_partitions);
    owned.any(|owned| is_wanted(owned) && exists(topics, owned) && !given.contains(owned))
}

/// Every share goes to a member that wants it, and no partition is given twice. Kafka's client
/// checks none of this: there a partition that is given twice is read twice, and one that its
/// reader does not want makes that one join again and again.
fn check_shares(
    topics: &ClusterTopics,
    members: &BTreeMap<MemberId, MemberSubscription>,
    assignments: &Assignments,
) -> Result<(), String> {
    let mut given: BTreeMap<&TopicPartition, &MemberId> = BTreeMap::new();
    for (id, share) in assignments {
        let Some(member) = members.get(id) else {
            return Err(format!("it gave partitions to {id}, which is no member"));
        };
        let wanted: BTreeSet<&TopicName> = member.topics.iter().collect();
        for partition in &share.partitions {
            if !wanted.contains(partition.topic()) {
                return Err(format!(
                    "it gave {partition} to {id}, which does not want that topic"
                ));
            }
            if !exists(topics, partition) {
                return Err(format!("it gave {partition} to {id}, which does not exist"));
            }
            if let Some(other) = given.insert(partition, id) {
                return Err(format!("it gave {partition} twice, to {other} and to {id}"));
            }
        }
    }
    Ok(())
}

fn exists(topics: &ClusterTopics, partition: &TopicPartition) -> bool {
    let count = topics.partitions(partition.topic()).map_or(0, <[_]>::len);
    usize::try_from(partition.partition()).is_ok_and(|number| number < count)
}

/// A cooperative assignor of the user's may not give away what its owner has not given up.
fn check_cooperative(
    assignor: &dyn Assignor,
    members: &BTreeMap<MemberId, MemberSubscription>,
    assignments: &Assignments,
) -> Result<(), Error> {
    let owners: BTreeMap<&TopicPartition, &MemberId> = members
        .iter()
        .flat_map(|(id, member)| member.owned_partitions.iter().map(move |owned| (owned, id)))
        .collect();
    for (id, assignment) in assignments {
        for partition in &assignment.partitions {
            if let Some(owner) = owners.get(partition).filter(|owner| **owner != id) {
                let text = format!("it gave {partition} to {id} while {owner} still owns it");
                return Err(refusal(assignor, &text));
            }
        }
    }
    Ok(())
}

fn refusal(assignor: &dyn Assignor, text: &str) -> Error {
    let text = format!("assignor {} failed: {text}", assignor.name());
    Error::new(ErrorKind::Callback, text)
}
