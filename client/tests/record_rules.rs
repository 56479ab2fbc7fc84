//! What is refused in record batches, and where batches end.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use bytes::Bytes;
use weft_client::Offset;
use weft_client::record::{
    Batch, BatchBuilder, Batches, Compression, Compressor, Decompressor, RecordError,
};

const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

/// A batch of three records.
fn batch(codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::at(Offset::new(5));
    for value in ["one", "two", "three"] {
        builder
            .append(1_000, Some(b"key"), Some(value.as_bytes()), &[])
            .unwrap();
    }
    builder.build(codec, &mut Compressor::default()).unwrap()
}

/// The bytes with others in their place from `at` on.
fn patched(bytes: &Bytes, at: usize, patch: &[u8]) -> Bytes {
    let mut patched = bytes.to_vec();
    patched[at..at + patch.len()].copy_from_slice(patch);
    Bytes::from(patched)
}

fn only(bytes: Bytes) -> Batch {
    Batches::new(bytes).next().unwrap().unwrap()
}

fn first_error(bytes: Bytes) -> RecordError {
    Batches::new(bytes).find_map(Result::err).unwrap()
}

#[test]
fn a_batch_with_more_or_fewer_records_than_it_announces_is_refused() {
    for codec in CODECS {
        for count in [0_i32, 2, 4, i32::MAX] {
            let lying = only(patched(&batch(codec), COUNT_AT, &count.to_be_bytes()));
            let records = lying.records(&mut Decompressor::default()).unwrap();
            let refused = records.validate_all();
            assert!(
                matches!(refused, Err(RecordError::CorruptRecord { .. })),
                "{codec:?}, {count}: {refused:?}"
            );
        }
    }
}

#[test]
fn the_same_records_come_out_whole_and_in_parts_with_every_codec() {
    for codec in CODECS {
        let records = only(batch(codec)).records(&mut Decompressor::default());
        let records = records.unwrap();
        let whole = records.validate_all().unwrap();
        let values = |slice: &weft_client::record::RecordSlice| -> Vec<Vec<u8>> {
            let each = slice.iter();
            each.map(|record| record.value().unwrap().to_vec())
                .collect()
        };
        let (mut parts, mut at) = (Vec::new(), weft_client::record::RecordCursor::START);
        while !records.is_at_end(at) {
            let part = records.validate(at, Offset::ZERO, 1).unwrap();
            parts.extend(values(&part));
            at = part.end();
        }
        assert_eq!(parts, values(&whole), "{codec:?}");
        assert_eq!(parts.len(), 3);
    }
}

#[test]
fn what_is_cut_off_at_the_end_is_passed_over_at_every_length() {
    let whole = batch(Compression::None);
    let twice = Bytes::from([&whole[..], &whole[..]].concat());
    for length in whole.len()..twice.len() {
        let batches: Result<Vec<Batch>, _> = Batches::new(twice.slice(..length)).collect();
        assert_eq!(batches.unwrap().len(), 1, "{length} bytes");
    }
}

#[test]
fn sizes_and_formats_that_cannot_be_are_refused() {
    let whole = batch(Compression::None);
    for size in [i32::MIN, -1, 0, 13] {
        let refused = first_error(patched(&whole, SIZE_AT, &size.to_be_bytes()));
        assert_eq!(refused, RecordError::ImpossibleSize { size });
    }
    // Large enough for a message of magic 0, and too small for the header of magic 2.
    let refused = first_error(patched(&whole, SIZE_AT, &14_i32.to_be_bytes()));
    assert_eq!(refused, RecordError::ImpossibleSize { size: 14 });
    for magic in [3, 0x7f, 0xff] {
        let refused = first_error(patched(&whole, MAGIC_AT, &[magic]));
        let magic = magic as i8;
        assert_eq!(refused, RecordError::UnknownMagic { magic });
    }
}

#[test]
fn a_batch_larger_than_what_came_is_one_that_is_cut_off() {
    let whole = batch(Compression::None);
    let larger = patched(&whole, SIZE_AT, &i32::MAX.to_be_bytes());
    assert!(Batches::new(larger).next().is_none());
}

#[test]
fn codecs_that_do_not_exist_are_refused() {
    for codec in [5, 6, 7] {
        let unknown = only(patched(
            &batch(Compression::None),
            ATTRIBUTES_AT,
            &[0, codec],
        ));
        let refused = unknown.records(&mut Decompressor::default());
        assert_eq!(refused.err(), Some(RecordError::UnknownCodec { id: codec }));
    }
}

#[test]
fn zstd_cannot_be_in_messages_of_older_formats() {
    for magic in [0, 1] {
        // Offset, size, checksum, magic, attributes, timestamp, no key, a value of four bytes.
        let mut message = vec![0; 16];
        message.extend([magic, ZSTD]);
        message.extend(vec![0; if magic == 1 { 8 } else { 0 }]);
        message.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4, 1, 2, 3, 4]);
        let size = message.len() as i32 - 12;
        message[8..12].copy_from_slice(&size.to_be_bytes());
        let refused = only(Bytes::from(message)).records(&mut Decompressor::default());
        assert_eq!(refused.err(), Some(RecordError::UnknownCodec { id: ZSTD }));
    }
}

#[test]
fn a_delete_horizon_stands_in_the_place_of_the_base_timestamp() {
    let plain = only(batch(Compression::None));
    assert_eq!(plain.header().delete_horizon(), None);
    let kept = patched(&batch(Compression::None), ATTRIBUTES_AT, &[0, 0x40]);
    let kept = only(patched(&kept, BASE_TIMESTAMP_AT, &900_i64.to_be_bytes()));
    assert_eq!(kept.header().delete_horizon(), Some(900));
    let records = kept.records(&mut Decompressor::default()).unwrap();
    let first = records.validate_all().unwrap();
    assert_eq!(first.iter().next().unwrap().timestamp(), 900);
}

const SIZE_AT: usize = 8;
const MAGIC_AT: usize = 16;
const ATTRIBUTES_AT: usize = 21;
const BASE_TIMESTAMP_AT: usize = 27;
const COUNT_AT: usize = 57;
const ZSTD: u8 = 4;
