//! Shell: what it takes to get a cluster going: ports, files, formatting, processes, attempts.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: waits for processes and finds free ports"
)]

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::cluster::{KafkaCluster, LOOK_INTERVAL};
use super::directory::{ClusterDirectory, PRINTED_LOG_LINES, random};
use super::error::KafkaError;
use super::jars;
use super::jvm::Jvm;
use super::node::{KafkaNode, NodeCondition};
use super::prerequisites;
use super::properties::{self, ClusterPorts, JvmRole, NodePorts, Properties};
use super::supervised::{SupervisedJvm, last_log_lines};
use super::version::{Coordination, KafkaVersion};
use crate::proxy::Proxy;

/// How a cluster is to be started. Made by [`KafkaCluster::builder`].
#[derive(Clone, Debug)]
pub struct KafkaClusterBuilder {
    version: KafkaVersion,
    nodes: usize,
    racks: Vec<String>,
    properties: Properties,
    proxy_seed: Option<u64>,
}

impl KafkaClusterBuilder {
    pub(super) fn new() -> Self {
        Self {
            version: KafkaVersion::default(),
            nodes: 1,
            racks: Vec::new(),
            properties: Properties::new(),
            proxy_seed: None,
        }
    }

    /// Which version to run; [`KafkaVersion::V4_4_0`] unless said.
    pub fn version(mut self, version: KafkaVersion) -> Self {
        self.version = version;
        self
    }

    /// How many nodes, 1 to 3; one unless said.
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// The racks of the nodes (`broker.rack`), in the order of their ids; nodes beyond them, or
    /// all of them unless said, have none.
    pub fn racks(mut self, racks: &[&str]) -> Self {
        self.racks = racks.iter().map(|&rack| rack.to_owned()).collect();
        self
    }

    /// A broker property, in place of what the cluster would set by itself. Unless said:
    /// `auto.create.topics.enable=false`, `group.initial.rebalance.delay.ms=0`,
    /// `group.min.session.timeout.ms=1000`, `log.retention.ms=-1`, and replication to all nodes.
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Puts a [`Proxy`] in front of each node: [`KafkaCluster::bootstrap`] and the brokers' own
    /// answers send clients there, while the brokers talk to each other directly.
    /// [`KafkaCluster::proxy`] gives them; the seed decides which bits they turn.
    pub fn proxied(mut self, seed: u64) -> Self {
        self.proxy_seed = Some(seed);
        self
    }

    /// Starts the cluster and waits until it is ready. The first start of a version on a machine
    /// takes about a minute longer: its jars are fetched, and its classes are prepared for quicker
    /// starts.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Prerequisite`] if Java or Maven is missing, or Java is too new for the
    /// version; [`KafkaError::Download`] if the jars cannot be fetched, as for a version that was
    /// never released; [`KafkaError::Configuration`] for any other number of nodes than 1 to 3; and
    /// otherwise what kept the cluster from starting. Its files are left in place then.
    pub fn start(self) -> Result<KafkaCluster, KafkaError> {
        if !(1..=3).contains(&self.nodes) {
            let what = format!("{} nodes were asked for; 1 to 3 are possible", self.nodes);
            return Err(KafkaError::Configuration { what });
        }
        prerequisites::check_java_for(self.version)?;
        let jvm = Jvm::of(self.version)?;
        if jvm.has_class_archive() {
            return self.start_with(&jvm);
        }
        // Without an archive everything works, only slower; what hinders its making may show itself
        // again at the start proper, and is reported there.
        let _ = record_classes(self.version);
        self.start_with(&Jvm::of(self.version)?)
    }

    fn start_with(&self, jvm: &Jvm) -> Result<KafkaCluster, KafkaError> {
        let mut attempt = 1;
        loop {
            match self.start_once(jvm) {
                Err(error) if error.is_port_conflict() && attempt < START_ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    fn start_once(&self, jvm: &Jvm) -> Result<KafkaCluster, KafkaError> {
        let directory = ClusterDirectory::create()?;
        let mut reserved = ReservedPorts::reserve(self.nodes)?;
        let proxies = self.start_proxies(&mut reserved.ports)?;
        let configured = self.configure(&directory, &reserved.ports)?;
        if self.version.coordination() == Coordination::KRaft {
            format_storage(jvm, &configured)?;
        }
        let mut cluster = KafkaCluster::without_nodes(self.version, directory, proxies);
        let started = self
            .launch(jvm, configured, &reserved.release(), &mut cluster)
            .and_then(|()| cluster.wait_ready(READY_TIMEOUT));
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

    fn start_proxies(&self, ports: &mut ClusterPorts) -> Result<Vec<Proxy>, KafkaError> {
        let Some(seed) = self.proxy_seed else {
            return Ok(Vec::new());
        };
        let mut proxies = Vec::with_capacity(self.nodes);
        for (node, seed) in ports.nodes.iter_mut().zip(seed..) {
            let broker = SocketAddr::from((Ipv4Addr::LOCALHOST, node.broker));
            let proxy = Proxy::start(broker, seed)
                .map_err(|source| KafkaError::io("starting a proxy", source))?;
            node.proxy = Some(proxy.port());
            proxies.push(proxy);
        }
        Ok(proxies)
    }

    fn configure(
        &self,
        directory: &ClusterDirectory,
        ports: &ClusterPorts,
    ) -> Result<Vec<ConfiguredNode>, KafkaError> {
        let mut configured = Vec::with_capacity(self.nodes);
        for node in 0..self.nodes {
            let path = directory.subdirectory(&format!("node-{node}"))?;
            let mut settings = properties::broker(self.version, ports, node, &path.join("data"));
            settings.extend(self.properties.clone());
            let rack = self.racks.get(node);
            settings.extend(rack.map(|rack| ("broker.rack".to_owned(), rack.clone())));
            let file = path.join("server.properties");
            write(&file, &properties::text(&settings))?;
            let file = file.to_string_lossy().into_owned();
            configured.push(ConfiguredNode {
                directory: path,
                file,
            });
        }
        Ok(configured)
    }

    fn launch(
        &self,
        jvm: &Jvm,
        configured: Vec<ConfiguredNode>,
        ports: &ClusterPorts,
        cluster: &mut KafkaCluster,
    ) -> Result<(), KafkaError> {
        if self.version.coordination() == Coordination::ZooKeeper {
            cluster.zookeeper = Some(start_zookeeper(jvm, &cluster.directory, ports.zookeeper)?);
        }
        let role = JvmRole::Broker { nodes: self.nodes };
        for ((node, ports), id) in configured.into_iter().zip(&ports.nodes).zip(0..) {
            let arguments = jvm.arguments(role, &["kafka.Kafka", &node.file]);
            let java = prerequisites::java();
            let node = KafkaNode::start(id, ports.broker, node.directory, java, arguments)?;
            cluster.nodes.push(node);
        }
        Ok(())
    }
}

/// A node whose files are written.
struct ConfiguredNode {
    directory: PathBuf,
    /// The path of its properties.
    file: String,
}

/// Runs a node once for the sake of its classes: the JVM leaves them parsed and linked in a file,
/// which halves the processor time of each later start.
fn record_classes(version: KafkaVersion) -> Result<(), KafkaError> {
    jars::with_lock(&format!("classes-{version}"), || {
        let jvm = Jvm::of(version)?;
        if jvm.has_class_archive() {
            return Ok(());
        }
        let partial = jvm.class_archive().with_extension("partial");
        let builder = KafkaClusterBuilder::new().version(version);
        let cluster = builder.start_with(&jvm.recording(&partial))?;
        cluster.node(0).terminate()?;
        for _ in 0..RECORDING_LOOKS {
            if cluster.node(0).condition()? == NodeCondition::Exited {
                break;
            }
            thread::sleep(LOOK_INTERVAL);
        }
        fs::rename(&partial, jvm.class_archive())
            .map_err(|source| KafkaError::io("keeping the class archive", source))
    })
}

/// Ports that the system chose, held until just before the processes take them.
struct ReservedPorts {
    ports: ClusterPorts,
    listeners: Vec<TcpListener>,
}

impl ReservedPorts {
    fn reserve(nodes: usize) -> Result<Self, KafkaError> {
        let mut listeners = Vec::with_capacity(3 * nodes + 1);
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
                        replication: port()?,
                        proxy: None,
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
fn format_storage(jvm: &Jvm, nodes: &[ConfiguredNode]) -> Result<(), KafkaError> {
    let failed = |source| KafkaError::io("formatting the storage", source);
    let id = properties::cluster_id(random());
    let mut running = Vec::with_capacity(nodes.len());
    for node in nodes {
        let program = [
            "kafka.tools.StorageTool",
            "format",
            "-t",
            &id,
            "-c",
            &node.file,
        ];
        let child = Command::new(prerequisites::java())
            .args(
                jvm.without_recording()
                    .arguments(JvmRole::Program, &program),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        running.push(child);
    }
    for child in running {
        let output = child.wait_with_output().map_err(failed)?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(KafkaError::Configuration { what: told });
        }
    }
    Ok(())
}

fn start_zookeeper(
    jvm: &Jvm,
    directory: &ClusterDirectory,
    port: u16,
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
    let arguments = jvm
        .without_recording()
        .arguments(JvmRole::ZooKeeper, &program);
    let mut zookeeper = SupervisedJvm::start(&prerequisites::java(), &arguments, &path)?;
    // A broker whose ZooKeeper does not listen yet waits longer than it must.
    for _ in 0..ZOOKEEPER_LOOKS {
        if zookeeper.has_exited() {
            break;
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(zookeeper);
        }
        thread::sleep(LOOK_INTERVAL);
    }
    directory.keep();
    let last_lines = last_log_lines(&path, 0, PRINTED_LOG_LINES);
    Err(KafkaError::Exited {
        process: "ZooKeeper".into(),
        directory: path,
        last_lines,
    })
}

fn write(path: &Path, text: &str) -> Result<(), KafkaError> {
    fs::write(path, text)
        .map_err(|source| KafkaError::io(format!("writing {}", path.display()), source))
}

/// How long a whole cluster may take to become ready; three nodes on two busy cores need half.
const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// How often to look whether ZooKeeper listens, [`LOOK_INTERVAL`] apart.
const ZOOKEEPER_LOOKS: u32 = 600;

/// How often a start is tried with new ports when somebody else took one.
const START_ATTEMPTS: u32 = 3;

/// How often to look whether a node whose classes were recorded has written them and ended,
/// [`LOOK_INTERVAL`] apart.
const RECORDING_LOOKS: u32 = 1200;
