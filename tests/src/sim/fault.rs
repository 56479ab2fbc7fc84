//! What is done to the simulated programs and brokers, and how.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::wire::{ApiKey, ErrorCode};
use weft_client::{NodeId, Offset};

use super::history::number_of;
use super::inner::{Event, Inner};
use super::process::Process;
use super::{GROUP, TOPICS};

/// One event of a plan. Each stands for itself: leaving one out leaves the others what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// So many records for a partition of a topic.
    Produce(usize, i32, u32),
    /// A member's process starts, unless one runs.
    Start(usize),
    /// A member's process ends in order.
    Stop(usize),
    /// A member's process is gone; brokers notice at once, or not at all.
    Crash(usize, bool),
    /// A member's process gets no processor for so long.
    Freeze(usize, Duration),
    /// Handling a record takes a member so long, for some time.
    Slow(usize, Duration, Duration),
    /// So many of a member's handlings fail, for good or not.
    Failing(usize, usize, bool),
    /// Nothing passes between a member and a broker for so long.
    CutLink(usize, i32, Duration),
    /// Nothing passes between any member and a broker for so long.
    CutBroker(i32, Duration),
    /// A member's connections are reset, to one broker or to all.
    Reset(usize, Option<i32>),
    KillBroker(i32),
    RestartBroker(i32),
    /// The next so many requests of an API are refused.
    Refuse(ApiKey, ErrorCode, usize),
    /// The next so many requests of an API are served late.
    Delay(ApiKey, Duration, usize),
    /// The connection of the next request of an API is closed.
    DropConnection(ApiKey),
    /// A call of a member is ended.
    Wakeup(usize),
    /// All faults are over.
    Calm,
}

impl Fault {
    /// What kind of fault it is, for the coverage.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Produce(..) => "produce",
            Self::Start(_) => "start a member",
            Self::Stop(_) => "stop a member",
            Self::Crash(_, true) => "crash a member, noticed",
            Self::Crash(_, false) => "crash a member, unnoticed",
            Self::Freeze(..) => "freeze a member",
            Self::Slow(..) => "slow handler",
            Self::Failing(_, _, true) => "handler fails for good",
            Self::Failing(_, _, false) => "handler fails",
            Self::CutLink(..) => "cut a link",
            Self::CutBroker(..) => "cut a broker off",
            Self::Reset(..) => "reset connections",
            Self::KillBroker(_) => "kill a broker",
            Self::RestartBroker(_) => "restart a broker",
            Self::Refuse(..) => "refuse requests",
            Self::Delay(..) => "delay requests",
            Self::DropConnection(_) => "drop a connection",
            Self::Wakeup(_) => "wake up a member",
            Self::Calm => "end of all faults",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Produce(topic, partition, records) => {
                write!(f, "{records} record(s) for {}-{partition}", TOPICS[*topic])
            }
            Self::Refuse(api_key, code, count) => {
                write!(f, "the next {count} {api_key:?} are refused: {code}")
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// The refusals that a broker may give for no reason that a client can see.
pub(super) fn refusals() -> &'static [(ApiKey, &'static [ErrorCode])] {
    const COORDINATOR: &[ErrorCode] = &[
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
    ];
    const MEMBER: &[ErrorCode] = &[
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::UNKNOWN_MEMBER_ID,
    ];
    const COMMIT: &[ErrorCode] = &[
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode::REQUEST_TIMED_OUT,
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::UNKNOWN_MEMBER_ID,
    ];
    const LEADER: &[ErrorCode] = &[
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::UNKNOWN_LEADER_EPOCH,
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    ];
    &[
        (
            ApiKey::FindCoordinator,
            &[ErrorCode::COORDINATOR_NOT_AVAILABLE],
        ),
        (ApiKey::JoinGroup, COORDINATOR),
        (ApiKey::SyncGroup, MEMBER),
        (ApiKey::Heartbeat, MEMBER),
        (ApiKey::LeaveGroup, COORDINATOR),
        (ApiKey::OffsetCommit, COMMIT),
        (ApiKey::OffsetFetch, COORDINATOR),
        (ApiKey::Fetch, LEADER),
        (ApiKey::ListOffsets, LEADER),
    ]
}

impl Inner {
    /// Does what the plan says.
    pub(super) fn carry_out(&mut self, index: usize) {
        let fault = self.plan.events[index].1;
        let now = self.now;
        self.history.note(now, || format!("[{index}] {fault}"));
        self.coverage.count("fault", fault.kind());
        match fault {
            Fault::Produce(topic, partition, records) => self.produce(topic, partition, records),
            Fault::Start(member) => self.start(member),
            Fault::Stop(member) => self.stop(member),
            Fault::Crash(member, is_noticed) => self.crash(member, is_noticed),
            Fault::Wakeup(member) => {
                let process = self.process_of(member);
                self.to_wake.extend(process);
            }
            Fault::Freeze(member, duration) => self.freeze(member, duration),
            Fault::Slow(member, work, duration) => {
                if let Some(process) = self.process_of(member) {
                    self.processes[process].slow = (now + duration, work);
                }
            }
            Fault::Failing(member, count, is_for_good) => {
                if let Some(process) = self.process_of(member) {
                    self.processes[process].failing = (count, is_for_good);
                }
            }
            Fault::CutLink(member, broker, duration) => {
                if let Some(process) = self.process_of(member) {
                    self.network
                        .cut(process, NodeId::new(broker), now + duration);
                }
            }
            Fault::CutBroker(broker, duration) => {
                for process in 0..self.processes.len() {
                    self.network
                        .cut(process, NodeId::new(broker), now + duration);
                }
            }
            Fault::Reset(member, broker) => {
                if let Some(process) = self.process_of(member) {
                    self.reset(process, broker.map(NodeId::new));
                }
            }
            Fault::KillBroker(broker) => self.kill_broker(NodeId::new(broker)),
            Fault::RestartBroker(broker) => self.restart_broker(NodeId::new(broker)),
            Fault::Refuse(api_key, code, count) => {
                let code_and_text = code.to_string();
                let name = code_and_text.split(' ').next().unwrap_or_default();
                self.coverage
                    .count("refusal", &format!("{api_key:?} {name}"));
                self.cluster.fail_next(api_key, code, count);
            }
            Fault::Delay(api_key, delay, count) => self.cluster.delay_next(api_key, delay, count),
            Fault::DropConnection(api_key) => self.cluster.drop_connection_on_next(api_key),
            Fault::Calm => self.calm(),
        }
    }

    fn produce(&mut self, topic: usize, partition: i32, records: u32) {
        let name = TOPICS[topic];
        let number = number_of(name, partition);
        let first = self
            .history
            .ends
            .get(&number)
            .copied()
            .unwrap_or(Offset::ZERO);
        let batch = batch(first.value().unsigned_abs(), records, self.plan.keys.get());
        let now = self.instant();
        let mut effects = Vec::new();
        let appended = self
            .cluster
            .append(now, (name, partition), batch, &mut effects);
        assert_eq!(appended, Some(first), "nobody else appends");
        if let Some(end) = self.cluster.end_offset(name, partition) {
            self.history.ends.insert(number, end);
        }
        self.perform(effects);
    }

    fn freeze(&mut self, member: usize, duration: Duration) {
        if let Some(process) = self.process_of(member) {
            let until = self.now + duration;
            self.processes[process].frozen_until = until;
            self.schedule(until, Event::Thaw(process));
        }
    }

    fn kill_broker(&mut self, broker: NodeId) {
        let now = self.instant();
        let mut effects = Vec::new();
        self.cluster.kill(now, broker, &mut effects);
        self.perform(effects);
    }

    fn restart_broker(&mut self, broker: NodeId) {
        let now = self.instant();
        let mut effects = Vec::new();
        self.cluster.restart(now, broker, &mut effects);
        self.perform(effects);
    }

    fn calm(&mut self) {
        for broker in 0..self.plan.brokers {
            self.restart_broker(NodeId::new(broker));
        }
        self.network.mend();
        self.cluster.forget_faults();
        let now = self.now;
        for process in 0..self.processes.len() {
            self.processes[process].slow = Default::default();
            self.processes[process].failing = Default::default();
            self.processes[process].frozen_until = now;
            self.thaw(process);
        }
        let stays =
            |process: &Process| process.is_alive && !process.has_ended && !process.is_stopping;
        if !self.processes.iter().any(stays) {
            self.start_another(0);
        }
        self.history.progressed_at = now;
        self.is_calm = true;
    }

    /// Looks at what the group has committed.
    pub(super) fn observe_commits(&mut self) {
        let numbers: Vec<i32> = self.history.ends.keys().copied().collect();
        for number in numbers {
            let (topic, partition) = super::history::partition_of(number);
            let Some(offset) = self.cluster.committed(GROUP, topic, partition) else {
                continue;
            };
            if self.history.committed.get(&number) != Some(&offset) {
                self.committed(number, offset);
            }
        }
    }
}

/// A batch of records whose keys take turns.
fn batch(first: u64, records: u32, keys: u32) -> Bytes {
    let mut builder = BatchBuilder::new();
    for record in first..first + u64::from(records) {
        let key = format!("key-{}", record % u64::from(keys));
        builder
            .append(1_780_000_000_000, Some(key.as_bytes()), Some(b"value"), &[])
            .expect("a few records fit into a batch");
    }
    builder
        .build(Compression::None, &mut Compressor::default())
        .expect("a few records fit into a batch")
}
