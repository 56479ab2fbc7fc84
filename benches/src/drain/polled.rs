//! Mode poll: the consumer, and a look at every record.

#![expect(
    clippy::disallowed_methods,
    reason = "gives up when nothing comes for a time"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use weft_client::{Error, Offset, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig, ConsumerRecords};

use super::{Drained, Looks, Meter, Topic, nothing_came};
use crate::touch;

pub(super) fn drain(
    config: &ConsumerConfig,
    topic: &Topic,
    looks: Looks,
) -> Result<Drained, Error> {
    let consumer = Consumer::new(config.clone())?;
    consumer.assign(topic.ranges.keys().cloned())?;
    for (partition, (begin, _)) in &topic.ranges {
        consumer.seek(partition, *begin)?;
    }
    let mut missing: BTreeMap<TopicPartition, Offset> = topic
        .ranges
        .iter()
        .map(|(partition, (_, end))| (partition.clone(), *end))
        .collect();
    let meter = Meter::start()?;
    let mut records = 0;
    let mut sum = 0_u64;
    let mut moved_at = Instant::now();
    while let Some(partition) = missing.keys().next() {
        let polled = consumer.poll(POLL_TIMEOUT)?;
        records += polled.count() as u64;
        sum = sum.wrapping_add(look(&polled, looks));
        if polled.next_offsets().is_empty() {
            let timeout = config.client.default_api_timeout;
            if moved_at.elapsed() > timeout {
                return Err(nothing_came(timeout, &partition.to_string(), None));
            }
            continue;
        }
        for (partition, next) in polled.next_offsets() {
            if missing
                .get(partition)
                .is_some_and(|end| next.offset >= *end)
            {
                missing.remove(partition);
            }
        }
        moved_at = Instant::now();
    }
    black_box(sum);
    let (wall, cpu) = meter.stop()?;
    let counters = consumer.network_counters()?;
    Ok(Drained {
        records,
        bytes: counters.bytes_read,
        fetches: counters.fetch_responses,
        wall,
        cpu,
    })
}

#[inline]
fn look(polled: &ConsumerRecords, looks: Looks) -> u64 {
    let mut sum = 0_u64;
    for run in polled.runs() {
        for record in run.slice() {
            sum = sum.wrapping_add(touch::value(&record));
            if looks.key {
                sum = sum.wrapping_add(touch::key(&record));
            }
            if looks.headers {
                sum = sum.wrapping_add(touch::headers(&record));
            }
        }
    }
    sum
}

const POLL_TIMEOUT: Duration = Duration::from_millis(500);
