//! Subscriptions and commits.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::mpsc::channel;

use weft_client::{LeaderEpoch, Offset, OffsetAndMetadata, TopicPartition};

use super::{POLL_TIMEOUT, consumer, partitions, take};
use crate::cluster::{Cluster, fill};
use crate::ensure;
use crate::failure::Outcome;
use crate::wait::{self, Look, PATIENCE};

/// A group goes on where its last member committed, and what was not committed comes again.
///
/// # Errors
///
/// If it does not.
pub fn a_group_resumes_where_it_committed(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("resume", 3)?;
    let group = cluster.fresh("resume");
    let mut witness = cluster.witness()?;
    let filled = fill(&mut witness, &topic, 6_000, NonZeroU32::MIN)?;
    let member = || consumer(cluster, &[("group.id", &group)]);
    let first = member()?;
    first.subscribe([topic.as_str()])?;
    take(&first, 1_500)?;
    first.commit_sync()?;
    let mut committed = BTreeMap::new();
    for partition in first.assignment()? {
        committed.insert(partition.partition(), first.position(&partition)?);
    }
    // What comes now stays uncommitted.
    take(&first, 500)?;
    first.close()?;
    let mut seen = witness.committed(&group, &topic, 3)?;
    committed.retain(|_, offset| *offset > Offset::ZERO);
    seen.retain(|_, offset| *offset > Offset::ZERO);
    ensure!(
        seen == committed,
        "the broker has {seen:?}, not {committed:?}"
    );

    let second = member()?;
    second.subscribe([topic.as_str()])?;
    let done: i64 = committed.values().map(|offset| offset.value()).sum();
    let rest = take(&second, filled.records() - done.unsigned_abs())?;
    for partition in 0..3 {
        let first = rest.iter().find(|place| place.0 == partition);
        let first = first
            .map(|place| place.1)
            .unwrap_or_else(|| filled.ends[&partition]);
        let committed = committed.get(&partition).copied().unwrap_or(Offset::ZERO);
        ensure!(first == committed, "resumed at {first}, not at {committed}");
    }
    second.commit_sync()?;
    second.close()?;
    let seen = witness.committed(&group, &topic, 3)?;
    ensure!(seen == filled.ends, "the broker has {seen:?}");
    Ok(String::new())
}

/// What is committed by hand, with text and epoch, in a callback, or automatically is what the
/// broker has afterwards, and what `committed` tells.
///
/// # Errors
///
/// If it is not.
pub fn commits_of_every_kind_reach_the_broker(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("commits", 2)?;
    let group = cluster.fresh("commits");
    let mut witness = cluster.witness()?;
    let filled = fill(&mut witness, &topic, 2_000, NonZeroU32::MIN)?;
    let both = partitions(&filled);
    let [first, second] = [0, 1].map(|number| TopicPartition::new(topic.as_str(), number));

    // Without a subscription the group is only a name for offsets.
    let manual = consumer(cluster, &[("group.id", &group)])?;
    manual.assign(both.clone())?;
    let nothing = manual.committed(&both)?;
    ensure!(
        nothing.values().all(Option::is_none),
        "{nothing:?} out of nothing"
    );
    let with_text = OffsetAndMetadata {
        offset: Offset::new(17),
        leader_epoch: Some(LeaderEpoch::new(0)),
        metadata: "seventeen".to_owned(),
    };
    manual.commit_sync_offsets(&BTreeMap::from([(first.clone(), with_text.clone())]))?;
    let told = manual.committed(&both)?;
    ensure!(
        told[&first] == Some(with_text) && told[&second].is_none(),
        "committed tells {told:?}"
    );
    let (sender, receiver) = channel();
    let offsets = BTreeMap::from([(second.clone(), OffsetAndMetadata::new(Offset::new(23)))]);
    manual.commit_async_offsets(offsets, move |offsets, result| {
        // The scenario has failed already if nobody listens.
        let _ = sender.send((offsets.len(), result));
    })?;
    wait::until("the callback of the commit", PATIENCE, || {
        let records = manual.poll(POLL_TIMEOUT)?;
        Ok(match receiver.try_recv() {
            Ok((1, Ok(()))) => Look::Seen(()),
            Ok(other) => return Err(crate::failure::Failure::because(format!("{other:?}"))),
            Err(_) => Look::NotYet(format!("a poll with {} records", records.count())),
        })
    })?;
    manual.close()?;
    let seen = witness.committed(&group, &topic, 2)?;
    let expected = BTreeMap::from([(0, Offset::new(17)), (1, Offset::new(23))]);
    ensure!(seen == expected, "the broker has {seen:?}");

    let automatic = [
        ("group.id", group.as_str()),
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "100"),
    ];
    let automatic = consumer(cluster, &automatic)?;
    automatic.subscribe([topic.as_str()])?;
    take(&automatic, filled.records() - 40)?;
    wait::until("an automatic commit", PATIENCE, || {
        automatic.poll(POLL_TIMEOUT)?;
        let seen = witness.committed(&group, &topic, 2)?;
        Ok(Look::at(seen == filled.ends, || format!("{seen:?}")))
    })?;
    let others = BTreeSet::from([first]);
    let told = automatic.committed(&others)?;
    ensure!(told.len() == 1, "asked for one, told {told:?}");
    automatic.close()?;
    Ok(String::new())
}
