//! Asks nodes for records, and takes in what they answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use weft_client::cluster::{LeaderUpdate, UpdateReason};
use weft_client::net::{Lane, OutboundRequest};
use weft_client::wire::messages::FetchResponse;
use weft_client::wire::messages::fetch_response::PartitionData;
use weft_client::wire::{Context, ErrorCode, Reaction, reaction};
use weft_client::{Broker, Error, ErrorKind, LeaderEpoch, NodeId, Offset, TopicPartition};

use super::ConsumerCore;
use super::network::Pending;
use super::repetition::Effect;
use super::targets::Wanted;
use crate::config::IsolationLevel;
use crate::fetch::{
    AbortedTransactions, Answer, AskedPartition, Budget, CompletedFetch, Origin, SessionRequest,
    Usage, described_brokers, fetch_request,
};
use crate::position::{AskedOf, Partition};

impl ConsumerCore {
    /// Asks every node that has something to offer and is not asked already.
    ///
    /// A node is asked for all its partitions at once or not at all. Were some left out because
    /// their data still waits, a long poll for the rest would hold them back once it is drained,
    /// and its session would have to forget them.
    pub(super) fn plan_fetches(&mut self, now: Instant, out: &mut Vec<OutboundRequest>) {
        #[cfg(test)]
        {
            self.plans += 1;
        }
        self.drop_held();
        self.forget_plan();
        let usage = self.usage();
        let by_node = self.wanted_by_node(now);
        let mut budget = self.budget(&usage, by_node.keys().copied());
        for (node, Wanted { broker, asked }) in by_node {
            let state = self.nodes.entry(node).or_default();
            state.is_wanted = true;
            if state.is_fetching {
                state.is_asked_as_planned = state.session.partitions() == asked;
                continue;
            }
            if let Some(retry_at) = state.retry_at.filter(|retry_at| *retry_at > now) {
                self.plan_by(retry_at);
                continue;
            }
            let options = &self.options.fetch;
            let Some(bytes) = state.reserve(node, asked.len(), options, &usage, &mut budget) else {
                continue;
            };
            state.is_asked_as_planned = true;
            state.fetches += 1;
            let fetch = state.fetches;
            let said = state.session.ask(asked, options.partition_bytes_max());
            for asked in state.session.partitions() {
                if let Some(partition) = self.partitions.get_mut(&asked.topic_partition) {
                    partition.asked_of = Some(AskedOf { node, fetch });
                }
            }
            let fetch = self.fetch(&broker, said, bytes);
            out.push(fetch);
        }
    }

    pub(super) fn fetch(
        &mut self,
        broker: &Arc<Broker>,
        said: SessionRequest,
        bytes: usize,
    ) -> OutboundRequest {
        let request = fetch_request(&self.options.fetch, said, bytes);
        let pending = Pending::Fetch {
            broker: Arc::clone(broker),
        };
        self.request(broker, Lane::Fetch, request, pending)
    }

    pub(super) fn usage(&self) -> Usage {
        self.buffer.usage(|completed| {
            let owned = self.partitions.get(&completed.topic_partition);
            owned.is_some_and(Partition::may_deliver)
        })
    }

    /// What nodes may be asked for, among them those that `asked` names.
    pub(super) fn budget(&self, usage: &Usage, asked: impl Iterator<Item = NodeId>) -> Budget {
        let mut nodes: BTreeSet<NodeId> = asked.chain(usage.by_node.keys().copied()).collect();
        let mut spent = self.buffer.bytes() - usage.held;
        for (node, state) in self.nodes.iter().filter(|(_, state)| state.is_fetching) {
            nodes.insert(*node);
            spent += state.reserved;
        }
        Budget::new(
            self.options.buffer_bytes_max,
            usage.held,
            spent,
            nodes.len(),
        )
    }

    /// Keeps data that nobody may read, such as that of paused partitions, within half of what may
    /// wait. What is dropped, the newest first, is fetched again when it may be read.
    fn drop_held(&mut self) {
        loop {
            let usage = self.usage();
            let Some(newest) = usage.newest_held else {
                return;
            };
            if usage.held <= self.options.buffer_bytes_max / 2 {
                return;
            }
            let parts = self.buffer.parts().filter(|part| part.answer == newest);
            let names: Vec<TopicPartition> =
                parts.map(|part| part.topic_partition.clone()).collect();
            for name in &names {
                let stamp = self.stamp();
                if let Some(partition) = self.partitions.get_mut(name) {
                    partition.refetch(stamp);
                }
            }
            self.drop_stale();
        }
    }

    pub(super) fn handle_fetch(
        &mut self,
        now: Instant,
        broker: &Arc<Broker>,
        response: FetchResponse,
    ) -> Effect {
        let described = described_brokers(&response);
        let state = self.nodes.entry(broker.id).or_default();
        state.is_answered();
        let answers = match state.session.answered(response) {
            Ok(answers) => answers,
            Err(void) => {
                if void.is_metadata_stale {
                    self.cluster.request_update(UpdateReason::BeliefRefused);
                }
                // Another session is worth a try at once, but not again and again.
                if void.was_full {
                    self.back_node_off(now, broker.id);
                }
                return Effect::Anything;
            }
        };
        state.retry_at = None;
        state.attempts = 0;
        let can_repeat = state.is_asked_as_planned && state.session.can_repeat();
        if answers.is_empty() && can_repeat && !self.leaves_another_out(broker.id) {
            self.unchanged.push(Arc::clone(broker));
            return Effect::Nothing;
        }
        let number = self.number();
        for answer in answers {
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
        Effect::Anything
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
        let Some(partition) = self.partitions.get_mut(&asked.topic_partition) else {
            return;
        };
        let code = ErrorCode(data.error_code);
        let reaction = reaction(Context::Fetch, code);
        if reaction == Reaction::Accept {
            if data.high_watermark >= 0 {
                partition.high_watermark = Some(Offset::new(data.high_watermark));
            }
            if data.log_start_offset >= 0 {
                partition.log_start_offset = Some(Offset::new(data.log_start_offset));
            }
            if data.last_stable_offset >= 0 {
                partition.last_stable_offset = Some(Offset::new(data.last_stable_offset));
            }
            if data
                .records
                .as_ref()
                .is_some_and(|records| !records.is_empty())
            {
                partition.last_answer = number;
                self.take_records(now, broker.id, number, &asked, data);
            } else {
                self.prefer_replica(now, &asked, data.preferred_read_replica.into());
            }
            return;
        }
        partition.last_answer = number;
        let is_drained = partition.is_drained();
        match reaction {
            Reaction::Retry => self.back_partition_off(now, &asked.topic_partition),
            Reaction::RefreshMetadata => {
                partition.preferred_replica = None;
                if self.update_leader(&asked, &data, described) == LeaderUpdate::Ignored {
                    self.cluster.request_update(UpdateReason::BeliefRefused);
                    self.back_partition_off(now, &asked.topic_partition);
                }
            }
            // A follower may lag behind the position; the leader knows.
            Reaction::ResetPosition if partition.preferred_replica.take().is_some() => {}
            // What was fetched before is handed out first; then the same answer comes again.
            _ if !is_drained => self.back_partition_off(now, &asked.topic_partition),
            Reaction::ResetPosition => self.reset_by_policy(&asked.topic_partition, asked.offset),
            _ => {
                let text = format!(
                    "{broker} refused to hand out records from offset {} on: {code}",
                    asked.offset
                );
                self.fail_fetch(now, &asked, Error::broker(code, text));
            }
        }
    }

    /// Believes the leader that an answer names, if it is news (KIP-951).
    fn update_leader(
        &mut self,
        asked: &AskedPartition,
        data: &PartitionData,
        described: &[Broker],
    ) -> LeaderUpdate {
        let leader = NodeId::from(data.current_leader.leader_id);
        let Some(epoch) = LeaderEpoch::from_wire(data.current_leader.leader_epoch) else {
            return LeaderUpdate::Ignored;
        };
        let broker = described.iter().find(|broker| broker.id == leader).cloned();
        self.cluster
            .update_leader(&asked.topic_partition, leader, epoch, broker)
    }

    fn take_records(
        &mut self,
        now: Instant,
        node: NodeId,
        number: u64,
        asked: &AskedPartition,
        data: PartitionData,
    ) {
        let origin = Origin {
            topic_partition: asked.topic_partition.clone(),
            stamp: asked.stamp,
            node,
            answer: number,
        };
        let records = data.records.unwrap_or_default();
        let (mut completed, next) = CompletedFetch::new(origin, records, asked.offset);
        if self.options.isolation == IsolationLevel::ReadCommitted {
            let listed = data.aborted_transactions.unwrap_or_default();
            completed = completed.without(AbortedTransactions::new(&listed));
        }
        let Some(partition) = self.partitions.get_mut(&asked.topic_partition) else {
            return;
        };
        if next > asked.offset {
            partition.fetched(next);
            self.buffer.push(completed);
        } else if completed.has_failure() {
            // Nothing more is asked for until the user was told what is wrong with this.
            partition.has_failed = true;
            self.buffer.push(completed);
        } else {
            let (kind, what) = if completed.is_empty() {
                (ErrorKind::RecordTooLarge, TOO_LITTLE)
            } else {
                (ErrorKind::CorruptRecord, TOO_OLD)
            };
            let text = format!("fetching from offset {} on: {what}", asked.offset);
            self.fail_fetch(now, asked, Error::new(kind, text));
        }
    }

    /// Has the next `poll` fail, unless there are records before that; they come first, and then
    /// the same answer again.
    fn fail_fetch(&mut self, now: Instant, asked: &AskedPartition, error: Error) {
        self.back_partition_off(now, &asked.topic_partition);
        if let Some(partition) = self.partitions.get_mut(&asked.topic_partition)
            && partition.is_drained()
        {
            partition.has_failed = true;
            self.push_error(error.with_topic_partition(asked.topic_partition.clone()));
        }
    }

    pub(super) fn fetch_failed(&mut self, now: Instant, broker: &Arc<Broker>, error: &Error) {
        let state = self.nodes.entry(broker.id).or_default();
        state.is_answered();
        state.session.failed();
        for asked in state.session.partitions() {
            if let Some(partition) = self.partitions.get_mut(&asked.topic_partition) {
                let preferred = partition.preferred_replica.take();
                partition.preferred_replica = preferred.filter(|it| it.node != broker.id);
            }
        }
        self.back_node_off(now, broker.id);
        if error.is_fatal() {
            self.push_error(error.clone());
        }
    }

    /// Forgets nodes that are gone.
    pub(super) fn forget_nodes(&mut self) {
        let snapshot = self.cluster.snapshot();
        self.nodes
            .retain(|node, state| state.is_fetching || snapshot.broker(*node).is_some());
    }

    fn back_node_off(&mut self, now: Instant, node: NodeId) {
        let attempts = self.nodes.get(&node).map_or(0, |state| state.attempts);
        let retry_at = now + self.pause_after(attempts);
        let state = self.nodes.entry(node).or_default();
        state.attempts += 1;
        state.retry_at = Some(retry_at);
        self.plan_by(retry_at);
    }

    pub(super) fn back_partition_off(&mut self, now: Instant, name: &TopicPartition) {
        let attempts = self.partitions.get(name).map_or(0, |known| known.attempts);
        let pause = self.pause_after(attempts);
        if let Some(partition) = self.partitions.get_mut(name) {
            partition.attempts += 1;
            partition.retry_at = Some(now + pause);
        }
        self.plan_by(now + pause);
    }
}

const TOO_LITTLE: &str =
    "the broker sent less than one whole batch: raise max.partition.fetch.bytes";
const TOO_OLD: &str = "the broker sent nothing but older records";
