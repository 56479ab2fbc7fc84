//! What is delivered of a poll, and where partitions go back to.

use std::cell::Cell;
use std::collections::BTreeMap;

use weft_client::record::{BatchBuilder, Batches, Compression, Compressor, Decompressor};
use weft_client::{Error, ErrorKind, LeaderEpoch, Offset, OffsetAndMetadata, TopicPartition};

use super::decode::{Decoded, decode, read_record};
use super::{Origin, RecordDeserializationError};
use crate::deserializer::{NumberDeserializer, StringDeserializer};
use crate::listener::CallbackError;
use crate::record::{ConsumerRecords, PartitionRecords};

/// Records of a partition from this offset on, in leader epoch 4: key and value of each.
fn run(partition: i32, offset: i64, records: &[(Option<&str>, Option<&[u8]>)]) -> PartitionRecords {
    let mut builder = BatchBuilder::at(Offset::new(offset));
    builder.set_leader_epoch(LeaderEpoch::from_wire(4));
    for (key, value) in records {
        builder
            .append(7, key.map(str::as_bytes), *value, &[])
            .unwrap();
    }
    let bytes = builder.build(Compression::None, &mut Compressor::default());
    let batch = Batches::new(bytes.unwrap()).next().unwrap().unwrap();
    let records = batch.records(&mut Decompressor::default()).unwrap();
    PartitionRecords::new(
        TopicPartition::new("t", partition),
        records.validate_all().unwrap(),
    )
}

fn polled(runs: Vec<PartitionRecords>) -> ConsumerRecords {
    let mut next_offsets = BTreeMap::new();
    for run in &runs {
        let end = run.slice().last_offset().unwrap().next();
        next_offsets.insert(run.topic_partition().clone(), OffsetAndMetadata::new(end));
    }
    ConsumerRecords::new(runs, next_offsets)
}

fn read(records: &ConsumerRecords) -> Decoded<String, i16> {
    decode(records, |record| {
        Ok(read_record(
            record,
            &StringDeserializer,
            &NumberDeserializer,
        ))
    })
}

fn places(offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>) -> Vec<String> {
    let each = offsets.iter();
    each.map(|(name, to)| {
        let epoch = to.leader_epoch.map(LeaderEpoch::value);
        format!("{name}@{} {epoch:?}", to.offset)
    })
    .collect()
}

fn failure(decoded: Decoded<String, i16>) -> Error {
    decoded.failure.unwrap().unwrap()
}

const GOOD: (Option<&str>, Option<&[u8]>) = (Some("k"), Some(&[0, 1]));
const BAD: (Option<&str>, Option<&[u8]>) = (Some("k"), Some(&[1]));

#[test]
fn null_passes_by_the_deserializers() {
    let records = polled(vec![run(0, 0, &[GOOD, (None, None)])]);
    let decoded = read(&records);
    assert_eq!(
        decoded.entries,
        [(Some("k".to_owned()), Some(1)), (None, None)]
    );
    assert!(decoded.failure.is_none() && decoded.back_to.is_empty());
    assert_eq!(decoded.next_offsets, *records.next_offsets());
}

#[test]
fn what_is_behind_a_record_that_cannot_be_read_is_not_delivered_and_its_partition_goes_back() {
    let records = polled(vec![
        run(0, 5, &[GOOD]),
        run(1, 0, &[GOOD, BAD, GOOD]),
        run(1, 3, &[GOOD]),
        run(2, 9, &[GOOD]),
    ]);
    let decoded = read(&records);
    assert_eq!(decoded.entries.len(), 2);
    assert_eq!(places(&decoded.back_to), ["t-1@1 Some(4)", "t-2@9 None"]);
    assert_eq!(
        places(&decoded.next_offsets),
        ["t-0@6 None", "t-1@1 Some(4)"]
    );
    assert_eq!(
        failure(decoded).topic_partition(),
        Some(&TopicPartition::new("t", 1))
    );
}

#[test]
fn the_error_has_the_record_and_says_which_part_of_it_is_wrong() {
    let records = polled(vec![run(0, 5, &[BAD])]);
    let decoded = read(&records);
    assert!(decoded.entries.is_empty() && decoded.next_offsets.is_empty());
    assert_eq!(places(&decoded.back_to), ["t-0@5 None"]);
    let error = failure(decoded);
    assert_eq!(error.kind(), ErrorKind::Deserialization);
    let text = "the value of the record at offset 5 cannot be deserialized: 2 bytes are needed, \
                not 1; seek past it to go on (partition t-0)";
    assert_eq!(error.to_string(), text);
    let failed = RecordDeserializationError::of(&error).unwrap();
    assert_eq!(failed.origin(), Origin::Value);
    let record = failed.record();
    assert_eq!((record.offset.value(), record.timestamp), (5, 7));
    assert_eq!(record.key.as_deref(), Some(&b"k"[..]));
    assert_eq!(record.value.as_deref(), Some(&[1][..]));

    let decoded = decode(&records, |record| {
        let key = |_: &[u8]| -> Result<String, CallbackError> { Err("no".into()) };
        Ok(read_record::<String, i16>(
            record,
            &key,
            &NumberDeserializer,
        ))
    });
    let error = failure(decoded);
    let failed = RecordDeserializationError::of(&error).unwrap();
    assert_eq!(failed.origin(), Origin::Key);
}

#[test]
fn nothing_is_read_behind_a_failure_and_a_panic_counts_as_one() {
    let records = polled(vec![run(0, 0, &[GOOD, GOOD, GOOD])]);
    let calls = Cell::new(0);
    let decoded: Decoded<String, i16> = decode(&records, |record| {
        calls.set(calls.get() + 1);
        if calls.get() == 2 {
            return Err(Box::new("no"));
        }
        Ok(read_record(
            record,
            &StringDeserializer,
            &NumberDeserializer,
        ))
    });
    assert_eq!(calls.get(), 2);
    assert!(matches!(decoded.failure, Some(Err(_))));
    assert_eq!(places(&decoded.back_to), ["t-0@1 Some(4)"]);
}
