//! The public methods of the producer, on the callers' threads.

#![expect(
    clippy::disallowed_methods,
    reason = "the shell that stamps records and waits must know the time"
)]

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::accumulator::{Accumulator, Limits};
use super::config::ProducerConfig;
use super::io_thread::IoThread;
use super::receipts::DeliveryHandle;
use super::record::{ProducerRecord, RecordMetadata};
use super::sender::{Sender, Settings};
use super::shared::{Shared, State};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorKind};
use crate::net::{NetworkClient, resolve_bootstrap};

/// Sends records. Any number of threads may share one by reference.
///
/// Records gather in batches, one queue for each partition; a thread of the producer's own, named
/// `weft-producer-` and the `client.id`, sends them. Each method says how long it blocks.
///
/// The records of a partition are stored in the order in which they were sent: a partition has one
/// batch under way at a time, whatever the retries. Idempotence (KIP-98) and transactions are not
/// supported yet, so a batch whose answer was lost may be stored twice.
///
/// Callbacks run on the producer's thread and hold up everything else while they do.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
///
/// let config = ProducerConfig::builder().bootstrap_servers("localhost:9092").build()?;
/// let producer = Producer::new(config)?;
/// let handle = producer.send(ProducerRecord::to("orders").key("customer-7").value("{}"))?;
/// println!("stored at {:?}", handle.wait()?.offset);
///
/// for number in 0..1000 {
///     producer.send_and_forget(ProducerRecord::to("orders").value(number.to_string()))?;
/// }
/// producer.flush(Duration::from_secs(30))?;
/// producer.close(Duration::from_secs(30))?;
/// # Ok::<(), weft_client::Error>(())
/// ```
#[derive(Debug)]
pub struct Producer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Producer {
    /// Starts a producer. It begins at once to learn about the cluster, and does not wait for it.
    /// Looks up the names in `bootstrap.servers` first, as [`resolve_bootstrap`] does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if none of these names has an address.
    /// [`ErrorKind::Io`] if the operating system refuses a thread or the means to wait for sockets.
    pub fn new(config: ProducerConfig) -> Result<Self, Error> {
        let limits = Limits {
            batch_size: config.batch_size,
            buffer_memory: config.buffer_memory,
            max_request_size: config.max_request_size,
            linger: config.linger.min(SPAN_MAX),
            delivery_timeout: config.delivery_timeout.min(SPAN_MAX),
        };
        let max_block = config.max_block.min(SPAN_MAX);
        let client = config.client;
        let settings = Settings {
            acks: config.acks.to_wire(),
            codec: config.compression_type.into(),
            request_timeout: client.request_timeout,
            delivery_timeout: limits.delivery_timeout,
            backoff: client.retry_delays(),
            retries: config.retries,
            max_in_flight: config.max_in_flight,
            max_request_size: config.max_request_size,
        };
        let seeds = RandomState::new();
        let client = resolve_bootstrap(client)?;
        let network = NetworkClient::new(&client)?;
        let cluster = Cluster::new(&client, Instant::now(), seeds.hash_one("cluster"));
        let accumulator = Accumulator::new(limits, seeds.hash_one("partitions"));
        let shared = Arc::new(Shared::new(accumulator, network.waker(), max_block));
        let sender = Sender::new(cluster, settings, seeds.hash_one("retries"));
        let io_thread = IoThread::new(Arc::clone(&shared), network, sender);
        let thread = std::thread::Builder::new()
            .name(format!("weft-producer-{}", client.client_id))
            .spawn(move || io_thread.run())
            .map_err(|error| {
                let text = "the operating system refuses a thread for the producer";
                Error::new(ErrorKind::Io, text).with_source(error)
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Appends a record to its partition's batch. Blocks while the topic is not known or the buffer
    /// is full, at most for `max.block.ms`; never until the record is stored: the handle does that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] if the topic or partition was not found in time,
    /// [`ErrorKind::BufferExhausted`] if there was no room in time,
    /// [`ErrorKind::RecordTooLarge`], [`ErrorKind::IllegalArgument`] for a negative partition,
    /// [`ErrorKind::InvalidTopic`] and [`ErrorKind::TopicAuthorization`] if the brokers refuse the
    /// topic, and [`ErrorKind::Closed`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the record is given away, whatever is kept of it"
    )]
    pub fn send(&self, record: ProducerRecord) -> Result<DeliveryHandle, Error> {
        let timestamp = timestamp_of(&record)?;
        self.shared.append(&record, timestamp, |receipts, index| {
            receipts.handle(index, timestamp)
        })
    }

    /// Appends a record as [`send`](Self::send) does, and has its outcome told to a callback, which
    /// must not block. The callback is not called if this method fails.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the record is given away, whatever is kept of it"
    )]
    pub fn send_with(
        &self,
        record: ProducerRecord,
        callback: impl FnOnce(Result<RecordMetadata, Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let timestamp = timestamp_of(&record)?;
        let callback = Box::new(callback);
        self.shared.append(&record, timestamp, |receipts, index| {
            receipts.call(index, timestamp, callback);
        })
    }

    /// Appends a record as [`send`](Self::send) does, without an allocation for its outcome. The
    /// next [`flush`](Self::flush) tells if it failed.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the record is given away, whatever is kept of it"
    )]
    pub fn send_and_forget(&self, record: ProducerRecord) -> Result<(), Error> {
        let timestamp = timestamp_of(&record)?;
        self.shared.append(&record, timestamp, |_, _| ())
    }

    /// Sends everything that was appended before, without lingering, and waits until it is settled,
    /// callbacks included. Must not be called from a callback.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] if that took longer than `timeout`; otherwise the first failure of
    /// any record since the last flush, with the number of records that failed.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let give_up_at = Instant::now() + timeout.min(SPAN_MAX);
        let mut state = self.shared.lock();
        let through = state.accumulator.begin_flush();
        self.shared.wake();
        let is_flushed = self.shared.wait_until(state, give_up_at, |state| {
            state.is_over || state.accumulator.is_finished(through)
        });
        state = self.shared.lock();
        if !is_flushed {
            let mut text = format!("records were still under way after {timeout:?}");
            if let Some(last) = &state.last_failure {
                text.push_str("; the last failure: ");
                text.push_str(last.text());
            }
            return Err(Error::new(ErrorKind::Timeout, text));
        }
        if !state.accumulator.is_finished(through) {
            let text = "the producer's thread ended before all records were sent";
            return Err(Error::new(ErrorKind::Closed, text));
        }
        failure(&mut state)
    }

    /// Sends what is there, without lingering, waits for its outcome, and ends the producer. What
    /// is not settled after `timeout` fails with [`ErrorKind::Closed`]. Blocks little longer than
    /// `timeout`, unless a callback does.
    ///
    /// # Errors
    ///
    /// The first failure of any record since the last flush, with the number of records.
    pub fn close(mut self, timeout: Duration) -> Result<(), Error> {
        self.end(timeout);
        failure(&mut self.shared.lock())
    }

    fn end(&mut self, timeout: Duration) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.shared.lock().closes_at = Some(Instant::now() + timeout.min(SPAN_MAX));
        self.shared.notify();
        self.shared.wake();
        // A callback that blocks must not block this thread for ever.
        let give_up_at = Instant::now() + timeout.min(SPAN_MAX) + END_TIMEOUT;
        let state = self.shared.lock();
        let is_over = self
            .shared
            .wait_until(state, give_up_at, |state| state.is_over);
        if !is_over {
            tracing::error!("a producer's thread did not end; does a callback block?");
        } else if thread.join().is_err() {
            tracing::error!("a producer's thread panicked");
        }
    }
}

/// Closes the producer, and gives what is there at most five seconds to be sent. After a panic it
/// gives none.
impl Drop for Producer {
    fn drop(&mut self) {
        let timeout = if std::thread::panicking() {
            Duration::ZERO
        } else {
            DROP_TIMEOUT
        };
        self.end(timeout);
    }
}

/// The first failure since the last time that somebody asked.
fn failure(state: &mut State) -> Result<(), Error> {
    match state.failure.take() {
        Some((first, records)) => {
            Err(first.with_context(format_args!("{records} records failed, the first so")))
        }
        None => Ok(()),
    }
}

fn timestamp_of(record: &ProducerRecord) -> Result<i64, Error> {
    if record.partition.is_some_and(|partition| partition < 0) {
        let text = format!("partitions of topic {} are counted from 0", record.topic);
        return Err(Error::new(ErrorKind::IllegalArgument, text));
    }
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    };
    match record.timestamp {
        Some(timestamp) if timestamp < 0 => {
            let text = format!(
                "the time of a record for topic {} is negative",
                record.topic
            );
            Err(Error::new(ErrorKind::IllegalArgument, text))
        }
        Some(timestamp) => Ok(timestamp),
        None => Ok(now()),
    }
}

/// How long a producer that is dropped goes on sending.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end of the thread is waited for after everything was given up.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// Longer spans are cut, so that their end is a time that the clock can name.
const SPAN_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_may_be_shared_by_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Producer>();
        is_shared::<DeliveryHandle>();
    }
}
