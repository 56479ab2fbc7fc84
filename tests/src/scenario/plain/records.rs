//! Records arrive as they were written, whoever wrote them.

use weft_client::TopicPartition;
use weft_client::record::{BatchBuilder, Compression, Compressor, Header, TimestampType};
use weft_consumer::OwnedRecord;
use weft_testcontainers::kafka::{JavaCommand, JavaRecord};

use super::{POLL_TIMEOUT, consumer};
use crate::cluster::{Cluster, append_batch};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::scenario::producing::specimens;
use crate::wait::{self, Look, PATIENCE};

/// What the Java producer writes with each codec is read as it was written: keys, values, nulls,
/// headers in their order, timestamps.
///
/// # Errors
///
/// If it is not.
pub fn records_equal_what_java_wrote(cluster: &Cluster) -> Outcome {
    let mut count = 0;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = cluster.create_topic(codec, 1)?;
        let command = JavaCommand::produce(&topic)
            .with_property("compression.type", codec)
            // Records wait for each other, so that there is something to compress.
            .with_property("linger.ms", "200");
        let mut java = cluster.start_java(&command)?;
        let written = specimens();
        for record in &written {
            java.send(record)?;
        }
        java.stop(PATIENCE)?;
        let read = read(cluster, &topic, written.len())?;
        for (read, written) in read.iter().zip(&written) {
            ensure!(
                as_java(read) == *written,
                "{codec}: {read:?} was {written:?}"
            );
            ensure!(read.timestamp_type == TimestampType::CreateTime, "{read:?}");
        }
        count += read.len();
    }
    Ok(format!("{count} records"))
}

/// What Weft's own batches say, compressed with each codec, is read as it was written.
///
/// # Errors
///
/// If it is not.
pub fn records_equal_what_was_appended(cluster: &Cluster) -> Outcome {
    let mut count = 0;
    for codec in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let topic = cluster.create_topic("appended", 1)?;
        let written = specimens();
        let mut builder = BatchBuilder::new();
        for record in &written {
            let headers: Vec<Header<'_>> = record
                .headers
                .iter()
                .map(|(name, value)| Header::new(name.as_bytes(), value.as_deref()))
                .collect();
            let timestamp = record.timestamp.unwrap_or(-1);
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            builder.append(timestamp, key, value, &headers)?;
        }
        let batch = builder.build(codec, &mut Compressor::default())?;
        append_batch(&mut cluster.witness()?, &topic, 0, batch)?;
        let read = read(cluster, &topic, written.len())?;
        for (read, written) in read.iter().zip(&written) {
            ensure!(
                as_java(read) == *written,
                "{codec:?}: {read:?} was {written:?}"
            );
        }
        count += read.len();
    }
    Ok(format!("{count} records"))
}

/// Reads the `count` records of partition 0.
///
/// # Errors
///
/// If there are more or fewer.
pub(in crate::scenario) fn read(
    cluster: &Cluster,
    topic: &str,
    count: usize,
) -> Result<Vec<OwnedRecord>, Failure> {
    let consumer = consumer(cluster, &[])?;
    consumer.assign([TopicPartition::new(topic, 0)])?;
    let mut read = Vec::new();
    wait::until("reading what was written", PATIENCE, || {
        let records = consumer.poll(POLL_TIMEOUT)?;
        read.extend(records.iter().map(|record| record.to_owned()));
        let have = read.len();
        Ok(Look::at(have >= count, || {
            format!("{have} of {count} records")
        }))
    })?;
    ensure!(
        read.len() == count,
        "{} records instead of {count}",
        read.len()
    );
    for (offset, record) in (0..).zip(&read) {
        ensure!(record.offset.value() == offset, "{record:?} is at {offset}");
    }
    consumer.close()?;
    Ok(read)
}

/// The record in the words in which it was written.
pub(in crate::scenario) fn as_java(record: &OwnedRecord) -> JavaRecord {
    let headers = record.headers.iter();
    JavaRecord {
        partition: Some(record.topic_partition.partition()),
        timestamp: Some(record.timestamp),
        key: record.key.as_ref().map(|key| key.to_vec()),
        value: record.value.as_ref().map(|value| value.to_vec()),
        headers: headers
            .map(|(name, value)| {
                let name = String::from_utf8_lossy(name).into_owned();
                (name, value.as_ref().map(|value| value.to_vec()))
            })
            .collect(),
        ..JavaRecord::default()
    }
}
