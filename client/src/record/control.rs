//! What the records of control batches say. Users never see them; positions move past them.

use super::error::RecordError;
use super::record_view::Record;

/// The meaning of one record in a control batch, from its key: `int16 version, int16 type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlRecord {
    /// The transaction of the batch's producer was aborted.
    Abort,
    /// The transaction of the batch's producer was committed.
    Commit,
    /// A marker of the Raft log (leader change, snapshots, versions, voters); none for consumers.
    Raft(i16),
    /// A type that came after this client.
    Unknown(i16),
}

impl ControlRecord {
    /// Reads the key of a record from a batch whose header says
    /// [`is_control`](super::BatchHeader::is_control). The version only ever adds bytes.
    ///
    /// # Errors
    /// [`RecordError::CorruptRecord`] if the key is shorter than four bytes.
    pub fn read(record: &Record<'_>) -> Result<Self, RecordError> {
        let Some(&[_, _, high, low]) = record.key().and_then(<[u8]>::first_chunk) else {
            return Err(RecordError::CorruptRecord {
                position: 0,
                reason: "the key of a control record is shorter than four bytes",
            });
        };
        Ok(match i16::from_be_bytes([high, low]) {
            0 => Self::Abort,
            1 => Self::Commit,
            kind @ 2..=6 => Self::Raft(kind),
            kind => Self::Unknown(kind),
        })
    }

    /// The key that stands for this marker, in version 0.
    pub fn key(self) -> [u8; 4] {
        let kind = match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::Raft(kind) | Self::Unknown(kind) => kind,
        };
        let [high, low] = kind.to_be_bytes();
        [0, 0, high, low]
    }

    /// The value of a transaction marker: `int16 version, int32 coordinator epoch`.
    pub fn marker_value(coordinator_epoch: i32) -> [u8; 6] {
        let [a, b, c, d] = coordinator_epoch.to_be_bytes();
        [0, 0, a, b, c, d]
    }
}
