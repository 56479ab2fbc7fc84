//! What producers write is what others read.

use weft_client::producer::{CompressionType, Producer, ProducerConfig, ProducerRecord};
use weft_testcontainers::kafka::{JavaCommand, JavaRecord};

use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::wait::PATIENCE;

/// What Weft's producer writes with each codec the Java consumer reads as it was written: keys,
/// values, nulls, headers in their order, timestamps.
///
/// # Errors
///
/// If it does not.
pub fn java_reads_what_the_producer_wrote(cluster: &Cluster) -> Outcome {
    let mut count = 0;
    for codec in [
        CompressionType::None,
        CompressionType::Gzip,
        CompressionType::Snappy,
        CompressionType::Lz4,
        CompressionType::Zstd,
    ] {
        let topic = cluster.create_topic("produced", 1)?;
        let written = specimens();
        write(cluster, &topic, codec, &written)?;
        let java = cluster.start_java(&JavaCommand::read(&topic))?;
        let lines = java.finish(PATIENCE)?;
        let read: Vec<_> = lines
            .iter()
            .filter_map(|line| JavaRecord::parse(line))
            .collect();
        ensure!(
            read.len() == written.len(),
            "{codec:?}: {} records",
            read.len()
        );
        for ((offset, read), written) in (0..).zip(read).zip(written) {
            let expected = JavaRecord {
                offset: Some(offset),
                timestamp_type: "CreateTime".to_owned(),
                ..written
            };
            ensure!(read == expected, "{codec:?}: {read:?} was {expected:?}");
            count += 1;
        }
    }
    Ok(format!("{count} records"))
}

/// Writes the records with Weft's producer.
pub(super) fn write(
    cluster: &Cluster,
    topic: &str,
    codec: CompressionType,
    records: &[JavaRecord],
) -> Result<(), Failure> {
    let config = ProducerConfig::builder()
        .bootstrap_servers(cluster.bootstrap().as_str())
        .compression_type(codec);
    let producer = Producer::new(config.build()?)?;
    for record in records {
        producer.send_and_forget(as_weft(topic, record))?;
    }
    producer.flush(PATIENCE)?;
    Ok(producer.close(PATIENCE)?)
}

fn as_weft(topic: &str, record: &JavaRecord) -> ProducerRecord {
    let mut weft = ProducerRecord::to(topic);
    if let Some(partition) = record.partition {
        weft = weft.partition(partition);
    }
    if let Some(timestamp) = record.timestamp {
        weft = weft.timestamp(timestamp);
    }
    if let Some(key) = &record.key {
        weft = weft.key(key.clone());
    }
    if let Some(value) = &record.value {
        weft = weft.value(value.clone());
    }
    let headers = record.headers.iter();
    headers.fold(weft, |weft, (name, value)| {
        weft.header(name.as_str(), value.clone())
    })
}

/// Records with everything that is easily lost.
pub(super) fn specimens() -> Vec<JavaRecord> {
    let record = |key: Option<&[u8]>, value: Option<&[u8]>, timestamp| JavaRecord {
        partition: Some(0),
        timestamp: Some(timestamp),
        key: key.map(<[u8]>::to_vec),
        value: value.map(<[u8]>::to_vec),
        ..JavaRecord::default()
    };
    let large: Vec<u8> = (0..100_000_u32)
        .flat_map(|n| (n / 7).to_le_bytes())
        .collect();
    let mut all = vec![
        record(Some(b"key"), Some(b"value"), 1_700_000_000_000),
        record(None, Some(b"no key"), 1_700_000_000_005),
        record(Some(b"no value"), None, 1_700_000_000_005),
        record(Some(b""), Some(b""), 1_699_999_999_000),
        record(Some(&[0, 255, 128]), Some(&[b'x'; 300]), 0),
        record(None, None, 1_600_000_000_000),
        record(Some(b"large"), Some(&large), 1_700_000_000_001),
    ];
    all[0].headers = vec![
        ("twice".to_owned(), Some(b"first".to_vec())),
        ("empty".to_owned(), Some(Vec::new())),
        ("null".to_owned(), None),
        ("twice".to_owned(), Some(vec![0, 1, 2, 255])),
        ("Grüße".to_owned(), Some("aus Köln".into())),
    ];
    all[2].headers = vec![(String::new(), Some(b"nameless".to_vec()))];
    all.extend((0..50).map(|n| record(Some(b"k"), Some(&[b'v'; 40]), 1_700_000_001_000 + n)));
    all
}
