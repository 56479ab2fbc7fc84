//! Shell: what a scenario runs against: the embedded mock or a real Kafka, one broker or three.
//!
//! A scenario sees a [`Cluster`] and does not know which. Single brokers are shared by all
//! scenarios of a process, so that each takes topics and groups of its own from [`Cluster::fresh`].

mod conversation;
mod fill;
mod witness;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use weft_client::NodeId;
use weft_testcontainers::kafka::{
    JavaCommand, JavaProgram, KafkaCluster, KafkaClusterBuilder, KafkaError, KafkaVersion,
    Prerequisites,
};
use weft_testcontainers::mock::{KafkaRelease, MockCluster, MockClusterBuilder, Order};

use crate::ensure;
use crate::failure::Failure;
use crate::wait::PATIENCE;

pub use fill::{BASE_TIMESTAMP, Filled, append_batch, fill, lane_of_key};
pub use witness::{GroupSeen, MemberSeen, Node, Witness};

/// What to run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The embedded mock, started anew for each scenario.
    Mock {
        /// How many brokers it has.
        brokers: usize,
    },
    /// The embedded mock with one broker, which pretends to be of this release.
    Pretended(KafkaRelease),
    /// One real broker of this version, shared by the process.
    OneKafka(KafkaVersion),
    /// One real broker of the newest version behind a proxy, shared by the process.
    ProxiedKafka,
    /// Three real brokers of the newest version, shared by the process.
    ThreeKafkas,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mock { brokers: 1 } => write!(f, "mock (1 broker)"),
            Self::Mock { brokers } => write!(f, "mock ({brokers} brokers)"),
            Self::Pretended(release) => write!(f, "mock of {release} (1 broker)"),
            Self::OneKafka(version) => write!(f, "Kafka {version} (1 node)"),
            Self::ProxiedKafka => {
                write!(f, "Kafka {} (1 node, proxied)", KafkaVersion::default())
            }
            Self::ThreeKafkas => write!(f, "Kafka {} (3 nodes)", KafkaVersion::default()),
        }
    }
}

/// Why there is no cluster to run against.
#[derive(Debug)]
pub enum NoCluster {
    /// This machine lacks something; the text says what to install.
    NotHere(String),
    /// It should have started, and did not.
    Broken(Failure),
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    target: Target,
    brokers: Brokers,
}

#[derive(Debug)]
enum Brokers {
    Mock(MockCluster),
    Kafka(&'static KafkaCluster),
}

impl Cluster {
    /// Starts the target, or joins in using it.
    ///
    /// # Errors
    ///
    /// [`NoCluster`], which tells a machine that cannot from a start that failed.
    pub fn start(target: Target) -> Result<Self, NoCluster> {
        let brokers = match target {
            Target::Mock { brokers } => {
                let builder = MockCluster::builder().brokers(brokers);
                mock(builder.racks(&RACKS).rack_aware_reads(true))?
            }
            Target::Pretended(release) => mock(MockCluster::builder().release(release))?,
            Target::OneKafka(version) => Brokers::Kafka(real(|| KafkaCluster::shared(version))?),
            Target::ProxiedKafka => Brokers::Kafka(real(proxied_kafka)?),
            Target::ThreeKafkas => Brokers::Kafka(real(three_kafkas)?),
        };
        Ok(Self { target, brokers })
    }

    /// What this is.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The real Kafka; nothing for the mock.
    pub fn kafka(&self) -> Option<&'static KafkaCluster> {
        match &self.brokers {
            Brokers::Mock(_) => None,
            Brokers::Kafka(cluster) => Some(cluster),
        }
    }

    /// The version of a real Kafka; nothing for the mock.
    pub fn version(&self) -> Option<KafkaVersion> {
        match &self.brokers {
            Brokers::Mock(_) => None,
            Brokers::Kafka(cluster) => Some(cluster.version()),
        }
    }

    /// The value for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        match &self.brokers {
            Brokers::Mock(cluster) => cluster.bootstrap(),
            Brokers::Kafka(cluster) => cluster.bootstrap(),
        }
    }

    /// A name that nothing else uses, for a topic or a group.
    pub fn fresh(&self, name: &str) -> String {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("{name}-{:x}-{count}", process_tag())
    }

    /// Creates a topic with a fresh name, replicated to all brokers.
    ///
    /// # Errors
    ///
    /// If the brokers refuse.
    pub fn create_topic(&self, name: &str, partitions: u32) -> Result<String, Failure> {
        let topic = self.fresh(name);
        match &self.brokers {
            Brokers::Mock(cluster) => cluster.create_topic(&topic, partitions as usize)?,
            Brokers::Kafka(cluster) => cluster.create_topic(&topic, partitions)?,
        }
        Ok(topic)
    }

    /// Asks the brokers directly.
    ///
    /// # Errors
    ///
    /// If none can be reached.
    pub fn witness(&self) -> Result<Witness, Failure> {
        Witness::connect(&self.bootstrap())
    }

    /// Ends a broker at once, as a crash would.
    ///
    /// # Errors
    ///
    /// If it cannot be done.
    pub fn kill_broker(&self, id: i32) -> Result<(), Failure> {
        match &self.brokers {
            Brokers::Mock(cluster) => cluster.kill_broker(id)?,
            Brokers::Kafka(cluster) => cluster.node(index(id)).kill()?,
        }
        Ok(())
    }

    /// Starts a killed broker again and waits until it serves requests.
    ///
    /// # Errors
    ///
    /// If it does not come back.
    pub fn restart_broker(&self, id: i32) -> Result<(), Failure> {
        match &self.brokers {
            Brokers::Mock(cluster) => cluster.restart_broker(id)?,
            Brokers::Kafka(cluster) => {
                cluster.node(index(id)).restart()?;
                cluster.wait_ready(RESTART_TIMEOUT)?;
            }
        }
        Ok(())
    }

    /// Lets another broker lead each of these partitions of a topic, in the next epoch. False if
    /// the cluster does not do that by order, as real Kafka.
    ///
    /// # Errors
    ///
    /// If it cannot be done.
    pub fn move_leaders(&self, topic: &str, from: &BTreeMap<i32, Node>) -> Result<bool, Failure> {
        let Brokers::Mock(cluster) = &self.brokers else {
            return Ok(false);
        };
        for (partition, leader) in from {
            cluster.order(Order::MoveLeader {
                topic: topic.into(),
                partition: *partition,
                to: self.next_to(leader),
            })?;
        }
        Ok(true)
    }

    /// Lets another broker coordinate a group. False if the cluster does not do that by order.
    ///
    /// # Errors
    ///
    /// If it cannot be done.
    pub fn move_coordinator(&self, group: &str, from: &Node) -> Result<bool, Failure> {
        let Brokers::Mock(cluster) = &self.brokers else {
            return Ok(false);
        };
        cluster.order(Order::MoveCoordinator {
            group: group.into(),
            to: self.next_to(from),
        })?;
        Ok(true)
    }

    /// The broker after this one; the first one after the last.
    fn next_to(&self, node: &Node) -> NodeId {
        let brokers = i32::try_from(self.bootstrap().split(',').count());
        let brokers = brokers.expect("a cluster has few brokers");
        NodeId::new((node.id + 1) % brokers)
    }

    /// Starts a Java client: of the broker's version where that is a real one.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start_java(&self, command: &JavaCommand) -> Result<JavaProgram, Failure> {
        let version = self.version().unwrap_or_default();
        Ok(JavaProgram::start_with(
            version,
            &self.bootstrap(),
            command,
        )?)
    }

    /// Fails if a client did something that a correct one never does, which only the mock sees.
    ///
    /// # Errors
    ///
    /// With everything that was seen.
    pub fn check_clients(&self) -> Result<(), Failure> {
        if let Brokers::Mock(cluster) = &self.brokers {
            let violations = cluster.violations();
            ensure!(violations.is_empty(), "the mock saw {violations:?}");
        }
        Ok(())
    }
}

fn mock(builder: MockClusterBuilder) -> Result<Brokers, NoCluster> {
    let started = builder.start();
    let cluster = started.map_err(|error| NoCluster::Broken(error.into()))?;
    Ok(Brokers::Mock(cluster))
}

fn index(id: i32) -> usize {
    usize::try_from(id).expect("brokers of a test have ids from 0 on")
}

/// Whether this machine can run real brokers and Java clients.
///
/// # Errors
///
/// What is missing, or why that could not be found out.
pub fn check_java() -> Result<(), NoCluster> {
    match Prerequisites::check() {
        Ok(()) => Ok(()),
        Err(error @ KafkaError::Prerequisite { .. }) => Err(NoCluster::NotHere(error.to_string())),
        Err(error) => Err(NoCluster::Broken(error.into())),
    }
}

fn real(
    start: impl FnOnce() -> Result<&'static KafkaCluster, KafkaError>,
) -> Result<&'static KafkaCluster, NoCluster> {
    check_java()?;
    start().map_err(|error| match error {
        KafkaError::Download { .. } => NoCluster::NotHere(error.to_string()),
        error => NoCluster::Broken(error.into()),
    })
}

/// As [`KafkaCluster::shared`], for three nodes.
fn three_kafkas() -> Result<&'static KafkaCluster, KafkaError> {
    static CLUSTER: OnceLock<Result<KafkaCluster, String>> = OnceLock::new();
    once(&CLUSTER, || {
        let builder = KafkaCluster::builder().nodes(3).racks(&RACKS);
        builder.property("replica.selector.class", RACK_AWARE_SELECTOR)
    })
}

/// As [`KafkaCluster::shared`], behind a proxy.
fn proxied_kafka() -> Result<&'static KafkaCluster, KafkaError> {
    static CLUSTER: OnceLock<Result<KafkaCluster, String>> = OnceLock::new();
    once(&CLUSTER, || KafkaCluster::builder().proxied(PROXY_SEED))
}

fn once(
    cluster: &'static OnceLock<Result<KafkaCluster, String>>,
    builder: impl FnOnce() -> KafkaClusterBuilder,
) -> Result<&'static KafkaCluster, KafkaError> {
    let start = || builder().start().map_err(|error| error.to_string());
    cluster
        .get_or_init(start)
        .as_ref()
        .map_err(|what| KafkaError::Refused { what: what.clone() })
}

/// The racks of the nodes of a cluster of three, and of the mock, in the order of their ids.
pub const RACKS: [&str; 3] = ["a", "b", "c"];

const RACK_AWARE_SELECTOR: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

/// Decides which bits the proxy turns.
const PROXY_SEED: u64 = 7;

/// Tells the processes apart that use one cluster one after the other.
fn process_tag() -> u64 {
    static TAG: OnceLock<u64> = OnceLock::new();
    *TAG.get_or_init(|| RandomState::new().hash_one(0) >> 40)
}

/// How long a killed broker may take to come back on a busy machine.
const RESTART_TIMEOUT: Duration = PATIENCE.saturating_mul(3);
