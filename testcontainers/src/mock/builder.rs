//! What a mock cluster is like: set here, checked at the start.

use std::time::Duration;

use super::cluster::MockCluster;
use super::core::{Cluster, Options};
use super::error::MockError;
use super::server::{BROKERS_MAX, Server};

/// Describes a [`MockCluster`]. Made by [`MockCluster::builder`].
#[derive(Clone, Debug)]
pub struct MockClusterBuilder {
    brokers: usize,
    topics: Vec<(String, usize)>,
    options: Options,
}

impl MockClusterBuilder {
    pub(super) fn new() -> Self {
        Self {
            brokers: 1,
            topics: Vec::new(),
            options: Options {
                group_initial_rebalance_delay: Duration::ZERO,
                session_timeout_min: Duration::from_secs(1),
                auto_create_partitions: None,
            },
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

    /// Starts the cluster: opens the ports, and a thread that serves them all.
    ///
    /// # Errors
    ///
    /// [`MockError::Configuration`] for a cluster without brokers, or with more than a thousand;
    /// [`MockError::Refused`] for a topic that cannot be created; [`MockError::Io`] if the
    /// operating system has no ports or threads to give.
    pub fn start(self) -> Result<MockCluster, MockError> {
        if !(1..=BROKERS_MAX).contains(&self.brokers) {
            return Err(MockError::Configuration {
                what: "it needs one broker at least and a thousand at most",
            });
        }
        let topics = self.topics;
        let create_topics = |cluster: &mut Cluster| {
            topics.iter().try_for_each(|(name, partitions)| {
                cluster
                    .create_topic(name, *partitions)
                    .map_err(|code| MockError::Refused {
                        what: format!("topic {name} with {partitions} partitions"),
                        code,
                    })
            })
        };
        let running = Server::start(self.options, self.brokers, create_topics)?;
        Ok(MockCluster::new(running))
    }
}
