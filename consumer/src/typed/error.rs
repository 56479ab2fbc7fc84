//! A record that could not be deserialized.

use std::error::Error as StdError;
use std::fmt;

use weft_client::Error;

use crate::listener::CallbackError;
use crate::record::{ConsumerRecord, OwnedRecord};

/// Which part of a record could not be deserialized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

/// What is behind an error of kind
/// [`ErrorKind::Deserialization`](weft_client::ErrorKind::Deserialization): the record as it came,
/// to be written elsewhere before it is passed over (Kafka's `RecordDeserializationException`).
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), weft_client::Error> {
/// # use weft_consumer::{Consumer, ConsumerConfig, NumberDeserializer, StringDeserializer};
/// # use weft_consumer::{RecordDeserializationError, TypedConsumer};
/// # let config = ConsumerConfig::builder().bootstrap_servers("a:1").build()?;
/// # let consumer = Consumer::new(config)?;
/// # let consumer: TypedConsumer<String, i64, _, _> =
/// #     TypedConsumer::new(consumer, StringDeserializer, NumberDeserializer);
/// match consumer.poll(std::time::Duration::from_secs(1)) {
///     Ok(records) => println!("{} records", records.count()),
///     Err(error) => {
///         let Some(failed) = RecordDeserializationError::of(&error) else {
///             return Err(error);
///         };
///         let record = failed.record();
///         eprintln!("{error}: {:?}", record.value);
///         consumer.seek(&record.topic_partition, record.offset.next())?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RecordDeserializationError {
    origin: Origin,
    record: OwnedRecord,
    cause: CallbackError,
}

impl RecordDeserializationError {
    pub(super) fn new(origin: Origin, record: &ConsumerRecord<'_>, cause: CallbackError) -> Self {
        Self {
            origin,
            record: record.to_owned(),
            cause,
        }
    }

    /// What is behind an error, if it is this.
    pub fn of(error: &Error) -> Option<&Self> {
        StdError::source(error)?.downcast_ref()
    }

    /// Whether the key or the value could not be read.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The record as it came: partition, offset, timestamp, headers, and the bytes of key and
    /// value.
    pub fn record(&self) -> &OwnedRecord {
        &self.record
    }
}

impl fmt::Display for RecordDeserializationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the {} cannot be deserialized: {}",
            self.origin, self.cause
        )
    }
}

impl StdError for RecordDeserializationError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.cause)
    }
}
