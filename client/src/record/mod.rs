//! Record batches: our own reader and writer of what is in the `records` field of a fetch response
//! and of a produce request. Pure: bytes in, views out.
//!
//! ```text
//!  records field --Batches--> Batch --records()--> Records
//!  (Bytes)                    header, checksum     decompressed, Bytes
//!
//!  Records --validate()--> RecordSlice --iter()--> Record
//!                          a sound run of N        slices
//! ```
//!
//! A batch is cut out of the response without a copy. [`Records`] is its body after decompression
//! (the only copy there is). [`Records::validate`] walks a run of records once and checks all of
//! their structure, after which a [`RecordSlice`] is read without errors, again and from any
//! thread. Records are never gathered in a list and nothing is allocated for one.
//!
//! No sequence of bytes panics, and none allocates more than [`reading_bytes_max`]; without
//! compression nothing is allocated at all for batches of magic 2.

mod batch;
mod builder;
mod compression;
mod control;
mod crc;
mod cursor;
mod error;
mod header;
mod legacy;
mod record_view;
mod slice;
mod varint;

pub use batch::{Batch, Batches};
pub use builder::{BatchBuilder, BatchKind};
pub use compression::{
    Compression, Compressor, DEFAULT_DECOMPRESSED_LIMIT, Decompressor, reading_bytes_max,
};
pub use control::ControlRecord;
pub use cursor::{RecordCursor, RecordPosition, Records};
pub use error::RecordError;
pub use header::{BATCH_HEADER_LENGTH, BatchHeader, BatchProducer, TimestampType};
pub use record_view::{Header, HeaderIter, Headers, Record};
pub use slice::{RecordIter, RecordSlice};
