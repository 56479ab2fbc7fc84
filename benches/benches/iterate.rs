//! What it costs to walk sound records again: their values, keys, headers and offsets.
//!
//! `validate + values` is all that `poll` and its caller do to a record together, at the default
//! number of records per poll.

mod common;

use std::hint::black_box;

use common::CpuTime;
use criterion::{BenchmarkId, Criterion, Throughput};
use weft_benches::shape::{BatchSource, Shape};
use weft_benches::touch;
use weft_client::Offset;
use weft_client::record::{
    Batches, Compression, Decompressor, Record, RecordCursor, RecordSlice, Records,
};

/// What a partition contributes to a fetch by default, `max.partition.fetch.bytes`.
const FIELD_BYTES: usize = 1024 * 1024;

/// `max.poll.records` unless set.
const POLL_RECORDS: u32 = 500;

const SHAPES: [Shape; 4] = [
    Shape::Values(10),
    Shape::Values(100),
    Shape::Values(1024),
    Shape::KeyAndHeaders,
];

fn bodies(shape: Shape) -> (Vec<Records>, u64) {
    let (field, count) = BatchSource::new(shape, Compression::None, 1)
        .records_field(FIELD_BYTES)
        .expect("nothing is compressed");
    let mut decompressor = Decompressor::default();
    let records = Batches::new(field)
        .map(|batch| batch.and_then(|batch| batch.records(&mut decompressor)))
        .collect::<Result<_, _>>()
        .expect("our own batches are sound");
    (records, count)
}

/// Measures a walk over slices that are checked already.
fn walk(
    c: &mut Criterion<CpuTime>,
    name: &str,
    shapes: &[Shape],
    look: impl Fn(&Record<'_>) -> u64,
) {
    let mut group = c.benchmark_group(format!("iterate/{name}"));
    for shape in shapes {
        let (bodies, count) = bodies(*shape);
        let slices: Vec<RecordSlice> = bodies
            .iter()
            .map(|records| records.validate_all().expect("our own records are sound"))
            .collect();
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(shape), |b| {
            b.iter(|| {
                let records = black_box(&slices).iter().flatten();
                records.fold(0_u64, |sum, record| sum.wrapping_add(look(&record)))
            });
        });
    }
}

fn values(c: &mut Criterion<CpuTime>) {
    walk(c, "values", &SHAPES, touch::value);
}

fn offsets(c: &mut Criterion<CpuTime>) {
    walk(c, "offsets", &SHAPES[..1], |record| {
        record.offset().value() as u64 ^ record.timestamp() as u64
    });
}

fn keys_and_headers(c: &mut Criterion<CpuTime>) {
    walk(c, "keys+headers", &SHAPES[3..], |record| {
        touch::value(record) ^ touch::key(record) ^ touch::headers(record)
    });
}

fn validate_and_values(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("iterate/validate+values");
    for shape in SHAPES {
        let (bodies, count) = bodies(shape);
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(shape), |b| {
            b.iter(|| {
                black_box(&bodies)
                    .iter()
                    .map(drain)
                    .fold(0, u64::wrapping_add)
            });
        });
    }
}

/// Takes all records of a batch as `poll` does, and looks at their values as its caller does.
fn drain(records: &Records) -> u64 {
    let mut sum = 0_u64;
    let mut cursor = RecordCursor::START;
    while !records.is_at_end(cursor) {
        let slice = records
            .validate(cursor, Offset::ZERO, POLL_RECORDS)
            .expect("our own records are sound");
        cursor = slice.end();
        for record in &slice {
            sum = sum.wrapping_add(touch::value(&record));
        }
    }
    sum
}

fn main() {
    let mut criterion = common::criterion();
    values(&mut criterion);
    offsets(&mut criterion);
    keys_and_headers(&mut criterion);
    validate_and_values(&mut criterion);
    criterion.final_summary();
}
