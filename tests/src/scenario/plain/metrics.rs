//! What a consumer tells of itself.

use std::num::NonZeroU32;

use weft_consumer::{Metrics, MetricsHandle};

use super::{POLL_TIMEOUT, consumer, partitions, take};
use crate::cluster::{Cluster, Filled, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::wait::{self, Look, PATIENCE};

const FETCH: &str = "consumer-fetch-manager-metrics";
const COORDINATOR: &str = "consumer-coordinator-metrics";
const CONSUMER: &str = "consumer-metrics";

/// A consumer counts what it reads, asks and commits, another thread reads that while it polls, and
/// what concerns a partition goes when the partition goes.
///
/// # Errors
///
/// If a number is wrong, or missing.
pub fn metrics_tell_what_a_consumer_does(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("metrics", 3)?;
    let filled = fill(&mut cluster.witness()?, &topic, 3_000, NonZeroU32::MIN)?;
    let group = cluster.fresh("metrics");
    let properties = [("group.id", &*group), ("heartbeat.interval.ms", "100")];
    let consumer = consumer(cluster, &properties)?;
    let handle = consumer.metrics_handle();
    let before = handle.snapshot();
    let never = before.number(CONSUMER, "last-poll-seconds-ago");
    ensure!(
        never == Some(-1.0),
        "a poll {never:?} seconds before the first"
    );
    consumer.subscribe([topic.as_str()])?;
    take(&consumer, filled.records())?;
    consumer.commit_sync()?;
    wait::until("a heartbeat to be counted", PATIENCE, || {
        consumer.poll(POLL_TIMEOUT)?;
        let total = read_elsewhere(&handle)?.number(COORDINATOR, "heartbeat-total");
        Ok(Look::at(total > Some(0.0), || {
            format!("{total:?} heartbeats")
        }))
    })?;
    let metrics = read_elsewhere(&handle)?;
    all_is_counted(&metrics, &filled)?;
    let brokers = metrics
        .iter()
        .filter(|metric| metric.tag("node-id").is_some());
    ensure!(brokers.count() > 0, "nothing is told of any broker");

    consumer.unsubscribe()?;
    let metrics = read_elsewhere(&handle)?;
    let left = metrics
        .iter()
        .find(|metric| metric.tag("partition").is_some());
    ensure!(left.is_none(), "{left:?} is told after unsubscribing");
    consumer.close()?;
    Ok(String::new())
}

/// Everything was read by one member, and committed.
fn all_is_counted(metrics: &Metrics, filled: &Filled) -> Result<(), Failure> {
    let records = filled.records() as f64;
    for (group, name, value) in [
        (FETCH, "records-consumed-total", records),
        (COORDINATOR, "assigned-partitions", 3.0),
    ] {
        let told = metrics.number(group, name);
        ensure!(told == Some(value), "{name} is {told:?}, not {value}");
    }
    for (group, name) in [
        (FETCH, "bytes-consumed-total"),
        (FETCH, "fetch-total"),
        (FETCH, "fetch-latency-max"),
        (COORDINATOR, "join-total"),
        (COORDINATOR, "sync-total"),
        (COORDINATOR, "rebalance-total"),
        (COORDINATOR, "commit-total"),
        (COORDINATOR, "commit-latency-max"),
        (CONSUMER, "connection-count"),
        (CONSUMER, "incoming-byte-total"),
        (CONSUMER, "request-total"),
        (CONSUMER, "commit-sync-time-ns-total"),
        (CONSUMER, "poll-idle-ratio-avg"),
    ] {
        let told = metrics.number(group, name);
        let is_counted = told.is_some_and(|number| number > 0.0);
        ensure!(is_counted, "{name} is {told:?}");
    }
    for partition in partitions(filled) {
        let number = partition.partition().to_string();
        let tags = [("topic", &*filled.topic), ("partition", &*number)];
        let told = ["records-lag", "records-lead"].map(|name| metrics.tagged(FETCH, name, &tags));
        let end = filled.ends[&partition.partition()].value() as f64;
        let expected = [Some(0.0), Some(end)];
        ensure!(told == expected, "lag and lead of {partition} are {told:?}");
    }
    let of_topic = metrics.tagged(FETCH, "records-consumed-total", &[("topic", &filled.topic)]);
    ensure!(
        of_topic == Some(records),
        "{of_topic:?} records of the topic"
    );
    Ok(())
}

/// Takes a snapshot in a thread of its own.
fn read_elsewhere(handle: &MetricsHandle) -> Result<Metrics, Failure> {
    let read = std::thread::scope(|scope| scope.spawn(|| handle.snapshot()).join());
    read.map_err(|_| Failure::because("the thread that reads metrics panicked"))
}
