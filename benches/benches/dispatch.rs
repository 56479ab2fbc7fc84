//! What the pool decides for every record: the lane it goes to, and its place in the ledger.

mod common;

use std::hint::black_box;

use common::CpuTime;
use criterion::{Criterion, Throughput};
use weft_client::Offset;
use weft_runtime::ledger::{AssignmentEpoch, Ledger};
use weft_runtime::route::{NullKeys, Ordering, PartitionIndex, Router};

/// Records between two looks at the frontier, as between two commits.
const RECORDS: u64 = 1_000;

fn route(c: &mut Criterion<CpuTime>) {
    let keys: Vec<String> = (0..RECORDS).map(|n| format!("key-{:012}", n * 7)).collect();
    let mut group = c.benchmark_group("dispatch/route");
    group.throughput(Throughput::Elements(RECORDS));
    for (name, ordering) in [("key", Ordering::Key), ("partition", Ordering::Partition)] {
        let router = Router::new(ordering, NullKeys::default(), LANES, 1);
        group.bench_function(name, |b| {
            b.iter(|| {
                for key in &keys {
                    black_box(router.lane(PartitionIndex(3), Some(black_box(key.as_bytes()))));
                }
            });
        });
    }
}

/// Finishing in the order of the offsets, and in an order that leaves holes until the end.
fn ledger(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("dispatch/ledger");
    group.throughput(Throughput::Elements(RECORDS));
    for (name, step) in [("in order", 1), ("scattered", 387)] {
        let mut ledger = Ledger::new(AssignmentEpoch(1));
        let mut next = 0;
        let mut sequences = Vec::new();
        group.bench_function(name, |b| {
            b.iter(|| {
                sequences.clear();
                for _ in 0..RECORDS {
                    sequences.push(ledger.register(Offset::new(next), None));
                    next += 1;
                }
                for turn in 0..RECORDS {
                    let index = (turn * step % RECORDS) as usize;
                    ledger.finish(AssignmentEpoch(1), sequences[index]);
                }
                black_box(ledger.frontier())
            });
        });
    }
}

const LANES: u32 = 4_096;

fn main() {
    let mut criterion = common::criterion();
    route(&mut criterion);
    ledger(&mut criterion);
    criterion.final_summary();
}
