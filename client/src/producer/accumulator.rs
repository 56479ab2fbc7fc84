//! Where records gather: one queue of batches for each partition, within `buffer.memory`.
//!
//! It decides when a batch is full, which batches are due, and which
//! have waited too long. It never encodes, sends or waits.
//!
//! A partition has at most one batch under way: its queue is muted until that batch is settled, and
//! a batch that comes back is put in front. So retries never change the order of a partition. The
//! one surprising thing: a batch counts as unfinished until its receipts were handed out, so that
//! whoever flushes sees the outcome of what was flushed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Batch, Content};
use super::record::ProducerRecord;
use super::topics::Topics;
use crate::cluster::ClusterSnapshot;
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, TopicName, TopicPartition};
use crate::record::{BATCH_HEADER_LENGTH, BatchBuilder, Header};

/// The options that decide how records gather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) batch_size: usize,
    pub(super) buffer_memory: usize,
    pub(super) max_request_size: usize,
    pub(super) linger: Duration,
    pub(super) delivery_timeout: Duration,
}

/// The records that wait. `R` is what the shell keeps for the records of one batch.
#[derive(Debug)]
pub(super) struct Accumulator<R> {
    limits: Limits,
    topics: Topics,
    queues: Vec<Queue<R>>,
    /// Something is due, or will be at a new time, and the caller was not told yet.
    is_news: bool,
    reserved: usize,
    waiting_for_room: usize,
    last_number: u64,
    unfinished: BTreeSet<u64>,
    /// Batches up to this number do not linger.
    flush_through: u64,
    drain_from: usize,
}

#[derive(Debug)]
struct Queue<R> {
    partition: TopicPartition,
    batches: VecDeque<Batch<R>>,
    /// A batch is under way.
    is_muted: bool,
    /// The first batch failed before and rests until this time.
    retry_at: Option<Instant>,
}

/// A record that was taken.
#[derive(Debug)]
pub(super) struct Appended<'a, R> {
    /// What is kept for the records of its batch.
    pub(super) receipts: &'a mut R,
    /// Its place in the batch.
    pub(super) index: usize,
    /// Whether the thread that sends has something new to look at.
    pub(super) is_news: bool,
}

/// What became of a record.
#[derive(Debug)]
pub(super) enum Append<'a, R> {
    /// It was taken.
    Done(Appended<'a, R>),
    /// Its partition's batch is full, and another partition's turn has come.
    FindAgain,
    /// There is no room in the buffer.
    NoRoom,
}

/// Where a batch can go now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// To this broker.
    Now(Arc<Broker>),
    /// Nowhere before this time, or before something happens.
    NotBefore(Option<Instant>),
}

impl<R: Default> Accumulator<R> {
    pub(super) fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            topics: Topics::new(seed),
            queues: Vec::new(),
            is_news: false,
            reserved: 0,
            waiting_for_room: 0,
            last_number: 0,
            unfinished: BTreeSet::new(),
            flush_through: 0,
            drain_from: 0,
        }
    }

    /// The topics that records were sent to.
    pub(super) fn topics(&mut self) -> &mut Topics {
        &mut self.topics
    }

    /// Learns which partitions there are.
    pub(super) fn learn(&mut self, snapshot: &ClusterSnapshot) {
        let queues = &mut self.queues;
        self.topics.learn(snapshot, &mut |partition| {
            queues.push(Queue {
                partition,
                batches: VecDeque::new(),
                is_muted: false,
                retry_at: None,
            });
            queues.len() - 1
        });
    }

    /// Appends a record to the queue that [`Topics::find`] returned for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RecordTooLarge`] if no room will ever be large enough.
    pub(super) fn append(
        &mut self,
        now: Instant,
        queue: usize,
        record: &ProducerRecord,
        timestamp: i64,
    ) -> Result<Append<'_, R>, Error> {
        let headers: Vec<Header<'_>> = record
            .headers
            .iter()
            .map(|(key, value)| Header::new(key, value.as_deref()))
            .collect();
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        let most = BatchBuilder::most_record_size(key, value, &headers);
        let is_sticky = record.key.is_none() && record.partition.is_none();
        let batch_size = self.limits.batch_size;
        let last = self.queues[queue].batches.back_mut();
        if !last.is_some_and(|last| last.has_room(most, batch_size)) {
            self.limits.check(record, most)?;
            if self.fill_last(queue) && is_sticky {
                self.leave_sticky(&record.topic);
                return Ok(Append::FindAgain);
            }
            if !self.begin_batch(now, queue, most) {
                return Ok(Append::NoRoom);
            }
        }
        let batch = self.queues[queue].batches.back_mut();
        let batch = batch.expect("a batch is begun where there is none with room");
        let builder = batch.open().expect("a batch with room is open");
        let before = builder.size_in_bytes();
        builder
            .append(timestamp, key, value, &headers)
            .map_err(|error| too_large(record, &error.to_string()))?;
        let size = builder.size_in_bytes();
        batch.records += 1;
        if size >= batch_size {
            batch.fill();
            self.is_news = true;
        }
        if is_sticky && let Some(sticky) = self.topics.sticky(&record.topic) {
            sticky.appended(size - before, batch_size);
        }
        Ok(Append::Done(Appended {
            index: batch.records - 1,
            is_news: std::mem::take(&mut self.is_news),
            receipts: &mut batch.receipts,
        }))
    }

    /// Takes note that a caller waits for room: until it has it, nothing lingers.
    pub(super) fn wait_for_room(&mut self) {
        self.waiting_for_room += 1;
    }

    /// Takes note that a caller does not wait any more.
    pub(super) fn stop_waiting_for_room(&mut self) {
        self.waiting_for_room -= 1;
    }

    /// Lets no batch linger that is there now. Returns the number of the last.
    pub(super) fn begin_flush(&mut self) -> u64 {
        self.flush_through = self.last_number;
        self.last_number
    }

    /// Whether everything up to this number is finished.
    pub(super) fn is_finished(&self, through: u64) -> bool {
        self.unfinished.first().is_none_or(|first| *first > through)
    }

    /// Whether nothing is unfinished.
    pub(super) fn is_empty(&self) -> bool {
        self.unfinished.is_empty()
    }

    /// Takes out what has waited for longer than the delivery timeout.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Vec<Batch<R>>) {
        for queue in &mut self.queues {
            let is_expired = |batch: &Batch<R>| batch.expires_at <= now;
            while queue.batches.front().is_some_and(is_expired) {
                queue.retry_at = None;
                out.extend(queue.batches.pop_front());
            }
        }
    }

    /// Takes out everything that waits.
    pub(super) fn take_all(&mut self, out: &mut Vec<Batch<R>>) {
        for queue in &mut self.queues {
            out.extend(queue.batches.drain(..));
        }
    }

    /// Takes out every batch that is due and can go, and mutes its partition. Returns when to look
    /// again, if nothing happens before.
    pub(super) fn drain(
        &mut self,
        now: Instant,
        destination: &mut dyn FnMut(&TopicPartition, usize) -> Destination,
        out: &mut Vec<(Arc<Broker>, Batch<R>)>,
    ) -> Option<Instant> {
        let count = self.queues.len();
        let mut next_at: Option<Instant> = None;
        // Another partition is first each time, so that a full request does not starve the last.
        self.drain_from = (self.drain_from + 1).checked_rem(count).unwrap_or(0);
        for place in (self.drain_from..count).chain(0..self.drain_from) {
            let hurries = self.waiting_for_room > 0;
            let queue = &mut self.queues[place];
            let Some(first) = queue.batches.front() else {
                continue;
            };
            let mut look_again_at = |at| next_at = Some(next_at.map_or(at, |next| next.min(at)));
            look_again_at(first.expires_at);
            if queue.is_muted {
                continue;
            }
            let hurries = hurries || first.is_full() || first.number <= self.flush_through;
            let due_at = (!hurries)
                .then_some(first.lingers_until)
                .max(queue.retry_at);
            if let Some(due_at) = due_at.filter(|due_at| *due_at > now) {
                look_again_at(due_at);
                continue;
            }
            match destination(&queue.partition, first.size()) {
                Destination::Now(broker) => {
                    queue.is_muted = true;
                    queue.retry_at = None;
                    out.extend(queue.batches.pop_front().map(|batch| (broker, batch)));
                }
                Destination::NotBefore(Some(at)) => look_again_at(at),
                Destination::NotBefore(None) => {}
            }
        }
        next_at
    }

    /// Puts a batch that has to be sent again in front of its queue.
    pub(super) fn put_back(&mut self, batch: Batch<R>, retry_at: Instant) {
        let queue = &mut self.queues[batch.queue];
        queue.is_muted = false;
        queue.retry_at = Some(retry_at);
        queue.batches.push_front(batch);
    }

    /// Lets the next batch of a queue go.
    pub(super) fn unmute(&mut self, queue: usize) {
        self.queues[queue].is_muted = false;
    }

    /// Lets nothing more into the last batch of a queue; returns whether that made it due.
    fn fill_last(&mut self, queue: usize) -> bool {
        let last = self.queues[queue].batches.back_mut();
        let Some(last) = last.filter(|last| !last.is_full()) else {
            return false;
        };
        last.fill();
        self.is_news = true;
        true
    }

    fn leave_sticky(&mut self, topic: &TopicName) {
        if let Some(sticky) = self.topics.sticky(topic) {
            sticky.leave();
        }
    }

    /// Takes note that a batch is finished and its receipts handed out.
    pub(super) fn finish(&mut self, number: u64, reserved: usize) {
        if self.unfinished.remove(&number) {
            self.reserved -= reserved;
        }
    }

    fn begin_batch(&mut self, now: Instant, queue: usize, most: usize) -> bool {
        let reserved = self.limits.batch_size.max(BATCH_HEADER_LENGTH + most);
        // A batch that alone is larger than the memory is taken when nothing else is there.
        if self.reserved > 0 && self.reserved + reserved > self.limits.buffer_memory {
            return false;
        }
        self.reserved += reserved;
        self.last_number += 1;
        self.unfinished.insert(self.last_number);
        self.is_news = true;
        let queue_place = queue;
        let queue = &mut self.queues[queue];
        queue.batches.push_back(Batch {
            number: self.last_number,
            queue: queue_place,
            partition: queue.partition.clone(),
            receipts: R::default(),
            content: Content::Open(BatchBuilder::new()),
            records: 0,
            reserved,
            lingers_until: now + self.limits.linger,
            expires_at: now + self.limits.delivery_timeout,
            failures: 0,
            last_error: None,
        });
        true
    }
}

impl Limits {
    fn check(&self, record: &ProducerRecord, most: usize) -> Result<(), Error> {
        let size = BATCH_HEADER_LENGTH + most;
        for (limit, name) in [
            (self.max_request_size, "max.request.size"),
            (self.buffer_memory, "buffer.memory"),
        ] {
            if size > limit {
                let text = format!("it may take {size} bytes, and {name} is {limit}");
                return Err(too_large(record, &text));
            }
        }
        Ok(())
    }
}

fn too_large(record: &ProducerRecord, why: &str) -> Error {
    let text = format!("a record for topic {} is too large: {why}", record.topic);
    Error::new(ErrorKind::RecordTooLarge, text)
}

#[cfg(test)]
mod tests;
