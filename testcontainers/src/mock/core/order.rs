//! What a test orders the cluster to do, as one value for each thing, so that scripts can be made
//! of them; and what comes of it.

use std::fmt;
use std::time::{Duration, Instant};

use weft_client::{GroupId, GroupInstanceId, MemberId, NodeId, Offset, TopicName};

use super::cluster::{Cluster, Input, Output};
use super::fault::{Fault, FaultCounts, FaultId, FaultRefused, WAIT_MAX};
use super::topics::PartitionKey;
use super::transaction::TransactionalId;

/// Something that the cluster is to do. `MockCluster::order` has it done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// The broker dies; see `MockCluster::kill_broker`.
    Kill(NodeId),
    /// The broker comes back; see `MockCluster::restart_broker`.
    Restart(NodeId),
    /// The broker stops as after SIGSTOP: it accepts connections and requests, reads none of them,
    /// and answers nothing; the timers of its groups stand still, those of transactions go on. It
    /// is not replaced: it leads and coordinates what it did.
    Freeze(NodeId),
    /// The broker goes on: first with what came meanwhile, then with the timers that are due.
    Thaw(NodeId),
    /// Nothing goes through any more between a broker and the clients that call themselves so, in
    /// either direction. Connections stay open, and new ones are accepted, but nothing is read from
    /// them.
    Isolate {
        /// The broker.
        broker: NodeId,
        /// The clients' `client.id`.
        client_id: String,
    },
    /// Ends an [`Isolate`](Self::Isolate): what waited goes through.
    Heal {
        /// The broker.
        broker: NodeId,
        /// The clients' `client.id`.
        client_id: String,
    },
    /// Another replica leads the partition, in the next leader epoch.
    MoveLeader {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// Who leads it then: one of its replicas, and alive.
        to: NodeId,
    },
    /// Another broker answers for the group. Whoever waits for an answer of the old one is told
    /// `NOT_COORDINATOR`, and so is who asks it from now on. Members stay.
    MoveCoordinator {
        /// The group.
        group: GroupId,
        /// Who answers for it then; it must be alive.
        to: NodeId,
    },
    /// Another broker answers for the transactional id, and the old one refuses with
    /// `NOT_COORDINATOR` from now on. A transaction goes on where it was, with the next coordinator
    /// epoch in its markers. Nothing has to exist under this id yet.
    MoveTransactionCoordinator {
        /// The producer's `transactional.id`.
        transactional_id: String,
        /// Who answers for it then; it must be alive.
        to: NodeId,
    },
    /// For so long the coordinator answers everything about the group with
    /// `COORDINATOR_LOAD_IN_PROGRESS`; but it takes heartbeats, and answers SyncGroup with
    /// `REBALANCE_IN_PROGRESS`, as Kafka does.
    LoadCoordinator {
        /// The group.
        group: GroupId,
        /// For how long, a day at most.
        time: Duration,
    },
    /// The session of a member ends now, as if nothing had been heard of it.
    ExpireMember {
        /// The group.
        group: GroupId,
        /// The member's id.
        member: MemberId,
    },
    /// The group starts a rebalance; nothing happens if it is in one that has just begun.
    Rebalance {
        /// The group.
        group: GroupId,
    },
    /// A static member is taken out of its group, as an administrator does (KIP-345).
    EvictStatic {
        /// The group.
        group: GroupId,
        /// Its `group.instance.id`.
        instance: GroupInstanceId,
    },
    /// The log loses what is at this offset and behind it, and the next leader epoch begins, as
    /// after an election of a leader that was behind. Batches go as a whole, so records before the
    /// offset may go as well.
    Truncate {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The next record gets this offset.
        offset: Offset,
    },
    /// Sets a fault; see `MockCluster::set_fault`.
    SetFault(Fault),
    /// Takes a fault away.
    LiftFault(FaultId),
}

/// What came of an order that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obeyed {
    /// It is done.
    Done,
    /// The fault is set and has this number.
    FaultSet(FaultId),
    /// The fault is lifted; so often it was met.
    FaultLifted(FaultCounts),
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderRefused {
    /// The cluster has no such broker.
    UnknownBroker(NodeId),
    /// The broker is dead.
    DeadBroker(NodeId),
    /// Another program has the port at which the broker is to come back.
    PortTaken(NodeId),
    /// There is no such topic or partition.
    UnknownPartition(TopicName, i32),
    /// The broker has no replica of the partition.
    NoReplica(NodeId),
    /// There is no such group.
    UnknownGroup(GroupId),
    /// The group has no such member.
    UnknownMember(String),
    /// A group without members cannot rebalance.
    EmptyGroup(GroupId),
    /// The offset is behind the end of the log, or before its beginning.
    OffsetOutOfRange(Offset),
    /// No such fault is set.
    UnknownFault(FaultId),
    /// The fault cannot be set.
    Fault(FaultRefused),
    /// There are more of these than the cluster keeps: a thousand brokers and clients kept apart,
    /// a thousand groups that load, or a hundred thousand transactional ids whose coordinator is
    /// known.
    TooMany,
}

impl Cluster {
    /// Carries out an order. The shell has opened the port already if a broker is to come back.
    pub(crate) fn obey(
        &mut self,
        now: Instant,
        order: Order,
        out: &mut Vec<Output>,
    ) -> Result<Obeyed, OrderRefused> {
        match order {
            Order::Kill(broker) => {
                self.check_broker(broker)?;
                self.handle(now, Input::Kill(broker), out);
            }
            Order::Restart(broker) => {
                self.check_broker(broker)?;
                self.handle(now, Input::Restart(broker), out);
            }
            Order::Freeze(broker) => {
                self.check_alive(broker)?;
                self.holds.freeze(broker);
            }
            Order::Thaw(broker) => {
                self.check_broker(broker)?;
                self.holds.thaw(broker);
            }
            Order::Isolate { broker, client_id } => {
                self.check_broker(broker)?;
                let isolated = self.holds.isolate(broker, &client_id);
                isolated.map_err(|_| OrderRefused::TooMany)?;
            }
            Order::Heal { broker, client_id } => {
                self.check_broker(broker)?;
                self.holds.heal(broker, &client_id);
            }
            Order::MoveLeader {
                topic,
                partition,
                to,
            } => {
                self.check_alive(to)?;
                let key = self.key_of(&topic, partition)?;
                let moved = self.topics.move_leader(key, to, &self.brokers);
                moved.map_err(|_| OrderRefused::NoReplica(to))?;
            }
            Order::Truncate {
                topic,
                partition,
                offset,
            } => self.cut_off(&topic, partition, offset)?,
            Order::MoveTransactionCoordinator {
                transactional_id,
                to,
            } => {
                self.move_transaction(&transactional_id.as_str().into(), to)?;
            }
            Order::SetFault(fault) => {
                let id = self.faults.set(fault).map_err(OrderRefused::Fault)?;
                return Ok(Obeyed::FaultSet(id));
            }
            Order::LiftFault(id) => {
                let counts = self.faults.lift(id);
                let counts = counts.ok_or(OrderRefused::UnknownFault(id))?;
                return Ok(Obeyed::FaultLifted(counts));
            }
            about_group => self.obey_about_group(now, about_group, out)?,
        }
        self.settle(now, out);
        Ok(Obeyed::Done)
    }

    fn cut_off(
        &mut self,
        topic: &TopicName,
        partition: i32,
        offset: Offset,
    ) -> Result<(), OrderRefused> {
        let key = self.key_of(topic, partition)?;
        let truncated = self.topics.truncate(key, offset);
        truncated.map_err(|_| OrderRefused::OffsetOutOfRange(offset))?;
        Ok(())
    }

    fn move_transaction(&mut self, id: &TransactionalId, to: NodeId) -> Result<(), OrderRefused> {
        self.check_alive(to)?;
        if self.brokers.transaction_coordinator(id) != Some(to) {
            let moved = self.brokers.move_transaction_coordinator(id, to);
            moved.map_err(|_| OrderRefused::TooMany)?;
            self.transactions
                .move_to_another_broker(|moving| moving == id);
        }
        Ok(())
    }

    fn obey_about_group(
        &mut self,
        now: Instant,
        order: Order,
        out: &mut Vec<Output>,
    ) -> Result<(), OrderRefused> {
        let mut answers = Vec::new();
        match order {
            Order::MoveCoordinator { group, to } => {
                self.check_alive(to)?;
                self.brokers.move_coordinator(&group, to);
                let is_moving = |id: &GroupId| *id == group;
                self.groups
                    .move_to_another_broker(now, is_moving, &mut answers);
            }
            Order::LoadCoordinator { group, time } => {
                let until = now + time.min(WAIT_MAX);
                let loading = self.groups.load(now, group, until);
                loading.map_err(|_| OrderRefused::TooMany)?;
            }
            Order::ExpireMember { group, member } => {
                let found = self.groups.find_mut(group.as_str());
                let found = found.ok_or(OrderRefused::UnknownGroup(group))?;
                let expired = found.expire_member(now, &member, &mut self.violations, &mut answers);
                expired.map_err(|_| OrderRefused::UnknownMember(member.to_string()))?;
            }
            Order::EvictStatic { group, instance } => {
                let found = self.groups.find_mut(group.as_str());
                let found = found.ok_or(OrderRefused::UnknownGroup(group))?;
                let name = instance.as_str();
                let evicted = found.evict_static(now, name, &mut self.violations, &mut answers);
                evicted.map_err(|_| OrderRefused::UnknownMember(name.to_owned()))?;
            }
            Order::Rebalance { group } => {
                let found = self.groups.find_mut(group.as_str());
                let found = found.ok_or_else(|| OrderRefused::UnknownGroup(group.clone()))?;
                let begun = found.force_rebalance(now, &mut answers);
                begun.map_err(|_| OrderRefused::EmptyGroup(group))?;
            }
            _ => unreachable!("the caller has carried out all others"),
        }
        self.answer_group(answers, out);
        Ok(())
    }

    /// The partition, as its log and its leader are kept.
    fn key_of(&self, topic: &TopicName, partition: i32) -> Result<PartitionKey, OrderRefused> {
        let found = self.topics.by_name(topic.as_str());
        let found = found.filter(|topic| {
            let index = usize::try_from(partition).ok();
            index.is_some_and(|index| index < topic.partitions.len())
        });
        let found = found.map(|topic| (topic.id, partition));
        found.ok_or_else(|| OrderRefused::UnknownPartition(topic.clone(), partition))
    }

    pub(crate) fn check_broker(&self, broker: NodeId) -> Result<(), OrderRefused> {
        if self.brokers.contains(broker) {
            Ok(())
        } else {
            Err(OrderRefused::UnknownBroker(broker))
        }
    }

    fn check_alive(&self, broker: NodeId) -> Result<(), OrderRefused> {
        self.check_broker(broker)?;
        if self.brokers.is_alive(broker) {
            Ok(())
        } else {
            Err(OrderRefused::DeadBroker(broker))
        }
    }
}

impl fmt::Display for OrderRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownBroker(id) => write!(f, "there is no broker {id}"),
            Self::DeadBroker(id) => write!(f, "broker {id} is dead"),
            Self::PortTaken(id) => write!(f, "the port of broker {id} is taken"),
            Self::UnknownPartition(topic, partition) => {
                write!(f, "there is no partition {topic}/{partition}")
            }
            Self::NoReplica(id) => write!(f, "broker {id} has no replica of the partition"),
            Self::UnknownGroup(id) => write!(f, "there is no group {id}"),
            Self::UnknownMember(id) => write!(f, "the group has no member {id}"),
            Self::EmptyGroup(id) => write!(f, "group {id} has no members"),
            Self::OffsetOutOfRange(offset) => write!(f, "offset {offset} is not in the log"),
            Self::UnknownFault(id) => write!(f, "fault {id} is not set"),
            Self::Fault(refused) => refused.fmt(f),
            Self::TooMany => f.write_str("there are as many of these as may be"),
        }
    }
}

impl std::error::Error for OrderRefused {}
