//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use weft_client::Error;
use weft_consumer::ConsumerConfig;
use weft_runtime::route::Ordering;

/// Consumes a topic with many threads, and prints what it did as one line of JSON.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Brokers to ask first, as host:port, separated by commas.
    #[arg(long)]
    pub(crate) bootstrap: String,
    /// The topic.
    #[arg(long)]
    pub(crate) topic: String,
    /// The consumer group.
    #[arg(long)]
    pub(crate) group: String,
    /// How many threads share the work.
    #[arg(long, value_enum, default_value_t = Pattern::WorkerPool)]
    pub(crate) pattern: Pattern,
    /// Threads of the pattern per-thread, each with a consumer.
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Pollers of the pattern worker-pool, each with a consumer.
    #[arg(long, default_value_t = 1)]
    pub(crate) pollers: usize,
    /// Workers of the pattern worker-pool.
    #[arg(long, default_value_t = 4)]
    pub(crate) workers: usize,
    /// Which records the workers handle one after the other.
    #[arg(long, value_enum, default_value_t = Order::Key)]
    pub(crate) order: Order,
    /// Unfinished records with which a poller of worker-pool pauses.
    #[arg(long)]
    pub(crate) window: Option<usize>,
    /// The handler sleeps so many microseconds for each record.
    #[arg(long, default_value_t = 0)]
    pub(crate) handler_us: u64,
    /// A property of the consumer, key=value; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) properties: Vec<String>,
    /// Stop when the group has committed the end that the topic had at the start.
    #[arg(long)]
    pub(crate) until_end: bool,
    /// One line per handled record: start_us end_us partition offset key. It is appended to.
    #[arg(long)]
    pub(crate) log: Option<PathBuf>,
    /// Milliseconds between commits.
    #[arg(long)]
    commit_interval_ms: Option<u64>,
    /// Milliseconds that started records may take to finish when partitions are revoked.
    #[arg(long)]
    drain_timeout_ms: Option<u64>,
    /// Seconds to wait for the cluster at the start, and for the end of a shutdown.
    #[arg(long, default_value_t = 30)]
    timeout_s: u64,
    /// Print what the runtime does, not only its warnings.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Pattern {
    /// Every thread polls a consumer of its own and handles what it gets.
    PerThread,
    /// Pollers take records in, workers handle them.
    WorkerPool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Order {
    None,
    Partition,
    Key,
}

impl From<Order> for Ordering {
    fn from(order: Order) -> Self {
        match order {
            Order::None => Self::None,
            Order::Partition => Self::Partition,
            Order::Key => Self::Key,
        }
    }
}

impl Options {
    /// The configuration that the options describe. What `--set` says comes last.
    pub(crate) fn consumer_config(&self) -> Result<ConsumerConfig, Error> {
        let start = ConsumerConfig::builder()
            .set("bootstrap.servers", &self.bootstrap)
            .set("group.id", &self.group)
            .set("client.id", "weft-consume")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("allow.auto.create.topics", "false");
        let properties = self.properties.iter();
        properties
            .map(|property| property.split_once('=').unwrap_or((property, "")))
            .fold(start, |builder, (key, value)| builder.set(key, value))
            .build()
    }

    /// How long the cluster may take to answer.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.timeout()
    }

    pub(crate) fn commit_interval(&self) -> Option<Duration> {
        self.commit_interval_ms.map(Duration::from_millis)
    }

    pub(crate) fn drain_timeout(&self) -> Option<Duration> {
        self.drain_timeout_ms.map(Duration::from_millis)
    }
}
