//! Produce and InitProducerId.

use bytes::{BufMut as _, Bytes, BytesMut};
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::wire::ApiKey;
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::{InitProducerIdRequest, ProduceRequest, TopicName};

use super::super::case::{At, Case, Step, ask, repeat};
use super::super::question::Question;
use super::super::tree::Tree;
use super::{TIMEOUT_MS, case, offsets, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "producing",
            &[ApiKey::Produce],
            vec![topic("topic", 2), producing(), what_arrived()],
        ),
        case(
            "odd batches",
            &[],
            vec![topic("topic", 1), odd_batches(), what_arrived()],
        ),
        case("unanswered", &[], vec![topic("topic", 1), unanswered()]),
        case(
            "producer ids",
            &[ApiKey::InitProducerId],
            vec![producer_ids()],
        ),
    ]
}

/// A batch of records with these times.
pub(super) fn batch(timestamps: &[i64]) -> Bytes {
    built(BatchBuilder::new(), timestamps, Compression::None)
}

fn built(mut builder: BatchBuilder, timestamps: &[i64], compression: Compression) -> Bytes {
    for timestamp in timestamps {
        let appended = builder.append(*timestamp, Some(b"k"), Some(b"v"), &[]);
        appended.expect("a small record fits");
    }
    let built = builder.build(compression, &mut Compressor::default());
    built.expect("a small batch can be compressed")
}

/// A request for partitions of one topic.
pub(super) fn produce(at: &At<'_>, name: &str, records: &[(i32, Option<Bytes>)]) -> ProduceRequest {
    let data = records.iter().map(|(partition, records)| {
        PartitionProduceData::default()
            .with_index(*partition)
            .with_records(records.clone())
    });
    let topic = match at.version(ApiKey::Produce) {
        BY_ID.. => TopicProduceData::default().with_topic_id(at.topic_id(name)),
        _ => TopicProduceData::default().with_name(at.topic(name)),
    };
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(TIMEOUT_MS)
        .with_topic_data(vec![topic.with_partition_data(data.collect())])
}

fn producing() -> Vec<Step> {
    let some = || Some(batch(&[1_000, 3_000, 2_000]));
    let mut steps = Vec::new();
    for (what, name, partition) in [
        ("a batch", "topic", 0),
        ("another batch", "topic", 0),
        ("to the other partition", "topic", 1),
        ("to no partition", "topic", 9),
        ("to a negative partition", "topic", -1),
        ("to no topic", "none", 0),
    ] {
        steps.push(ask(what, move |at| {
            produce(at, name, &[(partition, some())])
        }));
    }
    for acks in [1, 2, -2] {
        steps.push(ask(format!("with acks={acks}"), move |at| {
            produce(at, "topic", &[(0, some())]).with_acks(acks)
        }));
    }
    steps.push(ask("good and bad ones", move |at| {
        let corrupt = Some(corrupt());
        produce(at, "topic", &[(0, some()), (1, corrupt), (9, some())])
    }));
    steps.push(ask("a topic twice", move |at| {
        let mut request = produce(at, "topic", &[(0, some())]);
        for name in ["none", "topic", "none"] {
            let again = produce(at, name, &[(1, some())]);
            request.topic_data.extend(again.topic_data);
        }
        request
    }));
    steps.push(ask("no topics", |at| {
        produce(at, "topic", &[]).with_topic_data(Vec::new())
    }));
    steps.push(ask("no partitions", |at| produce(at, "topic", &[])));
    // Kafka never answers a request with null for records, and nobody sends one.
    steps.push(ask("no records", |at| {
        produce(at, "topic", &[(0, Some(Bytes::new()))])
    }));
    for compression in COMPRESSIONS {
        steps.push(ask(format!("{compression:?}"), move |at| {
            let batch = built(BatchBuilder::new(), &[5, 6], compression);
            produce(at, "topic", &[(0, Some(batch))])
        }));
    }
    steps.push(ask("a topic whose name is its id's", move |at| {
        let mut request = produce(at, "topic", &[(0, some())]);
        if at.version(ApiKey::Produce) < BY_ID {
            request.topic_data[0].name = TopicName::default();
        }
        request
    }));
    steps
}

fn corrupt() -> Bytes {
    let mut batch = batch(&[1_000]).to_vec();
    if let Some(last) = batch.last_mut() {
        *last ^= 1;
    }
    batch.into()
}

/// A batch with some of its bytes replaced, and its checksum corrected.
fn altered(at: usize, bytes: &[u8]) -> Bytes {
    let mut batch = batch(&[1_000, 2_000]).to_vec();
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    let checksum = crc32c::crc32c(&batch[CHECKSUM_AT + 4..]);
    batch[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&checksum.to_be_bytes());
    batch.into()
}

/// What is wrong with a batch, and how to build it.
type Odd = (&'static str, fn() -> Bytes);

fn odd_batches() -> Vec<Step> {
    let odd: Vec<Odd> = vec![
        ("a wrong checksum", corrupt),
        ("two batches", || {
            let mut two = BytesMut::new();
            two.put_slice(&batch(&[1]));
            two.put_slice(&batch(&[2]));
            two.freeze()
        }),
        ("half a batch", || {
            let batch = batch(&[1]);
            batch.slice(..batch.len() - 5)
        }),
        ("half a head", || batch(&[1]).slice(..30)),
        ("a batch and a bit", || {
            let mut more = BytesMut::from(&batch(&[1])[..]);
            more.put_slice(&[0; 9]);
            more.freeze()
        }),
        ("a base offset", || altered(0, &7_i64.to_be_bytes())),
        ("a leader epoch", || altered(12, &7_i32.to_be_bytes())),
        ("magic 3", || altered(16, &[3])),
        ("magic 1", || altered(16, &[1])),
        ("magic -1", || altered(16, &[0xff])),
        ("an unknown compression", || altered(21, &[0, 7])),
        ("a claim of compression", || altered(21, &[0, 1])),
        ("unknown attributes", || altered(21, &[0x80, 0])),
        ("a control batch", || altered(21, &[0, 0x20])),
        ("a transaction of nobody", || altered(21, &[0, 0x10])),
        ("a wrong last offset", || altered(23, &5_i32.to_be_bytes())),
        ("fewer records than announced", || {
            altered(57, &3_i32.to_be_bytes())
        }),
        ("more records than announced", || {
            altered(57, &1_i32.to_be_bytes())
        }),
        ("no records announced", || altered(57, &0_i32.to_be_bytes())),
        ("a negative number of records", || {
            altered(57, &(-1_i32).to_be_bytes())
        }),
        ("a wrong last time", || altered(35, &9_i64.to_be_bytes())),
        ("a wrong first time", || altered(27, &9_i64.to_be_bytes())),
        ("a record longer than the batch", || altered(61, &[0x7f])),
        ("a wrong length", || altered(8, &500_i32.to_be_bytes())),
        ("a negative length", || altered(8, &(-1_i32).to_be_bytes())),
        ("a producer without sequence", || {
            altered(43, &9_i64.to_be_bytes())
        }),
        ("more than the broker takes", || {
            let mut builder = BatchBuilder::new();
            let value = vec![b'x'; 2 << 20];
            let appended = builder.append(0, None, Some(&value), &[]);
            appended.expect("a record may be large");
            let built = builder.build(Compression::None, &mut Compressor::default());
            built.expect("no limit of ours is passed")
        }),
        ("log append time", || altered(21, &[0, 8])),
    ];
    odd.into_iter()
        .map(|(what, make)| ask(what, move |at| produce(at, "topic", &[(0, Some(make()))])))
        .collect()
}

fn what_arrived() -> Vec<Step> {
    vec![ask("how much arrived", |at| {
        offsets::list(at, "topic", vec![(0, offsets::LATEST)])
    })]
}

fn unanswered() -> Vec<Step> {
    let some = |at: &At<'_>, partition| {
        let request = produce(at, "topic", &[(partition, Some(batch(&[1])))]);
        Question::from(request.with_acks(0)).unanswered()
    };
    vec![
        ask("nobody waits", move |at| some(at, 0)),
        repeat(
            "it arrived",
            |answer| answer.has("offset", "1"),
            |at| offsets::list(at, "topic", vec![(0, offsets::LATEST)]),
        ),
        ask("nobody waits for a failure", move |at| some(at, 9)),
    ]
}

/// Asks for an id once the broker is able to give one.
pub(super) fn producer_id(what: &'static str) -> Step {
    repeat(what, is_loaded, |_| init(-1, -1))
}

fn init(id: i64, epoch: i16) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(id.into())
        .with_producer_epoch(epoch)
}

/// A broker that has no block of producer ids yet says that it loads.
fn is_loaded(answer: &Tree) -> bool {
    !answer.has("error_code", "14")
}

fn producer_ids() -> Vec<Step> {
    vec![
        producer_id("an id"),
        ask("another id", |_| init(-1, -1)),
        ask("its own id again", |at| {
            let (id, epoch) = at.producer();
            init(id, epoch)
        }),
        ask("an id without an epoch", |at| init(at.producer().0, -1)),
        ask("an epoch without an id", |_| init(-1, 3)),
    ]
}

const COMPRESSIONS: [Compression; 4] = [
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

/// The first version that names topics by their id.
const BY_ID: i16 = 13;

/// Where a batch has its checksum, which holds for all behind it.
const CHECKSUM_AT: usize = 17;
