//! What both patterns can be told, and the consumers that they make from it.

use std::sync::Arc;
use std::time::Duration;

use weft_client::config::Problems;
use weft_client::{Error, GroupInstanceId, TopicName};
use weft_consumer::{Consumer, ConsumerConfig};

use crate::retry::FailurePolicy;

type ConsumerFactory = Arc<dyn Fn(usize, ConsumerConfig) -> Result<Consumer, Error> + Send + Sync>;

/// The options that both patterns have.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) config: ConsumerConfig,
    pub(crate) topics: Vec<TopicName>,
    pub(crate) consumers: ConsumerFactory,
    pub(crate) failure_policy: FailurePolicy,
    pub(crate) commit_interval: Duration,
    pub(crate) shutdown_timeout: Duration,
}

/// The last commit before partitions are given up is tried for so long.
pub(crate) const LAST_COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time to finish what was started, to commit it and to leave the group.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// So many consumers, or workers, are possible in one runtime.
pub(crate) const THREADS_MAX: usize = 4_096;

impl Settings {
    pub(crate) fn new(config: ConsumerConfig, commit_interval: Duration) -> Self {
        Self {
            config,
            topics: Vec::new(),
            consumers: Arc::new(|_, config| Consumer::new(config)),
            failure_policy: FailurePolicy::default(),
            commit_interval,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
        }
    }

    /// Adds what is wrong with them.
    pub(crate) fn check(&self, problems: &mut Problems) {
        if self.topics.is_empty() {
            problems.add("topics", "name at least one");
        }
        if self.config.group_id.is_none() {
            problems.add(
                "group.id",
                "is needed: the runtime commits offsets for a group",
            );
        }
        if self.config.enable_auto_commit {
            problems.add(
                "enable.auto.commit",
                "must be false: the runtime commits by itself, and only what is finished",
            );
        }
    }

    /// A consumer for the thread with this number, of so many.
    pub(crate) fn consumer(&self, index: usize, count: usize) -> Result<Consumer, Error> {
        let mut config = self.config.clone();
        if count > 1 {
            if let Some(instance) = &config.group_instance_id {
                let distinct = format!("{instance}-{index}");
                config.group_instance_id = Some(GroupInstanceId::new(distinct));
            }
            if !config.client.client_id.is_empty() {
                config.client.client_id = format!("{}-{index}", config.client.client_id);
            }
        }
        (self.consumers)(index, config)
    }
}

/// Adds a problem unless a number of threads is possible.
pub(crate) fn check_threads(problems: &mut Problems, name: &str, count: usize) {
    if !(1..=THREADS_MAX).contains(&count) {
        problems.add(
            name,
            format!("{count} is not allowed: must be 1 to {THREADS_MAX}"),
        );
    }
}

/// The methods of a builder that set the options of both patterns.
macro_rules! settings_methods {
    () => {
        /// The topics to consume, at least one.
        pub fn topics<T: Into<weft_client::TopicName>>(
            mut self,
            topics: impl IntoIterator<Item = T>,
        ) -> Self {
            self.settings.topics = topics.into_iter().map(Into::into).collect();
            self
        }

        /// How consumers are made: from the number of the thread, counted from 0, and the
        /// configuration, in which `client.id` and `group.instance.id` bear that number already.
        /// By default `Consumer::new(config)`.
        pub fn consumers(
            mut self,
            factory: impl Fn(
                usize,
                weft_consumer::ConsumerConfig,
            ) -> Result<weft_consumer::Consumer, weft_client::Error>
            + Send
            + Sync
            + 'static,
        ) -> Self {
            self.settings.consumers = std::sync::Arc::new(factory);
            self
        }

        /// What to do when the handler fails. By default the record is tried again for ever.
        pub fn failure_policy(mut self, policy: crate::retry::FailurePolicy) -> Self {
            self.settings.failure_policy = policy;
            self
        }

        /// The time between two commits of what is finished.
        pub fn commit_interval(mut self, interval: std::time::Duration) -> Self {
            self.settings.commit_interval = interval;
            self
        }

        /// The time that a shutdown may take: to finish what was started, to commit it, and to
        /// leave the group. By default 30 s.
        pub fn shutdown_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.settings.shutdown_timeout = timeout;
            self
        }
    };
}
pub(crate) use settings_methods;
