use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;
use weft_client::ids::{GenerationId, GroupInstanceId};
use weft_consumer::assign::{MemberAssignment, MemberSubscription};
use weft_consumer::group::protocol::{
    BlobError, BlobVersion, decode_assignment, decode_subscription, encode_assignment,
    encode_subscription,
};

use crate::{Xorshift, hex, lines, number, partitions, text, texts};

const VERSIONS: [BlobVersion; 4] = [
    BlobVersion::V0,
    BlobVersion::V1,
    BlobVersion::V2,
    BlobVersion::V3,
];

fn version(line: &Value) -> BlobVersion {
    VERSIONS[usize::try_from(number(&line["version"])).unwrap()]
}

fn of_kind(kind: &str) -> Vec<Value> {
    let mut found = lines("blobs.jsonl");
    found.retain(|line| line["kind"] == kind);
    assert!(!found.is_empty());
    found
}

fn subscription(line: &Value) -> MemberSubscription {
    let generation = number(&line["generation"]);
    MemberSubscription {
        topics: texts(&line["topics"]),
        user_data: hex(&line["user_data"]),
        owned_partitions: partitions(&line["owned"]),
        generation: (generation >= 0).then(|| GenerationId::new(generation)),
        rack: line["rack"].as_str().map(Into::into),
        group_instance_id: None,
    }
}

fn assignment(line: &Value) -> MemberAssignment {
    MemberAssignment {
        partitions: partitions(&line["partitions"]),
        user_data: hex(&line["user_data"]),
    }
}

/// What is left of a subscription that went through an older version.
fn as_of(version: BlobVersion, mut full: MemberSubscription) -> MemberSubscription {
    if version < BlobVersion::V1 {
        full.owned_partitions.clear();
    }
    if version < BlobVersion::V2 {
        full.generation = None;
    }
    if version < BlobVersion::V3 {
        full.rack = None;
    }
    full
}

#[test]
fn subscriptions_are_written_as_java_writes_them() {
    for line in of_kind("subscription") {
        let written = encode_subscription(&subscription(&line), version(&line));
        assert_eq!(written.unwrap(), hex(&line["bytes"]).unwrap(), "{line}");
    }
}

#[test]
fn subscriptions_of_java_are_read_and_fields_an_old_version_lacks_are_absent() {
    for line in of_kind("subscription") {
        let read = decode_subscription(hex(&line["bytes"]).unwrap()).unwrap();
        assert_eq!(read, as_of(version(&line), subscription(&line)), "{line}");
    }
}

#[test]
fn assignments_are_written_as_java_writes_them() {
    for line in of_kind("assignment") {
        let written = encode_assignment(&assignment(&line), version(&line));
        assert_eq!(written.unwrap(), hex(&line["bytes"]).unwrap(), "{line}");
    }
}

#[test]
fn assignments_of_java_are_read() {
    for line in of_kind("assignment") {
        let read = decode_assignment(hex(&line["bytes"]).unwrap());
        assert_eq!(read.unwrap(), assignment(&line), "{line}");
    }
}

#[test]
fn topics_and_owned_partitions_are_written_sorted() {
    let unsorted = MemberSubscription {
        topics: vec!["b".into(), "a".into()],
        owned_partitions: partitions(&serde_json::json!([["b", 2], ["a", 1], ["b", 0]])),
        ..MemberSubscription::default()
    };
    let bytes = encode_subscription(&unsorted, BlobVersion::LATEST).unwrap();
    let read = decode_subscription(bytes).unwrap();
    assert_eq!(read.topics, ["a".into(), "b".into()]);
    let sorted = partitions(&serde_json::json!([["a", 1], ["b", 0], ["b", 2]]));
    assert_eq!(read.owned_partitions, sorted);
}

#[test]
fn assigned_partitions_keep_their_order_within_a_topic() {
    let given = MemberAssignment {
        partitions: partitions(&serde_json::json!([["b", 2], ["a", 1], ["b", 0]])),
        user_data: None,
    };
    let bytes = encode_assignment(&given, BlobVersion::LATEST).unwrap();
    let grouped = partitions(&serde_json::json!([["b", 2], ["b", 0], ["a", 1]]));
    assert_eq!(decode_assignment(bytes).unwrap().partitions, grouped);
}

#[test]
fn a_version_from_the_future_is_read_as_the_latest_and_unknown_fields_are_ignored() {
    let mut line = of_kind("subscription");
    line.retain(|line| version(line) == BlobVersion::LATEST);
    for line in line {
        let mut bytes = BytesMut::from(&hex(&line["bytes"]).unwrap()[..]);
        bytes[..2].copy_from_slice(&i16::MAX.to_be_bytes());
        bytes.put_slice(b"a field nobody knows yet");
        let read = decode_subscription(bytes.freeze()).unwrap();
        assert_eq!(read, subscription(&line));
    }
    let mut bytes = BytesMut::from(&[0x00, 0x09, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff][..]);
    bytes.put_slice(b"more");
    let nothing = MemberAssignment::default();
    assert_eq!(decode_assignment(bytes.freeze()), Ok(nothing));
}

#[test]
fn a_negative_version_is_refused() {
    let bytes = Bytes::from_static(&[0xff, 0xfe, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(
        decode_subscription(bytes.clone()),
        Err(BlobError::BadVersion(-2))
    );
    assert_eq!(decode_assignment(bytes), Err(BlobError::BadVersion(-2)));
}

#[test]
fn an_empty_rack_and_a_negative_generation_count_as_absent() {
    let mut bytes = BytesMut::new();
    bytes.put_slice(&[0, 3, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.put_i32(-7);
    bytes.put_i16(0);
    assert_eq!(
        decode_subscription(bytes.freeze()),
        Ok(MemberSubscription::default())
    );
}

#[test]
fn bytes_cut_short_at_any_place_are_an_error() {
    for line in lines("blobs.jsonl") {
        let bytes = hex(&line["bytes"]).unwrap();
        for length in 0..bytes.len() {
            let cut = bytes.slice(..length);
            let failed = match text(&line["kind"]) {
                "subscription" => decode_subscription(cut).is_err(),
                _ => decode_assignment(cut).is_err(),
            };
            assert!(failed, "the first {length} bytes of {line}");
        }
    }
}

#[test]
fn lengths_that_cannot_be_true_are_refused_before_anything_is_reserved() {
    let most = i32::MAX.to_be_bytes();
    let topics = [&[0, 0][..], &most].concat();
    let refused = Err(BlobError::BadLength(i32::MAX));
    assert_eq!(decode_subscription(topics.into()), refused);
    let numbers = [&[0, 0, 0, 0, 0, 1, 0, 1, b't'][..], &most, &[0; 64]].concat();
    let refused = Err(BlobError::BadLength(i32::MAX));
    assert_eq!(decode_assignment(numbers.into()), refused);
    let five_strings_in_nine_bytes = [&[0, 0, 0, 0, 0, 5][..], &[0; 9]].concat();
    let refused = Err(BlobError::BadLength(5));
    assert_eq!(
        decode_subscription(five_strings_in_nine_bytes.into()),
        refused
    );
    let null_list = Bytes::from_static(&[0, 0, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(decode_assignment(null_list), Err(BlobError::BadLength(-1)));
    let null_topic = Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0]);
    assert_eq!(
        decode_subscription(null_topic),
        Err(BlobError::BadLength(-1))
    );
}

#[test]
fn mutated_bytes_are_read_or_refused_and_never_yield_more_than_they_hold() {
    let mut random = Xorshift::new(6);
    for line in lines("blobs.jsonl") {
        let original = hex(&line["bytes"]).unwrap();
        for round in 0..2_000 {
            let mut bytes = original.to_vec();
            for _ in 0..=round % 4 {
                let at = random.below(bytes.len());
                bytes[at] = [0x00, 0x01, 0x7f, 0x80, 0xff, random.byte()][random.below(6)];
            }
            check_hostile(&Bytes::from(bytes));
        }
    }
}

/// Reads the bytes both ways; whatever comes out must fit the bytes, and be writable again.
fn check_hostile(bytes: &Bytes) {
    if let Ok(read) = decode_subscription(bytes.clone()) {
        assert!(read.topics.len() * 2 + read.owned_partitions.len() * 4 <= bytes.len());
        let again = encode_subscription(&read, BlobVersion::LATEST).unwrap();
        let mut sorted = read;
        sorted.topics.sort();
        sorted.owned_partitions.sort();
        assert_eq!(decode_subscription(again), Ok(sorted));
    }
    if let Ok(read) = decode_assignment(bytes.clone()) {
        assert!(read.partitions.len() * 4 <= bytes.len());
        encode_assignment(&read, BlobVersion::LATEST).unwrap();
    }
}

#[test]
fn names_that_do_not_fit_their_length_field_cannot_be_written() {
    let longest = usize::try_from(i16::MAX).unwrap();
    let named = |length: usize| MemberSubscription {
        topics: vec!["t".repeat(length).into()],
        ..MemberSubscription::default()
    };
    let fits = encode_subscription(&named(longest), BlobVersion::LATEST).unwrap();
    assert_eq!(decode_subscription(fits), Ok(named(longest)));
    let refused = encode_subscription(&named(longest + 1), BlobVersion::LATEST);
    assert_eq!(refused, Err(BlobError::TooLong(longest + 1)));
}

#[test]
fn the_instance_id_does_not_travel_in_the_subscription() {
    let member = MemberSubscription {
        group_instance_id: Some(GroupInstanceId::from("i1")),
        ..MemberSubscription::default()
    };
    let bytes = encode_subscription(&member, BlobVersion::LATEST).unwrap();
    assert_eq!(
        decode_subscription(bytes),
        Ok(MemberSubscription::default())
    );
}
