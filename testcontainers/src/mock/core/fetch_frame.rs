//! Puts records into an encoded fetch response without copying them.
//!
//! The response is encoded without records first, which is short; then the place of each
//! partition's records is found by walking it, and the frame becomes a chain of slices: encoded
//! bytes, batches, encoded bytes, and so on. It decides nothing but the bytes.

use bytes::{BufMut, Bytes, BytesMut};
use weft_client::wire::messages::FetchResponse;
use weft_client::wire::{RequestHead, Response, WireError, encode_response};

/// The records of the partitions of a response, in its order.
pub(crate) type PartitionRecords = Vec<Vec<Bytes>>;

/// The frame of `response`, which has no records itself, with `records` in it.
pub(crate) fn fetch_frame(
    head: &RequestHead,
    response: FetchResponse,
    records: PartitionRecords,
) -> Result<Vec<Bytes>, WireError> {
    let mut encoded = BytesMut::new();
    encode_response(head, &Response::Fetch(response), &mut encoded)?;
    let walked = Walk::places(&encoded[LENGTH_PREFIX..], head.api_version);
    let places = walked.expect("an encoded fetch response can be walked");
    assert_eq!(
        places.len(),
        records.len(),
        "there are records for each partition of the response"
    );
    Ok(splice(encoded, &places, records, head.api_version))
}

/// `places` are where the empty `records` fields begin, counted without the length of the frame.
fn splice(
    mut encoded: BytesMut,
    places: &[usize],
    records: PartitionRecords,
    version: i16,
) -> Vec<Bytes> {
    let empty_field = if version >= FLEXIBLE { 1 } else { 4 };
    let mut chunks = Vec::with_capacity(places.len() * 2 + 1);
    // The bytes before the next records, for as long as nothing has to come between them.
    let mut before = BytesMut::new();
    let mut taken = LENGTH_PREFIX;
    let prefix = encoded.split_to(LENGTH_PREFIX);
    for (place, slices) in places.iter().zip(records) {
        let start = place + LENGTH_PREFIX - taken;
        before.unsplit(encoded.split_to(start));
        taken += start;
        let size = slices.iter().map(Bytes::len).sum::<usize>();
        if size == 0 {
            continue;
        }
        drop(encoded.split_to(empty_field));
        taken += empty_field;
        put_length(size, version, &mut before);
        chunks.push(std::mem::take(&mut before).freeze());
        chunks.extend(slices);
    }
    before.unsplit(encoded);
    chunks.push(before.freeze());
    let length: usize = chunks.iter().map(Bytes::len).sum();
    let mut announced = prefix;
    announced.clear();
    announced.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    chunks.insert(0, announced.freeze());
    chunks
}

fn put_length(size: usize, version: i16, out: &mut BytesMut) {
    if version < FLEXIBLE {
        out.put_u32(u32::try_from(size).unwrap_or(u32::MAX));
        return;
    }
    let mut rest = size + 1;
    while rest >= 0x80 {
        out.put_u8((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}

/// A walk over an encoded fetch response. `None` is the end of the bytes.
struct Walk<'a> {
    all: &'a [u8],
    at: usize,
    version: i16,
}

impl<'a> Walk<'a> {
    fn places(all: &'a [u8], version: i16) -> Option<Vec<usize>> {
        let mut walk = Walk {
            all,
            at: 0,
            version,
        };
        // The correlation id, and what may follow it in the header.
        walk.skip(4)?;
        walk.tagged_fields()?;
        // The throttle time, the error code and the session id.
        walk.skip(if version >= 7 { 10 } else { 4 })?;
        let mut places = Vec::new();
        for _ in 0..walk.count()? {
            if version >= BY_ID {
                walk.skip(16)?;
            } else {
                walk.topic_name()?;
            }
            for _ in 0..walk.count()? {
                places.push(walk.partition()?);
            }
            walk.tagged_fields()?;
        }
        walk.tagged_fields()?;
        (walk.at == all.len()).then_some(places)
    }

    /// Where the records of the partition begin.
    fn partition(&mut self) -> Option<usize> {
        // Index, error code, high watermark, last stable offset; the log's start offset.
        self.skip(if self.version >= 5 { 30 } else { 22 })?;
        for _ in 0..self.count()? {
            self.skip(16)?;
            self.tagged_fields()?;
        }
        // The preferred read replica.
        self.skip(if self.version >= 11 { 4 } else { 0 })?;
        let place = self.at;
        let size = self.count()?;
        self.skip(size)?;
        self.tagged_fields()?;
        Some(place)
    }

    fn topic_name(&mut self) -> Option<()> {
        let length = if self.version >= FLEXIBLE {
            self.varint()?.saturating_sub(1)
        } else {
            let bytes = self.all.get(self.at..)?.first_chunk()?;
            self.skip(2)?;
            usize::from(u16::from_be_bytes(*bytes))
        };
        self.skip(length)
    }

    /// A count or a length; a null counts as nothing.
    fn count(&mut self) -> Option<usize> {
        if self.version >= FLEXIBLE {
            return Some(self.varint()?.saturating_sub(1));
        }
        let bytes = self.all.get(self.at..)?.first_chunk()?;
        self.skip(4)?;
        Some(i32::from_be_bytes(*bytes).max(0).unsigned_abs() as usize)
    }

    fn tagged_fields(&mut self) -> Option<()> {
        if self.version < FLEXIBLE {
            return Some(());
        }
        for _ in 0..self.varint()? {
            self.varint()?;
            let size = self.varint()?;
            self.skip(size)?;
        }
        Some(())
    }

    fn varint(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = *self.all.get(self.at)?;
            self.at += 1;
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(bytes)?;
        (self.at <= self.all.len()).then_some(())
    }
}

const LENGTH_PREFIX: usize = 4;

/// The first version with compact lengths and tagged fields.
const FLEXIBLE: i16 = 12;

/// The first version that names topics by their id.
const BY_ID: i16 = 13;

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use weft_client::CorrelationId;
    use weft_client::wire::messages::fetch_response::{
        FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
    };
    use weft_client::wire::{ApiKey, schema_versions};

    use super::*;
    use crate::mock::core::reply::text;

    fn partition(index: i32, records: &[Bytes], version: i16) -> PartitionData {
        let mut partition = PartitionData::default()
            .with_partition_index(index)
            .with_high_watermark(7)
            .with_aborted_transactions(Some(Vec::new()))
            .with_records(Some(records.concat().into()));
        if version >= 12 && records.is_empty() {
            partition.current_leader = LeaderIdAndEpoch::default()
                .with_leader_id(1.into())
                .with_leader_epoch(9);
        }
        partition
    }

    fn response(records: &[Vec<Bytes>], version: i16) -> FetchResponse {
        let topic = |name: &str, partitions| {
            let topic = FetchableTopicResponse::default().with_partitions(partitions);
            if version >= BY_ID {
                topic.with_topic_id(Uuid::from_bytes([name.len() as u8; 16]))
            } else {
                topic.with_topic(text(name).into())
            }
        };
        let partition = |index: i32| partition(index, &records[index as usize], version);
        let mut response = FetchResponse::default().with_responses(vec![
            topic("one", vec![partition(0), partition(1)]),
            topic("none", Vec::new()),
            topic("other", vec![partition(2), partition(3)]),
        ]);
        if version >= 16 {
            let endpoint = NodeEndpoint::default().with_host(text("localhost"));
            response.node_endpoints.push(endpoint);
        }
        response
    }

    #[test]
    fn the_frame_is_the_one_that_copying_would_make_in_every_version() {
        let batch = |size: usize| Bytes::from(vec![0xab; size]);
        for records in [
            vec![vec![], vec![], vec![], vec![]],
            vec![
                vec![batch(100), batch(5)],
                vec![],
                vec![batch(20_000)],
                vec![],
            ],
            vec![vec![], vec![batch(126)], vec![], vec![batch(127), batch(1)]],
        ] {
            for version in schema_versions(ApiKey::Fetch) {
                let head = RequestHead {
                    api_key: ApiKey::Fetch,
                    api_version: version,
                    correlation_id: CorrelationId::new(77),
                    client_id: None,
                };
                let whole = response(&records, version);
                let mut expected = BytesMut::new();
                encode_response(&head, &Response::Fetch(whole.clone()), &mut expected).unwrap();
                let mut without = whole;
                for topic in &mut without.responses {
                    for partition in &mut topic.partitions {
                        partition.records = Some(Bytes::new());
                    }
                }

                let chunks = fetch_frame(&head, without, records.clone()).unwrap();

                assert_eq!(chunks.concat(), expected, "v{version}");
            }
        }
    }
}
