//! Compares, on real Kafkas, the latency from `send` to `poll` with one broker and with three of
//! which two are idle, and what waiting costs. See `benches/README.md`.

use std::error::Error as StdError;
use std::time::Duration;

use clap::Parser;
use weft_benches::latency::{Load, consumer_at_the_end, idle, measure};
use weft_client::TopicPartition;
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};

/// Starts a Kafka of one node and one of three, and measures both in turn.
#[derive(Debug, Parser)]
struct Options {
    /// How often both are measured
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Records a second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Milliseconds that each poll may wait
    #[arg(long, default_value_t = 100)]
    poll_ms: u64,
}

fn main() -> Result<(), Box<dyn StdError>> {
    let options = Options::parse();
    let clusters = [start(1)?, start(3)?];
    let load = Load {
        rate: options.rate,
        span: Duration::from_secs(options.seconds),
        poll_timeout: Duration::from_millis(options.poll_ms),
    };
    for _ in 0..options.rounds {
        for cluster in &clusters {
            println!("{}", one_round(cluster, &load)?);
        }
    }
    Ok(())
}

fn start(nodes: usize) -> Result<KafkaCluster, Box<dyn StdError>> {
    let cluster = KafkaCluster::builder()
        .version(KafkaVersion::V4_4_0)
        .nodes(nodes)
        .property("default.replication.factor", "1")
        .start()?;
    cluster.create_topic(TOPIC, PARTITIONS.unsigned_abs())?;
    let mut leaders: Vec<i32> = cluster
        .partition_leaders(TOPIC)?
        .iter()
        .map(|(_, leader)| *leader)
        .collect();
    leaders.sort_unstable();
    leaders.dedup();
    if leaders.len() != nodes {
        return Err(format!("the partitions are led by {leaders:?}, not by {nodes} nodes").into());
    }
    Ok(cluster)
}

fn one_round(cluster: &KafkaCluster, load: &Load) -> Result<String, Box<dyn StdError>> {
    let bootstrap = cluster.bootstrap();
    let consumer = consumer_at_the_end(&bootstrap, TOPIC, PARTITIONS)?;
    let partition = TopicPartition::new(TOPIC, 0);
    let measured = measure(&bootstrap, &consumer, &partition, load)?;
    let idle = idle(&consumer, load.span / 2, load.poll_timeout)?;
    let micros = |share| measured.quantile(share).as_micros();
    let per_second = |count: u64| count as f64 / idle.span.as_secs_f64();
    Ok(format!(
        "{{\"nodes\":{},\"records\":{},\"p50_us\":{},\"p90_us\":{},\"p99_us\":{},\"max_us\":{},\
         \"cpu_us_per_record\":{:.1},\"idle_cpu_us_per_s\":{:.0},\"idle_waits_per_s\":{:.1},\
         \"idle_fetches_per_s\":{:.1}}}",
        cluster.nodes().len(),
        measured.latencies.len(),
        micros(0.5),
        micros(0.9),
        micros(0.99),
        micros(1.0),
        measured.busy_cpu.as_secs_f64() * 1e6 / measured.latencies.len().max(1) as f64,
        idle.cpu.as_secs_f64() * 1e6 / idle.span.as_secs_f64(),
        per_second(idle.waits),
        per_second(idle.fetches),
    ))
}

const TOPIC: &str = "latency";
const PARTITIONS: i32 = 3;
