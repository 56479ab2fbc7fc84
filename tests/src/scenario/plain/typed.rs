//! What is put between a consumer and its records: deserializers and interceptors.

#![expect(
    clippy::disallowed_types,
    reason = "an interceptor tells the scenario what it saw"
)]

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::{Error, ErrorKind, Offset};
use weft_consumer::{
    CallbackError, ConsumerInterceptor, ConsumerRecords, NumberDeserializer, Offsets, Origin,
    RecordDeserializationError, StringDeserializer, TypedConsumer,
};

use super::{POLL_TIMEOUT, consumer, partitions, take};
use crate::cluster::{BASE_TIMESTAMP, Cluster, Filled, append_batch, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::wait::{self, Look, PATIENCE};

/// A record whose value is no number ends what a poll of numbers returns before it; then it is
/// named again and again, with all that it holds, until the consumer seeks behind it.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_record_that_cannot_be_read_is_named_until_it_is_passed_over(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("typed", 1)?;
    append_numbers(cluster, &topic)?;
    let group = cluster.fresh("typed");
    let consumer: TypedConsumer<String, i64, _, _> = TypedConsumer::new(
        consumer(cluster, &[("group.id", &group)])?,
        StringDeserializer,
        NumberDeserializer,
    );
    consumer.subscribe([topic.as_str()])?;
    let mut numbers = Vec::new();
    let mut failures = 0;
    wait::until("reading all numbers", PATIENCE, || {
        match consumer.poll(POLL_TIMEOUT) {
            Ok(records) => {
                for record in &records {
                    ensure!(
                        record.key().map(String::as_str) == Some("key"),
                        "the key is {:?}",
                        record.key()
                    );
                    numbers.extend(record.value().copied());
                }
            }
            Err(error) => {
                failures += 1;
                let failed = RecordDeserializationError::of(&error);
                let failed = failed.ok_or_else(|| Failure::because(error.to_string()))?;
                check_told(&error, failed)?;
                ensure!(
                    numbers == (0..POISON).collect::<Vec<_>>(),
                    "{numbers:?} were returned before the record that fails"
                );
                if failures == FAILURES {
                    let record = failed.record();
                    consumer.seek(&record.topic_partition, record.offset.next())?;
                }
            }
        }
        let have = numbers.len();
        let all = usize::try_from(NUMBERS - 1)?;
        Ok(Look::at(have >= all, || format!("{have} numbers")))
    })?;
    let expected: Vec<i64> = (0..NUMBERS).filter(|number| *number != POISON).collect();
    ensure!(numbers == expected, "{numbers:?} were read");
    ensure!(failures == FAILURES, "it failed {failures} times");
    consumer.commit_sync()?;
    let committed = cluster.witness()?.committed(&group, &topic, 1)?;
    ensure!(
        committed.get(&0) == Some(&Offset::new(NUMBERS)),
        "{committed:?} is committed"
    );
    Ok(format!("{} numbers", numbers.len()))
}

/// Appends numbers, with one value in between that is none.
fn append_numbers(cluster: &Cluster, topic: &str) -> Result<(), Failure> {
    let mut batch = BatchBuilder::new();
    for number in 0..NUMBERS {
        let bytes = number.to_be_bytes();
        let is_poison = number == POISON;
        let value = if is_poison {
            &b"no number"[..]
        } else {
            &bytes[..]
        };
        batch.append(BASE_TIMESTAMP, Some(b"key"), Some(value), &[])?;
    }
    let batch = batch.build(Compression::None, &mut Compressor::default())?;
    append_batch(&mut cluster.witness()?, topic, 0, batch).map(drop)
}

/// The error names the record that is no number, and holds all of it.
fn check_told(error: &Error, failed: &RecordDeserializationError) -> Result<(), Failure> {
    let record = failed.record();
    let is_told = error.kind() == ErrorKind::Deserialization
        && failed.origin() == Origin::Value
        && record.offset == Offset::new(POISON)
        && record.value.as_deref() == Some(&b"no number"[..]);
    ensure!(is_told, "the wrong thing was told: {error:?}");
    Ok(())
}

/// Interceptors see all that polls return, before the user does, and what was committed.
///
/// # Errors
///
/// If they do not.
pub fn interceptors_see_what_is_polled_and_committed(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("intercepted", 2)?;
    let filled = fill(&mut cluster.witness()?, &topic, 1_000, KEYS)?;
    let group = cluster.fresh("intercepted");
    let consumer = consumer(cluster, &[("group.id", &group)])?;
    let seen = Arc::new(Mutex::new(Seen::default()));
    consumer.add_interceptor(Watch(Arc::clone(&seen)))?;
    consumer.subscribe([topic.as_str()])?;
    let taken = take(&consumer, filled.records())?;
    consumer.commit_sync()?;
    consumer.close()?;

    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(
        seen.polled == taken,
        "{} records were seen, of {}",
        seen.polled.len(),
        taken.len()
    );
    ensure!(seen.is_closed, "the end was not seen");
    check_committed(&seen.committed, &filled)?;
    Ok(format!("{} records", taken.len()))
}

fn check_committed(committed: &Offsets, filled: &Filled) -> Result<(), Failure> {
    for partition in partitions(filled) {
        let told = committed.get(&partition).map(|committed| committed.offset);
        let end = filled.ends.get(&partition.partition()).copied();
        ensure!(
            told == end,
            "{told:?} was told to be committed for {partition}, not {end:?}"
        );
    }
    Ok(())
}

#[derive(Default)]
struct Seen {
    polled: Vec<(i32, Offset)>,
    committed: Offsets,
    is_closed: bool,
}

struct Watch(Arc<Mutex<Seen>>);

impl ConsumerInterceptor for Watch {
    fn on_consume(&mut self, records: ConsumerRecords) -> Result<ConsumerRecords, CallbackError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let places = records.iter();
        seen.polled
            .extend(places.map(|record| (record.partition(), record.offset())));
        Ok(records)
    }

    fn on_commit(&mut self, offsets: &Offsets) -> Result<(), CallbackError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.committed.extend(offsets.clone());
        Ok(())
    }

    fn close(&mut self) -> Result<(), CallbackError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_closed = true;
        Ok(())
    }
}

/// How many records there are, one of which is none.
const NUMBERS: i64 = 20;

/// Its offset.
const POISON: i64 = 7;

/// How often it is met before it is passed over.
const FAILURES: u32 = 3;

const KEYS: NonZeroU32 = NonZeroU32::MIN;
