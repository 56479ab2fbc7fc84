//! What it costs to make sound records of a partition's share of a fetch: cut it into batches,
//! compare checksums, decompress, check every record. Each step on its own, then all of them.

mod common;

use std::hint::black_box;

use bytes::Bytes;
use common::CpuTime;
use criterion::{BenchmarkId, Criterion, Throughput};
use weft_benches::shape::{BatchSource, Shape};
use weft_client::record::{Batch, Batches, Compression, Decompressor, Records};

/// What a partition contributes to a fetch by default, `max.partition.fetch.bytes`.
const FIELD_BYTES: usize = 1024 * 1024;

/// Random bytes do not compress, so that only JSON is measured with codecs.
const CASES: [(Shape, Compression); 8] = [
    (Shape::Values(10), Compression::None),
    (Shape::Values(100), Compression::None),
    (Shape::Values(1024), Compression::None),
    (Shape::KeyAndHeaders, Compression::None),
    (Shape::Json, Compression::Gzip),
    (Shape::Json, Compression::Snappy),
    (Shape::Json, Compression::Lz4),
    (Shape::Json, Compression::Zstd),
];

fn field(shape: Shape, codec: Compression) -> (Bytes, u64) {
    BatchSource::new(shape, codec, 1)
        .records_field(FIELD_BYTES)
        .expect("the codecs of the default features are there")
}

fn batches(field: &Bytes) -> impl Iterator<Item = Batch> {
    Batches::new(field.clone()).map(|batch| batch.expect("our own batches are sound"))
}

fn records(batch: &Batch, decompressor: &mut Decompressor) -> Records {
    batch
        .records(decompressor)
        .expect("our own batches are sound")
}

fn check(batch: &Batch) {
    batch.check_crc().expect("our own checksums are right");
}

fn validate(records: &Records) -> usize {
    let slice = records.validate_all().expect("our own records are sound");
    slice.len()
}

fn checksum(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("decode/checksum");
    for (shape, codec) in CASES.iter().take(4) {
        let (field, count) = field(*shape, *codec);
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(shape), |b| {
            b.iter(|| batches(black_box(&field)).for_each(|batch| check(&batch)));
        });
    }
}

fn decompress(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("decode/decompress");
    for (shape, codec) in CASES.iter().skip(4) {
        let (field, count) = field(*shape, *codec);
        let mut decompressor = Decompressor::default();
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new(codec.name(), shape), |b| {
            b.iter(|| {
                batches(black_box(&field))
                    .map(|batch| records(&batch, &mut decompressor).size_in_bytes())
                    .sum::<usize>()
            });
        });
    }
}

fn validation(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("decode/validate");
    for (shape, codec) in CASES.iter().take(4) {
        let (field, count) = field(*shape, *codec);
        let mut decompressor = Decompressor::default();
        let parts: Vec<Records> = batches(&field)
            .map(|batch| records(&batch, &mut decompressor))
            .collect();
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(shape), |b| {
            b.iter(|| black_box(&parts).iter().map(validate).sum::<usize>());
        });
    }
}

fn all_steps(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("decode/all");
    for (shape, codec) in CASES {
        let (field, count) = field(shape, codec);
        let mut decompressor = Decompressor::default();
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new(codec.name(), shape), |b| {
            b.iter(|| {
                let decoded = batches(black_box(&field)).map(|batch| {
                    check(&batch);
                    validate(&records(&batch, &mut decompressor))
                });
                decoded.sum::<usize>()
            });
        });
    }
}

fn main() {
    let mut criterion = common::criterion();
    checksum(&mut criterion);
    decompress(&mut criterion);
    validation(&mut criterion);
    all_steps(&mut criterion);
    criterion.final_summary();
}
