//! Groups in which Weft and the Java client are members side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use weft_client::{MemberId, TopicPartition};
use weft_consumer::assign::{
    Assignor, ClusterTopics, MemberAssignment, MemberSubscription, ReplicaRacks,
};
use weft_consumer::group::protocol::{decode_assignment, decode_subscription};
use weft_testcontainers::kafka::{JavaAssignor, JavaCommand, JavaProgram};

use crate::cluster::{Cluster, Filled, GroupSeen, Witness, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::member::{Member, config};
use crate::recorder::wait_until_committed;
use crate::wait::{self, Look, PATIENCE};

/// A mixed group divides its partitions by `range` at each join and leave. Where Java leads, our
/// own assignor makes the same of what the members announced; where Weft leads, that is what they
/// get.
///
/// # Errors
///
/// If it does not.
pub fn mixed_with_java_by_range(cluster: &Cluster) -> Outcome {
    mixed_with_java(cluster, "range", JavaAssignor::Range)
}

/// The same with `roundrobin`.
///
/// # Errors
///
/// If it does not.
pub fn mixed_with_java_by_roundrobin(cluster: &Cluster) -> Outcome {
    mixed_with_java(cluster, "roundrobin", JavaAssignor::RoundRobin)
}

/// The same with `sticky`.
///
/// # Errors
///
/// If it does not.
pub fn mixed_with_java_by_sticky(cluster: &Cluster) -> Outcome {
    mixed_with_java(cluster, "sticky", JavaAssignor::Sticky)
}

/// The same with `cooperative-sticky`.
///
/// # Errors
///
/// If it does not.
pub fn mixed_with_java_by_cooperative_sticky(cluster: &Cluster) -> Outcome {
    mixed_with_java(
        cluster,
        "cooperative-sticky",
        JavaAssignor::CooperativeSticky,
    )
}

fn mixed_with_java(cluster: &Cluster, name: &str, java: JavaAssignor) -> Outcome {
    use Client::{Java, Weft};
    let topic = cluster.create_topic("mixed", PARTITIONS)?;
    let mut witness = cluster.witness()?;
    let filled = fill(&mut witness, &topic, 1_000, NonZeroU32::MIN)?;
    let mut rebalances = 0;
    // The first one leads.
    for clients in [[Java, Weft, Weft], [Weft, Java, Weft]] {
        let mut group = Mixed::new(cluster, &filled, name, java, clients[0])?;
        let lived = group.live(clients);
        rebalances += lived.map_err(|failure| failure.during(format!("{clients:?}")))?;
    }
    Ok(format!("{rebalances} rebalances"))
}

/// Whose client a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Java,
    Weft,
}

/// One group and its members.
struct Mixed<'a> {
    cluster: &'a Cluster,
    witness: Witness,
    filled: &'a Filled,
    group: String,
    name: &'a str,
    java: JavaAssignor,
    assignor: Arc<dyn Assignor>,
    /// Whose client joins first, and so leads.
    leader: Client,
}

enum Running {
    Java(JavaProgram),
    Weft(Member),
}

impl<'a> Mixed<'a> {
    fn new(
        cluster: &'a Cluster,
        filled: &'a Filled,
        name: &'a str,
        java: JavaAssignor,
        leader: Client,
    ) -> Result<Self, Failure> {
        let properties = [("partition.assignment.strategy", name)];
        let assignor = config(cluster, &properties)?.assignors().pop();
        Ok(Self {
            cluster,
            witness: cluster.witness()?,
            filled,
            group: cluster.fresh("mixed"),
            name,
            java,
            assignor: assignor.ok_or_else(|| Failure::because("no assignor"))?,
            leader,
        })
    }

    /// Three members join one after the other, the second one leaves, and everything is consumed.
    /// The first joiner leads all the time. Returns how often the partitions were divided.
    fn live(&mut self, clients: [Client; 3]) -> Result<usize, Failure> {
        let mut running = Vec::new();
        for (client, client_id) in clients.into_iter().zip(["a", "b", "c"]) {
            running.push(self.start(client, client_id)?);
            self.wait_for_division(running.len())?;
        }
        self.end(running.remove(1))?;
        self.wait_for_division(2)?;
        wait_until_committed(&mut self.witness, &self.group, self.filled, PATIENCE)?;
        for member in running {
            self.end(member)?;
        }
        Ok(clients.len() + 1)
    }

    fn start(&self, client: Client, client_id: &str) -> Result<Running, Failure> {
        let topic = self.filled.topic.as_str();
        Ok(match client {
            Client::Weft => {
                let properties = [("partition.assignment.strategy", self.name)];
                let place = (self.group.as_str(), topic);
                let member = Member::start(self.cluster, place, client_id, &properties, None)?;
                Running::Weft(member)
            }
            Client::Java => {
                let command = JavaCommand::Consume {
                    group: self.group.clone(),
                    topics: vec![topic.to_owned()],
                    assignor: self.java,
                    client_id: client_id.to_owned(),
                    group_instance_id: None,
                    properties: Vec::new(),
                };
                let command = command
                    .with_property("session.timeout.ms", "10000")
                    .with_property("heartbeat.interval.ms", "200");
                Running::Java(self.cluster.start_java(&command)?)
            }
        })
    }

    fn end(&self, member: Running) -> Result<(), Failure> {
        match member {
            Running::Weft(member) => drop(member.close()?),
            Running::Java(program) => drop(program.stop(PATIENCE)?),
        }
        Ok(())
    }

    /// Waits until the group has so many members and they share everything, as the coordinator
    /// knows it, and compares that with what our own assignor makes of what they announced. A
    /// cooperative group passes through states in which they do not share everything.
    fn wait_for_division(&mut self, members: usize) -> Result<(), Failure> {
        let what = format!("{members} members sharing everything");
        let seen = wait::until(&what, PATIENCE, || {
            let seen = self.witness.group(&self.group)?;
            let shares = seen.members.iter().map(|member| member.assignment.len());
            let is_whole = shares.sum::<usize>() == PARTITIONS as usize;
            let is_there = seen.is_stable() && seen.members.len() == members && is_whole;
            Ok(if is_there {
                Look::Seen(seen)
            } else {
                Look::NotYet(format!("{seen:?}"))
            })
        })?;
        ensure!(
            seen.assignor == self.name,
            "the group agreed on {}",
            seen.assignor
        );
        self.compare(&seen)
    }

    /// Compares what the members were given with what our assignor gives them. Where Java's sticky
    /// assignors have a choice they follow the order of a hash table, so that only the worth of
    /// their divisions can be compared.
    fn compare(&self, seen: &GroupSeen) -> Result<(), Failure> {
        let mut members = BTreeMap::new();
        for member in &seen.members {
            let subscription = decode_subscription(member.announced.clone())?;
            members.insert(MemberId::new(member.member_id.as_str()), subscription);
        }
        let divided = self.divide(&members)?;
        let (mut given, mut expected) = (Vec::new(), Vec::new());
        for member in &seen.members {
            let id = MemberId::new(member.member_id.as_str());
            let share = |now| Share {
                now,
                before: owned_before(&members[&id]),
            };
            given.push(share(member.assignment.clone()));
            expected.push(share(divided[&id].partitions.iter().cloned().collect()));
        }
        let has_choice = self.leader == Client::Java && self.name.ends_with("sticky");
        let is_equal = if has_choice {
            worth(&given) == worth(&expected)
        } else {
            given
                .iter()
                .map(|share| &share.now)
                .eq(expected.iter().map(|share| &share.now))
        };
        ensure!(is_equal, "{given:?} should be {expected:?} in {seen:?}");
        Ok(())
    }

    /// What our assignor makes of what the members announced when they joined.
    fn divide(
        &self,
        members: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, Failure> {
        let mut topics = ClusterTopics::new();
        let without_racks = vec![ReplicaRacks::new(); PARTITIONS as usize];
        topics.insert(self.filled.topic.as_str().into(), without_racks);
        Ok(self.assignor.assign(&topics, members)?)
    }
}

/// The size of each share and how much of it is kept, the smallest first: what two equally good
/// divisions have in common.
fn worth(shares: &[Share]) -> Vec<(usize, usize)> {
    let mut worth: Vec<_> = shares
        .iter()
        .map(|share| {
            (
                share.now.len(),
                share.now.intersection(&share.before).count(),
            )
        })
        .collect();
    worth.sort_unstable();
    worth
}

/// What a member has, and what it said that it had.
#[derive(Debug)]
struct Share {
    now: BTreeSet<TopicPartition>,
    before: BTreeSet<TopicPartition>,
}

/// Not a multiple of the number of members, so that it matters who gets more.
const PARTITIONS: u32 = 7;

/// What a member said that it owned: under the cooperative protocol beside its user data, under the
/// eager one inside, where the sticky assignor keeps topics, partitions and a generation.
fn owned_before(subscription: &MemberSubscription) -> BTreeSet<TopicPartition> {
    let claimed = subscription.user_data.as_deref().and_then(|user_data| {
        // But for version, generation and user data of its own it is written like an assignment.
        let partitions = user_data.split_last_chunk::<4>()?.0;
        let assignment = [&[0, 0], partitions, &[0xff; 4]].concat();
        decode_assignment(assignment.into()).ok()
    });
    let claimed = claimed.map(|claim| claim.partitions).unwrap_or_default();
    let owned = subscription.owned_partitions.iter().cloned();
    owned.chain(claimed).collect()
}
