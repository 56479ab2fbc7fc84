//! The machine: it asks one question at a time, and turns answers into belief.
//!
//! It decides when to ask, whom, and for which topics, and whether to start again from the
//! bootstrap addresses. It never sends, and never gives up: a failure only makes it slower.
//!
//! ```text
//!           poll (update due and allowed, a broker found)
//!   idle ------------------------------------------------> asked
//!     ^                                                      |
//!     +---- handle_response / handle_failure (backoff) ------+
//! ```
//!
//! Inputs: `set_topics`, `request_update`, `update_leader`, `see_epoch`, `poll`, answers. Output:
//! the request that `poll` returns. The one surprising thing: starting again keeps the topics, so
//! that leader epochs do not go back; only their leaders are unknown until the next answer.

mod start;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use self::start::Abandon;
use super::bootstrap::Bootstrap;
use super::load::{Found, NodeLoads, least_loaded};
use super::merge::merge;
use super::refresh::{Extent, Refresh};
use super::resolution::Resolution;
use super::snapshot::ClusterSnapshot;
use crate::backoff::{ExponentialBackoff, Random};
use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, LeaderEpoch, NodeId, TopicName, TopicPartition};
use crate::wire::messages::metadata_request::MetadataRequestTopic;
use crate::wire::messages::{self, MetadataRequest, MetadataResponse};
use crate::wire::{Context, ErrorCode, Reaction, Request, reaction};

/// The topics that somebody wants to know about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topics {
    /// All topics of the cluster.
    All,
    /// These topics; none at all to learn about the brokers only.
    Named(BTreeSet<TopicName>),
}

/// Why an update is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateReason {
    /// A caller waits for it. It is asked for at once, unless questions are failing.
    CallerWaits,
    /// The leader of a partition is not known.
    LeaderUnknown,
    /// A broker said that what we believe is wrong.
    BeliefRefused,
    /// A connection was lost.
    Disconnected,
}

/// What became of the news that a partition has another leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderUpdate {
    /// It is believed from now on.
    Believed,
    /// It is not newer than what is known, or names a broker or partition that is not known.
    Ignored,
}

/// What we believe about the cluster, and how we keep it fresh. See the module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    snapshot: Arc<ClusterSnapshot>,
    version: u64,
    topics: Topics,
    /// Topics that were wanted after the last full question.
    new_topics: BTreeSet<TopicName>,
    refresh: Refresh,
    bootstrap: Bootstrap,
    resolution: Resolution,
    /// Brokers whose connections the owner has not closed yet.
    abandoned: Vec<NodeId>,
    asked: Option<Asked>,
    /// No broker can be asked before this time.
    reachable_at: Option<Instant>,
    reconnect: ExponentialBackoff,
    auto_create: bool,
    invalid_topics: BTreeSet<TopicName>,
    unauthorized_topics: BTreeSet<TopicName>,
    created_at: Instant,
    random: Random,
}

/// The question whose answer is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    extent: Extent,
    is_for_all: bool,
    new_topics: BTreeSet<TopicName>,
}

impl Cluster {
    /// Knows nothing but the bootstrap addresses. Equal seeds spread load equally.
    pub fn new(config: &ClientConfig, now: Instant, seed: u64) -> Self {
        let bootstrap = Bootstrap::new(config);
        let names = bootstrap.brokers().len();
        let resolution = Resolution::new(names, config.bootstrap_resolve_timeout, now);
        Self {
            snapshot: Arc::new(ClusterSnapshot::of_brokers(bootstrap.brokers())),
            version: 0,
            topics: Topics::Named(BTreeSet::new()),
            new_topics: BTreeSet::new(),
            refresh: Refresh::new(config.retry_delays(), config.metadata_max_age),
            bootstrap,
            resolution,
            abandoned: Vec::new(),
            asked: None,
            reachable_at: None,
            reconnect: config.reconnect_delays(),
            auto_create: config.allow_auto_create_topics,
            invalid_topics: BTreeSet::new(),
            unauthorized_topics: BTreeSet::new(),
            created_at: now,
            random: Random::new(seed),
        }
    }

    /// Says which topics are wanted. New ones are asked for at once; what is known of those no
    /// longer wanted goes with the next full update.
    pub fn set_topics(&mut self, topics: Topics) {
        match &topics {
            Topics::All if self.topics != Topics::All => {
                self.new_topics.clear();
                self.refresh.request();
                self.refresh.allow_now();
            }
            Topics::All => {}
            Topics::Named(names) => {
                let is_new = |name: &&TopicName| match &self.topics {
                    Topics::All => self.snapshot.topic(name.as_str()).is_none(),
                    Topics::Named(before) => !before.contains(*name),
                };
                let fresh: Vec<TopicName> = names.iter().filter(is_new).cloned().collect();
                self.new_topics.retain(|name| names.contains(name));
                if !fresh.is_empty() {
                    self.new_topics.extend(fresh);
                    self.refresh.allow_now();
                }
            }
        }
        self.topics = topics;
    }

    /// Wants one topic more. Cheap where it is wanted already.
    pub fn add_topic(&mut self, name: &TopicName) {
        if let Topics::Named(names) = &mut self.topics
            && !names.contains(name)
        {
            names.insert(name.clone());
            self.new_topics.insert(name.clone());
            self.refresh.allow_now();
        }
    }

    /// The topics that are wanted.
    pub fn wanted_topics(&self) -> &Topics {
        &self.topics
    }

    /// Makes an update due. Returns the present version: the update has come when
    /// [`Cluster::version`] is greater.
    pub fn request_update(&mut self, reason: UpdateReason) -> u64 {
        self.refresh.request();
        if reason == UpdateReason::CallerWaits {
            self.refresh.forget_backoff();
        }
        self.version
    }

    /// Whether an update is due, allowed or not.
    pub fn is_update_due(&self, now: Instant) -> bool {
        !self.new_topics.is_empty() || self.refresh.is_full_due(now)
    }

    /// The next question and the broker to ask, if one is due, allowed, and not asked yet. The
    /// caller sends it, and reports what became of it with [`Cluster::handle_response`] or
    /// [`Cluster::handle_failure`].
    pub fn poll(&mut self, now: Instant, loads: &dyn NodeLoads) -> Option<(Arc<Broker>, Request)> {
        self.resolution.expire(now);
        let is_reachable = self
            .reachable_at
            .is_none_or(|reachable_at| reachable_at <= now);
        let may_ask = self.refresh.is_allowed(now) && is_reachable;
        if self.asked.is_some() || !self.is_update_due(now) || !may_ask {
            return None;
        }
        if self.bootstrap.is_overdue(now) {
            self.start_again(Abandon::Connections);
        }
        self.bootstrap.asked(now);
        let broker = self.find_broker(now, loads)?;
        self.reachable_at = None;
        Some((broker, self.question(now)))
    }

    /// Takes an answer to the question asked last. An answer to no question is ignored.
    pub fn handle_response(&mut self, now: Instant, answer: &MetadataResponse) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let whole = reaction(Context::Metadata, ErrorCode(answer.error_code));
        if whole == Reaction::Rebootstrap && self.bootstrap.may_start_again() {
            self.start_again(Abandon::Connections);
        }
        let merged = merge(&self.snapshot, answer, asked.extent);
        if whole != Reaction::Accept || merged.snapshot.brokers.is_empty() {
            self.refresh.failed(now, &mut self.random);
            return;
        }
        self.bootstrap.series_ended();
        self.refresh
            .succeeded(now, asked.extent, merged.learned, &mut self.random);
        self.new_topics
            .retain(|name| !asked.new_topics.contains(name));
        let all_came_later = self.topics == Topics::All && !asked.is_for_all;
        if merged.is_incomplete || all_came_later {
            self.refresh.request();
        }
        self.invalid_topics = merged.invalid_topics;
        self.unauthorized_topics = merged.unauthorized_topics;
        self.snapshot = Arc::new(merged.snapshot);
        self.version += 1;
    }

    /// Takes note that the question asked last got no answer.
    pub fn handle_failure(&mut self, now: Instant) {
        if self.asked.take().is_some() {
            self.refresh.failed(now, &mut self.random);
        }
    }

    /// The time at which [`Cluster::poll`] has something to do again; a past time for "now".
    /// `None` while an answer is awaited.
    pub fn next_deadline(&self) -> Option<Instant> {
        let gives_up_at = self.resolution.gives_up_at();
        if self.asked.is_some() {
            return gives_up_at;
        }
        let due_at = self.refresh.next_at(!self.new_topics.is_empty());
        let ask_at = due_at.max(self.reachable_at).unwrap_or(self.created_at);
        Some(gives_up_at.map_or(ask_at, |gives_up_at| gives_up_at.min(ask_at)))
    }

    /// Takes the news of a partition's leader from a fetch or produce response (KIP-951). It is
    /// believed if its epoch is newer than any seen and the broker is known or described.
    pub fn update_leader(
        &mut self,
        partition: &TopicPartition,
        leader: NodeId,
        epoch: LeaderEpoch,
        described: Option<Broker>,
    ) -> LeaderUpdate {
        let described = described.filter(|broker| broker.id == leader);
        let is_known = self.snapshot.broker(leader).is_some() || described.is_some();
        let known = self.snapshot.partition(partition);
        let is_newer = known.is_some_and(|known| known.newest_epoch < Some(epoch));
        if !is_known || !is_newer {
            return LeaderUpdate::Ignored;
        }
        let snapshot = Arc::make_mut(&mut self.snapshot);
        if let Some(broker) = described {
            snapshot.brokers.insert(leader, Arc::new(broker));
        }
        if let Some(known) = snapshot.partition_mut(partition) {
            known.leader = Some(leader);
            known.leader_epoch = Some(epoch);
            known.newest_epoch = Some(epoch);
        }
        self.version += 1;
        LeaderUpdate::Believed
    }

    /// Takes note of an epoch seen in some response. If it is newer than any known, the leader
    /// counts as unknown until the update that this requests.
    pub fn see_epoch(&mut self, partition: &TopicPartition, epoch: LeaderEpoch) {
        let known = self
            .snapshot
            .partition(partition)
            .and_then(|known| known.newest_epoch);
        // A partition without epochs comes from a broker without them, so there is nothing to pass.
        if known.is_some_and(|newest| epoch > newest) {
            if let Some(known) = Arc::make_mut(&mut self.snapshot).partition_mut(partition) {
                known.newest_epoch = Some(epoch);
            }
            self.version += 1;
            self.refresh.request();
        }
    }

    /// What is believed now. It is shared, and never changes.
    pub fn snapshot(&self) -> &Arc<ClusterSnapshot> {
        &self.snapshot
    }

    /// A number that grows with every change of belief.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The broker that leads a partition, and its epoch; `None` where that is not known for sure.
    pub fn leader(&self, partition: &TopicPartition) -> Option<(Arc<Broker>, Option<LeaderEpoch>)> {
        let (broker, epoch) = self.snapshot.leader(partition)?;
        Some((Arc::clone(broker), epoch))
    }

    /// The broker with this id.
    pub fn broker(&self, node: NodeId) -> Option<Arc<Broker>> {
        self.snapshot.broker(node).map(Arc::clone)
    }

    /// The broker with the least to do; `None` where none can be used now.
    pub fn least_loaded(&mut self, loads: &dyn NodeLoads) -> Option<Arc<Broker>> {
        match least_loaded(&self.snapshot, loads, &mut self.random) {
            Found::Broker(broker) => Some(broker),
            Found::Throttled(_) | Found::Unreachable(_) => None,
        }
    }

    /// The error of topics that are refused for good: invalid names first, then those that we may
    /// not see. Each is told once per answer.
    pub fn take_topic_error(&mut self) -> Option<Error> {
        if !self.invalid_topics.is_empty() {
            let topics = std::mem::take(&mut self.invalid_topics);
            let error = Error::new(
                ErrorKind::InvalidTopic,
                "the brokers refuse the topic's name",
            );
            return Some(error.with_topics(topics));
        }
        if !self.unauthorized_topics.is_empty() {
            let topics = std::mem::take(&mut self.unauthorized_topics);
            let text = "not allowed to see the topic";
            return Some(Error::new(ErrorKind::TopicAuthorization, text).with_topics(topics));
        }
        None
    }

    fn question(&mut self, now: Instant) -> Request {
        let is_full = self.refresh.is_full_due(now);
        let extent = if is_full {
            Extent::Full
        } else {
            Extent::NewTopics
        };
        let names = match (extent, &self.topics) {
            (Extent::Full, Topics::All) => None,
            (Extent::Full, Topics::Named(names)) => Some(names),
            (Extent::NewTopics, _) => Some(&self.new_topics),
        };
        let is_for_all = names.is_none();
        let named = |name: &TopicName| {
            MetadataRequestTopic::default().with_name(Some(messages::TopicName::from(name)))
        };
        let request = MetadataRequest::default()
            .with_topics(names.map(|names| names.iter().map(named).collect()))
            .with_allow_auto_topic_creation(self.auto_create);
        let new_topics = self.new_topics.clone();
        self.asked = Some(Asked {
            extent,
            is_for_all,
            new_topics,
        });
        Request::Metadata(request)
    }
}

#[cfg(test)]
mod tests;
