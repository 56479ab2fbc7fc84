use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;

use super::*;
use crate::ids::CorrelationId;
use crate::wire::codec::{decode_exact_response, decode_response, encode_request_body, encoding};
use crate::wire::server::{decode_request, encode_response};
use crate::wire::specimen::{self, Direction, Filling, Specimen};
use crate::wire::versions::{ours, schema_versions};
use crate::wire::{RequestHead, WireError, message, shapes};

const FILLINGS: [Filling; 4] = [
    Filling {
        elements: 0,
        unknown_tags: 0,
    },
    Filling {
        elements: 1,
        unknown_tags: 0,
    },
    Filling {
        elements: 2,
        unknown_tags: 0,
    },
    Filling {
        elements: 2,
        unknown_tags: 1,
    },
];

/// Decodes with the schemas, behind the guard, and encodes again.
fn decoded_and_encoded(specimen: &Specimen) -> Result<Bytes, WireError> {
    let mut out = BytesMut::new();
    match specimen.direction {
        Direction::Request => {
            let (head, request) = decode_request(specimen.frame.clone())?;
            out.put_slice(&specimen.frame[..specimen.body]);
            encode_request_body(&request, head.api_version, &mut out).unwrap();
            Ok(out.freeze())
        }
        Direction::Response => {
            let (api_key, version) = (specimen.api_key, specimen.version);
            let (_, response) = decode_exact_response(api_key, version, specimen.frame.clone())?;
            encode_response(&head(api_key, version), &response, &mut out).unwrap();
            Ok(out.freeze().slice(4..))
        }
    }
}

#[test]
fn the_tables_agree_with_the_schemas_on_every_message_in_every_version() {
    let mut count = 0;
    for filling in FILLINGS {
        for specimen in specimen::all(filling) {
            let name = format!(
                "{:?} {:?} v{} with {filling:?}",
                specimen.api_key, specimen.direction, specimen.version
            );
            match decoded_and_encoded(&specimen) {
                // The schemas leave an empty tagged list out.
                Ok(_) if filling.elements == 0 => {}
                Ok(again) => assert_eq!(again, specimen.frame, "{name}"),
                Err(error) => panic!("{name}: {error}"),
            }
            count += 1;
        }
    }
    assert!(count > 1_000, "only {count} messages were tried");
}

#[test]
fn messages_of_nothing_but_defaults_pass() {
    for (request, response) in message::defaults() {
        let api_key = request.api_key();
        for version in schema_versions(api_key) {
            let head = head(api_key, version);
            let encoding = encoding(api_key, version);
            let name = format!("{api_key:?} v{version}");

            let mut body = BytesMut::new();
            encode_request_body(&request, version, &mut body).unwrap();
            check(shapes::request(api_key).unwrap(), version, encoding, &body).expect(&name);

            let mut frame = BytesMut::new();
            encode_response(&head, &response, &mut frame).unwrap();
            let decoded = decode_exact_response(api_key, version, frame.freeze().slice(4..));
            assert!(decoded.is_ok(), "{name}: {decoded:?}");
        }
    }
}

#[test]
fn a_lie_about_any_length_is_refused_before_the_schemas_see_it() {
    for filling in [FILLINGS[1], FILLINGS[3]] {
        for specimen in specimen::all(filling) {
            for length in &specimen.lengths {
                let frame = specimen.with_lie(*length);
                let body = &frame[specimen.body..];
                let shape = match specimen.direction {
                    Direction::Request => shapes::request(specimen.api_key).unwrap(),
                    Direction::Response => shapes::response(specimen.api_key).unwrap(),
                };
                let encoding = encoding(specimen.api_key, specimen.version);

                let refused = check(shape, specimen.version, encoding, body);

                let name = format!(
                    "{:?} {:?} v{} {}",
                    specimen.api_key, specimen.direction, specimen.version, length.field
                );
                assert!(
                    matches!(refused, Err(Malformation::LyingLength { field, .. })
                        if field == length.field),
                    "{name}: {refused:?}"
                );
            }
        }
    }
}

#[test]
fn a_message_cut_short_anywhere_is_refused() {
    for specimen in specimen::all(FILLINGS[1]) {
        for end in 0..specimen.frame.len() {
            let cut = Specimen {
                frame: specimen.frame.slice(..end),
                ..specimen.clone()
            };
            assert!(
                matches!(
                    decoded_and_encoded_as_sent(&cut),
                    Err(WireError::Malformed { .. })
                ),
                "{:?} {:?} v{} cut after {end} bytes",
                specimen.api_key,
                specimen.direction,
                specimen.version
            );
        }
    }
}

#[test]
fn fifteen_bytes_do_not_make_a_fetch_response_reserve_gigabytes() {
    let mut frame = BytesMut::new();
    frame.put_i32(1);
    frame.put_i32(0);
    frame.put_bytes(0, 2);
    frame.put_slice(&[0xff, 0xff, 0xff, 0xff, 0x07]);
    let version = 6;

    let error = decode_response(ApiKey::Fetch, version, frame.clone().freeze()).unwrap_err();

    assert_eq!(frame.len(), 15);
    assert!(matches!(
        error,
        WireError::Malformed {
            api_key: Some(ApiKey::Fetch),
            version: 6,
            ..
        }
    ));
}

#[test]
fn a_dense_message_may_not_take_more_than_its_share_of_memory() {
    // A list of empty texts: one byte each on the wire, and 32 in memory.
    let version = 2;
    let count = 1_000_000_u32;
    let mut body = BytesMut::new();
    put_varint(&mut body, count + 1);
    body.put_bytes(1, count as usize);
    body.put_u8(0);
    let shape = shapes::request(ApiKey::DeleteGroups).unwrap();

    assert_eq!(check(shape, version, Encoding::Flexible, &body), Ok(()));

    // The same bytes, taken for structs with an unknown tagged field each.
    let count = 100_000_u32;
    let mut body = BytesMut::new();
    body.put_i16(0);
    put_varint(&mut body, count + 1);
    for _ in 0..count {
        body.put_bytes(0, 6);
        body.put_slice(&[1, 100, 0]);
    }
    body.put_i32(0);
    body.put_u8(0);
    let shape = shapes::response(ApiKey::ApiVersions).unwrap();

    assert!(matches!(
        check(shape, 3, Encoding::Flexible, &body),
        Err(Malformation::TooDense { .. })
    ));
}

#[test]
fn a_known_tagged_field_must_have_the_size_it_announces() {
    let mut body = BytesMut::new();
    body.put_i16(0);
    body.put_u8(1);
    body.put_i32(0);
    body.put_slice(&[1, 1, 9]);
    body.put_i64(5);
    body.put_u8(0);
    let shape = shapes::response(ApiKey::ApiVersions).unwrap();

    assert_eq!(
        check(shape, 3, Encoding::Flexible, &body),
        Err(Malformation::TaggedFieldSize {
            field: "finalized_features_epoch",
            announced: 9,
            walked: 8,
        })
    );
}

#[test]
fn a_tag_is_no_larger_than_kafka_counts() {
    let shape = shapes::response(ApiKey::Heartbeat).unwrap();
    let with_tag = |tag| {
        let mut body = BytesMut::new();
        body.put_i32(0);
        body.put_i16(0);
        body.put_u8(1);
        put_varint(&mut body, tag);
        body.put_u8(0);
        check(shape, 4, Encoding::Flexible, &body)
    };
    assert_eq!(with_tag(0x7fff_ffff), Ok(()));
    let refused = Err(Malformation::TagOutOfRange(0x8000_0000));
    assert_eq!(with_tag(0x8000_0000), refused);
}

/// Damages messages at random. What gets past the guard goes through the schemas, which must
/// neither panic nor abort; what they accept is whole.
#[test]
fn damaged_messages_never_panic() {
    let specimens: Vec<Specimen> = FILLINGS.into_iter().flat_map(specimen::all).collect();
    let mut random = Random(0x5eed);
    let mut accepted = 0;
    for round in 0..DAMAGED_MESSAGES {
        let seed = random.0;
        let specimen = &specimens[random.below(specimens.len())];
        let mut bytes = specimen.frame.to_vec();
        for _ in 0..=random.below(3) {
            damage(&mut bytes, &mut random);
        }
        let damaged = Specimen {
            frame: bytes.into(),
            ..specimen.clone()
        };
        let outcome = std::panic::catch_unwind(|| decoded_and_encoded_as_sent(&damaged).is_ok());
        match outcome {
            Ok(is_ok) => accepted += usize::from(is_ok),
            Err(_) => panic!("round {round} panicked; state of the random numbers: {seed:#x}"),
        }
    }
    assert!(accepted > DAMAGED_MESSAGES / 20, "only {accepted} accepted");
    assert!(accepted < DAMAGED_MESSAGES, "nothing was refused");
}

/// The public way: with the canonical shape, where the client speaks the API.
fn decoded_and_encoded_as_sent(specimen: &Specimen) -> Result<(), WireError> {
    let frame = specimen.frame.clone();
    match specimen.direction {
        Direction::Request => decode_request(frame).map(drop),
        Direction::Response if ours(specimen.api_key).is_empty() => {
            decode_exact_response(specimen.api_key, specimen.version, frame).map(drop)
        }
        Direction::Response => decode_response(specimen.api_key, specimen.version, frame).map(drop),
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len().max(1));
    match random.below(6) {
        _ if bytes.is_empty() => bytes.push(0),
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.below(256) as u8,
        2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
        3 => bytes.insert(at, random.below(256) as u8),
        4 => drop(bytes.remove(at)),
        _ => bytes.truncate(at),
    }
}

fn head(api_key: ApiKey, api_version: i16) -> RequestHead {
    RequestHead {
        api_key,
        api_version,
        correlation_id: CorrelationId::new(7),
        client_id: None,
    }
}

fn put_varint(out: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// SplitMix64: small, and the state is the seed that replays.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// Enough to try every byte of every specimen several times over.
const DAMAGED_MESSAGES: usize = 300_000;
