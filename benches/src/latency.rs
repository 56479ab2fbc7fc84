//! How long a record takes from `send` to the end of `poll`, and what a consumer costs that has
//! nothing to do. The records go to one partition; the consumer reads idle ones beside it.

#![expect(
    clippy::disallowed_methods,
    reason = "measures, and paces a thread that sends"
)]

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::{Error, ErrorKind, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig};

use crate::cpu;

/// What is sent, and how it is waited for.
#[derive(Clone, Debug)]
pub struct Load {
    /// Records sent a second.
    pub rate: u32,
    /// For how long.
    pub span: Duration,
    /// What each call of `poll` is given.
    pub poll_timeout: Duration,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// From `send` to the end of the `poll` that returned the record; shortest first.
    pub latencies: Vec<Duration>,
    /// Processor time of the polling thread in the same time.
    pub busy_cpu: Duration,
}

/// What a consumer costs that waits for records and gets none.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// How long it waited.
    pub span: Duration,
    /// Processor time of the polling thread.
    pub cpu: Duration,
    /// How often it waited for its sockets.
    pub waits: u64,
    /// Answers to fetches, all of them empty.
    pub fetches: u64,
}

impl Measured {
    /// The latency below which `share` of the records stayed, in `0.0..=1.0`.
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let place = (last as f64 * share).round() as usize;
        self.latencies
            .get(place.min(last))
            .copied()
            .unwrap_or_default()
    }
}

/// A consumer that waits at the ends of all partitions of a topic.
///
/// # Errors
///
/// If the brokers or the topic are not found in time.
pub fn consumer_at_the_end(
    bootstrap: &str,
    topic: &str,
    partitions: i32,
) -> Result<Consumer, Error> {
    let config = ConsumerConfig::builder()
        .bootstrap_servers(bootstrap)
        .build()?;
    let consumer = Consumer::new(config)?;
    let partitions: BTreeSet<TopicPartition> = (0..partitions)
        .map(|number| TopicPartition::new(topic, number))
        .collect();
    consumer.assign(partitions.iter().cloned())?;
    consumer.seek_to_end(&partitions)?;
    for partition in &partitions {
        consumer.position(partition)?;
    }
    // Connections to all leaders, and fetch sessions, are made before anything is measured.
    let warm_until = Instant::now() + WARM_UP;
    while Instant::now() < warm_until {
        consumer.poll(Duration::from_millis(100))?;
    }
    Ok(consumer)
}

/// Sends the load to one partition from a thread of its own, and polls it from this one.
///
/// # Errors
///
/// If a record is not stored, or does not come within ten seconds after the last was sent.
pub fn measure(
    bootstrap: &str,
    consumer: &Consumer,
    partition: &TopicPartition,
    load: &Load,
) -> Result<Measured, Error> {
    let count = (f64::from(load.rate) * load.span.as_secs_f64()) as usize;
    let base = Instant::now();
    let sender = {
        let (bootstrap, partition) = (bootstrap.to_owned(), partition.clone());
        let pause = Duration::from_secs(1) / load.rate;
        thread::spawn(move || send(&bootstrap, &partition, base, pause, count))
    };
    let mut latencies = Vec::with_capacity(count);
    let cpu_before = cpu_of_thread()?;
    let give_up_at = base + load.span + PATIENCE;
    while latencies.len() < count {
        let polled = consumer.poll(load.poll_timeout)?;
        let now = Instant::now();
        for record in &polled {
            let sent_at = record.value().and_then(|value| value.first_chunk());
            let sent_at = Duration::from_nanos(u64::from_be_bytes(*sent_at.ok_or_else(foreign)?));
            latencies.push(now.saturating_duration_since(base + sent_at));
        }
        if now > give_up_at {
            let text = format!("{} of {count} records came in time", latencies.len());
            return Err(Error::new(ErrorKind::Timeout, text));
        }
    }
    let busy_cpu = cpu_of_thread()?.saturating_sub(cpu_before);
    sender
        .join()
        .map_err(|_| Error::new(ErrorKind::Io, "the sending thread panicked"))??;
    latencies.sort_unstable();
    Ok(Measured {
        latencies,
        busy_cpu,
    })
}

/// Polls for `span` while nothing is sent.
///
/// # Errors
///
/// Those of `poll`.
pub fn idle(consumer: &Consumer, span: Duration, poll_timeout: Duration) -> Result<Idle, Error> {
    let (began_at, cpu_before) = (Instant::now(), cpu_of_thread()?);
    let before = consumer.network_counters()?;
    while began_at.elapsed() < span {
        consumer.poll(poll_timeout)?;
    }
    let after = consumer.network_counters()?;
    Ok(Idle {
        span: began_at.elapsed(),
        cpu: cpu_of_thread()?.saturating_sub(cpu_before),
        waits: after.waits - before.waits,
        fetches: after.fetch_responses - before.fetch_responses,
    })
}

/// Each record's value begins with the time of its `send`, in nanoseconds since `base`.
fn send(
    bootstrap: &str,
    partition: &TopicPartition,
    base: Instant,
    pause: Duration,
    count: usize,
) -> Result<(), Error> {
    let config = ProducerConfig::builder()
        .bootstrap_servers(bootstrap)
        .set("linger.ms", "0")
        .build()?;
    let producer = Producer::new(config)?;
    let mut next_at = Instant::now();
    for _ in 0..count {
        next_at += pause;
        thread::sleep(next_at.saturating_duration_since(Instant::now()));
        let sent_at = u64::try_from(base.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut value = sent_at.to_be_bytes().to_vec();
        value.resize(VALUE_BYTES, b'x');
        let record = ProducerRecord::to(partition.topic().clone())
            .partition(partition.partition())
            .value(value);
        producer.send_and_forget(record)?;
    }
    producer.flush(PATIENCE)?;
    producer.close(PATIENCE)
}

fn cpu_of_thread() -> Result<Duration, Error> {
    cpu::of_thread()
        .map_err(|error| Error::new(ErrorKind::Io, "no processor time is told").with_source(error))
}

fn foreign() -> Error {
    Error::new(
        ErrorKind::Serialization,
        "the topic has records of somebody else",
    )
}

const VALUE_BYTES: usize = 100;
const WARM_UP: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_latency_at_its_place() {
        let measured = Measured {
            latencies: (0..=100).map(Duration::from_millis).collect(),
            busy_cpu: Duration::ZERO,
        };
        let millis = |share| measured.quantile(share).as_millis();
        assert_eq!((millis(0.0), millis(0.5), millis(0.99)), (0, 50, 99));
        assert_eq!(millis(1.0), 100);
    }
}
