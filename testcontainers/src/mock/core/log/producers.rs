//! What a partition knows of the producers that wrote to it: which batches are the next ones, which
//! were written already, and which transactions are open or were aborted (KIP-98).
//!
//! All of it follows from the batches of the log in their order, so that a log that is written
//! again from its batches has it again. Nothing expires by time, and as in Kafka since 2.4 a
//! producer stays known after its records were deleted.

use std::collections::{BTreeMap, VecDeque};

use weft_client::Offset;
use weft_client::record::{Batch, BatchHeader, BatchProducer};
use weft_client::wire::ErrorCode;

use super::super::transaction::{Outcome, ProducerId, ProducerIdentity, TransactionVersion};
use super::marker::{self, Marker};

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Producers {
    by_id: BTreeMap<ProducerId, Producer>,
    /// Where each open transaction begins, and whose it is.
    open: BTreeMap<Offset, ProducerId>,
    /// In the order of their markers.
    aborted: Vec<Aborted>,
}

/// One producer, as the partition knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) epoch: i16,
    /// -1 before the first marker.
    pub(crate) coordinator_epoch: i32,
    /// In milliseconds since 1970.
    pub(crate) last_timestamp: i64,
    /// Where its open transaction begins.
    pub(crate) transaction_start: Option<Offset>,
    /// The last batches of this epoch, oldest first.
    batches: VecDeque<Appended>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Appended {
    first_sequence: i32,
    last_sequence: i32,
    first_offset: Offset,
    last_offset: Offset,
}

/// A transaction whose records are not to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub(crate) producer_id: ProducerId,
    pub(crate) first_offset: Offset,
    /// Where its marker is.
    pub(crate) last_offset: Offset,
}

/// What is to be done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Append,
    /// It is in the log already, from this offset on.
    Duplicate(Offset),
}

impl Producer {
    /// The sequence number of its last record in this epoch, -1 if there is none.
    pub(crate) fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(-1, |batch| batch.last_sequence)
    }

    fn new() -> Self {
        Self {
            epoch: NO_EPOCH,
            coordinator_epoch: -1,
            last_timestamp: -1,
            transaction_start: None,
            batches: VecDeque::new(),
        }
    }

    fn duplicate(&self, batch: &Appended, epoch: i16) -> Option<Offset> {
        let same = |known: &&Appended| {
            known.first_sequence == batch.first_sequence
                && known.last_sequence == batch.last_sequence
        };
        let known = self.batches.iter().find(same)?;
        (epoch == self.epoch).then_some(known.first_offset)
    }

    fn enter(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
    }
}

impl Producers {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ProducerId, &Producer)> {
        self.by_id.iter().map(|(id, producer)| (*id, producer))
    }

    /// Whether records of this producer in this epoch belong to a transaction that is open here.
    pub(crate) fn is_in_transaction(&self, producer: ProducerIdentity) -> bool {
        self.by_id
            .get(&producer.id)
            .is_some_and(|known| known.epoch == producer.epoch && known.transaction_start.is_some())
    }

    /// Whether the producer has written in a later epoch, or a marker of one was.
    pub(crate) fn is_fenced(&self, producer: ProducerIdentity) -> bool {
        let known = self.by_id.get(&producer.id);
        known.is_some_and(|known| known.epoch > producer.epoch)
    }

    /// Whether the last batch of the producer, as far as it is known, ends at `offset` or behind.
    pub(crate) fn has_batch_from(&self, producer: ProducerId, offset: Offset) -> bool {
        let known = self.by_id.get(&producer);
        let last = known.and_then(|known| known.batches.back());
        last.is_some_and(|batch| batch.last_offset >= offset)
    }

    /// Where the first open transaction begins.
    pub(crate) fn first_open(&self) -> Option<Offset> {
        self.open.keys().next().copied()
    }

    /// The aborted transactions that have anything in `from..until`.
    pub(crate) fn aborted(&self, from: Offset, until: Offset) -> Vec<Aborted> {
        let aborted = self.aborted.iter();
        aborted
            .filter(|aborted| aborted.last_offset >= from && aborted.first_offset < until)
            .copied()
            .collect()
    }

    /// Whether a batch from a client comes in its turn. `version` is that of the transaction, for
    /// the first batch that a transaction has in this partition.
    pub(crate) fn admit(
        &self,
        header: &BatchHeader,
        producer: BatchProducer,
        version: Option<TransactionVersion>,
    ) -> Result<Admission, ErrorCode> {
        let batch = Appended::of(header, producer);
        let Some(known) = self.by_id.get(&ProducerId(producer.id)) else {
            let must_begin = version == Some(TransactionVersion::V2);
            return if must_begin && batch.first_sequence != 0 {
                Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)
            } else {
                Ok(Admission::Append)
            };
        };
        if let Some(offset) = known.duplicate(&batch, producer.epoch) {
            return Ok(Admission::Duplicate(offset));
        }
        if producer.epoch < known.epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        let expected = if producer.epoch == known.epoch {
            next_sequence(known.last_sequence())
        } else {
            0
        };
        if batch.first_sequence != expected {
            return Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
        }
        if known.transaction_start.is_some() && !header.is_transactional() {
            return Err(ErrorCode::INVALID_TXN_STATE);
        }
        Ok(Admission::Append)
    }

    /// Whether a marker may be written. In the second version each has an epoch of its own.
    pub(crate) fn admit_marker(&self, marker: &Marker) -> Result<(), ErrorCode> {
        let Some(known) = self.by_id.get(&marker.producer.id) else {
            return Ok(());
        };
        let epoch = marker.producer.epoch;
        let is_old = match marker.version {
            TransactionVersion::V1 => epoch < known.epoch,
            // The same marker may come again, when nothing is open any more.
            TransactionVersion::V2 => {
                epoch < known.epoch || epoch == known.epoch && known.transaction_start.is_some()
            }
        };
        if is_old {
            Err(ErrorCode::INVALID_PRODUCER_EPOCH)
        } else if marker.coordinator_epoch < known.coordinator_epoch {
            Err(ErrorCode::TRANSACTION_COORDINATOR_FENCED)
        } else {
            Ok(())
        }
    }

    /// Takes note of a batch that was appended, whoever wrote it.
    pub(crate) fn note(&mut self, batch: &Batch) {
        let header = batch.header();
        let Some(producer) = header.producer() else {
            return;
        };
        if header.is_control() {
            if let Some((outcome, coordinator_epoch)) = marker::read(batch) {
                self.note_end(header, producer, outcome, coordinator_epoch);
            }
            return;
        }
        let id = ProducerId(producer.id);
        self.make_room(id);
        let known = self.by_id.entry(id).or_insert_with(Producer::new);
        known.enter(producer.epoch);
        if known.batches.len() == BATCHES_KEPT {
            known.batches.pop_front();
        }
        known.batches.push_back(Appended::of(header, producer));
        known.last_timestamp = header.max_timestamp();
        if header.is_transactional() && known.transaction_start.is_none() {
            known.transaction_start = Some(header.base_offset());
            self.open.insert(header.base_offset(), id);
        }
    }

    /// Forgets the aborted transactions before `offset`, where the log begins now.
    pub(crate) fn delete_before(&mut self, offset: Offset) {
        self.aborted.retain(|aborted| aborted.last_offset >= offset);
    }

    fn note_end(
        &mut self,
        header: &BatchHeader,
        producer: BatchProducer,
        outcome: Outcome,
        coordinator_epoch: i32,
    ) {
        let id = ProducerId(producer.id);
        self.make_room(id);
        let known = self.by_id.entry(id).or_insert_with(Producer::new);
        known.enter(producer.epoch);
        known.coordinator_epoch = coordinator_epoch;
        known.last_timestamp = header.max_timestamp();
        let Some(first_offset) = known.transaction_start.take() else {
            return;
        };
        self.open.remove(&first_offset);
        if outcome == Outcome::Abort {
            self.aborted.push(Aborted {
                producer_id: id,
                first_offset,
                last_offset: header.base_offset(),
            });
        }
    }

    /// Forgets the producer that has been silent the longest, if there are too many.
    fn make_room(&mut self, newcomer: ProducerId) {
        if self.by_id.len() < PRODUCERS_MAX || self.by_id.contains_key(&newcomer) {
            return;
        }
        let idle = self.by_id.iter();
        let idle = idle.filter(|(_, producer)| producer.transaction_start.is_none());
        let oldest = idle.min_by_key(|(_, producer)| producer.last_timestamp);
        if let Some(id) = oldest.map(|(id, _)| *id) {
            self.by_id.remove(&id);
        }
    }
}

impl Appended {
    fn of(header: &BatchHeader, producer: BatchProducer) -> Self {
        let more = header.last_offset().value() - header.base_offset().value();
        Self {
            first_sequence: producer.base_sequence,
            last_sequence: sequence_after(producer.base_sequence, more),
            first_offset: header.base_offset(),
            last_offset: header.last_offset(),
        }
    }
}

fn next_sequence(last: i32) -> i32 {
    sequence_after(last, 1)
}

/// Sequence numbers go on with 0 behind the largest one.
fn sequence_after(sequence: i32, more: i64) -> i32 {
    let sum = i64::from(sequence) + more;
    (sum % (i64::from(i32::MAX) + 1)) as i32
}

/// The epoch of a producer that has written nothing yet.
const NO_EPOCH: i16 = -1;

/// How many batches of a producer are recognised when they come again. A producer has no more than
/// that on their way.
const BATCHES_KEPT: usize = 5;

/// How many producers a partition remembers.
const PRODUCERS_MAX: usize = 10_000;

#[cfg(test)]
mod tests;
