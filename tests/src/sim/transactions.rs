//! Transactions of producers: which a plan has, how they come into the logs, and what consumers
//! that read only what is committed must never be given.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use weft_client::Offset;
use weft_client::record::{
    BatchBuilder, BatchKind, BatchProducer, Compression, Compressor, ControlRecord,
};

use super::TOPICS;
use super::history::{number_of, partition_of};
use super::inner::{Event, Inner};

/// One transaction of a producer, which writes to one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transaction {
    pub(super) topic: usize,
    pub(super) partition: i32,
    pub(super) records: u32,
    pub(super) is_committed: bool,
    /// How long it is open. Until then nothing behind its first record is stable.
    pub(super) open_for: Duration,
}

impl Inner {
    /// Writes the records of a transaction. The event of the plan has this number.
    pub(super) fn begin_transaction(&mut self, index: usize, transaction: Transaction) {
        let number = number_of(TOPICS[transaction.topic], transaction.partition);
        let first = self.end_of(number);
        let records = first.value()..first.value() + i64::from(transaction.records);
        let mut builder = BatchBuilder::new();
        builder.set_kind(BatchKind::Transactional);
        // One whose last transaction is over, whatever became of that.
        let open: BTreeSet<i64> = self.history.open.values().copied().collect();
        let free = (FIRST_PRODUCER..).find(|id| !open.contains(id));
        let id = free.expect("few transactions are open");
        self.history.open.insert(index, id);
        builder.set_producer(producer(id, 0));
        for record in records.clone() {
            let key = format!("key-{}", record % i64::from(self.plan.keys.get()));
            builder
                .append(TIMESTAMP, Some(key.as_bytes()), Some(b"value"), &[])
                .expect("a few records fit into a batch");
        }
        if !transaction.is_committed {
            let nothing = self.history.nothing.entry(number).or_default();
            nothing.extend(records.map(Offset::new));
        }
        self.append(number, built(&builder));
        let ends_at = self.now + transaction.open_for;
        self.schedule(ends_at, Event::EndTransaction(index));
    }

    /// Writes the marker that ends the transaction of this event.
    pub(super) fn end_transaction(&mut self, index: usize, transaction: Transaction) {
        let number = number_of(TOPICS[transaction.topic], transaction.partition);
        let outcome = if transaction.is_committed {
            ControlRecord::Commit
        } else {
            ControlRecord::Abort
        };
        let mut builder = BatchBuilder::new();
        builder.set_kind(BatchKind::TransactionMarker);
        let id = self.history.open.remove(&index);
        builder.set_producer(producer(id.expect("it has begun"), -1));
        let value = ControlRecord::marker_value(0);
        builder
            .append(TIMESTAMP, Some(&outcome.key()), Some(&value), &[])
            .expect("a marker fits into a batch");
        let marker = self.end_of(number);
        let nothing = self.history.nothing.entry(number).or_default();
        nothing.insert(marker);
        self.append(number, built(&builder));
        let (now, name) = (self.now, TOPICS[transaction.topic]);
        let partition = transaction.partition;
        self.history.note(now, || {
            format!("{outcome:?} for {name}-{partition} at {marker}")
        });
        self.coverage.count("transaction", &format!("{outcome:?}"));
    }

    /// A record that is handled has to be one that is committed, and stable.
    pub(super) fn check_given(&mut self, process: usize, number: i32, offset: Offset) {
        let (name, partition) = partition_of(number);
        if self.history.next_given(number, offset) != offset {
            let text = format!("p{process} handled {name}-{partition}@{offset}");
            self.complain("nothing of what was aborted", &text);
        }
        let stable = self.history.stable.get(&number).copied();
        if self.plan.is_transactional && stable.is_none_or(|stable| offset >= stable) {
            let text = format!("p{process} handled {name}-{partition}@{offset}, not {stable:?}");
            self.complain("nothing of open transactions", &text);
        }
    }
}

fn producer(id: i64, base_sequence: i32) -> BatchProducer {
    BatchProducer {
        id,
        epoch: 0,
        base_sequence,
    }
}

fn built(builder: &BatchBuilder) -> Bytes {
    builder
        .clone()
        .build(Compression::None, &mut Compressor::default())
        .expect("a few records fit into a batch")
}

const FIRST_PRODUCER: i64 = 1_000;
const TIMESTAMP: i64 = 1_780_000_000_000;
