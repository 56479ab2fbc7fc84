//! Starts a real Apache Kafka, fills topics with the shapes that are measured, prints where it is,
//! and runs until its input ends. See `benches/README.md`.

use std::error::Error as StdError;
use std::io::{self, Read as _};
use std::time::Duration;

use clap::Parser;
use weft_benches::shape::Shape;
use weft_client::ClientConfig;
use weft_client::admin::{Admin, NewTopic};
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};

/// Starts a Kafka and fills topics named after their shapes.
#[derive(Debug, Parser)]
struct Options {
    /// SHAPE:RECORDS or SHAPE:CODEC:RECORDS, such as 10:2000000 or json:lz4:1000000
    topics: Vec<String>,
}

fn main() -> Result<(), Box<dyn StdError>> {
    let options = Options::parse();
    let cluster = KafkaCluster::builder()
        .version(KafkaVersion::V4_4_0)
        .start()?;
    let bootstrap = cluster.bootstrap();
    for topic in &options.topics {
        fill(&bootstrap, topic)?;
    }
    println!("{bootstrap}");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn fill(bootstrap: &str, topic: &str) -> Result<(), Box<dyn StdError>> {
    let parts: Vec<&str> = topic.split(':').collect();
    let (shape, codec, records) = match parts.as_slice() {
        [shape, records] => (*shape, "none", *records),
        [shape, codec, records] => (*shape, *codec, *records),
        _ => return Err(format!("{topic}: write SHAPE:RECORDS or SHAPE:CODEC:RECORDS").into()),
    };
    let name = if codec == "none" { shape } else { codec };
    let shape: Shape = shape.parse()?;
    let config = ClientConfig::builder()
        .bootstrap_servers(bootstrap)
        .build()?;
    let mut admin = Admin::new(config)?;
    admin.create_topic(&NewTopic::new(name, PARTITIONS).replication_factor(1))?;
    weft_benches::fill::fill(
        bootstrap,
        name,
        shape,
        codec,
        records.parse()?,
        FLUSH_TIMEOUT,
    )?;
    eprintln!("topic {name}: {records} records");
    Ok(())
}

const PARTITIONS: i32 = 12;
const FLUSH_TIMEOUT: Duration = Duration::from_secs(120);
