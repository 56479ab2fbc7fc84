//! Shell: a cluster of one container: how it is started, whether it is ready, and its topics.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: waits for a container with a deadline and finds a free port"
)]

use std::net::{Ipv4Addr, TcpListener};
use std::slice;
use std::thread;
use std::time::{Duration, Instant};

use super::node::KafkaNode;
use super::settings::ContainerSettings;
use crate::kafka::cluster::LOOK_INTERVAL;
use crate::kafka::directory::PRINTED_LOG_LINES;
use crate::kafka::probe::Probe;
use crate::kafka::properties::Properties;
use crate::kafka::{KafkaError, KafkaVersion};

/// One node of Apache Kafka in a container, at 127.0.0.1. Dropping it removes the container; so do
/// SIGINT and SIGTERM to this process, but not SIGKILL.
///
/// Its calls block, and panic within an async runtime of Tokio.
#[derive(Debug)]
pub struct KafkaCluster {
    node: KafkaNode,
    version: KafkaVersion,
}

/// How a cluster is to be started. Made by [`KafkaCluster::builder`].
#[derive(Clone, Debug)]
pub struct KafkaClusterBuilder {
    version: KafkaVersion,
    properties: Properties,
}

impl KafkaClusterBuilder {
    /// Which version to run, of the image `apache/kafka`; [`KafkaVersion::V4_4_0`] unless said.
    pub fn version(mut self, version: KafkaVersion) -> Self {
        self.version = version;
        self
    }

    /// A broker property, in place of what the cluster would set by itself, as at
    /// [`kafka::KafkaClusterBuilder::property`](crate::kafka::KafkaClusterBuilder::property). Its
    /// name may hold small letters, digits, `.`, `_` and `-`, which is what the image takes.
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Starts the container and waits until it is ready, at most 90 s after Docker has the image.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Docker`] if there is no engine, or it does not start the container, or the
    /// node in it is not ready in time; [`KafkaError::Configuration`] if there is no image of the
    /// version, for a property that the image cannot take, and if the engine is on another machine.
    pub fn start(self) -> Result<KafkaCluster, KafkaError> {
        let mut attempt = 1;
        let node = loop {
            let settings = ContainerSettings::new(self.version, free_port()?, &self.properties)?;
            match KafkaNode::start(&settings) {
                Err(error) if is_port_conflict(&error) && attempt < START_ATTEMPTS => attempt += 1,
                started => break started?,
            }
        };
        let version = self.version;
        let cluster = KafkaCluster { node, version };
        cluster.wait_ready(READY_TIMEOUT)?;
        Ok(cluster)
    }
}

impl KafkaCluster {
    /// One node of the newest version, unless told otherwise.
    pub fn builder() -> KafkaClusterBuilder {
        KafkaClusterBuilder {
            version: KafkaVersion::default(),
            properties: Properties::new(),
        }
    }

    /// The value for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.node.port())
    }

    /// Which version runs.
    pub fn version(&self) -> KafkaVersion {
        self.version
    }

    /// The node with this id; there is only 0.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn node(&self, id: usize) -> &KafkaNode {
        &self.nodes()[id]
    }

    /// Every node.
    pub fn nodes(&self) -> &[KafkaNode] {
        slice::from_ref(&self.node)
    }

    /// Waits until the node serves requests, unless it is down by [`KafkaNode::kill`]. A paused
    /// node is waited for like any other.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Docker`] after `timeout`, and as soon as the node ends by itself; with the
    /// last lines of its log.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), KafkaError> {
        let asked = || {
            let view = Probe::connect(self.node.port()).and_then(|mut probe| probe.view());
            match view {
                Ok(view) if view.has_controller && view.brokers.contains(&0) => Ok(()),
                Ok(view) => Err(format!("its cluster is incomplete: {view:?}")),
                Err(error) => Err(format!("no answer: {error}")),
            }
        };
        self.wait_until("waiting for the node", timeout, asked)
    }

    /// Creates a topic, and returns once the node leads each of its partitions.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Refused`] with the broker's answer, also when the topic exists already;
    /// [`KafkaError::Io`] if it does not answer; [`KafkaError::Docker`] if the leaders are not
    /// known within 30 s.
    pub fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), KafkaError> {
        let refused = |why: String| KafkaError::Refused {
            what: format!("topic {topic} was not created: {why}"),
        };
        let count = i32::try_from(partitions).map_err(|error| refused(error.to_string()))?;
        let port = self.node.port();
        Probe::connect(port)
            .and_then(|mut probe| probe.create_topic(topic, count))
            .map_err(|error| KafkaError::io(format!("creating topic {topic}"), error))?
            .map_err(refused)?;
        let asked =
            || match Probe::connect(port).and_then(|mut probe| probe.partition_leaders(topic)) {
                Ok(leaders) if leaders.len() == partitions as usize => Ok(()),
                Ok(leaders) => Err(format!("{} of {partitions} have one", leaders.len())),
                Err(error) => Err(format!("no answer: {error}")),
            };
        let doing = format!("waiting for the leaders of topic {topic}");
        self.wait_until(&doing, TOPIC_TIMEOUT, asked)
    }

    fn wait_until(
        &self,
        doing: &str,
        timeout: Duration,
        asked: impl Fn() -> Result<(), String>,
    ) -> Result<(), KafkaError> {
        let began_at = Instant::now();
        while !self.node.is_killed() {
            let Err(missing) = asked() else {
                return Ok(());
            };
            if self.node.has_exited()? {
                return Err(self.failed(doing, "it ended by itself"));
            }
            if began_at.elapsed() > timeout {
                return Err(self.failed(doing, &format!("not in {timeout:?}: {missing}")));
            }
            thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    }

    fn failed(&self, doing: &str, what: &str) -> KafkaError {
        let mut told = format!("{what}; the last lines of its log:");
        for line in self.node.last_log_lines(PRINTED_LOG_LINES) {
            told.push_str("\n  | ");
            told.push_str(&line);
        }
        KafkaError::Docker {
            doing: doing.to_owned(),
            told,
        }
    }
}

/// A port that the system holds for free; another process may take it before Docker does.
fn free_port() -> Result<u16, KafkaError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| KafkaError::io("looking for a free port", source))
}

fn is_port_conflict(error: &KafkaError) -> bool {
    let signs = ["port is already allocated", "address already in use"];
    matches!(error, KafkaError::Docker { told, .. } if signs.iter().any(|sign| told.contains(sign)))
}

/// How long the node may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// How long the leaders of a new topic may take to become known.
const TOPIC_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a start is tried with another port when somebody else took one.
const START_ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_taken_port_is_worth_another_start() {
        let refused = |told: &str| KafkaError::Docker {
            doing: "starting".into(),
            told: told.into(),
        };
        let taken = "Bind for 127.0.0.1:40000 failed: port is already allocated";
        assert!(is_port_conflict(&refused(taken)));
        assert!(!is_port_conflict(&refused("no such image")));
        let other = KafkaError::Refused { what: taken.into() };
        assert!(!is_port_conflict(&other));
    }
}
