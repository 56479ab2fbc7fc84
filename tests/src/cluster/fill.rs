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

/// Appends about `records` records to a topic that nobody else writes to, evenly spread: whole
/// batches of at most 5,000. The key of a record is text that [`lane_of_key`] reads:
/// `keys` different ones in each partition, taking turns. The value is the same 16 bytes
/// everywhere.
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
    let partitions = witness.partitions(topic)?;
    ensure!(!partitions.is_empty(), "topic {topic} has no partition");
    let each = records.div_ceil(u32::try_from(partitions.len())?);
    let batches = each.div_ceil(BATCH_RECORDS);
    let batch = batch(each.div_ceil(batches), keys)?;
    let mut ends = BTreeMap::new();
    for partition in partitions {
        let mut end = Offset::ZERO;
        for _ in 0..batches {
            end = append(witness, topic, partition, &batch)?;
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

fn append(
    witness: &mut Witness,
    topic: &str,
    partition: i32,
    batch: &Batch,
) -> Result<Offset, Failure> {
    let base = append_batch(witness, topic, partition, batch.bytes.clone())?;
    Ok(Offset::new(base.value() + i64::from(batch.records)))
}

/// Appends a batch and returns the offset of its first record. It may be appended twice if the
/// answer is lost.
///
/// # Errors
///
/// If the broker refuses.
pub fn append_batch(
    witness: &mut Witness,
    topic: &str,
    partition: i32,
    batch: Bytes,
) -> Result<Offset, Failure> {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch));
    let data = TopicProduceData::default()
        .with_name(topic_name(topic))
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(PRODUCE_TIMEOUT_MS)
        .with_topic_data(vec![data]);
    wait::until("appending a batch", PATIENCE, || {
        let Some(leader) = witness.leader(topic, partition)? else {
            witness.forget_leaders();
            return Ok(Look::NotYet("no leader".to_owned()));
        };
        let answer = match witness.ask(&leader.address, request.clone()) {
            Ok(Response::Produce(answer)) => answer,
            Ok(_) => return Err(Failure::because("Produce was not answered")),
            Err(failure) => {
                witness.forget_leaders();
                return Ok(Look::NotYet(failure.to_string()));
            }
        };
        let mut answers = answer.responses.iter();
        let answer = answers.find_map(|topic| topic.partition_responses.first());
        let answer = answer.ok_or_else(|| Failure::because("Produce says nothing"))?;
        let code = ErrorCode(answer.error_code);
        if code.is_retriable() {
            // A broker may know that it leads a new partition before it does.
            witness.forget_leaders();
            return Ok(Look::NotYet(code.to_string()));
        }
        ensure!(
            code.is_none(),
            "{topic}-{partition} refuses a batch: {code}"
        );
        Ok(Look::Seen(Offset::new(answer.base_offset)))
    })
}

/// The most records in one batch.
const BATCH_RECORDS: u32 = 5_000;

/// The timestamp of the first record of every batch that [`fill`] writes, in milliseconds since
/// 1970; the others follow, a millisecond each.
pub const BASE_TIMESTAMP: i64 = 1_700_000_000_000;

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
