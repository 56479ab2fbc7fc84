//! The control batches that end transactions: written and understood.

use weft_client::Offset;
use weft_client::record::{
    Batch, BatchBuilder, BatchKind, BatchProducer, Batches, Compression, Compressor, ControlRecord,
    Decompressor, RecordError,
};

use super::super::transaction::{Outcome, ProducerIdentity, TransactionVersion};

/// The end of a transaction, as a coordinator orders it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) producer: ProducerIdentity,
    pub(crate) outcome: Outcome,
    pub(crate) coordinator_epoch: i32,
    pub(crate) version: TransactionVersion,
}

impl Marker {
    /// The marker as a batch; `timestamp` is in milliseconds since 1970.
    pub(crate) fn batch(&self, timestamp: i64) -> Batch {
        let batch = self.encoded(timestamp);
        batch.expect("a marker is a batch like any other, and short")
    }

    fn encoded(&self, timestamp: i64) -> Result<Batch, RecordError> {
        let mut builder = BatchBuilder::at(Offset::ZERO);
        builder.set_kind(BatchKind::TransactionMarker);
        builder.set_producer(BatchProducer {
            id: self.producer.id.0,
            epoch: self.producer.epoch,
            base_sequence: -1,
        });
        let value = ControlRecord::marker_value(self.coordinator_epoch);
        let key = self.outcome.marker().key();
        builder.append(timestamp, Some(&key), Some(&value), &[])?;
        let bytes = builder.build(Compression::None, &mut Compressor::default())?;
        let batch = Batches::new(bytes).next();
        batch.expect("what was built is a whole batch")
    }
}

/// What a control batch says and the epoch of its coordinator, if it ends a transaction.
pub(super) fn read(batch: &Batch) -> Option<(Outcome, i32)> {
    let records = batch.records(&mut Decompressor::default()).ok()?;
    let records = records.validate_all().ok()?;
    let record = records.iter().next()?;
    let outcome = match ControlRecord::read(&record).ok()? {
        ControlRecord::Commit => Outcome::Commit,
        ControlRecord::Abort => Outcome::Abort,
        _ => return None,
    };
    let epoch = record
        .value()
        .and_then(|value| value.get(2..6)?.first_chunk());
    let epoch = epoch.map_or(0, |bytes| i32::from_be_bytes(*bytes));
    Some((outcome, epoch))
}
