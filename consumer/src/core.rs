//! The data plane of one consumer: what it reads, where it stands, and what it has fetched.
//!
//! It decides what to ask of which broker and what `poll` returns. It never decides what the
//! consumer owns in a group, it sends nothing itself, and it never reads a clock. Inputs: what the
//! user and the group want, and what came of requests. Outputs: requests, and records.
//!
//! The surprising thing: fetches run ahead of the user, so a partition has a position and a fetch
//! offset, and a stamp that tells answers for its present life from stale ones.
//!
//! Epochs of leaders travel in fetches, look-ups and commits, so that a broker with an older view
//! refuses. Each new leader has to confirm positions before they are read from (`validation.rs`);
//! an offset outside the log is reset by policy.

mod assignment;
mod closing;
mod collect;
mod fetching;
mod list_offsets;
mod look_up;
mod network;
mod offsets;
mod patterns;
mod repetition;
mod targets;
#[cfg(test)]
pub(crate) mod tests;
mod topics;
mod validation;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use weft_client::backoff::{ExponentialBackoff, Random};
use weft_client::cluster::{Cluster, Topics};
use weft_client::net::RequestToken;
use weft_client::record::Decompressor;
use weft_client::{Broker, Error, ErrorKind, NodeId, TopicName, TopicPartition};

use crate::config::{AutoOffsetReset, ConsumerConfig, IsolationLevel};
use crate::fetch::{FetchBuffer, FetchOptions, FetchSession};
use crate::metrics::Standing;
use crate::position::{Partition, Stamp};
use crate::subscription::Subscription;
pub(crate) use list_offsets::{BEGINNING, END};
use look_up::LookUp;
pub(crate) use look_up::LookUpId;
use network::Pending;
use topics::{TopicQuestion, TopicQuestionId};

/// The data plane of one consumer. See the module's text.
#[derive(Debug)]
pub(crate) struct ConsumerCore {
    options: Options,
    cluster: Cluster,
    subscription: Subscription,
    assignment: BTreeSet<TopicPartition>,
    partitions: BTreeMap<TopicPartition, Partition>,
    buffer: FetchBuffer,
    /// Requests that are not settled.
    pending: BTreeMap<RequestToken, Pending>,
    nodes: BTreeMap<NodeId, Node>,
    look_ups: BTreeMap<LookUpId, LookUp>,
    topic_questions: BTreeMap<TopicQuestionId, TopicQuestion>,
    /// The cluster has told of all topics since that is wanted.
    has_all_topics: bool,
    /// Failures for the next `poll`, the oldest first.
    errors: VecDeque<Error>,
    decompressor: Decompressor,
    /// Where partitions stand of which something was handed out, until somebody counts it.
    standings: Vec<Standing>,
    /// What is owned has changed since somebody looked.
    is_assignment_new: bool,
    random: Random,
    last_number: u64,
    /// Something changed since fetches were planned last.
    is_plan_stale: bool,
    /// Brokers whose last answer changed nothing: they are asked again for the same.
    unchanged: Vec<Arc<Broker>>,
    /// How often fetches were planned by going through all partitions.
    #[cfg(test)]
    plans: u64,
    /// Some position may need another leader's word.
    is_confirmation_due: bool,
    /// Some partition has no position before its committed offset is told.
    awaits_committed: bool,
    /// When planning again has a point although nothing changed.
    plan_at: Option<Instant>,
    seen_version: u64,
    last_connection_error: Option<Error>,
    /// What was logged last of each broker that is not connected.
    logged: BTreeMap<NodeId, String>,
    wall_time_ms: i64,
}

/// What of the configuration matters here.
#[derive(Clone, Debug)]
struct Options {
    fetch: FetchOptions,
    check_crcs: bool,
    isolation: IsolationLevel,
    reset: AutoOffsetReset,
    has_group: bool,
    allow_auto_create_topics: bool,
    includes_internal_topics: bool,
    retry: ExponentialBackoff,
    request_timeout: std::time::Duration,
    buffer_bytes_max: usize,
    /// How long a replica is asked in place of the leader.
    replica_term: std::time::Duration,
}

/// What concerns the fetches of one broker.
#[derive(Clone, Debug, Default)]
struct Node {
    is_fetching: bool,
    /// How many fetches were sent to it.
    fetches: u64,
    /// Bytes that its answer may have.
    reserved: usize,
    /// The last plan had something to ask of it, whether it could be asked then or not.
    is_wanted: bool,
    /// What it was asked for last is what the last plan wanted of it.
    is_asked_as_planned: bool,
    retry_at: Option<Instant>,
    attempts: u32,
    session: FetchSession,
}

impl Node {
    /// Whether this broker still has to answer the fetch with this number.
    fn awaits(&self, fetch: u64) -> bool {
        self.is_fetching && self.fetches == fetch
    }

    fn is_answered(&mut self) {
        self.is_fetching = false;
        self.reserved = 0;
    }
}

impl ConsumerCore {
    pub(crate) fn new(config: &ConsumerConfig, now: Instant, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let cluster_seed = random.next_u64();
        let fetch_bytes = config.fetch_max_bytes as usize;
        Self {
            options: Options {
                fetch: FetchOptions::new(config),
                check_crcs: config.check_crcs,
                isolation: config.isolation_level,
                reset: config.auto_offset_reset,
                has_group: config.group_id.is_some(),
                allow_auto_create_topics: config.client.allow_auto_create_topics,
                includes_internal_topics: !config.exclude_internal_topics,
                retry: config.client.retry_delays(),
                request_timeout: config.client.request_timeout,
                replica_term: config.client.metadata_max_age,
                buffer_bytes_max: fetch_bytes.saturating_mul(BUFFERED_FETCHES_MAX),
            },
            cluster: Cluster::new(&config.client, now, cluster_seed),
            subscription: Subscription::None,
            assignment: BTreeSet::new(),
            partitions: BTreeMap::new(),
            buffer: FetchBuffer::default(),
            pending: BTreeMap::new(),
            nodes: BTreeMap::new(),
            look_ups: BTreeMap::new(),
            topic_questions: BTreeMap::new(),
            has_all_topics: false,
            errors: VecDeque::new(),
            decompressor: Decompressor::default(),
            standings: Vec::new(),
            is_assignment_new: false,
            random,
            last_number: 0,
            is_plan_stale: true,
            unchanged: Vec::new(),
            #[cfg(test)]
            plans: 0,
            is_confirmation_due: false,
            awaits_committed: false,
            plan_at: None,
            seen_version: 0,
            last_connection_error: None,
            logged: BTreeMap::new(),
            wall_time_ms: 0,
        }
    }

    /// What the user asked to read.
    pub(crate) fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// What the consumer owns.
    pub(crate) fn assignment(&self) -> &BTreeSet<TopicPartition> {
        &self.assignment
    }

    /// Whether a reset needs to know what time it is on the wall.
    pub(crate) fn needs_wall_time(&self) -> bool {
        matches!(self.options.reset, AutoOffsetReset::ByDuration(_))
    }

    /// Tells the time on the wall, in milliseconds since 1970.
    pub(crate) fn set_wall_time(&mut self, milliseconds: i64) {
        self.wall_time_ms = milliseconds;
    }

    /// Why nothing can ever be learnt about the cluster.
    pub(crate) fn fatal_error(&self) -> Option<Error> {
        self.cluster.fatal_error()
    }

    /// Brokers whose connections are to be closed before anything is sent.
    pub(crate) fn take_abandoned(&mut self) -> Vec<NodeId> {
        self.cluster.take_abandoned()
    }

    /// The last thing that went wrong with a connection; it names the address.
    pub(crate) fn last_connection_error(&self) -> Option<&Error> {
        self.last_connection_error.as_ref()
    }

    /// Whether something changed that may call for requests.
    #[inline]
    pub(crate) fn wants_planning(&self) -> bool {
        self.is_plan_stale || !self.unchanged.is_empty()
    }

    /// Whether committed offsets have to be asked for, or are being asked for.
    #[inline]
    pub(crate) fn awaits_committed(&self) -> bool {
        self.awaits_committed
    }

    /// Takes out the failure that concerns this partition, for a call that waits for it: its own,
    /// or one that concerns its topic or no topic at all, such as the group's.
    pub(crate) fn take_error_of(&mut self, partition: &TopicPartition) -> Option<Error> {
        let is_meant = |error: &Error| match error.topic_partition() {
            Some(subject) => subject == partition,
            None => error.topics().is_empty() || error.topics().contains(partition.topic()),
        };
        let index = self.errors.iter().position(is_meant)?;
        self.take_error(index)
    }

    /// Takes a failure out to be told. Partitions without an offset are told all at once, as by
    /// Java's `NoOffsetForPartitionException`.
    fn take_error(&mut self, index: usize) -> Option<Error> {
        let error = self.errors.remove(index)?;
        self.told(&error);
        if error.kind() != ErrorKind::NoOffsetForPartition {
            return Some(error);
        }
        let mut partitions: BTreeSet<TopicPartition> = BTreeSet::new();
        partitions.extend(error.topic_partition().cloned());
        let all = std::mem::take(&mut self.errors).into_iter();
        let (same, others): (VecDeque<Error>, VecDeque<Error>) =
            all.partition(|other| other.kind() == error.kind());
        self.errors = others;
        for other in same {
            self.told(&other);
            partitions.extend(other.topic_partition().cloned());
        }
        Some(error.with_topic_partitions(partitions))
    }

    /// Makes the next `collect` fail with this. Every partition has one failure at most.
    pub(crate) fn push_error(&mut self, error: Error) {
        let subject = error.topic_partition();
        let has_room = match subject {
            Some(name) if self.partitions.contains_key(name) => {
                let mut known = self.errors.iter();
                known.all(|known| known.topic_partition() != subject)
            }
            _ => {
                let others = self.errors.iter().filter(|e| e.topic_partition().is_none());
                others.count() < OTHER_ERRORS_MAX
            }
        };
        if has_room {
            self.errors.push_back(error);
        }
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn stamp(&mut self) -> Stamp {
        Stamp(self.number())
    }

    /// Wants metadata of everything that is read or asked about.
    fn want_topics(&mut self) {
        self.is_plan_stale = true;
        if matches!(self.subscription, Subscription::Pattern { .. }) {
            self.cluster.set_topics(Topics::All);
            return;
        }
        self.has_all_topics = false;
        let looked_up = self.look_ups.values().flat_map(LookUp::partitions);
        let topics = self.assignment.iter().chain(looked_up);
        let mut topics: BTreeSet<TopicName> = topics.map(|p| p.topic().clone()).collect();
        topics.extend(self.subscription.topics());
        self.cluster.set_topics(Topics::Named(topics));
    }

    /// Makes planning worth while again at `at`, if not before.
    fn plan_by(&mut self, at: Instant) {
        self.plan_at = Some(self.plan_at.map_or(at, |known| known.min(at)));
    }

    fn pause_after(&mut self, attempts: u32) -> std::time::Duration {
        self.options.retry.delay(attempts, self.random.fraction())
    }
}

/// Fetches of `fetch.max.bytes` that may wait in all, whatever the number of brokers.
const BUFFERED_FETCHES_MAX: usize = 2;

/// Failures that wait to be told and concern no partition; more than these say nothing new.
const OTHER_ERRORS_MAX: usize = 16;
