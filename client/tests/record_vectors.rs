//! Batches that Kafka's own client wrote, in every format, codec and timestamp type, must decode
//! to the fields that it decodes them to.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its vectors has failed"
)]

use bytes::Bytes;
use serde_json::Value;
use weft_client::Offset;
use weft_client::record::{
    Batch, BatchHeader, Batches, Compression, ControlRecord, Decompressor, RecordSlice,
    TimestampType,
};

const VECTORS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/vectors/batches.jsonl"
));

#[test]
fn every_field_of_every_vector_decodes_as_in_java() {
    let mut decompressor = Decompressor::default();
    let mut checked = 0;
    for vector in vectors() {
        let expected = vector["batches"].as_array().unwrap();
        let batches = batches(&vector);
        assert_eq!(batches.len(), expected.len(), "case {}", vector["case"]);
        for (batch, expected) in batches.iter().zip(expected) {
            batch.check_crc().unwrap();
            let records = batch
                .records(&mut decompressor)
                .unwrap()
                .validate_all()
                .unwrap();
            assert_eq!(
                records_as_json(&records),
                expected["records"],
                "case {}",
                vector["case"]
            );
            assert_header(batch.header(), &records, expected);
            checked += records.len();
        }
    }
    assert!(checked > 1000, "only {checked} records were compared");
}

#[test]
fn the_markers_of_transactions_are_told_apart() {
    for (kind, expected) in [
        ("commit-marker", ControlRecord::Commit),
        ("abort-marker", ControlRecord::Abort),
    ] {
        let vector = vectors()
            .into_iter()
            .find(|vector| vector["kind"] == kind)
            .unwrap();
        let records = batches(&vector)[0]
            .records(&mut Decompressor::default())
            .unwrap();
        let records = records.validate_all().unwrap();
        let record = records.iter().next().unwrap();
        assert_eq!(ControlRecord::read(&record), Ok(expected));
        assert_eq!(record.key(), Some(&expected.key()[..]));
        assert_eq!(record.value(), Some(&ControlRecord::marker_value(9)[..]));
    }
}

#[test]
fn a_flipped_bit_under_the_checksum_is_found() {
    for vector in vectors() {
        let mut bytes = unhex(&vector["bytes"]).unwrap().to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 0x10;
        let batch = Batches::new(Bytes::from(bytes)).last().unwrap().unwrap();
        assert!(batch.check_crc().is_err(), "case {}", vector["case"]);
    }
}

/// Records there would be handed out again and again, as no position lies behind them.
#[test]
fn a_batch_at_the_end_of_all_offsets_is_refused() {
    for vector in vectors() {
        let mut bytes = unhex(&vector["bytes"]).unwrap().to_vec();
        bytes[..8].copy_from_slice(&i64::MAX.to_be_bytes());
        let batch = Batches::new(Bytes::from(bytes)).next().unwrap();
        let records = batch.and_then(|batch| batch.records(&mut Decompressor::default()));
        assert!(records.is_err(), "case {}", vector["case"]);
    }
}

fn vectors() -> Vec<Value> {
    let is_enabled = |vector: &Value| {
        let codec = Compression::ALL
            .into_iter()
            .find(|codec| vector["codec"] == codec.name());
        codec.unwrap().is_enabled()
    };
    let lines = VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines.filter(is_enabled).collect()
}

fn batches(vector: &Value) -> Vec<Batch> {
    let mut batches = Batches::new(unhex(&vector["bytes"]).unwrap());
    let all = batches.by_ref().collect::<Result<_, _>>().unwrap();
    assert!(batches.remainder().is_empty());
    all
}

fn assert_header(header: &BatchHeader, records: &RecordSlice, expected: &Value) {
    let number = |name: &str| expected[name].as_i64().unwrap();
    let timestamp_type = match header.timestamp_type() {
        TimestampType::None => "NoTimestampType",
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    assert_eq!(expected["timestamp_type"], timestamp_type);
    assert_eq!(number("magic"), i64::from(header.magic()));
    if header.magic() < 2 {
        // A compressed message does not say where it begins; its records do.
        assert_eq!(
            Some(number("base_offset")),
            records.first_offset().map(Offset::value)
        );
    } else {
        assert_eq!(number("base_offset"), header.base_offset().value());
        assert_eq!(header.record_count() as usize, records.len());
    }
    assert_eq!(number("last_offset"), header.last_offset().value());
    assert_eq!(number("last_offset") + 1, header.next_offset().value());
    let epoch = header
        .leader_epoch()
        .map_or(-1, |epoch| i64::from(epoch.value()));
    assert_eq!(number("leader_epoch"), epoch);
    assert_eq!(number("max_timestamp"), header.max_timestamp());
    let producer = header.producer();
    assert_eq!(
        number("producer_id"),
        producer.map_or(-1, |producer| producer.id)
    );
    if let Some(producer) = producer {
        assert_eq!(number("producer_epoch"), i64::from(producer.epoch));
        assert_eq!(number("base_sequence"), i64::from(producer.base_sequence));
    }
    assert_eq!(expected["transactional"], header.is_transactional());
    assert_eq!(expected["control"], header.is_control());
    assert_eq!(
        number("delete_horizon"),
        header.delete_horizon().unwrap_or(-1)
    );
}

fn records_as_json(records: &RecordSlice) -> Value {
    let records = records.iter().map(|record| {
        let headers = record.headers().iter();
        let headers = headers
            .map(|header| Value::from(vec![header.key_str().into(), hex(header.value())]))
            .collect::<Vec<_>>();
        Value::from(vec![
            record.offset().value().into(),
            record.timestamp().into(),
            hex(record.key()),
            hex(record.value()),
            headers.into(),
        ])
    });
    Value::from(records.collect::<Vec<_>>())
}

fn hex(bytes: Option<&[u8]>) -> Value {
    let text = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    bytes.map_or(Value::Null, |bytes| text(bytes).into())
}

fn unhex(value: &Value) -> Option<Bytes> {
    let text = value.as_str()?;
    let digits = (0..text.len()).step_by(2);
    Some(
        digits
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect(),
    )
}
