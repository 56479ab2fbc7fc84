//! Brokers that die and come back while a group consumes.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::cluster::{Cluster, Filled, Witness, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::guarantee::Instance;
use crate::member::{Event, Member};
use crate::recorder::{CommitWatch, Recorder, judge, wait_until_committed};
use crate::wait::{self, Look, PATIENCE};

/// A broker that leads partitions but does not coordinate the group is killed and comes back:
/// everything is delivered meanwhile, and nothing escapes `poll` but what may be tried again.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_killed_leader_loses_nothing(cluster: &Cluster) -> Outcome {
    let mut loss = Loss::begin(cluster)?;
    let coordinator = loss.witness.coordinator(&loss.group)?;
    let leaders = loss.witness.leaders(&loss.filled.topic)?;
    let mut others = leaders.values().filter(|leader| **leader != coordinator);
    let victim = others.next().map(|leader| leader.id);
    let victim = victim.ok_or_else(|| Failure::because("the coordinator leads everything"))?;
    loss.kill_in_the_middle(victim)?;
    let still = loss.witness.coordinator(&loss.group)?;
    ensure!(still == coordinator, "the coordinator moved to {still:?}");
    loss.restart_and_finish(victim)
}

/// The broker that coordinates the group is killed and comes back: another one takes over, the
/// members find it and go on committing there.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_killed_coordinator_is_replaced(cluster: &Cluster) -> Outcome {
    let mut loss = Loss::begin(cluster)?;
    let victim = loss.witness.coordinator(&loss.group)?.id;
    loss.kill_in_the_middle(victim)?;
    let now = loss.witness.coordinator(&loss.group)?.id;
    ensure!(now != victim, "node {victim} is dead and coordinates");
    loss.restart_and_finish(victim)
}

/// All brokers are killed and come back, one after the other: each time the coordinator or leaders
/// move, and yet no partition moves between the members.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_rolling_bounce_moves_no_partition(cluster: &Cluster) -> Outcome {
    let mut loss = Loss::begin(cluster)?;
    let leaders = loss.witness.leaders(&loss.filled.topic)?;
    let nodes: BTreeSet<i32> = leaders.values().map(|leader| leader.id).collect();
    let mut nodes = nodes.into_iter();
    let mut down = nodes
        .next()
        .ok_or_else(|| Failure::because("nobody leads"))?;
    loss.kill_in_the_middle(down)?;
    for next in nodes {
        cluster.restart_broker(down)?;
        cluster.kill_broker(next)?;
        down = next;
        loss.append_and_wait()?;
    }
    let (summary, moves) = loss.restart_and_judge(down)?;
    ensure!(moves.is_empty(), "partitions moved: {moves:?}");
    Ok(summary)
}

/// Two members that consume while something happens to a broker.
struct Loss<'a> {
    cluster: &'a Cluster,
    witness: Witness,
    group: String,
    filled: Filled,
    recorder: Arc<Recorder>,
    watch: CommitWatch,
    members: [Member; 2],
}

impl<'a> Loss<'a> {
    /// Both members have begun, and hold on after a part of the records.
    fn begin(cluster: &'a Cluster) -> Result<Self, Failure> {
        let topic = cluster.create_topic("loss", 6)?;
        let group = cluster.fresh("loss");
        let mut witness = cluster.witness()?;
        let filled = fill(&mut witness, &topic, RECORDS, NonZeroU32::MIN)?;
        let recorder = Arc::new(Recorder::default());
        let watch = CommitWatch::start(cluster, &recorder, &group, &filled)?;
        let properties = [
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("request.timeout.ms", "5000"),
        ];
        let member = |number, client_id| {
            let record = Some((Arc::clone(&recorder), Instance(number)));
            Member::start(cluster, (&group, &topic), client_id, &properties, record)
        };
        let members = [member(0, "first")?, member(1, "second")?];
        for member in &members {
            member.allow(0);
        }
        for member in &members {
            member.wait_for_partitions(3, PATIENCE)?;
            member.take_events();
            member.allow(u64::from(RECORDS) / 6);
        }
        Ok(Self {
            cluster,
            witness,
            group,
            filled,
            recorder,
            watch,
            members,
        })
    }

    /// Kills the broker once a third is handled, and waits until all the rest is, without it.
    fn kill_in_the_middle(&mut self, victim: i32) -> Result<(), Failure> {
        wait::until("a third being handled", PATIENCE, || {
            let count = self.recorder.count();
            let is_third = count >= u64::from(RECORDS) / 3;
            Ok(Look::at(is_third, || format!("{count} records")))
        })?;
        let count = self.recorder.count();
        ensure!(
            count < self.filled.records(),
            "all was handled before the kill"
        );
        self.cluster.kill_broker(victim)?;
        for member in &self.members {
            member.allow(u64::MAX);
        }
        let patience = PATIENCE.saturating_mul(3);
        wait_until_committed(&mut self.witness, &self.group, &self.filled, patience)
    }

    /// Appends as much again, and waits until that is handled.
    fn append_and_wait(&mut self) -> Result<(), Failure> {
        let topic = self.filled.topic.clone();
        self.filled = fill(&mut self.witness, &topic, RECORDS, NonZeroU32::MIN)?;
        let patience = PATIENCE.saturating_mul(3);
        wait_until_committed(&mut self.witness, &self.group, &self.filled, patience)
    }

    /// As [`restart_and_judge`](Self::restart_and_judge), wherever partitions moved.
    fn restart_and_finish(self, victim: i32) -> Outcome {
        Ok(self.restart_and_judge(victim)?.0)
    }

    /// Lets the broker come back, appends as much again, and judges it all. Tells also what moved
    /// between the members before they were closed.
    fn restart_and_judge(mut self, victim: i32) -> Result<(String, Vec<Event>), Failure> {
        self.cluster.restart_broker(victim)?;
        let commits = self.watch.stop()?;
        let topic = self.filled.topic.clone();
        let filled = fill(&mut self.witness, &topic, RECORDS, NonZeroU32::MIN)?;
        let watch = CommitWatch::start(self.cluster, &self.recorder, &self.group, &filled)?;
        wait_until_committed(&mut self.witness, &self.group, &filled, PATIENCE)?;
        let (mut refusals, mut moves) = (0, Vec::new());
        for member in &self.members {
            for event in member.take_events() {
                match event {
                    Event::Refused(_) => refusals += 1,
                    // What the last rebalance of the beginning brought those who had given up.
                    Event::Assigned(nothing) if nothing.is_empty() => {}
                    moved => moves.push(moved),
                }
            }
        }
        for member in self.members {
            let events = member.close()?;
            let refused = |event: &&Event| matches!(event, Event::Refused(_));
            refusals += events.iter().filter(refused).count();
        }
        let commits = [commits, watch.stop()?].concat();
        let delivery = judge(&filled, &self.recorder.history(), &commits)?;
        let summary = format!(
            "{} records, {} duplicates, {refusals} retriable errors",
            delivery.records, delivery.duplicates
        );
        Ok((summary, moves))
    }
}

const RECORDS: u32 = 60_000;
