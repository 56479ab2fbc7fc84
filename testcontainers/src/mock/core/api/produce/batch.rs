//! What a leader checks of a batch before it looks into the log, and how it keeps one that its
//! topic wants otherwise.

use weft_client::Offset;
use weft_client::record::{
    Batch, BatchBuilder, BatchKind, Batches, Compression, Compressor, Decompressor, Header,
    RecordSlice,
};
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::produce_request::PartitionProduceData;

use super::super::super::configs::TopicRules;

/// A batch that may be appended, and the time that the broker gave it.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) batch: Batch,
    pub(super) stamped_at: Option<i64>,
}

/// The circumstances of a check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) rules: TopicRules,
    pub(super) version: i16,
    /// In milliseconds since 1970.
    pub(super) now: i64,
}

/// A producer sends exactly one batch for a partition, of magic 2 and with nothing wrong in it.
pub(super) fn accept(
    data: &PartitionProduceData,
    terms: Terms,
    decompressor: &mut Decompressor,
    compressor: &mut Compressor,
) -> Result<Accepted, ErrorCode> {
    let rules = terms.rules;
    let batch = only_batch(data)?;
    let header = batch.header();
    if batch.bytes().len() > rules.message_bytes_max {
        return Err(ErrorCode::MESSAGE_TOO_LARGE);
    }
    batch.check_crc().map_err(|_| ErrorCode::CORRUPT_MESSAGE)?;
    let compression = header.compression();
    let compression = compression.map_err(|_| ErrorCode::CORRUPT_MESSAGE)?;
    if compression == Compression::Zstd && terms.version < ZSTD_SINCE {
        return Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE);
    }
    let offsets = header.next_offset().value() - header.base_offset().value();
    if header.record_count() == 0
        || offsets != i64::from(header.record_count())
        || header.is_control()
    {
        return Err(ErrorCode::INVALID_RECORD);
    }
    let records = batch.records(decompressor);
    let records = records
        .and_then(|records| records.validate_all())
        .map_err(|_| ErrorCode::INVALID_RECORD)?;
    if rules.is_compacted && records.iter().any(|record| record.key().is_none()) {
        return Err(ErrorCode::INVALID_RECORD);
    }
    if !rules.stamps {
        check_times(&batch, &records, terms)?;
    }
    let stamped_at = rules.stamps.then_some(terms.now);
    let wanted = rules.compression.unwrap_or(compression);
    if stamped_at.is_none() && wanted == compression {
        return Ok(Accepted { batch, stamped_at });
    }
    let batch = rewritten(&batch, &records, wanted, stamped_at, compressor)?;
    Ok(Accepted { batch, stamped_at })
}

fn only_batch(data: &PartitionProduceData) -> Result<Batch, ErrorCode> {
    let records = data.records.clone().unwrap_or_default();
    let mut batches = Batches::new(records);
    let batch = match batches.next() {
        Some(Ok(batch)) => batch,
        Some(Err(_)) => return Err(ErrorCode::CORRUPT_MESSAGE),
        None => return Err(ErrorCode::INVALID_RECORD),
    };
    let header = batch.header();
    // A part of another batch behind this one is overlooked.
    if header.magic() != 2 || batches.next().is_some() || header.base_offset() != Offset::ZERO {
        return Err(ErrorCode::INVALID_RECORD);
    }
    Ok(batch)
}

/// Records may not be too old or come too much from the future; those without a time may.
fn check_times(batch: &Batch, records: &RecordSlice, terms: Terms) -> Result<(), ErrorCode> {
    let TopicRules {
        earlier_max,
        later_max,
        ..
    } = terms.rules;
    let is_late = batch.header().max_timestamp().saturating_sub(terms.now) > later_max;
    let is_early = |timestamp: i64| {
        timestamp != NO_TIMESTAMP && terms.now.saturating_sub(timestamp) > earlier_max
    };
    // Nothing is older than the largest number.
    let has_limit = earlier_max < i64::MAX;
    if is_late || has_limit && records.iter().any(|record| is_early(record.timestamp())) {
        return Err(ErrorCode::INVALID_TIMESTAMP);
    }
    Ok(())
}

/// The same records in another codec or with the time of the broker. A codec that this build does
/// not have is left to the producer.
fn rewritten(
    batch: &Batch,
    records: &RecordSlice,
    wanted: Compression,
    stamped_at: Option<i64>,
    compressor: &mut Compressor,
) -> Result<Batch, ErrorCode> {
    let header = batch.header();
    let mut builder = BatchBuilder::new();
    if header.is_transactional() {
        builder.set_kind(BatchKind::Transactional);
    }
    if let Some(producer) = header.producer() {
        builder.set_producer(producer);
    }
    if let Some(timestamp) = stamped_at {
        builder.set_log_append_time(timestamp);
    }
    for record in records {
        let headers: Vec<Header<'_>> = record.headers().iter().collect();
        let (key, value) = (record.key(), record.value());
        let appended = builder.append(record.timestamp(), key, value, &headers);
        appended.map_err(|_| ErrorCode::MESSAGE_TOO_LARGE)?;
    }
    let codec = if wanted.is_enabled() {
        wanted
    } else {
        header.compression().unwrap_or_default()
    };
    let built = builder.build(codec, compressor);
    let bytes = built.map_err(|_| ErrorCode::MESSAGE_TOO_LARGE)?;
    match Batches::new(bytes).next() {
        Some(Ok(batch)) => Ok(batch),
        _ => Err(ErrorCode::UNKNOWN_SERVER_ERROR),
    }
}

/// The first version that may carry zstd (KIP-110).
const ZSTD_SINCE: i16 = 7;

const NO_TIMESTAMP: i64 = -1;
