//! Asks nodes for records, and takes in what they answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use weft_client::cluster::UpdateReason;
use weft_client::net::{Lane, OutboundRequest};
use weft_client::wire::messages::FetchResponse;
use weft_client::wire::{Context, ErrorCode, Reaction, SessionRestart, reaction};
use weft_client::{Broker, Error, ErrorKind, LeaderEpoch, NodeId, Offset};

use super::ConsumerCore;
use super::network::Pending;
use crate::fetch::{
    Answer, AskedPartition, CompletedFetch, Origin, WAITING_ANSWERS_MAX, answers,
    described_brokers, fetch_request,
};

impl ConsumerCore {
    /// Asks every node that has something to offer and is not asked already.
    ///
    /// A node is asked for all its partitions at once or not at all. Were some left out because
    /// their data still waits, a long poll for the rest would hold them back once it is drained.
    pub(super) fn plan_fetches(&mut self, now: Instant, out: &mut Vec<OutboundRequest>) {
        if self.buffer.bytes() >= self.options.buffer_bytes_max {
            return;
        }
        let mut by_leader = self.fetchable_by_leader(now);
        let partitions = &self.partitions;
        let waiting = self.buffer.answers_by_node(|completed| {
            partitions
                .get(&completed.topic_partition)
                .is_some_and(|p| p.stamp() == completed.stamp && p.may_deliver())
        });
        by_leader.retain(|node, _| {
            waiting
                .get(node)
                .is_none_or(|count| *count < WAITING_ANSWERS_MAX)
        });
        for (node, (broker, mut asked)) in by_leader {
            let state = self.nodes.entry(node).or_default();
            if state.is_fetching {
                continue;
            }
            if let Some(retry_at) = state.retry_at.filter(|retry_at| *retry_at > now) {
                self.plan_by(retry_at);
                continue;
            }
            state.is_fetching = true;
            let first = self.rotation % asked.len();
            asked.rotate_left(first);
            for asked in &asked {
                if let Some(partition) = self.partitions.get_mut(&asked.topic_partition) {
                    partition.is_asked = true;
                }
            }
            let request = fetch_request(&self.options.fetch, &asked);
            let pending = Pending::Fetch {
                broker: Arc::clone(&broker),
                asked,
            };
            out.push(self.request(&broker, Lane::Fetch, request, pending));
        }
        self.rotation = self.rotation.wrapping_add(1);
    }

    fn fetchable_by_leader(
        &mut self,
        now: Instant,
    ) -> BTreeMap<NodeId, (Arc<Broker>, Vec<AskedPartition>)> {
        let mut by_leader: BTreeMap<NodeId, (Arc<Broker>, Vec<AskedPartition>)> = BTreeMap::new();
        let mut has_leaderless = false;
        let snapshot = Arc::clone(self.cluster.snapshot());
        for (name, partition) in &self.partitions {
            if !partition.is_fetchable() || partition.backs_off(now) {
                continue;
            }
            let Some((broker, leader_epoch)) = snapshot.leader(name) else {
                has_leaderless = true;
                continue;
            };
            let topic = snapshot.topic(name.topic().as_str());
            let asked = AskedPartition {
                topic_partition: name.clone(),
                topic_id: topic.map(|topic| topic.id).unwrap_or_default(),
                stamp: partition.stamp(),
                offset: partition.fetch_offset(),
                leader_epoch,
            };
            by_leader
                .entry(broker.id)
                .or_insert_with(|| (Arc::clone(broker), Vec::new()))
                .1
                .push(asked);
        }
        if has_leaderless {
            self.cluster.request_update(UpdateReason::LeaderUnknown);
        }
        by_leader
    }

    pub(super) fn handle_fetch(
        &mut self,
        now: Instant,
        broker: &Arc<Broker>,
        asked: &[AskedPartition],
        response: FetchResponse,
    ) {
        self.release(broker.id, asked);
        let code = ErrorCode(response.error_code);
        if let Reaction::RestartSession(restart) = reaction(Context::FetchSession, code) {
            if restart == SessionRestart::CloseOldAndRefreshMetadata {
                self.cluster.request_update(UpdateReason::BeliefRefused);
            }
            self.back_node_off(now, broker.id);
            return;
        }
        self.nodes.insert(broker.id, super::Node::default());
        let described = described_brokers(&response);
        let number = self.number();
        for answer in answers(asked, response) {
            let is_current = self
                .partitions
                .get(&answer.asked.topic_partition)
                .is_some_and(|partition| {
                    partition.stamp() == answer.asked.stamp
                        && partition.fetch_offset() == answer.asked.offset
                });
            // Whatever was asked for in an earlier life of the position is of no interest.
            if is_current {
                self.handle_answer(now, broker, number, answer, &described);
            }
        }
    }

    fn handle_answer(
        &mut self,
        now: Instant,
        broker: &Arc<Broker>,
        number: u64,
        answer: Answer,
        described: &[Broker],
    ) {
        let Answer { asked, data } = answer;
        let code = ErrorCode(data.error_code);
        match reaction(Context::Fetch, code) {
            Reaction::Accept => {
                if let Some(partition) = self.partitions.get_mut(&asked.topic_partition)
                    && data.high_watermark >= 0
                {
                    partition.high_watermark = Some(Offset::new(data.high_watermark));
                }
                let records = data.records.unwrap_or_default();
                if !records.is_empty() {
                    self.take_records(broker.id, number, asked, records);
                }
            }
            Reaction::Retry => self.back_partition_off(now, &asked),
            Reaction::RefreshMetadata => {
                let leader = NodeId::from(data.current_leader.leader_id);
                if let Some(epoch) = LeaderEpoch::from_wire(data.current_leader.leader_epoch) {
                    let broker = described.iter().find(|broker| broker.id == leader).cloned();
                    self.cluster
                        .update_leader(&asked.topic_partition, leader, epoch, broker);
                }
                self.cluster.request_update(UpdateReason::BeliefRefused);
                self.back_partition_off(now, &asked);
            }
            Reaction::ResetPosition => {
                let owned = self.partitions.get(&asked.topic_partition);
                // What was fetched before is drained first; then the same answer comes again.
                if owned.and_then(|partition| partition.offset()) == Some(asked.offset) {
                    self.reset_by_policy(&asked.topic_partition, asked.offset);
                } else {
                    self.back_partition_off(now, &asked);
                }
            }
            _ => {
                let text = format!(
                    "{broker} refused to hand out records from offset {} on: {code}",
                    asked.offset
                );
                let error =
                    Error::broker(code, text).with_topic_partition(asked.topic_partition.clone());
                if let Some(partition) = self.partitions.get_mut(&asked.topic_partition) {
                    partition.has_failed = true;
                }
                self.push_error(error);
                self.back_partition_off(now, &asked);
            }
        }
    }

    fn take_records(&mut self, node: NodeId, number: u64, asked: AskedPartition, records: Bytes) {
        let origin = Origin {
            topic_partition: asked.topic_partition.clone(),
            stamp: asked.stamp,
            node,
            answer: number,
        };
        let (completed, next) = CompletedFetch::new(origin, records, asked.offset);
        if completed.is_empty() {
            self.fail_fetch(
                &asked,
                ErrorKind::RecordTooLarge,
                "the broker sent less than one whole batch: raise max.partition.fetch.bytes",
            );
            return;
        }
        if next > asked.offset {
            if let Some(partition) = self.partitions.get_mut(&asked.topic_partition) {
                partition.fetched(next);
            }
        } else if let Some(partition) = self.partitions.get_mut(&asked.topic_partition) {
            // Nothing more is asked for until the user was told what is wrong with this.
            partition.has_failed = true;
        }
        self.buffer.push(completed);
    }

    fn fail_fetch(&mut self, asked: &AskedPartition, kind: ErrorKind, text: &'static str) {
        if let Some(partition) = self.partitions.get_mut(&asked.topic_partition) {
            partition.has_failed = true;
        }
        let text = format!("fetching from offset {} on: {text}", asked.offset);
        self.push_error(Error::new(kind, text).with_topic_partition(asked.topic_partition.clone()));
    }

    pub(super) fn fetch_failed(
        &mut self,
        now: Instant,
        broker: &Arc<Broker>,
        asked: &[AskedPartition],
        error: &Error,
    ) {
        self.release(broker.id, asked);
        self.back_node_off(now, broker.id);
        if error.is_fatal() {
            self.push_error(error.clone());
        }
    }

    /// The node answers no more for these.
    fn release(&mut self, node: NodeId, asked: &[AskedPartition]) {
        if let Some(state) = self.nodes.get_mut(&node) {
            state.is_fetching = false;
        }
        for asked in asked {
            if let Some(partition) = self.partitions.get_mut(&asked.topic_partition)
                && partition.stamp() == asked.stamp
            {
                partition.is_asked = false;
            }
        }
    }

    fn back_node_off(&mut self, now: Instant, node: NodeId) {
        let attempts = self.nodes.get(&node).map_or(0, |state| state.attempts);
        let retry_at = now + self.pause_after(attempts);
        let state = self.nodes.entry(node).or_default();
        state.attempts += 1;
        state.retry_at = Some(retry_at);
        self.plan_by(retry_at);
    }

    fn back_partition_off(&mut self, now: Instant, asked: &AskedPartition) {
        let attempts = self
            .partitions
            .get(&asked.topic_partition)
            .map_or(0, |partition| partition.attempts);
        let pause = self.pause_after(attempts);
        if let Some(partition) = self.partitions.get_mut(&asked.topic_partition) {
            partition.attempts += 1;
            partition.retry_at = Some(now + pause);
        }
        self.plan_by(now + pause);
    }
}
