//! Topics that are subscribed to by a pattern.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use weft_client::admin::Admin;
use weft_client::{ClientConfig, TopicName};
use weft_consumer::Consumer;

use super::{POLL_TIMEOUT, consumer, take};
use crate::cluster::{Cluster, fill};
use crate::failure::{Failure, Outcome};
use crate::wait::{self, Look, PATIENCE};

/// A topic that is created later is read if it matches the pattern as a whole, and one that is
/// deleted is not waited for.
///
/// # Errors
///
/// If it is otherwise.
pub fn topics_of_a_pattern_come_and_go(cluster: &Cluster) -> Outcome {
    let name = cluster.fresh("pattern");
    let group = cluster.fresh("pattern");
    let mut witness = cluster.witness()?;
    let first = cluster.create_topic(&name, 2)?;
    let other = cluster.create_topic(&format!("x{name}"), 1)?;
    for topic in [&first, &other] {
        fill(&mut witness, topic, RECORDS, NonZeroU32::MIN)?;
    }
    let options = [("group.id", group.as_str()), ("metadata.max.age.ms", "500")];
    let consumer = consumer(cluster, &options)?;
    consumer.subscribe_pattern(&format!("{name}-.*"))?;
    take(&consumer, u64::from(RECORDS))?;
    wait_for(&consumer, &[&first])?;
    // The next rebalances begin where this ends.
    consumer.commit_sync()?;

    let second = cluster.create_topic(&name, 1)?;
    fill(&mut witness, &second, RECORDS, NonZeroU32::MIN)?;
    let early = wait_for(&consumer, &[&first, &second])?;
    let missing = u64::from(RECORDS).checked_sub(early);
    let missing = missing.ok_or_else(|| Failure::because(format!("{early} records came")))?;
    take(&consumer, missing)?;
    consumer.commit_sync()?;

    let config = ClientConfig::builder().bootstrap_servers(cluster.bootstrap());
    let mut admin = Admin::new(config.build()?)?;
    admin.delete_topics(&[TopicName::from(first.as_str())])?;
    wait_for(&consumer, &[&second])?;
    fill(&mut witness, &second, RECORDS, NonZeroU32::MIN)?;
    take(&consumer, u64::from(RECORDS))?;
    consumer.close()?;
    Ok(format!("{} records", 3 * RECORDS))
}

/// Polls until the consumer has the partitions of these topics and of no others; returns how many
/// records came meanwhile.
fn wait_for(consumer: &Consumer, topics: &[&str]) -> Result<u64, Failure> {
    let expected: BTreeSet<TopicName> =
        topics.iter().map(|topic| TopicName::from(*topic)).collect();
    let mut came = 0;
    wait::until("having the topics of the pattern", PATIENCE, || {
        came += consumer.poll(POLL_TIMEOUT)?.count() as u64;
        let assigned = consumer.assignment()?;
        let have: BTreeSet<TopicName> = assigned
            .iter()
            .map(|partition| partition.topic().clone())
            .collect();
        Ok(Look::at(have == expected, || format!("{have:?}")))
    })?;
    Ok(came)
}

/// How many records come at a time.
const RECORDS: u32 = 100;
