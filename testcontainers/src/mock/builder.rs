//! What a mock cluster is like: set here, checked at the start.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use weft_client::wire::ErrorCode;

use super::cluster::MockCluster;
use super::core::{Cluster, FETCH_SESSIONS_DEFAULT, KafkaRelease, Options};
use super::error::MockError;
use super::ports::Listening;
use super::server::{BROKERS_MAX, Server, Setting};
use super::time::Time;
use super::witness::Witness;

/// Describes a [`MockCluster`]. Made by [`MockCluster::builder`].
#[derive(Clone, Debug)]
pub struct MockClusterBuilder {
    brokers: usize,
    topics: Vec<(String, usize)>,
    options: Options,
    racks: Vec<Arc<str>>,
    listening: Listening,
    witness: Option<Witness>,
    time: Time,
    failure_witness: Option<Witness>,
    directory: Option<PathBuf>,
    connections_max: usize,
    buffered_bytes_max: usize,
}

impl MockClusterBuilder {
    pub(super) fn new() -> Self {
        Self {
            brokers: 1,
            topics: Vec::new(),
            options: Options {
                release: KafkaRelease::Newest,
                fetch_sessions_max: FETCH_SESSIONS_DEFAULT,
                rack_aware_reads: false,
                group_initial_rebalance_delay: Duration::ZERO,
                session_timeout_min: Duration::from_secs(1),
                auto_create_partitions: None,
                record_bytes_max: RECORD_BYTES_MAX_DEFAULT,
            },
            racks: Vec::new(),
            listening: Listening::default(),
            witness: None,
            time: Time::Real,
            failure_witness: None,
            directory: None,
            connections_max: CONNECTIONS_MAX_DEFAULT,
            buffered_bytes_max: BUFFERED_BYTES_MAX_DEFAULT,
        }
    }

    /// The number of brokers, 1 unless set. Their ids count from 0.
    #[must_use]
    pub fn brokers(mut self, brokers: usize) -> Self {
        self.brokers = brokers;
        self
    }

    /// Creates a topic. Every broker has a replica of each partition, and they lead in turn.
    #[must_use]
    pub fn topic(mut self, name: &str, partitions: usize) -> Self {
        self.topics.push((name.to_owned(), partitions));
        self
    }

    /// Which release of Kafka the brokers pretend to be, [`KafkaRelease::Newest`] unless set: they
    /// announce and serve the versions that both that release and the mock know, and close the
    /// connection on which another version comes, as that release does. What an answer says follows
    /// the version of its request.
    ///
    /// The mock reads no version that Kafka 4.0 removed (KIP-896), so a pretended older release
    /// lacks those.
    #[must_use]
    pub fn release(mut self, release: KafkaRelease) -> Self {
        self.options.release = release;
        self
    }

    /// How many fetch sessions each broker keeps (`max.incremental.fetch.session.cache.slots`),
    /// 1,000 unless set, as in Kafka. Without a place for their session clients fetch without one,
    /// which they must be able to do.
    #[must_use]
    pub fn fetch_sessions_max(mut self, sessions: usize) -> Self {
        self.options.fetch_sessions_max = sessions;
        self
    }

    /// The racks of the brokers (`broker.rack`), in the order of their ids and then from the first
    /// one again. None unless set.
    #[must_use]
    pub fn racks(mut self, racks: &[&str]) -> Self {
        self.racks = racks.iter().map(|rack| Arc::from(*rack)).collect();
        self
    }

    /// Whether a leader sends a client that names its rack to a live replica in that rack (KIP-392,
    /// `replica.selector.class` with Kafka's `RackAwareReplicaSelector`). Off unless set, as in
    /// Kafka. Followers serve whoever asks them in either case.
    #[must_use]
    pub fn rack_aware_reads(mut self, is_enabled: bool) -> Self {
        self.options.rack_aware_reads = is_enabled;
        self
    }

    /// How long the first rebalance of an empty group waits for more members
    /// (`group.initial.rebalance.delay.ms`). Unlike Kafka's three seconds it is zero unless set, so
    /// that tests do not wait; members that start together then need one rebalance more.
    #[must_use]
    pub fn group_initial_rebalance_delay(mut self, delay: Duration) -> Self {
        self.options.group_initial_rebalance_delay = delay;
        self
    }

    /// The shortest session timeout that a member may have (`group.min.session.timeout.ms`): one
    /// second unless set, as in this crate's real clusters. Kafka's own default is six.
    #[must_use]
    pub fn session_timeout_min(mut self, timeout: Duration) -> Self {
        self.options.session_timeout_min = timeout;
        self
    }

    /// Whether a topic is created when a client asks for its metadata, and with how many partitions
    /// (`auto.create.topics.enable` and `num.partitions`). Off unless set, as in this crate's real
    /// clusters; Kafka's own default is one partition.
    #[must_use]
    pub fn auto_create_topics(mut self, is_enabled: bool, partitions: usize) -> Self {
        self.options.auto_create_partitions = is_enabled.then_some(partitions);
        self
    }

    /// How many bytes the records of all topics may have, as they are in their batches; 4 GiB
    /// unless set. What would exceed it is refused with `POLICY_VIOLATION`.
    #[must_use]
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.options.record_bytes_max = bytes;
        self
    }

    /// How many connections all brokers together serve at once, 10,000 unless set
    /// (`max.connections`, which in Kafka counts for each broker). Further ones are closed as soon
    /// as they are made, until others end. The operating system may have places for fewer; then
    /// further ones wait.
    #[must_use]
    pub fn connections_max(mut self, connections: usize) -> Self {
        self.connections_max = connections;
        self
    }

    /// How many bytes all connections together keep in memory; 1 GiB unless set
    /// (`queued.max.request.bytes`, which in Kafka lets connections wait). It counts requests as
    /// far as they have arrived, until they are answered, and answers until they are written,
    /// without the records in them. Beyond it the connections that keep most are closed, the
    /// greediest first; so a request larger than this closes its connection. One request and what
    /// is read at once may exceed it for a moment.
    #[must_use]
    pub fn buffered_bytes_max(mut self, bytes: usize) -> Self {
        self.buffered_bytes_max = bytes;
        self
    }

    /// The port of the first broker; the others have those that follow. Unless this is set the
    /// system chooses free ones, which is what tests want: a fixed port may be taken.
    #[must_use]
    pub fn ports_from(mut self, first: u16) -> Self {
        self.listening.first_port = Some(first);
        self
    }

    /// The address of this machine at which the brokers listen, `127.0.0.1` unless set.
    ///
    /// The mock knows no passwords: whoever reaches the address may do everything. So any other
    /// than a loopback address is for networks that you trust, such as that of your containers.
    #[must_use]
    pub fn listen_address(mut self, address: IpAddr) -> Self {
        self.listening.address = address;
        self
    }

    /// The host that the brokers name to clients (`advertised.listeners`): the address at which
    /// they listen unless set. It must be set where they listen on every address (`0.0.0.0`).
    #[must_use]
    pub fn advertised_host(mut self, host: &str) -> Self {
        self.listening.advertised_host = Some(host.to_owned());
        self
    }

    /// Has `tell` called with each violation as it happens; [`MockCluster::violations`] has them
    /// as well. It is called on the thread of the cluster, so it must be quick, and must not ask
    /// the cluster anything: that would wait for itself for ever.
    #[must_use]
    pub fn on_violation(mut self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.witness = Some(Witness::new(tell));
        self
    }

    /// The options, the number of brokers, and the topics.
    #[cfg(feature = "simulation")]
    pub(super) fn into_parts(self) -> (Options, usize, Vec<(String, usize)>) {
        (self.options, self.brokers, self.topics)
    }

    /// Has the cluster's time stand still, and only move by
    /// [`MockCluster::advance`](MockCluster::advance): session timeouts, delays, long polls, the
    /// loading of coordinators, transactions, and scripts go by it.
    ///
    /// Clients with clocks of their own do not know of it. Their timers go on as ever, so that a
    /// consumer sends heartbeats and its requests time out by the real clock, while the cluster
    /// ends a session only once its time was moved far enough. A fetch for which there are no
    /// records is not answered until some come or the time is moved, so that a client may give up
    /// on it after its `request.timeout.ms`.
    #[must_use]
    pub fn virtual_time(mut self) -> Self {
        self.time = Time::still();
        self
    }

    /// Keeps the cluster in this directory, which is made if it does not exist: a cluster that is
    /// started there later goes on where this one ended, however it ended. One process at a time
    /// can use it.
    ///
    /// What outlives the process: topics and their records, leader epochs, committed offsets, and
    /// groups with their generation and their members as of their last assignment, so that members
    /// that are still there go on without a rebalance. All of it is in memory as well. What was
    /// acknowledged before a `kill -9` is there; the mock waits for the disk only at an orderly
    /// end, so a machine that loses its power may lose the last seconds, as with Kafka's defaults.
    ///
    /// Topics that the builder names are created unless they exist already.
    ///
    /// If the directory cannot be written any more all brokers die, as Kafka's do, and
    /// [`MockCluster::failure`] tells why.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Has `tell` called if the cluster dies because it cannot write its directory. What is said of
    /// [`Self::on_violation`] goes for this as well.
    #[must_use]
    pub fn on_failure(mut self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.failure_witness = Some(Witness::new(tell));
        self
    }

    /// Starts the cluster: opens the ports, and a thread that serves them all.
    ///
    /// # Errors
    ///
    /// [`MockError::Configuration`] for a cluster without brokers, or with more than a thousand, or
    /// with ports or addresses that cannot be, or that may serve nobody; [`MockError::Refused`] for
    /// a topic that cannot be created, or exists in the directory with another number of
    /// partitions; [`MockError::Directory`] if another process uses the directory, or its journal
    /// is damaged; [`MockError::Io`] if a port is taken, or the operating system has no ports,
    /// threads or files to give.
    pub fn start(self) -> Result<MockCluster, MockError> {
        if !(1..=BROKERS_MAX).contains(&self.brokers) {
            return Err(MockError::Configuration {
                what: "it needs one broker at least and a thousand at most",
            });
        }
        if self.connections_max == 0 || self.buffered_bytes_max == 0 {
            return Err(MockError::Configuration {
                what: "without connections, or bytes for them, it serves nobody",
            });
        }
        self.listening.check(self.brokers)?;
        let topics = self.topics;
        let running = Server::start(
            Setting {
                options: self.options,
                brokers: self.brokers,
                racks: self.racks,
                listening: self.listening,
                witness: self.witness,
                failure_witness: self.failure_witness,
                directory: self.directory,
                time: self.time,
                connections_max: self.connections_max,
                buffered_bytes_max: self.buffered_bytes_max,
            },
            |cluster| create_topics(cluster, &topics),
        )?;
        Ok(MockCluster::new(running))
    }
}

/// Creates what is not there; what is there must be of the same size.
fn create_topics(cluster: &mut Cluster, topics: &[(String, usize)]) -> Result<(), MockError> {
    let known: BTreeMap<_, _> = cluster
        .topic_summaries()
        .into_iter()
        .map(|topic| (topic.name, topic.partitions))
        .collect();
    topics.iter().try_for_each(|(name, partitions)| {
        let created = match known.get(name.as_str()) {
            Some(known) if known == partitions => return Ok(()),
            Some(_) => Err(ErrorCode::TOPIC_ALREADY_EXISTS),
            None => cluster.create_topic(name, *partitions),
        };
        created.map_err(|code| MockError::Refused {
            what: format!("topic {name} with {partitions} partitions"),
            code,
        })
    })
}

/// So much a machine for tests can spare.
const RECORD_BYTES_MAX_DEFAULT: usize = 4 << 30;

/// More than any test has clients.
const CONNECTIONS_MAX_DEFAULT: usize = 10_000;

/// Ten of the largest requests at once.
const BUFFERED_BYTES_MAX_DEFAULT: usize = 1 << 30;
