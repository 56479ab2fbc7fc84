//! The records that are measured, and batches of them.
//!
//! It decides what they look like and nothing else. The same seed gives the same records, so that
//! two runs measure the same bytes.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use weft_client::backoff::Random;
use weft_client::record::{BatchBuilder, Compression, Compressor, Header, RecordError};

/// What producers put into a batch unless told otherwise, `batch.size`; in bytes.
pub const BATCH_BYTES: usize = 16 * 1024;

/// Bytes of the keys, where records have any.
const KEY_BYTES: usize = 16;

/// The timestamp of the first record, in milliseconds since 1970; the others follow at one per
/// millisecond, so that their deltas take one or two bytes as they do in real batches.
const FIRST_TIMESTAMP: i64 = 1_760_000_000_000;

/// What records look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Random values of so many bytes, without keys.
    Values(usize),
    /// Values of 100 bytes of JSON, which compress as log lines do, without keys.
    Json,
    /// Random values of 100 bytes with keys of 16 bytes and two headers.
    KeyAndHeaders,
}

impl Shape {
    /// The shapes that are measured uncompressed.
    pub const ALL: [Self; 5] = [
        Self::Values(10),
        Self::Values(100),
        Self::Values(1024),
        Self::Json,
        Self::KeyAndHeaders,
    ];

    /// Bytes of one value.
    pub const fn value_bytes(self) -> usize {
        match self {
            Self::Values(bytes) => bytes,
            Self::Json | Self::KeyAndHeaders => 100,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(bytes) => write!(f, "{bytes}"),
            Self::Json => f.write_str("json"),
            Self::KeyAndHeaders => f.write_str("key-headers"),
        }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "key-headers" => Ok(Self::KeyAndHeaders),
            number => match number.parse() {
                Ok(bytes) if bytes <= BATCH_BYTES => Ok(Self::Values(bytes)),
                _ => Err(format!(
                    "a shape is a number of bytes up to {BATCH_BYTES}, json or key-headers"
                )),
            },
        }
    }
}

/// Makes batches of records of one shape, the next one going on where the last one ended.
#[derive(Debug)]
pub struct BatchSource {
    shape: Shape,
    codec: Compression,
    compressor: Compressor,
    random: Random,
    made: u64,
}

impl BatchSource {
    /// A source whose records follow from `seed`.
    pub fn new(shape: Shape, codec: Compression, seed: u64) -> Self {
        Self {
            shape,
            codec,
            compressor: Compressor::default(),
            random: Random::new(seed),
            made: 0,
        }
    }

    /// A batch of [`BATCH_BYTES`] before compression, of at least one and at most `records_max`
    /// records, and how many records it holds.
    ///
    /// # Errors
    ///
    /// [`RecordError::CodecDisabled`] if the codec was not compiled in.
    pub fn next_batch(&mut self, records_max: u64) -> Result<(Bytes, u64), RecordError> {
        let mut builder = BatchBuilder::new();
        let mut record = RecordBytes::default();
        let mut count = 0;
        while count == 0 || count < records_max {
            self.fill(&mut record);
            let key = (!record.key.is_empty()).then_some(&record.key[..]);
            let headers = record.headers();
            let size = BatchBuilder::most_record_size(key, Some(&record.value), &headers);
            if count > 0 && builder.size_in_bytes() + size > BATCH_BYTES {
                break;
            }
            let timestamp = FIRST_TIMESTAMP + i64::try_from(self.made).unwrap_or(i64::MAX >> 1);
            builder.append(timestamp, key, Some(&record.value), &headers)?;
            self.made += 1;
            count += 1;
        }
        Ok((builder.build(self.codec, &mut self.compressor)?, count))
    }

    /// What one partition's share of a fetch holds: whole batches of about `bytes` bytes, with the
    /// offsets that a broker would have given them; and how many records they are.
    ///
    /// # Errors
    ///
    /// As [`next_batch`](Self::next_batch).
    pub fn records_field(&mut self, bytes: usize) -> Result<(Bytes, u64), RecordError> {
        use weft_client::Offset;
        use weft_client::record::Batches;

        let mut field = Vec::with_capacity(bytes + BATCH_BYTES);
        let mut records = 0;
        while field.len() < bytes {
            let (bytes, count) = self.next_batch(u64::MAX)?;
            for batch in Batches::new(bytes) {
                let offset = i64::try_from(records).unwrap_or(i64::MAX);
                field.extend_from_slice(batch?.rebased(Offset::new(offset), None).bytes());
            }
            records += count;
        }
        Ok((Bytes::from(field), records))
    }

    fn fill(&mut self, record: &mut RecordBytes) {
        record.key.clear();
        record.value.clear();
        record.trace.clear();
        match self.shape {
            Shape::Values(bytes) => random_bytes(&mut self.random, bytes, &mut record.value),
            Shape::Json => json(&mut self.random, self.made, &mut record.value),
            Shape::KeyAndHeaders => {
                random_bytes(&mut self.random, KEY_BYTES, &mut record.key);
                random_bytes(&mut self.random, 100, &mut record.value);
                random_bytes(&mut self.random, 8, &mut record.trace);
            }
        }
    }
}

/// The bytes of one record, kept for their memory.
#[derive(Debug, Default)]
struct RecordBytes {
    key: Vec<u8>,
    value: Vec<u8>,
    trace: Vec<u8>,
}

impl RecordBytes {
    fn headers(&self) -> Vec<Header<'_>> {
        if self.trace.is_empty() {
            return Vec::new();
        }
        vec![
            Header::new("trace-id", Some(&self.trace)),
            Header::new("content-type", Some(b"binary")),
        ]
    }
}

fn random_bytes(random: &mut Random, count: usize, out: &mut Vec<u8>) {
    let end = out.len() + count;
    while out.len() < end {
        out.extend_from_slice(&random.next_u64().to_le_bytes());
    }
    out.truncate(end);
}

/// A log line of 100 bytes: what changes from one to the next are numbers.
fn json(random: &mut Random, number: u64, out: &mut Vec<u8>) {
    let user = random.below(100_000);
    let path = random.below(1_000);
    let millis = random.below(10_000);
    let line = format!(
        "{{\"seq\":{number},\"user\":{user},\"method\":\"GET\",\"path\":\"/items/{path}\",\
         \"status\":200,\"ms\":{millis},\"pad\":\""
    );
    out.extend_from_slice(line.as_bytes());
    out.resize(98, b'-');
    out.extend_from_slice(b"\"}");
}

#[cfg(test)]
mod tests {
    use weft_client::record::{Batches, Decompressor};

    use super::*;

    #[test]
    fn batches_hold_what_their_shape_says_and_no_more_than_a_batch_may() {
        for shape in Shape::ALL {
            let mut source = BatchSource::new(shape, Compression::None, 1);
            let (bytes, count) = source.next_batch(u64::MAX).unwrap();
            assert!((BATCH_BYTES - 2 * 1024..=BATCH_BYTES).contains(&bytes.len()));
            let batch = Batches::new(bytes).next().unwrap().unwrap();
            let records = batch.records(&mut Decompressor::default()).unwrap();
            let slice = records.validate_all().unwrap();
            assert_eq!(slice.len() as u64, count, "{shape}");
            for record in &slice {
                assert_eq!(record.value().unwrap().len(), shape.value_bytes());
                let is_keyed = shape == Shape::KeyAndHeaders;
                assert_eq!(record.key().is_some(), is_keyed);
                assert_eq!(record.headers().len(), if is_keyed { 2 } else { 0 });
            }
        }
    }

    #[test]
    fn a_shape_reads_back_from_its_own_text() {
        for shape in Shape::ALL {
            assert_eq!(shape.to_string().parse(), Ok(shape));
        }
        assert!("10 B".parse::<Shape>().is_err());
    }

    #[test]
    fn the_last_batch_holds_only_what_is_left() {
        let mut source = BatchSource::new(Shape::Values(10), Compression::None, 1);
        assert_eq!(source.next_batch(3).unwrap().1, 3);
    }
}
