//! Reading from the replica that is near.

use std::num::NonZeroU32;
use std::time::Duration;

use weft_client::TopicPartition;
use weft_consumer::Consumer;

use crate::cluster::{Cluster, RACKS, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::scenario::plain::{consumer, take};
use crate::wait::{self, Look, PATIENCE};

/// A consumer that names the rack of a follower is sent there by the leader (KIP-392) and reads
/// from it, as `preferred-read-replica` tells; once that broker is dead the leader serves it, and
/// no record is missed.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_consumer_reads_in_its_rack_and_outlives_the_replica(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("racks", 1)?;
    let mut witness = cluster.witness()?;
    let leader = witness.leaders(&topic)?.get(&0).map(|leader| leader.id);
    let mut racks = (0..).zip(RACKS);
    let follower = racks.find(|(node, _)| leader.is_some_and(|leader| leader != *node));
    let (node, rack) = follower.ok_or_else(|| Failure::because("nobody leads"))?;
    let options = [("client.rack", rack), ("request.timeout.ms", "5000")];
    let consumer = consumer(cluster, &options)?;
    let partition = TopicPartition::new(topic.as_str(), 0);
    consumer.assign([partition.clone()])?;

    fill(&mut witness, &topic, RECORDS, NonZeroU32::MIN)?;
    let mut taken = take(&consumer, u64::from(RECORDS))?;
    wait::until("being sent to the follower", PATIENCE, || {
        ensure!(consumer.poll(POLL_TIMEOUT)?.is_empty(), "a record too many");
        let replica = preferred_replica(&consumer, &partition);
        let is_there = replica == Some(f64::from(node));
        Ok(Look::at(is_there, || format!("{replica:?}, not {node}")))
    })?;
    fill(&mut witness, &topic, RECORDS, NonZeroU32::MIN)?;
    taken.extend(take(&consumer, u64::from(RECORDS))?);
    let replica = preferred_replica(&consumer, &partition);
    let is_there = replica == Some(f64::from(node));
    ensure!(is_there, "read from {replica:?} instead of {node}");

    cluster.kill_broker(node)?;
    fill(&mut witness, &topic, RECORDS, NonZeroU32::MIN)?;
    taken.extend(take(&consumer, u64::from(RECORDS))?);
    let replica = preferred_replica(&consumer, &partition);
    ensure!(replica == Some(-1.0), "{replica:?} serves when {node} died");
    let is_all = taken
        .iter()
        .zip(0..)
        .all(|((_, offset), at)| offset.value() == at);
    ensure!(is_all, "records are missing or came twice");
    consumer.close()?;
    cluster.restart_broker(node)?;
    Ok(format!("{} records", taken.len()))
}

/// The follower that is read from; -1 while it is the leader.
fn preferred_replica(consumer: &Consumer, partition: &TopicPartition) -> Option<f64> {
    let number = partition.partition().to_string();
    let tags = [
        ("topic", partition.topic().as_str()),
        ("partition", &number),
    ];
    let group = "consumer-fetch-manager-metrics";
    let metrics = consumer.metrics();
    metrics.tagged(group, "preferred-read-replica", &tags)
}

/// How many records come at a time.
const RECORDS: u32 = 1_000;

/// How long one poll waits for records.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
