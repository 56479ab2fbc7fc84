//! What one client writes the other reads, byte for byte.

use weft_client::producer::CompressionType;
use weft_testcontainers::kafka::JavaRecord;

use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::outside::OutsideClient;
use crate::scenario::plain::{as_java, read};
use crate::scenario::producing::{specimens, write};

/// What the client writes with each codec Weft reads as it was written: keys, values, nulls,
/// headers in their order, timestamps, as far as the client can write them.
///
/// # Errors
///
/// If it is not.
pub fn writes_what_weft_reads(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let written: Vec<_> = specimens()
        .iter()
        .filter_map(|record| client.writes(record))
        .collect();
    for (codec, _) in CODECS {
        let topic = cluster.create_topic(codec, 1)?;
        // Records wait for each other, so that there is something to compress.
        let properties = [("compression.type", codec), ("linger.ms", "100")];
        client.write(cluster, &topic, &properties, &written)?;
        let read = read(cluster, &topic, written.len())?;
        for (read, written) in read.iter().map(as_java).zip(&written) {
            let expected = JavaRecord {
                // Those that were not told one take the time.
                timestamp: written.timestamp.or(read.timestamp),
                ..written.clone()
            };
            ensure!(read == expected, "{codec}: {read:?} was {expected:?}");
        }
    }
    Ok(told(written.len()))
}

/// What Weft writes with each codec the client reads as it was written, as far as it shows it.
///
/// # Errors
///
/// If it does not.
pub fn reads_what_weft_writes(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let records = specimens();
    let topic = cluster.create_topic("codecs", 1)?;
    let mut written = Vec::new();
    for (_, codec) in CODECS {
        write(cluster, &topic, codec, &records)?;
        written.extend_from_slice(&records);
    }
    let read = client.read(cluster, &topic, &[], written.len())?;
    compare(client, &read, &written)?;
    Ok(told(records.len()))
}

fn compare(
    client: OutsideClient,
    read: &[JavaRecord],
    written: &[JavaRecord],
) -> Result<(), Failure> {
    let (have, want) = (read.len(), written.len());
    ensure!(have == want, "{have} of {want} records");
    for ((offset, read), written) in (0..).zip(read).zip(written) {
        let expected = client.shows(&JavaRecord {
            offset: Some(offset),
            timestamp_type: "CreateTime".to_owned(),
            ..written.clone()
        });
        ensure!(*read == expected, "{read:?} was {expected:?}");
    }
    Ok(())
}

fn told(records: usize) -> String {
    format!("{} records", records * CODECS.len())
}

const CODECS: [(&str, CompressionType); 5] = [
    ("none", CompressionType::None),
    ("gzip", CompressionType::Gzip),
    ("snappy", CompressionType::Snappy),
    ("lz4", CompressionType::Lz4),
    ("zstd", CompressionType::Zstd),
];
