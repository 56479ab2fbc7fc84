//! Fills topics with records, quickly: the same batch again and again, and no client in the way.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use weft_client::Offset;
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::wire::messages::ProduceRequest;
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::{ErrorCode, Response};

use super::witness::{Witness, topic_name};
use crate::ensure;
use crate::failure::Failure;
use crate::guarantee::Lane;
use crate::wait::{self, Look, PATIENCE};

/// What [`fill`] has written to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The topic.
    pub topic: String,
    /// The end offset of each partition, all of which begin at 0.
    pub ends: BTreeMap<i32, Offset>,
}

impl Filled {
    /// How many records there are in all.
    pub fn records(&self) -> u64 {
        self.ends
            .values()
            .map(|end| end.value().unsigned_abs())
            .sum()
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.ends.len()).expect("a topic has fewer than 2^31 partitions")
    }
}

/// Appends about `records` records to an existing topic, evenly spread: whole batches of at most
/// [`BATCH_RECORDS`]. The key of a record is text that [`lane_of_key`] reads: `keys` different ones
/// in each partition, taking turns. The value is the same 16 bytes everywhere.
///
/// # Errors
///
/// If the brokers refuse.
pub fn fill(
    witness: &mut Witness,
    topic: &str,
    records: u32,
    keys: NonZeroU32,
) -> Result<Filled, Failure> {
    let leaders = witness.leaders(topic)?;
    ensure!(
        !leaders.is_empty(),
        "topic {topic} has no partition with a leader"
    );
    let partitions = u32::try_from(leaders.len())?;
    let each = records.div_ceil(partitions);
    let batches = each.div_ceil(BATCH_RECORDS);
    let batch = batch(each.div_ceil(batches), keys)?;
    let mut ends = BTreeMap::new();
    for (partition, leader) in leaders {
        let mut end = Offset::ZERO;
        for _ in 0..batches {
            end = append(witness, &leader.address, topic, partition, &batch)?;
        }
        ends.insert(partition, end);
    }
    Ok(Filled {
        topic: topic.to_owned(),
        ends,
    })
}

/// The lane that a key written by [`fill`] stands for.
pub fn lane_of_key(key: Option<&[u8]>) -> Option<Lane> {
    let digits = std::str::from_utf8(key?).ok()?.strip_prefix("key-")?;
    Some(Lane(digits.parse().ok()?))
}

struct Batch {
    bytes: Bytes,
    records: u32,
}

fn batch(records: u32, keys: NonZeroU32) -> Result<Batch, Failure> {
    let mut builder = BatchBuilder::new();
    for record in 0..records {
        let key = format!("key-{}", record % keys);
        let timestamp = BASE_TIMESTAMP + i64::from(record);
        builder.append(timestamp, Some(key.as_bytes()), Some(&[b'w'; 16]), &[])?;
    }
    let bytes = builder.build(Compression::None, &mut Compressor::default())?;
    Ok(Batch { bytes, records })
}

/// Appends a batch and returns the end of the partition behind it.
fn append(
    witness: &mut Witness,
    leader: &str,
    topic: &str,
    partition: i32,
    batch: &Batch,
) -> Result<Offset, Failure> {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch.bytes.clone()));
    let data = TopicProduceData::default()
        .with_name(topic_name(topic))
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(PRODUCE_TIMEOUT_MS)
        .with_topic_data(vec![data]);
    wait::until("appending a batch", PATIENCE, || {
        let Response::Produce(answer) = witness.ask(leader, request.clone())? else {
            return Err(Failure::because("Produce was not answered"));
        };
        let mut answers = answer.responses.iter();
        let answer = answers.find_map(|topic| topic.partition_responses.first());
        let answer = answer.ok_or_else(|| Failure::because("Produce says nothing"))?;
        let code = ErrorCode(answer.error_code);
        if code.is_retriable() {
            // A broker may know that it leads a new partition before it does.
            return Ok(Look::NotYet(code.to_string()));
        }
        ensure!(
            code.is_none(),
            "{topic}-{partition} refuses a batch: {code}"
        );
        let end = answer.base_offset + i64::from(batch.records);
        Ok(Look::Seen(Offset::new(end)))
    })
}

/// The most records in one batch.
const BATCH_RECORDS: u32 = 5_000;

/// Some time in 2023, in milliseconds since 1970.
const BASE_TIMESTAMP: i64 = 1_700_000_000_000;

const PRODUCE_TIMEOUT_MS: i32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lane_of_a_key_is_its_number() {
        assert_eq!(lane_of_key(Some(b"key-17")), Some(Lane(17)));
        for key in [None, Some(&b"key-"[..]), Some(b"17"), Some(b"\xff")] {
            assert_eq!(lane_of_key(key), None, "{key:?}");
        }
    }
}
