//! Measures what a consumer costs that has nothing to read. See `benches/README.md`.

#![expect(clippy::disallowed_methods, reason = "measures")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use weft_benches::cpu::CpuUsage;
use weft_client::{Error, ErrorKind, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig};

/// Assigns all partitions of a topic, waits at their ends, and prints what that cost as JSON.
#[derive(Debug, Parser)]
struct Options {
    /// The brokers to ask first
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: String,
    /// The topic to wait at
    #[arg(long)]
    topic: String,
    /// How many partitions it has
    #[arg(long)]
    partitions: i32,
    /// How long to measure, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Any option of a consumer, such as fetch.max.wait.ms=5000
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<String, Error> {
    let mut builder = ConsumerConfig::builder().set("bootstrap.servers", &options.bootstrap);
    for setting in &options.settings {
        let Some((key, value)) = setting.split_once('=') else {
            let text = format!("--set {setting}: write key=value");
            return Err(Error::new(ErrorKind::Configuration, text));
        };
        builder = builder.set(key, value);
    }
    let config = builder.build()?;
    let consumer = Consumer::new(config)?;
    let topic = options.topic.as_str();
    consumer.assign((0..options.partitions).map(|number| TopicPartition::new(topic, number)))?;
    wait(&consumer, SETTLING)?;
    let (before, cpu) = (consumer.network_counters()?, usage()?);
    let began_at = Instant::now();
    wait(&consumer, Duration::from_secs(options.seconds))?;
    let wall = began_at.elapsed().as_secs_f64();
    let (after, cpu) = (consumer.network_counters()?, usage()?.since(&cpu));
    Ok(format!(
        "{{\"partitions\":{},\"wall_s\":{wall:.3},\"cpu_percent\":{:.3},\"rss_kib\":{},\
         \"bytes_read\":{},\"fetches\":{}}}",
        options.partitions,
        cpu.total().as_secs_f64() / wall * 100.0,
        memory_kib("VmRSS:").unwrap_or(0),
        after.bytes_read - before.bytes_read,
        after.fetch_responses - before.fetch_responses,
    ))
}

fn wait(consumer: &Consumer, span: Duration) -> Result<(), Error> {
    let end = Instant::now() + span;
    while Instant::now() < end {
        consumer.poll(POLL_TIMEOUT)?;
    }
    Ok(())
}

fn usage() -> Result<CpuUsage, Error> {
    CpuUsage::of_process().map_err(|error| {
        let text = "the operating system does not tell processor time";
        Error::new(ErrorKind::Io, text).with_source(error)
    })
}

/// What the process has in memory, where the system tells it as Linux does.
fn memory_kib(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

const SETTLING: Duration = Duration::from_secs(3);
const POLL_TIMEOUT: Duration = Duration::from_secs(1);
