//! The bytes by which members of a classic group tell the leader what they want, and are told what
//! they got: Kafka's protocol type `consumer`, versions 0 to 3.
//!
//! A blob is an int16 version and fields in the classic encoding. Readers take a version from the
//! future for version 3 and ignore what follows the fields they know, so that groups of mixed
//! clients work; in return the bytes are never trusted (see `assign::blob`). Nothing here decides
//! an assignment, and the coordinator never looks into these bytes.

use bytes::Bytes;
use weft_client::ids::{GenerationId, TopicPartition};

pub use crate::assign::blob::BlobError;
use crate::assign::blob::{BlobReader, BlobWriter};
use crate::assign::{MemberAssignment, MemberSubscription};

/// The protocol type that consumers announce when they join.
pub const PROTOCOL_TYPE: &str = "consumer";

/// A version of these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobVersion(i16);

impl BlobVersion {
    /// Topics and user data.
    pub const V0: Self = Self(0);
    /// Adds what a member owns (KIP-429).
    pub const V1: Self = Self(1);
    /// Adds the generation in which it came to own that (KIP-792).
    pub const V2: Self = Self(2);
    /// Adds the member's rack (KIP-881).
    pub const V3: Self = Self(3);
    /// The version that is written.
    pub const LATEST: Self = Self::V3;

    fn read(from: &mut BlobReader) -> Result<Self, BlobError> {
        let version = from.int16()?;
        if version < Self::V0.0 {
            return Err(BlobError::BadVersion(version));
        }
        Ok(Self(version).min(Self::LATEST))
    }
}

/// How many bytes decoding a blob of `blob_bytes` may allocate, all in all and whatever is in it.
/// The densest ones are lists of topics without names: each takes two bytes of the blob and a name
/// of its own in memory.
pub const fn decoding_bytes_max(blob_bytes: usize) -> usize {
    let decoded = blob_bytes.saturating_mul(DECODED_BYTES_PER_BLOB_BYTE);
    decoded.saturating_add(DECODED_BYTES_FREE)
}

/// What each byte of a blob may become, with lists that double while they grow.
const DECODED_BYTES_PER_BLOB_BYTE: usize = 64;

/// What a blob may become whatever its size: the first few elements of lists.
const DECODED_BYTES_FREE: usize = 1024;

/// Writes a subscription. Topics and owned partitions are sorted, as Kafka's own client does it;
/// fields that `version` lacks are dropped. The instance id is not part of these bytes.
///
/// # Errors
///
/// [`BlobError::TooLong`] if a name, a rack or a list does not fit its length field.
pub fn encode_subscription(
    subscription: &MemberSubscription,
    version: BlobVersion,
) -> Result<Bytes, BlobError> {
    let mut out = BlobWriter::default();
    out.int16(version.0);
    let mut topics: Vec<_> = subscription.topics.iter().collect();
    topics.sort();
    out.count(topics.len())?;
    for topic in topics {
        out.string(topic.as_str())?;
    }
    out.nullable_bytes(subscription.user_data.as_ref())?;
    if version >= BlobVersion::V1 {
        let mut owned: Vec<TopicPartition> = subscription.owned_partitions.clone();
        owned.sort();
        out.partitions(&owned)?;
    }
    if version >= BlobVersion::V2 {
        let generation = subscription.generation.unwrap_or(GenerationId::NONE);
        out.int32(generation.value());
    }
    if version >= BlobVersion::V3 {
        out.nullable_string(subscription.rack.as_deref())?;
    }
    Ok(out.into_bytes())
}

/// Reads a subscription. Fields that its version lacks are absent from the result; a negative
/// generation and an empty rack count as absent too.
///
/// # Errors
///
/// If the bytes end early, a length cannot be true, or the version is negative.
pub fn decode_subscription(bytes: Bytes) -> Result<MemberSubscription, BlobError> {
    let mut from = BlobReader::new(bytes);
    let version = BlobVersion::read(&mut from)?;
    let mut subscription = MemberSubscription {
        topics: from.topics()?,
        user_data: from.nullable_bytes()?,
        ..MemberSubscription::default()
    };
    if version >= BlobVersion::V1 {
        subscription.owned_partitions = from.partitions()?;
    }
    if version >= BlobVersion::V2 {
        let generation = GenerationId::new(from.int32()?);
        subscription.generation = (generation > GenerationId::NONE).then_some(generation);
    }
    if version >= BlobVersion::V3 {
        let rack = from.nullable_string()?.filter(|rack| !rack.is_empty());
        subscription.rack = rack.map(Into::into);
    }
    Ok(subscription)
}

/// Writes an assignment. All versions have the same fields. Partitions are grouped by topic, and
/// keep the order in which the assignor gave them within each topic.
///
/// # Errors
///
/// [`BlobError::TooLong`] if a name or a list does not fit its length field.
pub fn encode_assignment(
    assignment: &MemberAssignment,
    version: BlobVersion,
) -> Result<Bytes, BlobError> {
    let mut out = BlobWriter::default();
    out.int16(version.0);
    out.partitions(&assignment.partitions)?;
    out.nullable_bytes(assignment.user_data.as_ref())?;
    Ok(out.into_bytes())
}

/// Reads an assignment.
///
/// # Errors
///
/// If the bytes end early, a length cannot be true, or the version is negative.
pub fn decode_assignment(bytes: Bytes) -> Result<MemberAssignment, BlobError> {
    let mut from = BlobReader::new(bytes);
    BlobVersion::read(&mut from)?;
    Ok(MemberAssignment {
        partitions: from.partitions()?,
        user_data: from.nullable_bytes()?,
    })
}
