//! Whatever decodes can be written again, and what was written decodes to the same value.
//!
//! The first byte decides between a response, a request, and a batch of records; responses and
//! requests are taken in the shape that they have on the wire, in every version of the schemas.

use bytes::{Bytes, BytesMut};
use weft_client::record::{
    BatchBuilder, Batches, Compression, Compressor, Decompressor, Header, RecordSlice,
};
use weft_client::wire::specimen::{decode_exact_response, encode_exact_request};
use weft_client::wire::{
    ApiKey, RequestHead, Response, decode_request, encode_response, schema_versions,
};

use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    match choices.below(3) {
        0 => response(choices),
        1 => request(Bytes::copy_from_slice(choices.rest())),
        _ => records(choices),
    }
}

fn response(mut choices: Choices<'_>) {
    let api_key = choices.api_key();
    let versions: Vec<i16> = schema_versions(api_key).collect();
    let version = versions[choices.below(versions.len())];
    let frame = Bytes::copy_from_slice(choices.rest());
    let Ok((correlation_id, response)) = decode_exact_response(api_key, version, frame) else {
        return;
    };
    let version = version_of_answer(api_key, version, &response);
    let head = RequestHead {
        api_key,
        api_version: version,
        correlation_id,
        client_id: None,
    };
    let mut written = BytesMut::new();
    encode_response(&head, &response, &mut written)
        .unwrap_or_else(|error| panic!("{response:?}: {error}"));
    let again = decode_exact_response(api_key, version, body(written))
        .unwrap_or_else(|error| panic!("{response:?}: {error}"));
    assert_eq!(again, (correlation_id, response), "v{version}");
}

/// A refusal of the asked version comes in version 0.
fn version_of_answer(api_key: ApiKey, asked: i16, response: &Response) -> i16 {
    match response {
        Response::ApiVersions(answer) if answer.error_code == UNSUPPORTED_VERSION => 0,
        _ => {
            assert_eq!(response.api_key(), api_key);
            asked
        }
    }
}

fn request(frame: Bytes) {
    let Ok((head, request)) = decode_request(frame) else {
        return;
    };
    let mut written = BytesMut::new();
    encode_exact_request(&head, &request, &mut written)
        .unwrap_or_else(|error| panic!("{request:?}: {error}"));
    let again = decode_request(body(written)).unwrap_or_else(|error| {
        panic!("{request:?}: {error}");
    });
    assert_eq!(again, (head, request));
}

/// Records of any batch, written as a new batch with any codec, are the same records.
fn records(mut choices: Choices<'_>) {
    let codec = Compression::ALL[choices.below(Compression::ALL.len())];
    let mut decompressor = Decompressor::new(LIMIT);
    for batch in Batches::new(Bytes::copy_from_slice(choices.rest())) {
        let Ok(batch) = batch else {
            return;
        };
        let records = batch.records(&mut decompressor);
        let Ok(original) = records.and_then(|records| records.validate_all()) else {
            continue;
        };
        let Some(first) = original.first_offset() else {
            continue;
        };
        let mut builder = BatchBuilder::at(first);
        for record in &original {
            if !builder.is_empty() {
                builder.skip_to(record.offset());
            }
            let headers: Vec<Header<'_>> = record.headers().iter().collect();
            builder
                .append(record.timestamp(), record.key(), record.value(), &headers)
                .expect("what was read is not too large to be written");
        }
        let bytes = builder
            .build(codec, &mut Compressor::default())
            .expect("what was read is not too large to be written");
        let rewritten = Batches::new(bytes).next().expect("a batch was written");
        let rewritten = rewritten.expect("its header is sound");
        rewritten.check_crc().expect("its checksum holds");
        let rewritten = rewritten.records(&mut Decompressor::default());
        let rewritten = rewritten.and_then(|records| records.validate_all());
        assert_same(&original, &rewritten.expect("its records are sound"));
    }
}

fn assert_same(original: &RecordSlice, rewritten: &RecordSlice) {
    assert_eq!(original.len(), rewritten.len());
    for (one, other) in original.iter().zip(rewritten) {
        assert_eq!(one.offset(), other.offset());
        assert_eq!(one.timestamp(), other.timestamp());
        assert_eq!(one.key(), other.key());
        assert_eq!(one.value(), other.value());
        assert!(one.headers().iter().eq(other.headers()));
    }
}

fn body(framed: BytesMut) -> Bytes {
    framed.freeze().slice(LENGTH_PREFIX..)
}

const LENGTH_PREFIX: usize = 4;
const UNSUPPORTED_VERSION: i16 = 35;
/// To what a batch may decompress, in bytes.
const LIMIT: usize = 256 * 1024;
