//! What the command line says.

use std::time::Duration;

use clap::Parser;

/// Consumes one topic with one consumer per thread, then with pollers and a worker pool, and
/// compares.
#[derive(Debug, Parser)]
#[command(name = "demo")]
pub(crate) struct Options {
    /// Start a real Apache Kafka instead of the embedded broker (needs a JDK and Maven)
    #[arg(long, conflicts_with = "bootstrap")]
    pub(crate) kafka: bool,
    /// Use this cluster; nothing is written to it but committed offsets
    #[arg(long, value_name = "HOST:PORT", requires = "topic", requires = "group")]
    pub(crate) bootstrap: Option<String>,
    /// The topic to consume, up to its present end
    #[arg(long, requires = "bootstrap")]
    pub(crate) topic: Option<String>,
    /// Consume as the groups GROUP-per-thread and GROUP-worker-pool
    #[arg(long, requires = "bootstrap")]
    pub(crate) group: Option<String>,
    /// Records to write to the demo's own broker
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) records: u64,
    /// Threads of pattern 1
    #[arg(long, default_value_t = 4)]
    pub(crate) threads: usize,
    /// Pollers of pattern 2
    #[arg(long, default_value_t = 2)]
    pub(crate) pollers: usize,
    /// Workers of pattern 2
    #[arg(long, default_value_t = 8)]
    pub(crate) workers: usize,
    /// How long the cluster may take to answer, and to make any progress, in seconds
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout_s: u64,
}

impl Options {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    pub(crate) fn group(&self) -> &str {
        self.group.as_deref().unwrap_or("demo")
    }
}
