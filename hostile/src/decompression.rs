//! Compressed bytes in batches of every magic: lying sizes, bombs, garbage.
//!
//! The input names codec, magic and limit; the rest is what the batch holds. Whatever the codec
//! lets out survives being compressed and decompressed again.

use bytes::Bytes;
use weft_client::record::{Compression, Compressor, Decompressor, RecordError, reading_bytes_max};

use crate::allowance::{Allowance, within};
use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    let codec = Compression::ALL[choices.below(Compression::ALL.len())];
    let magic = choices.byte() % 3;
    let limit = LIMITS[choices.below(LIMITS.len())];
    let payload = choices.rest();

    let mut decompressor = Decompressor::new(limit);
    let allowance = Allowance {
        peak: reading_bytes_max(payload.len(), limit),
        total: 2 * reading_bytes_max(payload.len(), limit),
    };
    let first = within(allowance, || decompressor.decompress(codec, payload, magic));
    // What an earlier batch left behind makes no difference, neither to the result nor to memory.
    let second = within(allowance, || decompressor.decompress(codec, payload, magic));
    assert_eq!(first, second);
    match first {
        Ok(plain) if codec == Compression::None => assert_eq!(plain, payload),
        Ok(plain) => {
            assert!(plain.len() <= limit, "more came out than the limit");
            round_trip(codec, &plain);
        }
        Err(
            RecordError::UnknownCodec { .. }
            | RecordError::CorruptCompression { .. }
            | RecordError::DecompressedTooLarge { .. },
        ) => {}
        Err(error) => panic!("{codec} cannot fail like this: {error}"),
    }
}

fn round_trip(codec: Compression, plain: &Bytes) {
    let mut compressed = Vec::new();
    Compressor::default()
        .compress(codec, plain, &mut compressed)
        .expect("every codec is compiled in");
    let again = Decompressor::default().decompress(codec, &compressed, NEWEST_MAGIC);
    assert_eq!(again.as_ref(), Ok(plain), "{codec}");
}

/// The limits that are tried, in bytes.
const LIMITS: [usize; 4] = [64 * 1024, 1024 * 1024, 100, 0];

const NEWEST_MAGIC: u8 = 2;
