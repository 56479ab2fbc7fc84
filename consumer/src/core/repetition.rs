//! Asks brokers again for the same, without going through the partitions.
//!
//! A consumer with nothing to read gets an empty answer from each broker every `fetch.max.wait.ms`.
//! In a fetch session (KIP-227) the next request then has nothing to say either, so that it is
//! made without a look at what may be thousands of partitions. That holds as long as nothing has
//! changed since all of them were looked at: whatever changes what should be fetched makes the plan
//! stale, and whatever does so by the passing of time has the plan made again by then.
//!
//! The surprising thing: a plan may be made while a broker still has to answer. So each plan notes
//! of each such broker whether it was asked for the very same.

use std::time::Instant;

use weft_client::NodeId;
use weft_client::net::OutboundRequest;

use super::{ConsumerCore, Node};
use crate::fetch::{Budget, FetchOptions, Usage, WAITING_ANSWERS_MAX};

/// What an answer does to the plan of what to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: it stands.
    Nothing,
    /// It has to be made again.
    Anything,
}

impl ConsumerCore {
    /// Asks those brokers again whose last answer changed nothing, within the same limits as a
    /// plan. One that may not be asked now is asked by a plan, once something was drained.
    pub(super) fn repeat_fetches(&mut self, now: Instant, out: &mut Vec<OutboundRequest>) {
        if self.unchanged.is_empty() {
            return;
        }
        let usage = self.usage();
        let wanted = self.nodes.iter().filter(|(_, state)| state.is_wanted);
        let mut budget = self.budget(&usage, wanted.map(|(node, _)| *node));
        for broker in std::mem::take(&mut self.unchanged) {
            let node = broker.id;
            debug_assert!(
                self.is_asked_for_all(now, node),
                "whatever changes what should be fetched makes the plan stale"
            );
            let options = &self.options.fetch;
            let Some(state) = self.nodes.get_mut(&node) else {
                continue;
            };
            let partitions = state.session.partitions().len();
            let Some(bytes) = state.reserve(node, partitions, options, &usage, &mut budget) else {
                continue;
            };
            let said = state.session.repeat();
            let fetch = self.fetch(&broker, said, bytes);
            out.push(fetch);
        }
    }

    /// Whether some other node is to be asked and is not. This node's answer may have made room for
    /// it, which is for a plan to divide.
    pub(super) fn leaves_another_out(&self, node: NodeId) -> bool {
        self.nodes.iter().any(|(other, state)| {
            let is_left_out = state.is_wanted && !state.is_fetching && *other != node;
            is_left_out && self.unchanged.iter().all(|broker| broker.id != *other)
        })
    }

    /// A new plan is about to be made.
    pub(super) fn forget_plan(&mut self) {
        self.unchanged.clear();
        for state in self.nodes.values_mut() {
            state.is_wanted = false;
            state.is_asked_as_planned = false;
        }
    }
}

impl Node {
    /// Sets bytes aside for an answer of so many partitions, and takes it as asked for: `None` if
    /// too much waits already.
    pub(super) fn reserve(
        &mut self,
        node: NodeId,
        partitions: usize,
        options: &FetchOptions,
        usage: &Usage,
        budget: &mut Budget,
    ) -> Option<usize> {
        let (answers, waiting) = usage.by_node.get(&node).copied().unwrap_or_default();
        if answers >= WAITING_ANSWERS_MAX {
            return None;
        }
        let room = budget.allows(waiting)?;
        let bytes = options.answer_bytes_max(room, partitions);
        budget.reserve(bytes);
        self.reserved = bytes;
        self.is_fetching = true;
        Some(bytes)
    }
}
