//! What becomes of a member that stops polling (KIP-62).

use std::collections::BTreeSet;

use weft_client::TopicPartition;

use crate::cluster::{Cluster, Witness};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::member::{Event, Member};
use crate::wait::{self, Look, PATIENCE};

/// A member that stops polling leaves by itself, so that another one gets everything; its next poll
/// tells that its partitions are lost, and it joins again. The assignor is eager.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_silent_member_leaves_and_rejoins_eagerly(cluster: &Cluster) -> Outcome {
    a_silent_member_leaves_and_rejoins(cluster, "range")
}

/// The same where members keep what they have during a rebalance.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_silent_member_leaves_and_rejoins_cooperatively(cluster: &Cluster) -> Outcome {
    a_silent_member_leaves_and_rejoins(cluster, "cooperative-sticky")
}

fn a_silent_member_leaves_and_rejoins(cluster: &Cluster, assignor: &str) -> Outcome {
    let topic = cluster.create_topic("silent", 4)?;
    let group = cluster.fresh("silent");
    let mut witness = cluster.witness()?;
    let properties = [
        ("partition.assignment.strategy", assignor),
        // Far below the session timeout: a member that is only silent has to leave by itself.
        ("max.poll.interval.ms", "1500"),
        ("session.timeout.ms", "60000"),
    ];
    let start = |client_id| Member::start(cluster, (&group, &topic), client_id, &properties, None);
    let silent = start("silent")?;
    silent.wait_for_partitions(4, PATIENCE)?;
    let other = start("other")?;
    other.wait_for_partitions(2, PATIENCE)?;
    silent.wait_for_partitions(2, PATIENCE)?;
    let (lost, others) = (silent.owned(), other.owned());
    wait_for_members(
        &mut witness,
        &group,
        &[("other", &others), ("silent", &lost)],
    )?;

    silent.hold()?;
    silent.take_events();
    other.wait_for_partitions(4, PATIENCE)?;
    let everything: BTreeSet<_> = (0..4)
        .map(|partition| TopicPartition::new(topic.as_str(), partition))
        .collect();
    wait_for_members(&mut witness, &group, &[("other", &everything)])?;
    ensure!(
        silent.take_events().is_empty() && silent.owned() == lost,
        "a callback ran although nobody polled"
    );

    silent.release();
    let mut events = wait::until("the first poll telling something", PATIENCE, || {
        let events = silent.take_events();
        Ok(if events.is_empty() {
            Look::NotYet("it owns what it owned".to_owned())
        } else {
            Look::Seen(events)
        })
    })?;
    ensure!(
        events[0] == Event::Lost(lost),
        "the first poll does not tell of the loss: {events:?}"
    );
    silent.wait_for_partitions(2, PATIENCE)?;
    other.wait_for_partitions(2, PATIENCE)?;
    events.extend(silent.take_events());
    let is_revoked = |event: &Event| matches!(event, Event::Revoked(gone) if !gone.is_empty());
    ensure!(
        !events.iter().any(is_revoked),
        "what was lost is revoked: {events:?}"
    );
    let (mine, others) = (silent.owned(), other.owned());
    wait_for_members(
        &mut witness,
        &group,
        &[("other", &others), ("silent", &mine)],
    )?;
    silent.close()?;
    other.close()?;
    wait_for_members(&mut witness, &group, &[])?;
    Ok(String::new())
}

/// Waits until the coordinator knows these members, sorted by name, with these partitions, and no
/// others.
///
/// # Errors
///
/// If that does not happen in time.
pub(super) fn wait_for_members(
    witness: &mut Witness,
    group: &str,
    members: &[(&str, &BTreeSet<TopicPartition>)],
) -> Result<(), Failure> {
    wait::until("the group as expected", PATIENCE, || {
        let described = witness.group(group)?;
        let seen = described.members.iter();
        let seen = seen.map(|member| (member.client_id.as_str(), &member.assignment));
        let is_there = described.is_stable() || members.is_empty();
        let is_expected = is_there && seen.eq(members.iter().copied());
        Ok(Look::at(is_expected, || format!("{described:?}")))
    })
}
