//! Looks offsets up: for partitions whose position is to be reset, and for calls that wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_client::cluster::UpdateReason;
use weft_client::net::{Lane, OutboundRequest};
use weft_client::wire::messages::ListOffsetsResponse;
use weft_client::wire::{Context, ErrorCode, Reaction, reaction};
use weft_client::{Broker, Error, LeaderEpoch, NodeId, Offset, TopicName, TopicPartition};

use super::ConsumerCore;
use super::list_offsets::{AskedOffsets, BEGINNING, END, Purpose, list_offsets};
use super::network::Pending;
use crate::position::{EndQuestion, OffsetAndTimestamp, Position, ResetTo};

/// The name of one look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LookUpId(pub(super) u64);

/// What a call waits for.
#[derive(Clone, Debug)]
pub(super) struct LookUp {
    /// Timestamps by partition, or -1 and -2 for the ends; those not found yet.
    missing: BTreeMap<TopicPartition, i64>,
    asked: BTreeSet<TopicPartition>,
    found: BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>,
    failure: Option<Error>,
    retry_at: Option<Instant>,
    attempts: u32,
}

impl LookUp {
    pub(super) fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.missing.keys().chain(self.found.keys())
    }
}

impl ConsumerCore {
    /// Begins to look offsets up for a call that waits. Timestamps are in milliseconds; -1 stands
    /// for the end, -2 for the beginning.
    pub(crate) fn look_up_offsets(&mut self, targets: BTreeMap<TopicPartition, i64>) -> LookUpId {
        let id = LookUpId(self.number());
        self.look_ups.insert(
            id,
            LookUp {
                missing: targets,
                asked: BTreeSet::new(),
                found: BTreeMap::new(),
                failure: None,
                retry_at: None,
                attempts: 0,
            },
        );
        self.want_topics();
        id
    }

    /// The result once it is complete. Takes it out.
    pub(crate) fn take_look_up(
        &mut self,
        id: LookUpId,
    ) -> Option<Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error>> {
        let look_up = self.look_ups.get(&id)?;
        if look_up.failure.is_none() && !look_up.missing.is_empty() {
            return None;
        }
        let look_up = self.look_ups.remove(&id)?;
        self.want_topics();
        Some(match look_up.failure {
            Some(failure) => Err(failure),
            None => Ok(look_up.found),
        })
    }

    /// Nobody waits any more. Returns the partitions that are missing.
    pub(crate) fn cancel_look_up(&mut self, id: LookUpId) -> Vec<TopicPartition> {
        let look_up = self.look_ups.remove(&id);
        self.want_topics();
        look_up.map_or_else(Vec::new, |look_up| look_up.missing.into_keys().collect())
    }

    pub(super) fn plan_offsets(&mut self, now: Instant, out: &mut Vec<OutboundRequest>) {
        let mut wanted = Vec::new();
        self.wanted_resets(now, &mut wanted);
        self.wanted_look_ups(now, &mut wanted);
        self.wanted_ends(&mut wanted);
        if wanted.is_empty() {
            return;
        }
        let snapshot = Arc::clone(self.cluster.snapshot());
        let mut by_leader: BTreeMap<(NodeId, u32), (Arc<Broker>, AskedOffsets)> = BTreeMap::new();
        let mut has_leaderless = false;
        let mut turns: BTreeMap<TopicPartition, u32> = BTreeMap::new();
        for (name, purpose, timestamp) in wanted {
            let Some((broker, epoch)) = snapshot.leader(&name) else {
                has_leaderless = true;
                continue;
            };
            self.mark_asked(&name, purpose);
            // A request must not name a partition twice.
            let turn = turns.entry(name.clone()).or_insert(0);
            by_leader
                .entry((broker.id, *turn))
                .or_insert_with(|| {
                    (
                        Arc::clone(broker),
                        AskedOffsets {
                            purpose: Vec::new(),
                        },
                    )
                })
                .1
                .purpose
                .push((name, purpose, timestamp, epoch));
            *turn += 1;
        }
        if has_leaderless {
            self.cluster.request_update(UpdateReason::LeaderUnknown);
        }
        for (broker, asked) in by_leader.into_values() {
            let request = list_offsets(&asked, self.options.isolation);
            let pending = Pending::Offsets {
                broker: Arc::clone(&broker),
                asked,
            };
            out.push(self.request(&broker, Lane::General, request, pending));
        }
    }

    fn wanted_resets(&self, now: Instant, out: &mut Vec<(TopicPartition, Purpose, i64)>) {
        for (name, partition) in &self.partitions {
            let Position::AwaitingReset(to) = partition.position() else {
                continue;
            };
            if !partition.is_asked && !partition.backs_off(now) {
                let purpose = Purpose::Reset(partition.stamp());
                out.push((name.clone(), purpose, self.timestamp(to)));
            }
        }
    }

    fn wanted_look_ups(&mut self, now: Instant, out: &mut Vec<(TopicPartition, Purpose, i64)>) {
        let mut next: Option<Instant> = None;
        for (id, look_up) in &self.look_ups {
            if let Some(retry_at) = look_up.retry_at.filter(|retry_at| *retry_at > now) {
                next = Some(next.map_or(retry_at, |known| known.min(retry_at)));
                continue;
            }
            for (name, timestamp) in &look_up.missing {
                if !look_up.asked.contains(name) {
                    out.push((name.clone(), Purpose::LookUp(*id), *timestamp));
                }
            }
        }
        if let Some(next) = next {
            self.plan_by(next);
        }
    }

    fn wanted_ends(&self, out: &mut Vec<(TopicPartition, Purpose, i64)>) {
        for (name, partition) in &self.partitions {
            if partition.end_question == EndQuestion::Wanted {
                out.push((name.clone(), Purpose::End, END));
            }
        }
    }

    fn mark_asked(&mut self, name: &TopicPartition, purpose: Purpose) {
        match purpose {
            Purpose::Reset(_) => {
                if let Some(partition) = self.partitions.get_mut(name) {
                    partition.is_asked = true;
                }
            }
            Purpose::LookUp(id) => {
                if let Some(look_up) = self.look_ups.get_mut(&id) {
                    look_up.asked.insert(name.clone());
                }
            }
            Purpose::End => {
                if let Some(partition) = self.partitions.get_mut(name) {
                    partition.end_question = EndQuestion::Asked;
                }
            }
        }
    }

    fn timestamp(&self, to: ResetTo) -> i64 {
        match to {
            ResetTo::Beginning => BEGINNING,
            ResetTo::End | ResetTo::EndThenYoungest(_) => END,
            ResetTo::Youngest(age) | ResetTo::YoungestOr(age, _) => {
                let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
                self.wall_time_ms.saturating_sub(age).max(0)
            }
        }
    }

    pub(super) fn handle_offsets(
        &mut self,
        now: Instant,
        broker: &Arc<Broker>,
        asked: AskedOffsets,
        response: &ListOffsetsResponse,
    ) {
        let mut told = BTreeMap::new();
        for topic in &response.topics {
            for partition in &topic.partitions {
                told.insert((topic.name.as_str(), partition.partition_index), partition);
            }
        }
        let mut refused = Refused::default();
        for (name, purpose, timestamp, _) in asked.purpose {
            let key = (name.topic().as_str(), name.partition());
            let Some(answer) = told.get(&key) else {
                self.look_up_failed(now, &name, purpose, None);
                continue;
            };
            let code = ErrorCode(answer.error_code);
            match reaction(Context::ListOffsets, code) {
                Reaction::Accept => {
                    let leader_epoch = LeaderEpoch::from_wire(answer.leader_epoch);
                    if let Some(epoch) = leader_epoch {
                        self.cluster.see_epoch(&name, epoch);
                    }
                    if timestamp == END && answer.offset >= 0 {
                        self.end_told(&name, Offset::new(answer.offset));
                    }
                    let found = (answer.offset >= 0).then(|| OffsetAndTimestamp {
                        offset: Offset::new(answer.offset),
                        timestamp: answer.timestamp,
                        leader_epoch,
                    });
                    self.offset_found(now, &name, purpose, found);
                }
                Reaction::NoSuchOffset => self.offset_found(now, &name, purpose, None),
                Reaction::FailTopic | Reaction::Fail => {
                    refused.topics.insert(name.topic().clone());
                    refused.asked.push((name, purpose, code));
                }
                _ => {
                    self.cluster.request_update(UpdateReason::BeliefRefused);
                    self.look_up_failed(now, &name, purpose, None);
                }
            }
        }
        for (name, purpose, code) in refused.asked {
            let text = format!("{broker} refused to look an offset up: {code}");
            let error = Error::broker(code, text).with_topic_partition(name.clone());
            let error = error.with_topics(refused.topics.iter().cloned());
            self.look_up_failed(now, &name, purpose, Some(error));
        }
    }

    pub(super) fn offsets_failed(
        &mut self,
        now: Instant,
        _broker: &Arc<Broker>,
        asked: AskedOffsets,
        error: &Error,
    ) {
        let fatal = error.is_fatal().then(|| error.clone());
        for (name, purpose, ..) in asked.purpose {
            self.look_up_failed(now, &name, purpose, fatal.clone());
        }
    }

    fn offset_found(
        &mut self,
        now: Instant,
        name: &TopicPartition,
        purpose: Purpose,
        found: Option<OffsetAndTimestamp>,
    ) {
        let stamp = match purpose {
            Purpose::LookUp(id) => {
                if let Some(look_up) = self.look_ups.get_mut(&id) {
                    look_up.missing.remove(name);
                    look_up.found.insert(name.clone(), found);
                }
                return;
            }
            // The broker told what it knows, or that it knows nothing: asking is over.
            Purpose::End => {
                if let Some(partition) = self.partitions.get_mut(name) {
                    partition.end_question = EndQuestion::None;
                }
                return;
            }
            Purpose::Reset(stamp) => stamp,
        };
        let fresh = self.stamp();
        let Some(partition) = self.partitions.get_mut(name) else {
            return;
        };
        let Position::AwaitingReset(to) = partition.position() else {
            return;
        };
        if partition.stamp() != stamp {
            return;
        }
        match after_look_up(to, found.map(|found| found.offset)) {
            Some(next) => {
                partition.set(next, fresh);
                self.is_confirmation_due = true;
            }
            None => self.look_up_failed(now, name, purpose, None),
        }
    }

    /// The offset was not told: it is asked for again after a pause, unless that is pointless.
    fn look_up_failed(
        &mut self,
        now: Instant,
        name: &TopicPartition,
        purpose: Purpose,
        error: Option<Error>,
    ) {
        match purpose {
            Purpose::LookUp(id) => {
                let attempts = self.look_ups.get(&id).map_or(0, |look_up| look_up.attempts);
                let pause = self.pause_after(attempts);
                self.plan_by(now + pause);
                if let Some(look_up) = self.look_ups.get_mut(&id) {
                    look_up.asked.remove(name);
                    // All that one answer lacks is one failure.
                    if look_up.retry_at.is_none_or(|retry_at| retry_at <= now) {
                        look_up.attempts += 1;
                        look_up.retry_at = Some(now + pause);
                    }
                    look_up.failure = look_up.failure.take().or(error);
                }
            }
            // Whoever wants to know asks again.
            Purpose::End => {
                if let Some(partition) = self.partitions.get_mut(name) {
                    partition.end_question = EndQuestion::None;
                }
            }
            Purpose::Reset(stamp) => {
                let attempts = self.partitions.get(name).map_or(0, |p| p.attempts);
                let pause: Duration = self.pause_after(attempts);
                self.plan_by(now + pause);
                let Some(partition) = self.partitions.get_mut(name) else {
                    return;
                };
                if partition.stamp() == stamp {
                    partition.is_asked = false;
                    partition.attempts += 1;
                    partition.retry_at = Some(now + pause);
                    if let Some(error) = error {
                        self.push_error(error);
                    }
                }
            }
        }
    }
}

/// What a broker refused of one request.
#[derive(Default)]
struct Refused {
    asked: Vec<(TopicPartition, Purpose, ErrorCode)>,
    topics: BTreeSet<TopicName>,
}

/// What a reset comes to when the look-up found this. The position carries no epoch: no record was
/// read that could have told one.
fn after_look_up(to: ResetTo, found: Option<Offset>) -> Option<Position> {
    Some(match (to, found) {
        (ResetTo::Youngest(age), None) => Position::AwaitingReset(ResetTo::EndThenYoungest(age)),
        (ResetTo::EndThenYoungest(age), Some(end)) => {
            Position::AwaitingReset(ResetTo::YoungestOr(age, end))
        }
        (_, Some(offset)) | (ResetTo::YoungestOr(_, offset), None) => Position::At {
            offset,
            leader_epoch: None,
        },
        // Every log has a beginning and an end: the broker does not know yet.
        (_, None) => return None,
    })
}
