//! Shell: starts the processes of a cluster, waits until they are one, and hands them to the test.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: waits for processes and finds free ports"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use super::directory::{ClusterDirectory, PRINTED_LOG_LINES, random};
use super::error::KafkaError;
use super::jars;
use super::node::{KafkaNode, NodeCondition};
use super::prerequisites;
use super::probe::Probe;
use super::properties::{self, ClusterPorts, JvmRole, NodePorts, Properties};
use super::supervised::{SupervisedJvm, last_log_lines};
use super::version::{Coordination, KafkaVersion};

/// A running Apache Kafka cluster on 127.0.0.1. Dropping it ends its processes and removes its
/// files, unless the thread is panicking: then the files stay and the ends of the logs are printed.
#[derive(Debug)]
pub struct KafkaCluster {
    // Fields are dropped in this order: brokers, what they depend on, then the files.
    nodes: Vec<KafkaNode>,
    zookeeper: Option<SupervisedJvm>,
    version: KafkaVersion,
    directory: ClusterDirectory,
}

/// How a cluster is to be started. Made by [`KafkaCluster::builder`].
#[derive(Clone, Debug)]
pub struct KafkaClusterBuilder {
    version: KafkaVersion,
    nodes: usize,
    properties: Properties,
}

impl KafkaCluster {
    /// One node of the newest version, unless told otherwise.
    pub fn builder() -> KafkaClusterBuilder {
        KafkaClusterBuilder {
            version: KafkaVersion::default(),
            nodes: 1,
            properties: Properties::new(),
        }
    }

    /// The one single-node cluster of this version that all tests of a process share; each test uses
    /// topics and groups of its own. It is started on first use and ends with the process. A panic
    /// anywhere in the process makes it leave its logs behind.
    ///
    /// # Errors
    ///
    /// As [`KafkaClusterBuilder::start`]; the text of the first failure is given to everyone.
    pub fn shared(version: KafkaVersion) -> Result<&'static Self, KafkaError> {
        static CLUSTERS: [OnceLock<Result<KafkaCluster, String>>; KafkaVersion::ALL.len()] =
            [const { OnceLock::new() }; KafkaVersion::ALL.len()];
        let started = CLUSTERS[version as usize].get_or_init(|| {
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

    /// The value for `bootstrap.servers`: every node's address, separated by commas.
    pub fn bootstrap(&self) -> String {
        let addresses: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        addresses.join(",")
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
                return Err(KafkaError::NotReady {
                    waited: began_at.elapsed(),
                    missing: format!("node {}: {missing}", node.id()),
                    directory: self.directory.path().to_owned(),
                    last_lines: node.last_lines(),
                });
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Creates a topic with the cluster's default replication factor, and returns once every running
    /// node knows a leader for each of its partitions.
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

        let began_at = Instant::now();
        for node in running {
            while !knows_leaders(node, topic, partitions) {
                if began_at.elapsed() > TOPIC_TIMEOUT {
                    return Err(KafkaError::NotReady {
                        waited: began_at.elapsed(),
                        missing: format!("leaders of topic {topic} on node {}", node.id()),
                        directory: self.directory.path().to_owned(),
                        last_lines: node.last_lines(),
                    });
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

impl KafkaClusterBuilder {
    /// Which version to run; [`KafkaVersion::V4_4_0`] unless said.
    pub fn version(mut self, version: KafkaVersion) -> Self {
        self.version = version;
        self
    }

    /// How many nodes, 1 or 3; one unless said.
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// A broker property, in place of what the cluster would set by itself. Unless said:
    /// `auto.create.topics.enable=false`, `group.initial.rebalance.delay.ms=0`,
    /// `group.min.session.timeout.ms=1000`, and replication to all nodes.
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Fetches the jars if need be (about half a minute, once per machine), starts the cluster and
    /// waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Prerequisite`] if Java or Maven is missing, [`KafkaError::Download`] if the
    /// jars cannot be fetched, [`KafkaError::Configuration`] for any other number of nodes than 1 or
    /// 3, and otherwise what kept the cluster from starting. Its files are left in place then.
    pub fn start(self) -> Result<KafkaCluster, KafkaError> {
        if ![1, 3].contains(&self.nodes) {
            let what = format!("{} nodes were asked for; 1 or 3 are possible", self.nodes);
            return Err(KafkaError::Configuration { what });
        }
        prerequisites::check_java()?;
        let class_path = jars::class_path(self.version)?
            .to_string_lossy()
            .into_owned();
        let mut attempt = 1;
        loop {
            match self.start_once(&class_path) {
                Err(error) if error.is_port_conflict() && attempt < START_ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    fn start_once(&self, class_path: &str) -> Result<KafkaCluster, KafkaError> {
        let directory = ClusterDirectory::create()?;
        self.start_in(directory, class_path)
    }

    fn start_in(
        &self,
        directory: ClusterDirectory,
        class_path: &str,
    ) -> Result<KafkaCluster, KafkaError> {
        let reserved = ReservedPorts::reserve(self.nodes)?;
        let mut configurations = Vec::with_capacity(self.nodes);
        for node in 0..self.nodes {
            let path = directory.subdirectory(&format!("node-{node}"))?;
            let mut settings =
                properties::broker(self.version, &reserved.ports, node, &path.join("data"));
            settings.extend(self.properties.clone());
            let file = path.join("server.properties");
            write(&file, &properties::text(&settings))?;
            configurations.push((path, file.to_string_lossy().into_owned()));
        }
        let mut cluster = KafkaCluster {
            nodes: Vec::new(),
            zookeeper: None,
            version: self.version,
            directory,
        };
        if self.version.coordination() == Coordination::KRaft {
            let files = configurations.iter().map(|(_, file)| file.as_str());
            format_storage(class_path, files)?;
        }
        let ports = reserved.release();
        let started = (|| {
            if self.version.coordination() == Coordination::ZooKeeper {
                cluster.zookeeper = Some(start_zookeeper(
                    &cluster.directory,
                    ports.zookeeper,
                    class_path,
                )?);
            }
            let role = JvmRole::Broker { nodes: self.nodes };
            for ((path, file), ports) in configurations.into_iter().zip(&ports.nodes) {
                let arguments = java_arguments(role, class_path, &["kafka.Kafka", &file]);
                let id = i32::try_from(cluster.nodes.len()).expect("there are at most three nodes");
                let java = prerequisites::java();
                cluster
                    .nodes
                    .push(KafkaNode::start(id, ports.broker, path, java, arguments)?);
            }
            cluster.wait_ready(READY_TIMEOUT)
        })();
        match started {
            Ok(()) => Ok(cluster),
            Err(error) => {
                if !error.is_port_conflict() {
                    cluster.directory.keep();
                }
                Err(error)
            }
        }
    }
}

/// Ports that the system chose, held until just before the processes take them.
struct ReservedPorts {
    ports: ClusterPorts,
    listeners: Vec<TcpListener>,
}

impl ReservedPorts {
    fn reserve(nodes: usize) -> Result<Self, KafkaError> {
        let mut listeners = Vec::with_capacity(2 * nodes + 1);
        let mut port = || -> io::Result<u16> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            listeners.push(listener);
            Ok(port)
        };
        let mut ports = || -> io::Result<ClusterPorts> {
            let nodes = (0..nodes)
                .map(|_| {
                    Ok(NodePorts {
                        broker: port()?,
                        controller: port()?,
                    })
                })
                .collect::<io::Result<_>>()?;
            Ok(ClusterPorts {
                nodes,
                zookeeper: port()?,
            })
        };
        let ports = ports().map_err(|source| KafkaError::io("looking for free ports", source))?;
        Ok(Self { ports, listeners })
    }

    fn release(self) -> ClusterPorts {
        drop(self.listeners);
        self.ports
    }
}

/// Writes a new cluster's id and first metadata into the nodes' data directories, all at once.
fn format_storage<'a>(
    class_path: &str,
    files: impl Iterator<Item = &'a str>,
) -> Result<(), KafkaError> {
    let id = properties::cluster_id(random());
    let mut running = Vec::new();
    for file in files {
        let program = ["kafka.tools.StorageTool", "format", "-t", &id, "-c", file];
        let child = Command::new(prerequisites::java())
            .args(java_arguments(JvmRole::Program, class_path, &program))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| KafkaError::io("formatting the storage", source))?;
        running.push(child);
    }
    for child in running {
        let output = child
            .wait_with_output()
            .map_err(|source| KafkaError::io("formatting the storage", source))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(KafkaError::Configuration { what: told });
        }
    }
    Ok(())
}

fn start_zookeeper(
    directory: &ClusterDirectory,
    port: u16,
    class_path: &str,
) -> Result<SupervisedJvm, KafkaError> {
    let path = directory.subdirectory("zookeeper")?;
    let file = path.join("zookeeper.properties");
    write(
        &file,
        &properties::text(&properties::zookeeper(port, &path.join("data"))),
    )?;
    let program = [
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        &file.to_string_lossy(),
    ];
    let arguments = java_arguments(JvmRole::ZooKeeper, class_path, &program);
    let mut zookeeper = SupervisedJvm::start(&prerequisites::java(), &arguments, &path)?;
    // The brokers give up soon if nobody listens, and say nothing about why.
    for _ in 0..ZOOKEEPER_LOOKS {
        if zookeeper.has_exited() {
            break;
        }
        if std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(zookeeper);
        }
        thread::sleep(LOOK_INTERVAL);
    }
    let last_lines = last_log_lines(&path, 0, PRINTED_LOG_LINES);
    Err(KafkaError::Exited {
        process: "ZooKeeper".into(),
        directory: path,
        last_lines,
    })
}

fn java_arguments(role: JvmRole, class_path: &str, program: &[&str]) -> Vec<String> {
    let mut arguments = properties::jvm_options(role);
    arguments.extend(["-cp".to_owned(), class_path.to_owned()]);
    arguments.extend(program.iter().map(|&word| word.to_owned()));
    arguments
}

fn write(path: &Path, text: &str) -> Result<(), KafkaError> {
    fs::write(path, text)
        .map_err(|source| KafkaError::io(format!("writing {}", path.display()), source))
}

fn knows_leaders(node: &KafkaNode, topic: &str, partitions: u32) -> bool {
    Probe::connect(node.port())
        .and_then(|mut probe| probe.partition_leaders(topic))
        .is_ok_and(|leaders| leaders.len() == partitions as usize)
}

/// A shared cluster is never dropped, so that only this can tell that its logs are wanted.
fn keep_after_panic(directory: &Path) {
    let keep = directory.join(super::supervised::KEEP_FILE);
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

/// How long a whole cluster may take to become ready; three nodes on two busy cores need half.
const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// How long to wait before looking again at something that does not announce itself.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How often to look whether ZooKeeper listens, [`LOOK_INTERVAL`] apart.
const ZOOKEEPER_LOOKS: u32 = 600;

/// How often a start is tried with new ports when somebody else took one.
const START_ATTEMPTS: u32 = 3;

/// How long the leaders of a new topic may take to become known everywhere.
const TOPIC_TIMEOUT: Duration = Duration::from_secs(30);
