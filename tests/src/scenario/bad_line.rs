//! A bad line between consumers and a real broker: it stops, cuts, lies, or is narrow.

#![expect(
    clippy::disallowed_methods,
    reason = "how long a line takes is the subject"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use weft_client::{ErrorKind, TopicPartition};
use weft_consumer::Consumer;
use weft_testcontainers::kafka::KafkaNode;
use weft_testcontainers::proxy::{Direction, Impairment, Proxy};

use super::plain::{consumer, partitions, take};
use crate::cluster::{Cluster, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::wait::{self, Look, PATIENCE};

/// A broker that freezes while it is read from is waited for, and nothing is lost or repeated.
///
/// # Errors
///
/// If it is not.
pub fn a_frozen_broker_is_waited_for(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("frozen", 2)?;
    let filled = fill(&mut cluster.witness()?, &topic, 20_000, NonZeroU32::MIN)?;
    let options = [
        ("max.partition.fetch.bytes", "4096"),
        ("request.timeout.ms", "2000"),
    ];
    let consumer = consumer(cluster, &options)?;
    consumer.assign(partitions(&filled))?;
    let mut reader = Reader::default();
    reader.read(&consumer, 2_000)?;
    let node = only_node(cluster)?;
    node.pause()?;
    // Longer than a request may take, so that its connection is given up.
    let frozen_until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < frozen_until {
        reader.poll(&consumer)?;
    }
    let while_frozen = reader.records;
    ensure!(
        while_frozen < filled.records(),
        "everything had been fetched before the broker froze"
    );
    node.resume()?;
    reader.read(&consumer, filled.records())?;
    consumer.close()?;
    Ok(format!("{while_frozen} records before it went on"))
}

/// Members that form a group over a slow line which is cut meanwhile share all partitions in the
/// end, and read everything.
///
/// # Errors
///
/// If they do not.
pub fn a_rebalance_over_a_bad_line_ends(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("line", 4)?;
    let filled = fill(&mut cluster.witness()?, &topic, 4_000, NonZeroU32::MIN)?;
    let group = cluster.fresh("line");
    let options = [("group.id", &*group), ("heartbeat.interval.ms", "300")];
    let first = consumer(cluster, &options)?;
    first.subscribe([topic.as_str()])?;
    let mut seen = take(&first, filled.records())?.len() as u64;
    let proxy = only_proxy(cluster)?;
    let slow = Impairment::none().delay(Duration::from_millis(150));
    proxy.impair(Direction::ToServer, slow.clone());
    proxy.impair(Direction::ToClient, slow);
    let second = consumer(cluster, &options)?;
    second.subscribe([topic.as_str()])?;
    let mut cuts = 0;
    wait::until("both members to share all partitions", PATIENCE, || {
        for member in [&first, &second] {
            seen += member.poll(Duration::from_millis(50))?.count() as u64;
        }
        if cuts < CUTS && proxy.accepted() > cuts {
            proxy.cut();
            cuts += 1;
        } else if cuts == CUTS {
            proxy.heal();
        }
        let owned = [first.assignment()?, second.assignment()?];
        Ok(Look::at(are_shared(&owned, &partitions(&filled)), || {
            format!("they own {owned:?}")
        }))
    })?;
    ensure!(cuts == CUTS, "the group was formed after {cuts} cuts");
    ensure!(seen >= filled.records(), "only {seen} records came");
    second.close()?;
    first.close()?;
    Ok(format!("{cuts} cuts"))
}

/// Bits that are turned on the way are found by the checksum, told, and read anew once the line is
/// good: nothing is lost or repeated, and nothing false gets through.
///
/// # Errors
///
/// If it is.
pub fn turned_bits_are_found(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("bits", 1)?;
    let filled = fill(&mut cluster.witness()?, &topic, 60_000, NonZeroU32::MIN)?;
    let consumer = consumer(cluster, &[("max.poll.records", "1000")])?;
    consumer.assign(partitions(&filled))?;
    let mut reader = Reader::default();
    reader.read(&consumer, 1)?;
    let proxy = only_proxy(cluster)?;
    // Few enough that what is around the records, which has no checksum, is hardly ever hit.
    let lying = Impairment::none().corrupt_every(200_000);
    proxy.impair(Direction::ToClient, lying);
    // What was fetched before is sound, so the beginning is read until something is not.
    let mut read = 0;
    let error = wait::until("finding a turned bit", PATIENCE, || {
        match reader.poll(&consumer) {
            Ok(()) if reader.records == filled.records() => {
                read += reader.records;
                reader = Reader::default();
                consumer.seek_to_beginning(&BTreeSet::new())?;
                Ok(Look::NotYet("everything was sound".to_owned()))
            }
            Ok(()) => Ok(Look::NotYet(format!("{} sound records", reader.records))),
            Err(Stopped::Told(error)) => Ok(Look::Seen(error)),
            Err(Stopped::Wrong(failure)) => Err(failure),
        }
    })?;
    ensure!(
        error.kind() == ErrorKind::CorruptRecord,
        "the turned bit was told as {error:?}"
    );
    proxy.heal();
    reader.read(&consumer, filled.records())?;
    consumer.close()?;
    Ok(format!("after {} records", read + reader.records))
}

/// A line that carries little carries everything in the end.
///
/// # Errors
///
/// If it does not, or carries more than it may.
pub fn a_narrow_line_carries_everything(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("narrow", 1)?;
    let filled = fill(&mut cluster.witness()?, &topic, 30_000, NonZeroU32::MIN)?;
    let consumer = consumer(cluster, &[])?;
    consumer.assign(partitions(&filled))?;
    let proxy = only_proxy(cluster)?;
    let before = proxy.bytes(Direction::ToClient);
    let narrow = Impairment::none().bytes_per_second(NARROW);
    proxy.impair(Direction::ToClient, narrow);
    let began_at = Instant::now();
    let mut reader = Reader::default();
    reader.read(&consumer, filled.records())?;
    let took = began_at.elapsed();
    proxy.heal();
    let bytes = proxy.bytes(Direction::ToClient) - before;
    // What its last pieces would have taken has not passed yet.
    let least = Duration::from_secs_f64(bytes as f64 / NARROW as f64 / 2.0);
    ensure!(took > least, "{bytes} bytes took {took:?} only");
    consumer.close()?;
    Ok(format!("{bytes} bytes in {:.1} s", took.as_secs_f64()))
}

/// What one consumer has read: every record once, and in order.
#[derive(Default)]
struct Reader {
    records: u64,
    next: BTreeMap<TopicPartition, i64>,
}

/// Why a poll brought nothing.
#[derive(Debug)]
enum Stopped {
    /// The consumer told of a failure.
    Told(weft_client::Error),
    /// A record came that must not have come.
    Wrong(Failure),
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Told(error) => error.into(),
            Stopped::Wrong(failure) => failure,
        }
    }
}

impl Reader {
    fn poll(&mut self, consumer: &Consumer) -> Result<(), Stopped> {
        let records = consumer.poll(Duration::from_millis(100));
        for record in &records.map_err(Stopped::Told)? {
            let place = record.topic_partition();
            let next = self.next.entry(place.clone()).or_insert(0);
            if record.offset().value() != *next {
                let text = format!("{place} {} came instead of {next}", record.offset());
                return Err(Stopped::Wrong(Failure::because(text)));
            }
            *next += 1;
            self.records += 1;
        }
        Ok(())
    }

    /// Polls until so many records came in all.
    fn read(&mut self, consumer: &Consumer, records: u64) -> Result<(), Failure> {
        wait::until("reading everything", PATIENCE, || {
            self.poll(consumer).map_err(Failure::from)?;
            let have = self.records;
            Ok(Look::at(have >= records, || format!("{have} of {records}")))
        })
    }
}

fn are_shared(owned: &[BTreeSet<TopicPartition>; 2], all: &BTreeSet<TopicPartition>) -> bool {
    let together: BTreeSet<TopicPartition> = owned.iter().flatten().cloned().collect();
    together == *all && owned.iter().all(|owned| owned.len() == all.len() / 2)
}

fn only_proxy(cluster: &Cluster) -> Result<&Proxy, Failure> {
    let proxy = cluster.kafka().and_then(|kafka| kafka.proxy(0));
    proxy.ok_or_else(|| Failure::because("the cluster has no proxy"))
}

fn only_node(cluster: &Cluster) -> Result<&KafkaNode, Failure> {
    let kafka = cluster.kafka();
    let kafka = kafka.ok_or_else(|| Failure::because("the cluster is no real Kafka"))?;
    Ok(kafka.node(0))
}

/// How often the line is cut during a rebalance.
const CUTS: u64 = 3;

/// Bytes a second of the narrow line.
const NARROW: u64 = 400_000;
