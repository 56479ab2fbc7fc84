//! Whether the log still has what was read, once another leader leads it (KIP-320).
//!
//! A position that says which epoch the record before it is of is confirmed by each new leader
//! before anything more is read: the leader tells where it has that epoch end. If that is before
//! the position, records that were read are gone. Then the reset policy, if there is any, resets to
//! the place where the logs part, and not to an end of the log; without one it is an error.
//!
//! A position without an epoch, a leader without one and a broker that is too old for the question
//! (before 2.3) are believed, as in Kafka's consumer. What was fetched ahead under the old leader
//! is fetched again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use weft_client::cluster::UpdateReason;
use weft_client::net::{Lane, OutboundRequest};
use weft_client::wire::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use weft_client::wire::messages::offset_for_leader_epoch_response::EpochEndOffset;
use weft_client::wire::messages::{
    self, BrokerId, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};
use weft_client::wire::{Context, ErrorCode, Reaction, Request, reaction};
use weft_client::{
    Broker, Error, ErrorKind, LeaderEpoch, NodeId, Offset, OffsetAndMetadata, TopicPartition,
};

use super::ConsumerCore;
use super::network::Pending;
use crate::position::{Position, Stamp};

/// One partition of a question.
#[derive(Clone, Debug)]
pub(super) struct AskedEpoch {
    name: TopicPartition,
    stamp: Stamp,
    /// The epoch under which the leader is asked.
    leader_epoch: LeaderEpoch,
    /// The epoch of the record before the position.
    epoch: LeaderEpoch,
}

impl ConsumerCore {
    /// Has positions confirmed whose leader is another than the one that confirmed them last.
    pub(super) fn doubt_positions(&mut self) {
        let snapshot = Arc::clone(self.cluster.snapshot());
        let mut is_any = false;
        for (name, partition) in &mut self.partitions {
            let Some((_, Some(leader_epoch))) = snapshot.leader(name) else {
                continue;
            };
            if partition.is_confirmed_by(leader_epoch) {
                continue;
            }
            match partition.position() {
                Position::At {
                    leader_epoch: Some(epoch),
                    offset,
                } => {
                    self.last_number += 1;
                    let stamp = Stamp(self.last_number);
                    partition.set(Position::AwaitingValidation { offset, epoch }, stamp);
                    is_any = true;
                }
                Position::At { .. } => partition.confirm(leader_epoch),
                // It will be At when it is confirmed, or reset.
                Position::AwaitingCommitted
                | Position::AwaitingReset(_)
                | Position::AwaitingValidation { .. } => {}
            }
        }
        if is_any {
            self.drop_stale();
        }
    }

    /// Asks the leaders of all positions that wait for it.
    pub(super) fn plan_validations(&mut self, now: Instant, out: &mut Vec<OutboundRequest>) {
        let snapshot = Arc::clone(self.cluster.snapshot());
        let mut by_leader: BTreeMap<NodeId, (Arc<Broker>, Vec<AskedEpoch>)> = BTreeMap::new();
        let mut has_leaderless = false;
        for (name, partition) in &mut self.partitions {
            let Position::AwaitingValidation { epoch, .. } = partition.position() else {
                continue;
            };
            if partition.is_asked || partition.has_failed || partition.backs_off(now) {
                continue;
            }
            let Some((broker, Some(leader_epoch))) = snapshot.leader(name) else {
                has_leaderless = true;
                continue;
            };
            partition.is_asked = true;
            let entry = by_leader.entry(broker.id);
            let (_, asked) = entry.or_insert_with(|| (Arc::clone(broker), Vec::new()));
            asked.push(AskedEpoch {
                name: name.clone(),
                stamp: partition.stamp(),
                leader_epoch,
                epoch,
            });
        }
        if has_leaderless {
            self.cluster.request_update(UpdateReason::LeaderUnknown);
        }
        for (broker, asked) in by_leader.into_values() {
            let request = question(&asked);
            let pending = Pending::Validation {
                broker: Arc::clone(&broker),
                asked,
            };
            out.push(self.request(&broker, Lane::General, request, pending));
        }
    }

    pub(super) fn handle_epochs(
        &mut self,
        now: Instant,
        broker: &Broker,
        asked: &[AskedEpoch],
        response: &OffsetForLeaderEpochResponse,
    ) {
        let mut told: BTreeMap<(&str, i32), &EpochEndOffset> = BTreeMap::new();
        for topic in &response.topics {
            for partition in &topic.partitions {
                told.insert((topic.topic.as_str(), partition.partition), partition);
            }
        }
        for asked in asked {
            let key = (asked.name.topic().as_str(), asked.name.partition());
            let Some(answer) = told.get(&key) else {
                self.ask_epoch_again(now, asked);
                continue;
            };
            let code = ErrorCode(answer.error_code);
            match reaction(Context::OffsetForLeaderEpoch, code) {
                Reaction::Accept => self.epoch_told(asked, answer),
                Reaction::FailTopic | Reaction::Fail => {
                    let text = format!("{broker} does not tell where epochs end: {code}");
                    let error = Error::broker(code, text).with_topics([asked.name.topic().clone()]);
                    self.fail_validation(asked, error);
                }
                _ => {
                    self.cluster.request_update(UpdateReason::BeliefRefused);
                    self.ask_epoch_again(now, asked);
                }
            }
        }
    }

    /// No answer came.
    pub(super) fn epochs_failed(&mut self, now: Instant, asked: &[AskedEpoch], error: &Error) {
        for asked in asked {
            if error.kind() == ErrorKind::UnsupportedVersion {
                self.confirm(asked);
            } else {
                self.ask_epoch_again(now, asked);
            }
        }
    }

    fn epoch_told(&mut self, asked: &AskedEpoch, answer: &EpochEndOffset) {
        let Some(offset) = self.doubted_offset(asked) else {
            return;
        };
        let end = Offset::new(answer.end_offset);
        match LeaderEpoch::from_wire(answer.leader_epoch) {
            Some(_) if end >= offset => self.confirm(asked),
            Some(epoch) if end >= Offset::ZERO => self.truncated(asked, offset, Some((end, epoch))),
            _ => self.truncated(asked, offset, None),
        }
    }

    /// Records before `offset` are gone; `parting` is where the logs part, and the epoch of what is
    /// before it.
    fn truncated(
        &mut self,
        asked: &AskedEpoch,
        offset: Offset,
        parting: Option<(Offset, LeaderEpoch)>,
    ) {
        let name = &asked.name;
        match (self.policy(), parting) {
            (Some(_), Some((end, epoch))) => {
                tracing::info!(partition = %name, %offset, %end, "the log was truncated");
                let stamp = self.stamp();
                if let Some(partition) = self.partitions.get_mut(name) {
                    let position = Position::At {
                        offset: end,
                        leader_epoch: Some(epoch),
                    };
                    partition.set(position, stamp);
                    partition.confirm(asked.leader_epoch);
                }
                self.is_plan_stale = true;
            }
            (Some(_), None) => self.reset_by_policy(name, offset),
            (None, parting) => {
                let mut error = Error::new(
                    ErrorKind::LogTruncation,
                    format!(
                        "records before offset {offset} were read and are gone, and \
                         auto.offset.reset is none: seek to where to go on"
                    ),
                );
                if let Some((end, epoch)) = parting {
                    let mut divergent = OffsetAndMetadata::new(end);
                    divergent.leader_epoch = Some(epoch);
                    error = error.with_divergent_offset(divergent);
                }
                self.fail_validation(asked, error);
            }
        }
    }

    fn confirm(&mut self, asked: &AskedEpoch) {
        let Some(offset) = self.doubted_offset(asked) else {
            return;
        };
        let stamp = self.stamp();
        if let Some(partition) = self.partitions.get_mut(&asked.name) {
            let position = Position::At {
                offset,
                leader_epoch: Some(asked.epoch),
            };
            partition.set(position, stamp);
            partition.confirm(asked.leader_epoch);
        }
        // The leader may have changed again meanwhile.
        self.is_confirmation_due = true;
        self.is_plan_stale = true;
    }

    /// The offset in question, if the answer is still of interest.
    fn doubted_offset(&self, asked: &AskedEpoch) -> Option<Offset> {
        let partition = self.partitions.get(&asked.name)?;
        match partition.position() {
            Position::AwaitingValidation { offset, .. } if partition.stamp() == asked.stamp => {
                Some(offset)
            }
            _ => None,
        }
    }

    fn ask_epoch_again(&mut self, now: Instant, asked: &AskedEpoch) {
        if self.doubted_offset(asked).is_none() {
            return;
        }
        self.back_partition_off(now, &asked.name);
        if let Some(partition) = self.partitions.get_mut(&asked.name) {
            partition.is_asked = false;
        }
    }

    /// Has the next `poll` fail. It is asked again after that.
    fn fail_validation(&mut self, asked: &AskedEpoch, error: Error) {
        if self.doubted_offset(asked).is_none() {
            return;
        }
        if let Some(partition) = self.partitions.get_mut(&asked.name) {
            partition.is_asked = false;
            partition.has_failed = true;
        }
        self.push_error(error.with_topic_partition(asked.name.clone()));
    }
}

/// The partitions come sorted by topic.
fn question(asked: &[AskedEpoch]) -> Request {
    let mut topics: Vec<OffsetForLeaderTopic> = Vec::new();
    for asked in asked {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(asked.name.partition())
            .with_current_leader_epoch(asked.leader_epoch.value())
            .with_leader_epoch(asked.epoch.value());
        match topics.last_mut() {
            Some(topic) if topic.topic.as_str() == asked.name.topic().as_str() => {
                topic.partitions.push(partition);
            }
            _ => topics.push(
                OffsetForLeaderTopic::default()
                    .with_topic(messages::TopicName::from(asked.name.topic()))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    Request::OffsetForLeaderEpoch(
        OffsetForLeaderEpochRequest::default()
            .with_replica_id(BrokerId(CONSUMER))
            .with_topics(topics),
    )
}

/// The replica id of everybody who is not a broker.
const CONSUMER: i32 = -1;
