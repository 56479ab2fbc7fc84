//! The `records` field of one partition: batches of every magic, their records and headers, control
//! batches, and reading on from any offset.
//!
//! The first byte decides whether the checksums are made right first, without which hardly any
//! mutation would get past them; then come a start offset and how many records a walk may take.

use bytes::Bytes;
use weft_client::Offset;
use weft_client::record::{
    Batch, Batches, ControlRecord, Decompressor, Record, RecordCursor, Records, reading_bytes_max,
};

use crate::allowance::{Allowance, within};
use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    let start = Offset::new(choices.int64());
    let records_max = u32::from(choices.byte()) + 1;
    let field = Bytes::copy_from_slice(choices.rest());

    let mut batches = Batches::new(field.clone());
    let mut decompressor = Decompressor::new(LIMIT);
    let (mut count, mut bytes) = (0, 0);
    // Sharing the field's memory costs one count of its owners.
    while let Some(batch) = within(Allowance::of(SHARED_BYTES), || batches.next()) {
        count += 1;
        assert!(count <= field.len(), "every batch takes bytes");
        match batch {
            Ok(batch) => {
                bytes += batch.bytes().len();
                check_batch(&batch, &mut decompressor, start, records_max);
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(batches.next().is_none(), "an error ends the iteration");
            }
        }
    }
    assert!(bytes + batches.remainder().len() <= field.len());
}

fn check_batch(batch: &Batch, decompressor: &mut Decompressor, start: Offset, records_max: u32) {
    let header = batch.header();
    assert_eq!(header.size_in_bytes(), batch.bytes().len());
    assert!(header.next_offset() > header.base_offset() || header.base_offset() >= LAST);
    // The checksum is looked at and not heeded: what it covers has to be harmless by itself.
    let _ = within(Allowance::of(0), || batch.check_crc());
    let _ = (
        header.producer(),
        header.delete_horizon(),
        header.leader_epoch(),
    );
    let allowance = Allowance {
        peak: reading_bytes_max(batch.bytes().len(), LIMIT),
        total: 2 * reading_bytes_max(batch.bytes().len(), LIMIT),
    };
    let Ok(records) = within(allowance, || batch.records(decompressor)) else {
        return;
    };
    let is_control = header.is_control();
    walk(&records, Offset::new(i64::MIN), u32::MAX, is_control);
    walk(&records, start, records_max, is_control);
    let _ = records.validate_all();
    if header.magic() == 2 && header.base_offset() <= LAST {
        let moved = batch.rebased(Offset::new(5), None);
        assert_eq!(moved.header().base_offset(), Offset::new(5));
        assert_eq!(moved.check_crc().is_ok(), batch.check_crc().is_ok());
    }
}

/// Walks through all runs of records from `start` on, as a fetch that is drained by many polls.
fn walk(records: &Records, start: Offset, records_max: u32, is_control: bool) {
    let mut cursor = RecordCursor::START;
    let mut start = start;
    for _ in 0..=records.size_in_bytes() {
        let run = within(Allowance::of(SHARED_BYTES), || {
            records.validate(cursor, start, records_max)
        });
        let Ok(run) = run else {
            return;
        };
        let mut last = None;
        let mut seen = 0;
        for (position, record) in run.positions() {
            check_record(&record, is_control);
            assert!(record.offset() >= start, "below the start offset");
            assert!(last < Some(record.offset()), "offsets ascend");
            assert_eq!(run.record_at(position).offset(), record.offset());
            last = Some(record.offset());
            seen += 1;
        }
        assert_eq!(seen, run.len());
        assert!(seen <= records_max as usize);
        assert_eq!(run.last_offset(), last);
        if run.is_empty() {
            return;
        }
        cursor = run.end();
        start = match last {
            Some(last) if last < LAST => last.next(),
            _ => return,
        };
    }
    panic!("a walk gets further with every run");
}

fn check_record(record: &Record<'_>, is_control: bool) {
    assert_eq!(record.key_bytes().as_deref(), record.key());
    assert_eq!(record.value_bytes().as_deref(), record.value());
    let _ = (record.timestamp(), record.leader_epoch());
    assert_eq!(record.headers().iter().count(), record.headers().len());
    for header in record.headers() {
        let _ = (header.key_str().len(), header.value());
    }
    if is_control {
        let _ = ControlRecord::read(record);
    }
}

/// To what a batch may decompress, in bytes.
const LIMIT: usize = 256 * 1024;

/// The largest offset that has a next one.
const LAST: Offset = Offset::new(i64::MAX);

/// What the first slice of a buffer allocates: the count of its owners.
const SHARED_BYTES: usize = 64;
