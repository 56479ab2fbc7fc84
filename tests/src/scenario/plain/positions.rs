//! Positions of a consumer that chose its partitions itself.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use weft_client::{ErrorKind, Offset, OffsetAndMetadata, TopicPartition};

use super::{POLL_TIMEOUT, consumer, partitions, take};
use crate::cluster::{BASE_TIMESTAMP, Cluster, fill};
use crate::ensure;
use crate::failure::Outcome;

/// Assigned partitions are read to their end, in order and completely, in polls of at most
/// `max.poll.records`.
///
/// # Errors
///
/// If they are not.
pub fn a_topic_is_read_to_its_end(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("end", 3)?;
    let filled = fill(&mut cluster.witness()?, &topic, 9_000, KEYS)?;
    let consumer = consumer(cluster, &[("max.poll.records", "700")])?;
    let partitions = partitions(&filled);
    consumer.assign(partitions.clone())?;
    let mut ends = BTreeMap::new();
    while ends.values().copied().sum::<i64>().unsigned_abs() < filled.records() {
        let records = consumer.poll(POLL_TIMEOUT)?;
        ensure!(
            records.count() <= 700,
            "{} records in one poll",
            records.count()
        );
        for record in &records {
            let next = ends.entry(record.partition()).or_insert(0);
            let place = (record.partition(), record.offset());
            ensure!(place.1.value() == *next, "{place:?} came instead of {next}");
            *next += 1;
        }
        for (partition, next) in records.next_offsets() {
            ensure!(
                consumer.position(partition)? == next.offset,
                "the position in {partition} is not where the records end"
            );
        }
    }
    let ends = consumer.end_offsets(&partitions)?;
    for partition in &partitions {
        let end = filled.ends[&partition.partition()];
        let told = (ends[partition], consumer.position(partition)?);
        ensure!(
            told == (end, end),
            "{partition} ends at {end}, not at {told:?}"
        );
        let lag = consumer.current_lag(partition)?;
        ensure!(lag == Some(0), "a lag of {lag:?} at the end of {partition}");
    }
    ensure!(
        consumer.poll(POLL_TIMEOUT)?.is_empty(),
        "records behind the end"
    );
    let listed: BTreeSet<_> = consumer
        .partitions_for(&topic.into())?
        .into_iter()
        .map(|found| found.topic_partition)
        .collect();
    ensure!(listed == partitions, "the topic has {listed:?}");
    let nothing = consumer.partitions_for(&cluster.fresh("nothing").into())?;
    ensure!(nothing.is_empty(), "a missing topic has {nothing:?}");
    consumer.close()?;
    Ok(String::new())
}

/// Seeking to offsets, to both ends and to times moves the position, and the next poll begins
/// there, whatever was fetched before.
///
/// # Errors
///
/// If it does not.
pub fn seeking_moves_the_position(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("seek", 1)?;
    let filled = fill(&mut cluster.witness()?, &topic, 1_000, KEYS)?;
    let consumer = consumer(cluster, &[("max.poll.records", "10")])?;
    let partition = TopicPartition::new(topic.as_str(), 0);
    let one = BTreeSet::from([partition.clone()]);
    consumer.assign(one.clone())?;
    let first = |count| Ok::<_, crate::failure::Failure>(take(&consumer, count)?[0].1.value());
    ensure!(first(1)? == 0, "the first record is not the first");

    consumer.seek(&partition, Offset::new(500))?;
    ensure!(
        consumer.position(&partition)? == Offset::new(500),
        "seek moved nothing"
    );
    ensure!(
        first(1)? == 500,
        "the poll after a seek does not begin there"
    );
    consumer.seek_to_beginning(&BTreeSet::new())?;
    ensure!(first(1)? == 0, "seek_to_beginning does not begin at 0");
    consumer.seek_to_end(&one)?;
    let end = consumer.position(&partition)?;
    ensure!(end == filled.ends[&0], "seek_to_end leads to {end}");
    ensure!(
        consumer.poll(POLL_TIMEOUT)?.is_empty(),
        "records behind the end"
    );
    consumer.seek_to(&partition, &OffsetAndMetadata::new(Offset::new(990)))?;
    let last = take(&consumer, 10)?;
    ensure!(last.len() == 10 && last[0].1.value() == 990, "{last:?}");

    let times = |time| BTreeMap::from([(partition.clone(), time)]);
    let found = consumer.offsets_for_times(&times(BASE_TIMESTAMP + 123))?;
    let found = found[&partition].map(|found| (found.offset, found.timestamp));
    let expected = (Offset::new(123), BASE_TIMESTAMP + 123);
    ensure!(
        found == Some(expected),
        "{found:?} for the time of {expected:?}"
    );
    let found = consumer.offsets_for_times(&times(BASE_TIMESTAMP + 1_000_000))?;
    ensure!(
        found[&partition].is_none(),
        "a record from the future: {found:?}"
    );

    let stranger = TopicPartition::new(topic.as_str(), 7);
    let refused = consumer.seek(&stranger, Offset::ZERO);
    let kind = refused.map_err(|error| error.kind());
    ensure!(
        kind == Err(ErrorKind::IllegalState),
        "a foreign seek: {kind:?}"
    );
    consumer.close()?;
    Ok(String::new())
}

/// A paused partition gives nothing, not even what was fetched before, while others go on; resumed,
/// it goes on where it stood.
///
/// # Errors
///
/// If it does not.
pub fn a_paused_partition_waits(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("pause", 2)?;
    let filled = fill(&mut cluster.witness()?, &topic, 4_000, KEYS)?;
    let consumer = consumer(cluster, &[("max.poll.records", "50")])?;
    consumer.assign(partitions(&filled))?;
    let paused = BTreeSet::from([TopicPartition::new(topic.as_str(), 0)]);
    // Both partitions have been fetched when the first records are out.
    let mut before = take(&consumer, 100)?;
    consumer.pause(&paused)?;
    ensure!(
        consumer.paused()? == paused,
        "{:?} are paused",
        consumer.paused()
    );
    let rest = |partition: i32, before: &[(i32, Offset)]| {
        let taken = before.iter().filter(|place| place.0 == partition).count();
        2_000 - taken as u64
    };
    let others = take(&consumer, rest(1, &before))?;
    let leaked = others.iter().find(|place| place.0 == 0);
    ensure!(leaked.is_none(), "{leaked:?} came from a paused partition");
    ensure!(
        consumer.poll(POLL_TIMEOUT)?.is_empty(),
        "more than everything"
    );
    before.extend(others);
    consumer.resume(&paused)?;
    let resumed = take(&consumer, rest(0, &before))?;
    let stood = before.iter().rev().find(|place| place.0 == 0);
    let stood = stood.map_or(Offset::ZERO, |place| place.1.next());
    ensure!(
        resumed.first() == Some(&(0, stood)),
        "resumed at {:?}, not at {stood}",
        resumed.first()
    );
    consumer.close()?;
    Ok(String::new())
}

const KEYS: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");
