//! What was asked of the cluster, and how each request ended. It remembers; it decides nothing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use weft_client::wire::{ApiKey, ErrorCode};
use weft_client::{CorrelationId, GroupId, NodeId, TopicName};

use super::fault::{Asked, FaultId, RequestFilter, Subjects};
use super::reply::Ask;
use super::transaction::TransactionalId;

/// The newest requests, and how many there were of each API in all.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestLog {
    requests: VecDeque<ReceivedRequest>,
    by_api: BTreeMap<i16, usize>,
    /// How many were received in all: the number of the next one.
    received: u64,
}

/// A request that came to a broker, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The number of the request in this cluster, from 0.
    pub number: u64,
    /// The broker that it came to.
    pub broker: NodeId,
    /// What it asks.
    pub api_key: ApiKey,
    /// In which version.
    pub api_version: i16,
    /// What the client calls itself; empty if it has no name.
    pub client_id: String,
    /// The number that comes back in the answer.
    pub correlation_id: CorrelationId,
    /// The number of the connection on which it came; no two of a cluster are alike.
    pub connection: u64,
    /// When it came, by the cluster's time.
    pub received_at: Instant,
    /// The faults that hit it.
    pub faults: Vec<FaultId>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended, by the cluster's time; nothing as long as it waits.
    pub ended_at: Option<Instant>,
    subjects: Subjects,
}

/// How a request ended, as far as it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It waits: for data, for other members, for the end of a delay. Also if its connection was
    /// closed before there was an answer, or its broker killed.
    Waiting,
    /// It was answered, perhaps late or with bytes that a fault changed.
    Answered,
    /// A fault had it, or a part of it, answered with this code.
    Refused(ErrorCode),
    /// It was served and wants no answer.
    NoAnswer,
    /// It gets no answer: a fault swallowed it, or its answer.
    Swallowed,
    /// Its connection was closed instead of an answer, or in the middle of it.
    Cut,
}

impl RequestLog {
    /// Takes note of a request.
    pub(crate) fn receive(&mut self, ask: &Ask, subjects: Subjects) {
        let head = &ask.head;
        *self.by_api.entry(head.api_key as i16).or_default() += 1;
        self.received += 1;
        if self.requests.len() >= REQUESTS_MAX {
            self.requests.pop_front();
        }
        let is_short = subjects.count() <= SUBJECTS_MAX;
        self.requests.push_back(ReceivedRequest {
            number: ask.number,
            broker: ask.broker,
            api_key: head.api_key,
            api_version: head.api_version,
            client_id: ask.client_id().to_owned(),
            correlation_id: head.correlation_id,
            connection: ask.connection.0,
            received_at: ask.now,
            faults: ask.fate.faults.clone(),
            outcome: Outcome::Waiting,
            ended_at: None,
            subjects: if is_short {
                subjects
            } else {
                Subjects::default()
            },
        });
    }

    /// Takes note of how the request with this number ended, unless it is forgotten.
    pub(crate) fn conclude(&mut self, now: Instant, number: u64, outcome: Outcome) {
        let index = number.checked_sub(self.forgotten());
        let index = index.and_then(|index| usize::try_from(index).ok());
        if let Some(request) = index.and_then(|index| self.requests.get_mut(index)) {
            request.outcome = outcome;
            request.ended_at = Some(now);
        }
    }

    /// How many requests of this API arrived in all.
    pub(crate) fn count(&self, api_key: ApiKey) -> usize {
        let count = self.by_api.get(&(api_key as i16));
        count.copied().unwrap_or_default()
    }

    /// How many arrived in all: the number that the next one gets.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// How many of them are not remembered any more.
    pub(crate) fn forgotten(&self) -> u64 {
        self.received - self.requests.len() as u64
    }

    /// Those that the filter chooses, oldest first, from this number on.
    pub(crate) fn find(
        &self,
        filter: &RequestFilter,
        from: u64,
    ) -> impl Iterator<Item = &ReceivedRequest> {
        let skipped = from.saturating_sub(self.forgotten());
        self.requests
            .iter()
            .skip(usize::try_from(skipped).unwrap_or(usize::MAX))
            .filter(|request| filter.chooses(&request.asked()))
    }
}

impl ReceivedRequest {
    /// The topics that it names, and of each the partitions; none if it names the topic as a whole.
    ///
    /// Of a request with more than a hundred names, each partition counted, none is remembered.
    pub fn topics(&self) -> &[(TopicName, Vec<i32>)] {
        &self.subjects.topics
    }

    /// The groups that it names; see [`Self::topics`] for the limit.
    pub fn groups(&self) -> &[GroupId] {
        &self.subjects.groups
    }

    /// The transactional ids that it names; see [`Self::topics`] for the limit.
    pub fn transactional_ids(&self) -> impl Iterator<Item = &str> {
        let ids = self.subjects.transactional_ids.iter();
        ids.map(TransactionalId::as_str)
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            broker: self.broker,
            api_key: self.api_key,
            api_version: self.api_version,
            client_id: &self.client_id,
            subjects: &self.subjects,
        }
    }
}

/// How many requests are remembered. The oldest are forgotten first.
const REQUESTS_MAX: usize = 10_000;

/// Of how many topics, partitions, groups and transactional ids of a request is remembered that it
/// names them.
const SUBJECTS_MAX: usize = 100;
