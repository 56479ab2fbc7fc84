//! A consumer whose keys and values are deserialized.

mod decode;
mod error;
mod records;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use weft_client::{Error, Offset, TopicPartition};

pub use error::{Origin, RecordDeserializationError};
pub use records::{TypedRecord, TypedRecords, TypedRecordsIter};

use crate::access::{Call, SingleThreaded};
use crate::consumer::Consumer;
use crate::deserializer::Deserializer;
use decode::{decode, read_record};

/// A [`Consumer`] that returns keys and values as what they stand for (Kafka's
/// `KafkaConsumer<K, V>`). All but [`poll`](Self::poll) it has from the consumer.
///
/// It costs one list for each poll; whoever wants bytes polls the [`Consumer`], which allocates
/// nothing. Interceptors see bytes.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), weft_client::Error> {
/// use std::time::Duration;
///
/// use weft_consumer::{
///     Consumer, ConsumerConfig, NumberDeserializer, StringDeserializer, TypedConsumer,
/// };
///
/// let config = ConsumerConfig::builder().bootstrap_servers("localhost:9092").group_id("g");
/// let consumer = Consumer::new(config.build()?)?;
/// let consumer: TypedConsumer<String, i64, _, _> =
///     TypedConsumer::new(consumer, StringDeserializer, NumberDeserializer);
/// consumer.subscribe(["clicks"])?;
/// for record in &consumer.poll(Duration::from_secs(1))? {
///     println!("{} {:?}: {:?}", record.offset(), record.key(), record.value());
/// }
/// consumer.commit_sync()?;
/// # Ok(())
/// # }
/// ```
pub struct TypedConsumer<K, V, KD, VD> {
    consumer: Consumer,
    key: KD,
    value: VD,
    /// A failure behind records that were returned, for the next poll.
    failed: SingleThreaded<Option<Failed>>,
    types: PhantomData<fn() -> (K, V)>,
}

struct Failed {
    partition: TopicPartition,
    offset: Offset,
    error: Error,
}

impl<K, V, KD, VD> fmt::Debug for TypedConsumer<K, V, KD, VD> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedConsumer").finish_non_exhaustive()
    }
}

impl<K, V, KD, VD> Deref for TypedConsumer<K, V, KD, VD> {
    type Target = Consumer;

    fn deref(&self) -> &Consumer {
        &self.consumer
    }
}

impl<K, V, KD: Deserializer<K>, VD: Deserializer<V>> TypedConsumer<K, V, KD, VD> {
    /// Reads keys and values of what `consumer` returns with these deserializers.
    pub fn new(consumer: Consumer, key: KD, value: VD) -> Self {
        Self {
            consumer,
            key,
            value,
            failed: SingleThreaded::new(None),
            types: PhantomData,
        }
    }

    /// The consumer of bytes again.
    pub fn into_inner(self) -> Consumer {
        self.consumer
    }

    /// The next records, as [`Consumer::poll`] returns them, with keys and values deserialized;
    /// null stays null.
    ///
    /// # Errors
    ///
    /// As [`Consumer::poll`], and
    /// [`ErrorKind::Deserialization`](weft_client::ErrorKind::Deserialization) for a key or a value
    /// that cannot be read; [`RecordDeserializationError::of`] has the record. Records before it
    /// are returned first, and the error with the next call. The position stays at the record:
    /// every further call tries it again until somebody seeks. What was polled behind it is fetched
    /// again, where Java's consumer keeps it.
    ///
    /// # Panics
    ///
    /// As [`Consumer::poll`], and with the panic of a deserializer, which counts as a failure: no
    /// record is lost by it.
    pub fn poll(&self, timeout: Duration) -> Result<TypedRecords<K, V>, Error> {
        let mut failed = self.failed.enter(Call::Poll);
        if let Some(before) = failed.take()
            && self.is_still_at(&before)
        {
            return Err(before.error);
        }
        let records = self.consumer.poll(timeout)?;
        let decoded = decode(&records, |record| {
            let read = || read_record(record, &self.key, &self.value);
            catch_unwind(AssertUnwindSafe(read))
        });
        for (partition, to) in &decoded.back_to {
            self.consumer.seek_to(partition, to)?;
        }
        match decoded.failure {
            None => {}
            Some(Err(panic)) => resume_unwind(panic),
            Some(Ok(error)) if decoded.entries.is_empty() => return Err(error),
            Some(Ok(error)) => {
                let at = RecordDeserializationError::of(&error).map(|failure| {
                    let record = failure.record();
                    (record.topic_partition.clone(), record.offset)
                });
                *failed = at.map(|(partition, offset)| Failed {
                    partition,
                    offset,
                    error,
                });
            }
        }
        Ok(TypedRecords::new(
            records,
            decoded.entries,
            decoded.next_offsets,
        ))
    }

    /// Whether the failure still is what comes next in its partition.
    fn is_still_at(&self, failed: &Failed) -> bool {
        let position = self
            .consumer
            .position_within(&failed.partition, Duration::ZERO);
        position.is_ok_and(|position| position == failed.offset)
    }
}
