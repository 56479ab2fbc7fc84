//! Shell: a running cluster: where it is, whether it is ready, and its topics.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a shell: waits for processes with a deadline, and shares clusters between tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::directory::ClusterDirectory;
use super::error::KafkaError;
use super::node::{KafkaNode, NodeCondition};
use super::probe::Probe;
use super::start::KafkaClusterBuilder;
use super::supervised::{KEEP_FILE, SupervisedJvm};
use super::version::KafkaVersion;
use crate::proxy::Proxy;

/// A running Apache Kafka cluster on 127.0.0.1. Dropping it ends its processes and removes its
/// files, unless the thread is panicking: then the files stay and the ends of the logs are printed.
#[derive(Debug)]
pub struct KafkaCluster {
    // Fields are dropped in this order: brokers, what they depend on, then the files.
    pub(super) nodes: Vec<KafkaNode>,
    pub(super) zookeeper: Option<SupervisedJvm>,
    version: KafkaVersion,
    /// One for each node, or none.
    proxies: Vec<Proxy>,
    pub(super) directory: ClusterDirectory,
}

impl KafkaCluster {
    /// One node of the newest version, unless told otherwise.
    pub fn builder() -> KafkaClusterBuilder {
        KafkaClusterBuilder::new()
    }

    pub(super) fn without_nodes(
        version: KafkaVersion,
        directory: ClusterDirectory,
        proxies: Vec<Proxy>,
    ) -> Self {
        Self {
            nodes: Vec::new(),
            zookeeper: None,
            version,
            proxies,
            directory,
        }
    }

    /// The one single-node cluster of this version that all tests of a process share; each test
    /// uses topics and groups of its own. It is started on first use and ends with the process. A
    /// panic anywhere in the process makes it leave its logs behind.
    ///
    /// # Errors
    ///
    /// As [`KafkaClusterBuilder::start`]; the text of the first failure is given to everyone.
    pub fn shared(version: KafkaVersion) -> Result<&'static Self, KafkaError> {
        let started = shared_place(version).get_or_init(|| {
            let cluster = Self::builder()
                .version(version)
                .start()
                .map_err(|e| e.to_string())?;
            keep_after_panic(cluster.directory.path());
            Ok(cluster)
        });
        started
            .as_ref()
            .map_err(|what| KafkaError::Refused { what: what.clone() })
    }

    /// The value for `bootstrap.servers`: the address of every node, or of the proxy in front of
    /// it, separated by commas.
    pub fn bootstrap(&self) -> String {
        let ports: Vec<u16> = if self.proxies.is_empty() {
            self.nodes.iter().map(KafkaNode::port).collect()
        } else {
            self.proxies.iter().map(Proxy::port).collect()
        };
        let addresses = ports.iter().map(|port| format!("127.0.0.1:{port}"));
        addresses.collect::<Vec<String>>().join(",")
    }

    /// The proxy in front of the node with this id; none unless the cluster was started with
    /// [`proxied`](KafkaClusterBuilder::proxied).
    pub fn proxy(&self, id: usize) -> Option<&Proxy> {
        self.proxies.get(id)
    }

    /// All of them, in the order of the nodes.
    pub fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    /// Which version runs.
    pub fn version(&self) -> KafkaVersion {
        self.version
    }

    /// The node with this id, counted from 0.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn node(&self, id: usize) -> &KafkaNode {
        &self.nodes[id]
    }

    /// Every node, in the order of their ids.
    pub fn nodes(&self) -> &[KafkaNode] {
        &self.nodes
    }

    /// Where the cluster keeps data and logs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Waits until every node that is not down by [`KafkaNode::kill`] serves requests and knows
    /// every other one. A paused node is waited for like any other.
    ///
    /// # Errors
    ///
    /// [`KafkaError::NotReady`] after `timeout`; [`KafkaError::Exited`] as soon as a node ends by
    /// itself, except when a restarted one may succeed at a further attempt, which is made here.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), KafkaError> {
        let began_at = Instant::now();
        loop {
            let Some((node, missing)) = self.first_unready()? else {
                return Ok(());
            };
            if began_at.elapsed() > timeout {
                let missing = format!("node {}: {missing}", node.id());
                return Err(self.not_ready(node, missing, began_at));
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Creates a topic with the cluster's default replication factor, and returns once every
    /// running node knows a leader for each of its partitions.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Refused`] with the broker's answer, also when the topic exists already;
    /// [`KafkaError::NotReady`] if the leaders are not known everywhere within 30 s.
    pub fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), KafkaError> {
        let refused = |why: String| KafkaError::Refused {
            what: format!("topic {topic} was not created: {why}"),
        };
        let count = i32::try_from(partitions).map_err(|error| refused(error.to_string()))?;
        let running = self.running()?;
        let first = running
            .first()
            .ok_or_else(|| refused("no node is running".into()))?;
        Probe::connect(first.port())
            .and_then(|mut probe| probe.create_topic(topic, count))
            .map_err(|error| KafkaError::io(format!("creating topic {topic}"), error))?
            .map_err(refused)?;

        self.wait_for_leaders(topic, partitions)
    }

    /// Waits until every running node knows a leader for each partition of a topic. A node that has
    /// just come back may serve requests a moment before it knows its topics.
    ///
    /// # Errors
    ///
    /// [`KafkaError::NotReady`] after 30 s.
    pub fn wait_for_leaders(&self, topic: &str, partitions: u32) -> Result<(), KafkaError> {
        let began_at = Instant::now();
        for node in self.running()? {
            while !knows_leaders(node, topic, partitions) {
                if began_at.elapsed() > TOPIC_TIMEOUT {
                    let missing = format!("leaders of topic {topic} on node {}", node.id());
                    return Err(self.not_ready(node, missing, began_at));
                }
                thread::sleep(LOOK_INTERVAL);
            }
        }
        Ok(())
    }

    /// The node ids of the leaders of a topic's partitions as `(partition, leader)`, as the first
    /// running node knows them; partitions without a leader are left out.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Io`] if that node does not answer, [`KafkaError::Refused`] if none runs.
    pub fn partition_leaders(&self, topic: &str) -> Result<Vec<(i32, i32)>, KafkaError> {
        let running = self.running()?;
        let first = running.first().ok_or_else(|| KafkaError::Refused {
            what: "no node is running".into(),
        })?;
        let mut leaders = Probe::connect(first.port())
            .and_then(|mut probe| probe.partition_leaders(topic))
            .map_err(|error| KafkaError::io(format!("asking for the leaders of {topic}"), error))?;
        leaders.sort_unstable();
        Ok(leaders)
    }

    fn not_ready(&self, node: &KafkaNode, missing: String, began_at: Instant) -> KafkaError {
        KafkaError::NotReady {
            waited: began_at.elapsed(),
            missing,
            directory: self.directory.path().to_owned(),
            last_lines: node.last_lines(),
        }
    }

    fn running(&self) -> Result<Vec<&KafkaNode>, KafkaError> {
        let mut running = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            match node.condition()? {
                NodeCondition::Running | NodeCondition::Relaunched => running.push(node),
                NodeCondition::KilledByTest => {}
                NodeCondition::Exited => {
                    return Err(KafkaError::Exited {
                        process: format!("node {}", node.id()),
                        directory: self.directory.path().to_owned(),
                        last_lines: node.last_lines(),
                    });
                }
            }
        }
        Ok(running)
    }

    fn first_unready(&self) -> Result<Option<(&KafkaNode, String)>, KafkaError> {
        let running = self.running()?;
        let expected: BTreeSet<i32> = running.iter().map(|node| node.id()).collect();
        for node in running {
            let view = match Probe::connect(node.port()).and_then(|mut probe| probe.view()) {
                Ok(view) => view,
                Err(error) => return Ok(Some((node, format!("no answer: {error}")))),
            };
            if !view.has_controller || !view.brokers.is_superset(&expected) {
                return Ok(Some((node, format!("its cluster is incomplete: {view:?}"))));
            }
        }
        Ok(None)
    }
}

/// Where the shared cluster of a version is kept for the rest of the process.
fn shared_place(version: KafkaVersion) -> &'static SharedCluster {
    static PLACES: Mutex<BTreeMap<KafkaVersion, &'static SharedCluster>> =
        Mutex::new(BTreeMap::new());
    // The lock is held for the look-up only: clusters of different versions start side by side.
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    places
        .entry(version)
        .or_insert_with(|| Box::leak(Box::new(OnceLock::new())))
}

type SharedCluster = OnceLock<Result<KafkaCluster, String>>;

fn knows_leaders(node: &KafkaNode, topic: &str, partitions: u32) -> bool {
    Probe::connect(node.port())
        .and_then(|mut probe| probe.partition_leaders(topic))
        .is_ok_and(|leaders| leaders.len() == partitions as usize)
}

/// A shared cluster is never dropped, so that only this can tell that its logs are wanted.
fn keep_after_panic(directory: &Path) {
    let keep = directory.join(KEEP_FILE);
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        previous(panic);
        if !keep.exists() && fs::write(&keep, "").is_ok() {
            eprintln!(
                "the logs of the shared Kafka are kept beside {}",
                keep.display()
            );
        }
    }));
}

/// How long to wait before looking again at something that does not announce itself.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long the leaders of a new topic may take to become known everywhere.
const TOPIC_TIMEOUT: Duration = Duration::from_secs(30);
