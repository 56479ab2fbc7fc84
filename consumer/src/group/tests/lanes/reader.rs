//! The consumer's thread: the real data plane, and around it what `poll` and a waiting commit do
//! with the lanes, in the same order. Its brokers answer at once.
//!
//! It judges what comes out: a record comes in its turn, of a partition that is owned and not
//! about to be given up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::TopicPartition;
use weft_client::net::{NetworkEvent, OutboundRequest};
use weft_client::wire::messages::{FetchRequest, ListOffsetsRequest, ListOffsetsResponse};
use weft_client::wire::{Request, Response};

use super::super::bench::{Idle, topics};
use super::coordinator::ALL;
use super::world::World;
use crate::ConsumerConfig;
use crate::core::ConsumerCore;
use crate::core::tests::cluster::{Part, Topology, batch, fetch_response, offset_found};
use crate::lane::{
    Change, ChangeId, ChangeKind, Command, CommandId, GroupResult, MembershipOperation,
    SubscriptionEpoch,
};

/// What the consumer's thread is in the middle of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    /// Nothing, or between two turns of a `poll`.
    None,
    /// A commit that the user waits for.
    Commit(u64),
    /// A commit in the callback of a revocation.
    Revocation {
        change: ChangeId,
        partitions: BTreeSet<TopicPartition>,
        commit: u64,
    },
}

#[derive(Clone)]
pub(super) struct Reader {
    pub(super) core: ConsumerCore,
    topology: Topology,
    pub(super) epoch: u64,
    pub(super) is_subscribed: bool,
    pub(super) call: Call,
    last_command: u64,
    /// Commands without result: of a question, the partitions.
    pub(super) waiting: BTreeMap<u64, BTreeSet<TopicPartition>>,
    /// The next record of each partition that was read in this ownership.
    next: BTreeMap<TopicPartition, i64>,
}

impl Reader {
    pub(super) fn new(now: Instant) -> Self {
        let config = ConsumerConfig::builder()
            .set("bootstrap.servers", "a:1")
            .set("group.id", "g")
            .set("auto.offset.reset", "earliest")
            .build();
        let mut topology = Topology::default();
        topology.lead("t", &[1; ALL.len()]);
        Self {
            core: ConsumerCore::new(&config.unwrap(), now, 3),
            topology,
            epoch: 0,
            is_subscribed: false,
            call: Call::None,
            last_command: 0,
            waiting: BTreeMap::new(),
            next: BTreeMap::new(),
        }
    }

    fn command_id(&mut self, asked: BTreeSet<TopicPartition>) -> CommandId {
        self.last_command += 1;
        self.waiting.insert(self.last_command, asked);
        CommandId(self.last_command)
    }

    /// Where each partition stands.
    pub(super) fn positions(&self) -> Vec<Option<i64>> {
        let owned = self.core.assignment().iter();
        owned
            .map(|partition| self.core.position(partition).unwrap())
            .map(|offset| offset.map(weft_client::Offset::value))
            .collect()
    }

    /// Whether a poll could ask for something or read something.
    pub(super) fn has_work(&self) -> bool {
        let owned = self.core.assignment().iter();
        let is_asked = |partition: &TopicPartition| {
            let mut asked = self.waiting.values();
            asked.any(|partitions| partitions.contains(partition))
        };
        owned
            .clone()
            .zip(self.positions())
            .any(|(partition, position)| match position {
                Some(offset) => offset < RECORDS,
                None => !is_asked(partition),
            })
    }
}

impl World {
    pub(super) fn subscribe(&mut self) {
        self.reader.is_subscribed = true;
        self.reader.core.subscribe(topics(&["t"])).unwrap();
        let epoch = SubscriptionEpoch(self.reader.epoch);
        let topics = topics(&["t"]);
        self.last_poll = Some(self.now);
        self.commands
            .push_back(Command::Subscribe { epoch, topics });
    }

    pub(super) fn unsubscribe(&mut self) {
        self.take_results();
        let id = self.reader.command_id(BTreeSet::new());
        self.commands.push_back(Command::Leave {
            id,
            reason: "unsubscribed".into(),
            operation: MembershipOperation::Default,
            wait_until: None,
        });
        self.reader.epoch += 1;
        self.reader.is_subscribed = false;
        self.reader.core.unsubscribe();
        self.reader.next.clear();
    }

    pub(super) fn commit(&mut self) {
        let id = self.send_commit(Some(COMMIT_TIMEOUT));
        self.reader.call = Call::Commit(id);
    }

    pub(super) fn commit_async(&mut self) {
        self.send_commit(None);
    }

    fn send_commit(&mut self, timeout: Option<Duration>) -> u64 {
        let offsets = self.reader.core.consumed_offsets();
        let id = self.reader.command_id(BTreeSet::new());
        self.commands.push_back(Command::Commit {
            id,
            offsets,
            retry_until: timeout.map(|timeout| self.now + timeout),
        });
        id.0
    }

    /// One turn of `poll`, or of the wait for a commit.
    pub(super) fn poll(&mut self) {
        self.take_results();
        if self.reader.call != Call::None {
            return;
        }
        self.last_poll = Some(self.now);
        if let Some(change) = self.slot.take() {
            self.apply(change);
        }
        if self.reader.call == Call::None {
            self.ask_committed();
            self.read();
        }
    }

    fn apply(&mut self, change: Change) {
        if change.epoch.0 != self.reader.epoch {
            return;
        }
        match change.kind {
            ChangeKind::Revoke(partitions) => {
                assert!(
                    partitions.is_subset(self.reader.core.assignment()),
                    "only what is owned can be revoked"
                );
                self.reader.core.mark_pending_revocation(&partitions);
                let has_consumed = !self.reader.core.consumed_offsets().is_empty();
                if !(has_consumed && self.commits_when_revoked()) {
                    self.give_up(change.id, &partitions);
                } else {
                    let commit = self.send_commit(Some(COMMIT_TIMEOUT));
                    let change = change.id;
                    self.reader.call = Call::Revocation {
                        change,
                        partitions,
                        commit,
                    };
                }
            }
            ChangeKind::Lost(partitions) => {
                self.reader.core.mark_pending_revocation(&partitions);
                self.give_up(change.id, &partitions);
            }
            ChangeKind::Assign { assignment, .. } => {
                self.reader.core.apply_assignment(&assignment);
                self.answer(change.id);
            }
        }
    }

    fn give_up(&mut self, change: ChangeId, partitions: &BTreeSet<TopicPartition>) {
        self.reader.core.revoke(partitions);
        self.answer(change);
    }

    fn answer(&mut self, change: ChangeId) {
        let owned = self.reader.core.assignment().clone();
        self.reader
            .next
            .retain(|partition, _| owned.contains(partition));
        self.commands.push_back(Command::Answer { change, owned });
    }

    fn take_results(&mut self) {
        for result in std::mem::take(&mut self.results) {
            match result {
                GroupResult::Committed { id, .. } => {
                    self.settled(id);
                    self.commit_settled(id);
                }
                GroupResult::Fetched { id, result } => {
                    let asked = self.settled(id);
                    match result {
                        Ok(offsets) => self.reader.core.committed_fetched(&offsets),
                        Err(_) => {
                            self.reader.core.committed_failed(self.now, &asked);
                        }
                    }
                }
                GroupResult::Left { id } => {
                    self.settled(id);
                }
                GroupResult::Membership(_) | GroupResult::Failed(_) => {}
            }
        }
    }

    fn settled(&mut self, id: CommandId) -> BTreeSet<TopicPartition> {
        let asked = self.reader.waiting.remove(&id.0);
        asked.unwrap_or_else(|| panic!("{id:?} was answered twice"))
    }

    fn commit_settled(&mut self, id: CommandId) {
        match std::mem::replace(&mut self.reader.call, Call::None) {
            Call::Commit(awaited) if awaited == id.0 => {}
            Call::Revocation {
                change,
                partitions,
                commit,
            } if commit == id.0 => self.give_up(change, &partitions),
            other => self.reader.call = other,
        }
    }

    fn ask_committed(&mut self) {
        let partitions = self
            .reader
            .core
            .take_partitions_to_fetch_committed(self.now);
        if !partitions.is_empty() {
            let id = self.reader.command_id(partitions.clone());
            self.commands.push_back(Command::FetchCommitted {
                id,
                partitions,
                retry_until: self.now + COMMIT_TIMEOUT,
            });
        }
    }

    /// Fetches, and hands out one record.
    fn read(&mut self) {
        for _ in 0..ROUNDS {
            let mut asked = Vec::new();
            self.reader.core.take_requests(self.now, &Idle, &mut asked);
            for request in &asked {
                let response = self.reader.broker_answers(request);
                self.reader.core.handle_event(
                    self.now,
                    NetworkEvent::Response {
                        token: request.token,
                        response,
                        bytes: 0,
                        throttle: Duration::ZERO,
                        latency: Duration::ZERO,
                    },
                );
            }
        }
        let records = self.reader.core.collect(1).unwrap();
        for record in &records {
            let partition = record.topic_partition().clone();
            let offset = record.offset().value();
            self.delivered(&partition, offset);
        }
    }

    fn delivered(&mut self, partition: &TopicPartition, offset: i64) {
        let reader = &mut self.reader;
        assert!(
            reader.core.assignment().contains(partition),
            "{partition} is not owned"
        );
        assert!(
            !self.coordinator.others.contains(partition) || self.is_expelled(),
            "{partition} is read by two"
        );
        let committed = self.coordinator.committed.get(partition);
        let first = committed.copied().unwrap_or_default();
        let reader = &mut self.reader;
        let next = reader.next.entry(partition.clone()).or_insert(offset);
        assert_eq!(*next, offset, "{partition} is read in order");
        assert!(
            offset <= first || offset > 0,
            "{partition} begins where it was committed"
        );
        *next = offset + 1;
        let most = self.coordinator.delivered.entry(partition.clone());
        let most = most.or_default();
        assert!(offset <= *most, "a record of {partition} was skipped");
        *most = (*most).max(offset + 1);
    }
}

impl Reader {
    fn broker_answers(&self, request: &OutboundRequest) -> Response {
        match &request.request {
            Request::Metadata(request) => self.topology.metadata(request).into(),
            Request::Fetch(request) => self.fetched(request),
            Request::ListOffsets(request) => found(request),
            other => panic!("not for a leader: {other:?}"),
        }
    }

    fn fetched(&self, request: &FetchRequest) -> Response {
        let mut parts = Vec::new();
        for topic in &request.topics {
            for asked in &topic.partitions {
                let offset = asked.fetch_offset;
                let records = match offset < RECORDS {
                    true => batch(offset, RECORDS - offset),
                    false => Bytes::new(),
                };
                let name = TopicPartition::new(topic.topic.as_str(), asked.partition);
                parts.push((name, Part::of(records)));
            }
        }
        fetch_response(&self.topology, parts).into()
    }
}

/// Every log begins at 0.
fn found(request: &ListOffsetsRequest) -> Response {
    let topics = request.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|partition| {
            let name = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            offset_found(&name, 0, 0)
        })
    });
    ListOffsetsResponse::default()
        .with_topics(topics.collect())
        .into()
}

/// Records of each partition.
pub(super) const RECORDS: i64 = 2;
/// Metadata, a reset, and a fetch follow each other.
const ROUNDS: usize = 4;
const COMMIT_TIMEOUT: Duration = Duration::from_secs(5);
