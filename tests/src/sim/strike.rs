//! How the events of a plan are carried out.

use std::time::Duration;

use bytes::Bytes;
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::{GroupId, NodeId, Offset};
use weft_testcontainers::mock::{Fault as MockFault, Hits, Order};

use super::fault::{Fault, spoiling};
use super::history::{number_of, partition_of};
use super::inner::{Event, Inner};
use super::process::Process;
use super::{GROUP, TOPICS};

impl Inner {
    /// Does what the plan says.
    pub(super) fn carry_out(&mut self, index: usize) {
        let fault = self.plan.events[index].1;
        let now = self.now;
        self.history.note(now, || format!("[{index}] {fault}"));
        self.coverage.count("fault", fault.kind());
        match fault {
            Fault::Produce(topic, partition, records) => self.produce(topic, partition, records),
            Fault::Transact(transaction) => self.begin_transaction(index, transaction),
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
            Fault::Spoil(api_key, action, count) => {
                self.coverage
                    .count("spoilt", &format!("{api_key:?} {}", spoiling(&action)));
                let fault = MockFault::new(api_key, action).hits(Hits::First(count));
                self.order(Order::SetFault(fault));
            }
            Fault::Calm => self.calm(),
            other => self.carry_out_order(other),
        }
    }

    /// What brokers, partitions and the group are told.
    fn carry_out_order(&mut self, fault: Fault) {
        let now = self.now;
        let group = GroupId::from(GROUP);
        match fault {
            Fault::FreezeBroker(broker, duration) => {
                self.order(Order::Freeze(NodeId::new(broker)));
                self.schedule(now + duration, Event::ThawBroker(broker));
            }
            Fault::ThawBroker(broker) => self.order(Order::Thaw(NodeId::new(broker))),
            Fault::MoveLeader(topic, partition, broker) => self.order(Order::MoveLeader {
                topic: TOPICS[topic].into(),
                partition,
                to: NodeId::new(broker),
            }),
            Fault::MoveCoordinator(broker) => self.order(Order::MoveCoordinator {
                group,
                to: NodeId::new(broker),
            }),
            Fault::LoadCoordinator(time) => self.order(Order::LoadCoordinator { group, time }),
            Fault::Rebalance => self.order(Order::Rebalance { group }),
            Fault::ExpireMember => {
                if let Some(member) = self.last_member.clone() {
                    self.order(Order::ExpireMember { group, member });
                }
            }
            Fault::Grow(topic) => self.grow(topic),
            Fault::DeleteRecords(topic, partition) => {
                let number = number_of(TOPICS[topic], partition);
                if let Some(offset) = self.history.committed.get(&number) {
                    self.cluster
                        .delete_records_before(TOPICS[topic], partition, *offset);
                    self.history.shortened.insert(number);
                }
            }
            Fault::Rewind(member) => {
                if let Some(process) = self.process_of(member) {
                    self.processes[process].is_rewinding = true;
                }
            }
            Fault::Pause(member, duration) => {
                if let Some(process) = self.process_of(member) {
                    self.processes[process].paused_until = now + duration;
                }
            }
            other => unreachable!("{other} is carried out elsewhere"),
        }
    }

    /// Gives an order. One that makes no sense at the moment is none.
    fn order(&mut self, order: Order) {
        let instant = self.instant();
        let mut effects = Vec::new();
        if let Err(refused) = self.cluster.order(instant, order, &mut effects) {
            let now = self.now;
            self.history.note(now, || format!("refused: {refused}"));
        }
        self.perform(effects);
    }

    fn grow(&mut self, topic: usize) {
        let name = TOPICS[topic];
        let known = self.history.ends.keys();
        let count = known
            .filter(|number| partition_of(**number).0 == name)
            .count();
        if count < PARTITIONS_MAX && self.cluster.grow(name, count + 1) {
            let number = number_of(name, i32::try_from(count).unwrap_or_default());
            self.history.ends.insert(number, Offset::ZERO);
            self.history.stable.insert(number, Offset::ZERO);
            // So that somebody has to find the new partition.
            self.produce(topic, i32::try_from(count).unwrap_or_default(), 3);
        }
    }

    pub(super) fn thaw_broker(&mut self, broker: i32) {
        self.order(Order::Thaw(NodeId::new(broker)));
    }

    fn produce(&mut self, topic: usize, partition: i32, records: u32) {
        let number = number_of(TOPICS[topic], partition);
        let first = self.end_of(number).value().unsigned_abs();
        self.append(number, batch(first, records, self.plan.keys.get()));
    }

    /// Where a partition ends.
    pub(super) fn end_of(&self, number: i32) -> Offset {
        let end = self.history.ends.get(&number);
        end.copied().unwrap_or(Offset::ZERO)
    }

    /// Appends a batch to a partition.
    pub(super) fn append(&mut self, number: i32, batch: Bytes) {
        let (name, partition) = partition_of(number);
        let now = self.instant();
        let mut effects = Vec::new();
        let appended = self
            .cluster
            .append(now, (name, partition), batch, &mut effects);
        assert_eq!(appended, Some(self.end_of(number)), "nobody else appends");
        if let Some(end) = self.cluster.end_offset(name, partition) {
            self.history.ends.insert(number, end);
        }
        if let Some(stable) = self.cluster.last_stable_offset(name, partition) {
            self.history.stable.insert(number, stable);
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
            self.thaw_broker(broker);
            self.restart_broker(NodeId::new(broker));
        }
        self.network.mend();
        self.cluster.forget_faults();
        let now = self.now;
        for process in 0..self.processes.len() {
            self.processes[process].slow = Default::default();
            self.processes[process].failing = Default::default();
            self.processes[process].paused_until = now;
            self.processes[process].frozen_until = now;
            self.thaw(process);
        }
        let plan = std::rc::Rc::clone(&self.plan);
        let stays = |process: &Process| {
            let is_staying = process.is_alive && !process.has_ended && !process.is_stopping;
            is_staying && plan.members[process.member].topics == plan.partitions.len()
        };
        if !self.processes.iter().any(stays) {
            self.start_another(0);
        }
        if self.plan.members.iter().any(|member| member.is_static) {
            // A static member that comes back finds its old assignment and no rebalance (KIP-345).
            // So, as with Kafka's own client, two things that a static leader does not know of when
            // it comes back wait for the next rebalance, whenever that is: partitions that a topic
            // got meanwhile, and those that were to change hands when it crashed (KIP-429).
            let group = GroupId::from(GROUP);
            self.order(Order::Rebalance { group });
        }
        self.history.progressed_at = now;
        self.is_calm = true;
    }

    /// Looks at what the group has committed.
    pub(super) fn observe_commits(&mut self) {
        let numbers: Vec<i32> = self.history.ends.keys().copied().collect();
        for number in numbers {
            let (topic, partition) = partition_of(number);
            let Some(offset) = self.cluster.committed(GROUP, topic, partition) else {
                continue;
            };
            if self.history.committed.get(&number) != Some(&offset) {
                self.committed(number, offset);
            }
        }
    }
}

/// Topics do not grow beyond this.
const PARTITIONS_MAX: usize = 8;

/// A batch of records whose keys take turns.
fn batch(first: u64, records: u32, keys: u32) -> Bytes {
    let mut builder = BatchBuilder::new();
    for record in first..first + u64::from(records) {
        let key = format!("key-{}", record % u64::from(keys));
        builder
            .append(1_780_000_000_000, Some(key.as_bytes()), Some(b"value"), &[])
            .expect("a few records fit into a batch");
    }
    let codecs = [Compression::None, Compression::Lz4, Compression::Zstd];
    let codec = codecs[usize::try_from(first).unwrap_or_default() % codecs.len()];
    builder
        .build(codec, &mut Compressor::default())
        .expect("a few records fit into a batch")
}
