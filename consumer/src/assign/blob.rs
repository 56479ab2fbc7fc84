//! Reads and writes the classic encoding that members of a group use among themselves.
//!
//! The bytes come from other members, so a reader believes no length: what is announced must fit
//! into what is left, and nothing is reserved ahead of the bytes that justify it. It never decides
//! what a field means.

use std::collections::HashMap;
use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use weft_client::ids::{TopicName, TopicPartition};

/// Why bytes could not be read, or a value not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobError {
    /// The bytes end within a field.
    Truncated,
    /// A length is larger than what is left, or negative where null is not allowed.
    BadLength(i32),
    /// The version number is negative.
    BadVersion(i16),
    /// A name or a list is too long for its length field.
    TooLong(usize),
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the bytes end within a field"),
            Self::BadLength(length) => write!(f, "a length of {length} cannot be true"),
            Self::BadVersion(version) => write!(f, "version {version} does not exist"),
            Self::TooLong(length) => write!(f, "a length of {length} cannot be written"),
        }
    }
}

impl std::error::Error for BlobError {}

/// The unread rest of a blob.
pub(crate) struct BlobReader(Bytes);

impl BlobReader {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(crate) fn int16(&mut self) -> Result<i16, BlobError> {
        self.0.try_get_i16().map_err(|_| BlobError::Truncated)
    }

    pub(crate) fn int32(&mut self) -> Result<i32, BlobError> {
        self.0.try_get_i32().map_err(|_| BlobError::Truncated)
    }

    /// A string that may be null. Bytes that are not UTF-8 are replaced, as Kafka's own client
    /// does: one member's odd name must not fail the whole group.
    pub(crate) fn nullable_string(&mut self) -> Result<Option<String>, BlobError> {
        let length = self.int16()?;
        if length < 0 {
            return Ok(None);
        }
        let bytes = self.take(i32::from(length))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(crate) fn topic(&mut self) -> Result<TopicName, BlobError> {
        let name = self.nullable_string()?;
        name.map(TopicName::from).ok_or(BlobError::BadLength(-1))
    }

    pub(crate) fn nullable_bytes(&mut self) -> Result<Option<Bytes>, BlobError> {
        let length = self.int32()?;
        if length < 0 {
            return Ok(None);
        }
        self.take(length).map(Some)
    }

    /// The number of elements that follow, each of which takes at least `element_size` bytes.
    pub(crate) fn count(&mut self, element_size: usize) -> Result<usize, BlobError> {
        let count = self.int32()?;
        usize::try_from(count)
            .ok()
            .filter(|announced| *announced <= self.0.len() / element_size)
            .ok_or(BlobError::BadLength(count))
    }

    pub(crate) fn topics(&mut self) -> Result<Vec<TopicName>, BlobError> {
        let count = self.count(SMALLEST_STRING)?;
        (0..count).map(|_| self.topic()).collect()
    }

    /// Partitions grouped by topic, in the order of the bytes.
    pub(crate) fn partitions(&mut self) -> Result<Vec<TopicPartition>, BlobError> {
        let mut partitions = Vec::new();
        for _ in 0..self.count(SMALLEST_STRING + INT32)? {
            let topic = self.topic()?;
            for _ in 0..self.count(INT32)? {
                partitions.push(TopicPartition::new(topic.clone(), self.int32()?));
            }
        }
        Ok(partitions)
    }

    fn take(&mut self, length: i32) -> Result<Bytes, BlobError> {
        let wanted = usize::try_from(length).map_err(|_| BlobError::BadLength(length))?;
        if wanted > self.0.len() {
            return Err(BlobError::BadLength(length));
        }
        Ok(self.0.split_to(wanted))
    }
}

/// A blob in the making.
#[derive(Default)]
pub(crate) struct BlobWriter(BytesMut);

impl BlobWriter {
    pub(crate) fn into_bytes(self) -> Bytes {
        self.0.freeze()
    }

    pub(crate) fn int16(&mut self, value: i16) {
        self.0.put_i16(value);
    }

    pub(crate) fn int32(&mut self, value: i32) {
        self.0.put_i32(value);
    }

    pub(crate) fn string(&mut self, text: &str) -> Result<(), BlobError> {
        let length = i16::try_from(text.len()).map_err(|_| BlobError::TooLong(text.len()))?;
        self.0.put_i16(length);
        self.0.put_slice(text.as_bytes());
        Ok(())
    }

    pub(crate) fn nullable_string(&mut self, text: Option<&str>) -> Result<(), BlobError> {
        match text {
            Some(text) => self.string(text)?,
            None => self.0.put_i16(NULL_STRING),
        }
        Ok(())
    }

    pub(crate) fn nullable_bytes(&mut self, bytes: Option<&Bytes>) -> Result<(), BlobError> {
        match bytes {
            Some(bytes) => {
                self.count(bytes.len())?;
                self.0.put_slice(bytes);
            }
            None => self.0.put_i32(NULL_BYTES),
        }
        Ok(())
    }

    pub(crate) fn count(&mut self, count: usize) -> Result<(), BlobError> {
        let count = i32::try_from(count).map_err(|_| BlobError::TooLong(count))?;
        self.0.put_i32(count);
        Ok(())
    }

    /// Partitions grouped by topic: topics where they first appear, partitions as they come.
    pub(crate) fn partitions(&mut self, partitions: &[TopicPartition]) -> Result<(), BlobError> {
        let mut groups: Vec<(&TopicName, Vec<i32>)> = Vec::new();
        let mut places: HashMap<&TopicName, usize> = HashMap::new();
        for one in partitions {
            let place = *places.entry(one.topic()).or_insert_with(|| {
                groups.push((one.topic(), Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(one.partition());
        }
        self.count(groups.len())?;
        for (topic, numbers) in groups {
            self.string(topic.as_str())?;
            self.count(numbers.len())?;
            for number in numbers {
                self.int32(number);
            }
        }
        Ok(())
    }
}

/// A string takes at least its length field.
const SMALLEST_STRING: usize = 2;
/// The size of an int32, and of the length field of a list.
const INT32: usize = 4;
/// The length that stands for a null string.
const NULL_STRING: i16 = -1;
/// The length that stands for null bytes.
const NULL_BYTES: i32 = -1;
