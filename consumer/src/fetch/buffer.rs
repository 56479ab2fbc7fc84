//! Answers that wait for the user, in the order of their arrival.

use std::collections::{BTreeMap, VecDeque};

use weft_client::NodeId;

use super::completed::CompletedFetch;

/// The answers. How much may wait is decided where fetches are planned.
#[derive(Debug, Default)]
pub(crate) struct FetchBuffer {
    waiting: VecDeque<CompletedFetch>,
    bytes: usize,
}

impl FetchBuffer {
    pub(crate) fn push(&mut self, completed: CompletedFetch) {
        self.bytes += completed.bytes;
        self.waiting.push_back(completed);
    }

    /// The bytes that wait, as they came from the brokers.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&CompletedFetch> {
        self.waiting.get(index)
    }

    pub(crate) fn entry(&mut self, index: usize) -> Option<&mut CompletedFetch> {
        self.waiting.get_mut(index)
    }

    pub(crate) fn remove(&mut self, index: usize) {
        if let Some(completed) = self.waiting.remove(index) {
            self.bytes -= completed.bytes;
        }
    }

    /// Keeps only what passes.
    pub(crate) fn retain(&mut self, mut passes: impl FnMut(&CompletedFetch) -> bool) {
        self.waiting.retain(|completed| passes(completed));
        self.bytes = self.waiting.iter().map(|completed| completed.bytes).sum();
    }

    pub(crate) fn any(&self, passes: impl FnMut(&CompletedFetch) -> bool) -> bool {
        self.waiting.iter().any(passes)
    }

    /// How many answers of each node wait, counting those parts that pass.
    pub(crate) fn answers_by_node(
        &self,
        mut passes: impl FnMut(&CompletedFetch) -> bool,
    ) -> BTreeMap<NodeId, usize> {
        let mut last: BTreeMap<NodeId, (u64, usize)> = BTreeMap::new();
        for completed in self.waiting.iter().filter(|completed| passes(completed)) {
            // The parts of one answer were put here together.
            let (answer, count) = last.entry(completed.node).or_insert((u64::MAX, 0));
            if *answer != completed.answer {
                *answer = completed.answer;
                *count += 1;
            }
        }
        last.into_iter()
            .map(|(node, (_, count))| (node, count))
            .collect()
    }
}
