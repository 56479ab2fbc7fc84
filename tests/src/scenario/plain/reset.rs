//! Where to begin without a committed offset, or with one that is gone.

use std::num::NonZeroU32;

use weft_client::{ErrorKind, Offset, TopicPartition};
use weft_consumer::Consumer;

use super::{POLL_TIMEOUT, consumer, take};
use crate::cluster::{Cluster, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};

/// `auto.offset.reset` decides for a new group, and for a position outside the partition.
///
/// # Errors
///
/// If it does not.
pub fn the_reset_policy_says_where_to_begin(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("reset", 1)?;
    let filled = fill(&mut cluster.witness()?, &topic, 100, NonZeroU32::MIN)?;
    let end = filled.ends[&0];
    let partition = TopicPartition::new(topic.as_str(), 0);
    let begin = |policy: &str| -> Result<Consumer, Failure> {
        let group = cluster.fresh("reset");
        let consumer = consumer(
            cluster,
            &[("group.id", &group), ("auto.offset.reset", policy)],
        )?;
        consumer.assign([partition.clone()])?;
        Ok(consumer)
    };
    // The records are years old.
    for (policy, expected) in [
        ("earliest", Offset::ZERO),
        ("latest", end),
        ("by_duration:PT1H", end),
        ("by_duration:P36500D", Offset::ZERO),
    ] {
        let consumer = begin(policy)?;
        let position = consumer.position(&partition)?;
        ensure!(position == expected, "{policy} begins at {position}");
        if expected == Offset::ZERO {
            let taken = take(&consumer, filled.records())?;
            ensure!(
                taken[0].1 == expected,
                "{policy} begins with {:?}",
                taken[0]
            );
        }
        // An offset that does not exist is as good as none.
        consumer.seek(&partition, Offset::new(1_000_000))?;
        while consumer.position(&partition)? == Offset::new(1_000_000) {
            consumer.poll(POLL_TIMEOUT)?;
        }
        let taken = consumer.poll(POLL_TIMEOUT)?.count();
        let position = consumer.position(&partition)?;
        ensure!(
            position >= expected && position <= end,
            "{policy} goes on at {position} after {taken} records"
        );
        consumer.close()?;
    }

    without_a_policy(&begin("none")?, &partition)?;
    Ok(String::new())
}

/// Without a policy the calls fail, name the partition, and go on once there is a position.
fn without_a_policy(none: &Consumer, partition: &TopicPartition) -> Result<(), Failure> {
    let topic = partition.topic().as_str();
    let kind = none.poll(POLL_TIMEOUT.saturating_mul(100)).map(drop);
    let kind = kind.map_err(|error| (error.kind(), error.to_string().contains(topic)));
    ensure!(
        kind == Err((ErrorKind::NoOffsetForPartition, true)),
        "without a policy: {kind:?}"
    );
    none.seek(partition, Offset::new(1_000_000))?;
    let outside = loop {
        match none.poll(POLL_TIMEOUT) {
            Ok(records) => ensure!(records.is_empty(), "records from beyond the end"),
            Err(error) => break error,
        }
    };
    ensure!(
        outside.kind() == ErrorKind::OffsetOutOfRange
            && outside.topic_partition() == Some(partition),
        "outside the partition: {outside:?}"
    );
    none.seek(partition, Offset::new(99))?;
    let taken = take(none, 1)?;
    ensure!(taken == [(0, Offset::new(99))], "{taken:?} after the error");
    none.close()?;
    Ok(())
}
