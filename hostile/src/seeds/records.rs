//! Batches of every kind and codec, and messages of magic 0 and 1, which nobody here writes any
//! more, put together by hand.

use bytes::Bytes;
use weft_client::Offset;
use weft_client::record::{
    BatchBuilder, BatchKind, BatchProducer, Compression, Compressor, ControlRecord, Header,
};

/// Behind a start offset and a number of records: one field for each kind of batch.
pub(super) fn fields() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for field in batches().into_iter().chain(legacy()) {
        let mut input = 101_i64.to_be_bytes().to_vec();
        input.push(1);
        input.extend_from_slice(&field);
        all.push(input);
    }
    all
}

/// Behind the bytes that name codec, magic and limit: what each codec makes of the same records.
pub(super) fn compressed() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 4] = [
        b"",
        b"a",
        b"the quick brown fox, the quick brown dog, the lazy fox, the lazy dog",
        &[7; 5_000],
    ];
    let mut all = Vec::new();
    for codec in Compression::ALL {
        for (number, text) in texts.iter().enumerate() {
            let mut input = vec![codec.id(), 2, number as u8];
            Compressor::default()
                .compress(codec, text, &mut input)
                .expect("every codec is compiled in");
            all.push(input);
        }
    }
    all
}

/// Behind the bytes that say what they are and which codec is to write them again.
pub(super) fn round_trips() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (number, field) in batches().into_iter().chain(legacy()).enumerate() {
        let codec = (number % Compression::ALL.len()) as u8;
        all.push([&[2, codec], &field[..]].concat());
    }
    all
}

fn batches() -> Vec<Bytes> {
    let kinds = [
        BatchKind::Plain,
        BatchKind::Transactional,
        BatchKind::TransactionMarker,
        BatchKind::Control,
    ];
    let mut all = Vec::new();
    for codec in Compression::ALL {
        for kind in kinds {
            let mut builder = BatchBuilder::at(Offset::new(100));
            builder.set_kind(kind);
            builder.set_producer(BatchProducer {
                id: 7,
                epoch: 1,
                base_sequence: 0,
            });
            fill(&mut builder, kind);
            let mut compressor = Compressor::default();
            let batch = builder.build(codec, &mut compressor);
            all.push(batch.expect("every codec is compiled in"));
        }
    }
    // Two in a row, the second cut off, as a fetch returns them.
    let two = [&all[0][..], &all[5][..20]].concat();
    all.push(two.into());
    all
}

fn fill(builder: &mut BatchBuilder, kind: BatchKind) {
    let marker = ControlRecord::Commit.key();
    let value = ControlRecord::marker_value(3);
    let headers = [
        Header::new("trace", Some(b"0123")),
        Header::new("trace", None),
        Header::new(&[0xff_u8][..], Some(b"")),
    ];
    let is_control = matches!(kind, BatchKind::TransactionMarker | BatchKind::Control);
    let appended = if is_control {
        builder.append(1_700_000_000_000, Some(&marker), Some(&value), &[])
    } else {
        builder
            .append(1_700_000_000_000, Some(b"key"), Some(b"value"), &headers)
            .and_then(|()| builder.append(1_700_000_000_007, None, Some(&[9; 200]), &[]))
            .and_then(|()| {
                builder.skip_to(Offset::new(110));
                builder.append(1_600_000_000_000, Some(b""), None, &headers[..1])
            })
    };
    appended.expect("small records fit a batch");
}

/// Plain messages, and compressed ones around two plain ones.
fn legacy() -> Vec<Bytes> {
    let mut all = Vec::new();
    for magic in [0, 1] {
        let plain = message(magic, 0, 100, Some(b"value"));
        all.push(plain.into());
        let inner = [
            message(magic, 0, 0, Some(b"first")),
            message(magic, 0, 1, None),
        ]
        .concat();
        for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4] {
            let mut compressed = Vec::new();
            Compressor::default()
                .compress(codec, &inner, &mut compressed)
                .expect("every codec is compiled in");
            all.push(message(magic, codec.id(), 101, Some(&compressed)).into());
        }
    }
    all
}

/// `int64 offset | int32 size | int32 crc | int8 magic | int8 attributes | [int64 timestamp]
/// int32 key length, key | int32 value length, value`, with a checksum that does not hold.
fn message(magic: u8, attributes: u8, offset: i64, value: Option<&[u8]>) -> Vec<u8> {
    let mut body = vec![1, 2, 3, 4, magic, attributes];
    if magic == 1 {
        body.extend(1_500_000_000_000_i64.to_be_bytes());
    }
    body.extend((-1_i32).to_be_bytes());
    match value {
        Some(value) => {
            body.extend((value.len() as i32).to_be_bytes());
            body.extend_from_slice(value);
        }
        None => body.extend((-1_i32).to_be_bytes()),
    }
    let size = (body.len() as i32).to_be_bytes();
    [&offset.to_be_bytes()[..], &size, &body].concat()
}
