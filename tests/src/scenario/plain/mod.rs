//! What every consumer can do, with and without a group.

mod groups;
mod metrics;
mod patterns;
mod positions;
mod records;
mod reset;
mod typed;

use std::collections::BTreeSet;

use weft_client::{Offset, TopicPartition};
use weft_consumer::Consumer;

use crate::cluster::{Cluster, Filled};
use crate::ensure;
use crate::failure::Failure;
use crate::member::config;
use crate::wait::{self, Look, PATIENCE};

pub use groups::{a_group_resumes_where_it_committed, commits_of_every_kind_reach_the_broker};
pub use metrics::metrics_tell_what_a_consumer_does;
pub use patterns::topics_of_a_pattern_come_and_go;
pub use positions::{
    a_paused_partition_waits, a_topic_is_read_to_its_end, seeking_moves_the_position,
};
pub(super) use records::{as_java, read};
pub use records::{records_equal_what_java_wrote, records_equal_what_was_appended};
pub use reset::the_reset_policy_says_where_to_begin;
pub use typed::{
    a_record_that_cannot_be_read_is_named_until_it_is_passed_over,
    interceptors_see_what_is_polled_and_committed,
};

/// A consumer with these options beside those of [`config`].
pub(super) fn consumer(
    cluster: &Cluster,
    properties: &[(&str, &str)],
) -> Result<Consumer, Failure> {
    Ok(Consumer::new(config(cluster, properties)?)?)
}

/// The partitions of what was filled.
pub(super) fn partitions(filled: &Filled) -> BTreeSet<TopicPartition> {
    let numbers = filled.ends.keys();
    numbers
        .map(|partition| TopicPartition::new(filled.topic.as_str(), *partition))
        .collect()
}

/// Polls until `count` records came, and returns their places. The offsets of a partition must
/// ascend without a gap.
pub(super) fn take(consumer: &Consumer, count: u64) -> Result<Vec<(i32, Offset)>, Failure> {
    let mut taken: Vec<(i32, Offset)> = Vec::new();
    wait::until("polling all records", PATIENCE, || {
        for record in &consumer.poll(POLL_TIMEOUT)? {
            let place = (record.partition(), record.offset());
            let mut before = taken.iter().rev();
            let before = before.find(|(partition, _)| *partition == place.0);
            ensure!(
                before.is_none_or(|(_, offset)| offset.next() == place.1),
                "{place:?} came after {before:?}"
            );
            taken.push(place);
        }
        let have = taken.len() as u64;
        Ok(Look::at(have >= count, || {
            format!("{have} of {count} records")
        }))
    })?;
    Ok(taken)
}

/// How long one poll waits for records.
const POLL_TIMEOUT: std::time::Duration = std::time::Duration::from_millis(100);
