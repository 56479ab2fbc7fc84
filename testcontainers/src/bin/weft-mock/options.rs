//! The command line: what may be said, and what a cluster it describes.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use weft_testcontainers::mock::{KafkaRelease, MockCluster, MockClusterBuilder};

/// A Kafka cluster for tests: starts in a millisecond, needs no JVM, and fails on request.
///
/// The first line on standard output is `bootstrap.servers=host:port,...`; once it is there clients
/// can connect. Everything else is told on standard error. It ends on SIGTERM, on SIGINT (Ctrl-C),
/// and when its standard input, if that is a pipe or a terminal, comes to its end: so it does not
/// outlive the program that started it.
#[derive(Debug, Parser)]
#[command(name = "weft-mock", after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// How many brokers the cluster has, 1 to 1000. Their ids count from 0.
    #[arg(long, default_value_t = 1)]
    nodes: usize,
    /// A topic to begin with, and how many partitions it has (one unless said); may be repeated.
    #[arg(long = "topic", value_name = "NAME[:PARTITIONS]")]
    topics: Vec<TopicSpec>,
    /// The port of the first broker; the others have those that follow. Without it the system
    /// chooses free ports.
    #[arg(long)]
    port: Option<u16>,
    /// The address at which the brokers listen. The mock knows no passwords: give another than a
    /// loopback address only in a network that you trust.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The host that clients are told (`advertised.listeners`), if it is not the address at which
    /// the brokers listen.
    #[arg(long, value_name = "HOST")]
    advertise: Option<String>,
    /// Create topics that clients ask for, with so many partitions (one unless said).
    #[arg(long, value_name = "PARTITIONS", num_args = 0..=1, require_equals = true,
        default_missing_value = "1")]
    auto_create: Option<usize>,
    /// Keep everything in this directory, so that a cluster started there later goes on where this
    /// one ended, even by `kill -9`. One process at a time can use it.
    #[arg(long, value_name = "PATH")]
    directory: Option<PathBuf>,
    /// Which release of Kafka the brokers pretend to be: 2.1 to 4.4, or newest.
    #[arg(long, default_value_t = KafkaRelease::default())]
    release: KafkaRelease,
    /// How many connections all brokers together serve at once, 10000 unless said; further ones
    /// are closed until others end.
    #[arg(long, value_name = "COUNT")]
    connections_max: Option<usize>,
    /// How many bytes of requests and answers, without their records, all connections together
    /// keep in memory, 1 GiB unless said; beyond it the greediest connections are closed.
    #[arg(long, value_name = "BYTES")]
    buffered_bytes_max: Option<usize>,
    /// A script of faults and orders, a line each, that runs from the start; `help` at the prompt
    /// says how they are written.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// End with exit code 1 if a client has broken the protocol.
    #[arg(long)]
    pub(crate) fail_on_violation: bool,
    /// Take commands from standard input, a line each; `help` lists them.
    #[arg(long)]
    pub(crate) prompt: bool,
}

/// A topic as it is written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicSpec {
    pub(crate) name: String,
    pub(crate) partitions: usize,
}

impl Options {
    /// The cluster that is asked for.
    pub(crate) fn builder(&self) -> MockClusterBuilder {
        let mut builder = MockCluster::builder()
            .brokers(self.nodes)
            .release(self.release)
            .listen_address(self.listen);
        if let Some(port) = self.port.filter(|port| *port != 0) {
            builder = builder.ports_from(port);
        }
        if let Some(host) = &self.advertise {
            builder = builder.advertised_host(host);
        }
        if let Some(partitions) = self.auto_create {
            builder = builder.auto_create_topics(true, partitions);
        }
        if let Some(directory) = &self.directory {
            builder = builder.directory(directory);
        }
        if let Some(connections) = self.connections_max {
            builder = builder.connections_max(connections);
        }
        if let Some(bytes) = self.buffered_bytes_max {
            builder = builder.buffered_bytes_max(bytes);
        }
        for TopicSpec { name, partitions } in &self.topics {
            builder = builder.topic(name, *partitions);
        }
        builder
    }

    /// What may help if the operating system does not let the cluster start.
    pub(crate) fn advice(&self, refusal: &io::Error) -> Option<String> {
        match (refusal.kind(), self.port) {
            (io::ErrorKind::AddrInUse, Some(port)) => Some(format!(
                "something is listening there already; each of the {} brokers needs a port, from \
                 {port} on. Leave --port out, and the system chooses free ones.",
                self.nodes
            )),
            (io::ErrorKind::AddrNotAvailable, _) => {
                Some("--listen must name an address of this machine.".to_owned())
            }
            _ => None,
        }
    }
}

impl FromStr for TopicSpec {
    type Err = String;

    fn from_str(spec: &str) -> Result<Self, String> {
        let (name, partitions) = spec.split_once(':').unwrap_or((spec, "1"));
        let partitions = partitions
            .parse()
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| {
                format!(
                    "`{partitions}` is no number of partitions; write NAME or NAME:PARTITIONS, \
                     as in orders:12"
                )
            })?;
        if name.is_empty() {
            return Err("the name of the topic is missing, as in orders:12".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            partitions,
        })
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  it ended because it was told to
  1  a client broke the protocol, and --fail-on-violation was given
  2  the command line is wrong
  3  the cluster could not start: a port is taken, a topic is not possible, a script cannot be
     read, another process uses the directory, ...
  4  the directory could not be written any more, and all brokers died of it";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(spec: &str) -> Result<(String, usize), String> {
        let TopicSpec { name, partitions } = spec.parse()?;
        Ok((name, partitions))
    }

    #[test]
    fn a_topic_has_one_partition_unless_it_says_how_many() {
        assert_eq!(parse("orders"), Ok(("orders".to_owned(), 1)));
        assert_eq!(parse("orders:12"), Ok(("orders".to_owned(), 12)));
    }

    #[test]
    fn a_topic_that_cannot_be_read_says_how_it_is_written() {
        for wrong in ["orders:", "orders:many", "orders:0", "orders:-1", ":3", ""] {
            let error = parse(wrong).unwrap_err();
            assert!(error.contains("orders:12"), "{wrong}: {error}");
        }
    }
}
