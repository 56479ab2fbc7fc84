//! Answers that wait for the user, in the order of their arrival.
//!
//! The parts of an answer share one allocation, so its bytes count until the last part is gone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weft_client::NodeId;

use super::completed::CompletedFetch;
use crate::metrics::{Amount, Consumed};

/// The answers. How much may wait is decided where fetches are planned.
#[derive(Clone, Debug, Default)]
pub(crate) struct FetchBuffer {
    waiting: VecDeque<CompletedFetch>,
    answers: BTreeMap<u64, Answer>,
    bytes: usize,
    /// What was handed out of answers that are gone, until somebody counts it.
    consumed: Vec<Consumed>,
}

/// The answer to one fetch, some parts of which wait.
#[derive(Clone, Debug)]
struct Answer {
    node: NodeId,
    bytes: usize,
    parts: usize,
    consumed: Consumed,
}

/// What takes up the buffer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Answers of each node that somebody may read, and their bytes.
    pub(crate) by_node: BTreeMap<NodeId, (usize, usize)>,
    /// Bytes of answers that nobody may read at the moment.
    pub(crate) held: usize,
    /// The newest of those answers.
    pub(crate) newest_held: Option<u64>,
}

impl FetchBuffer {
    pub(crate) fn push(&mut self, completed: CompletedFetch) {
        let new = Answer {
            node: completed.node,
            bytes: 0,
            parts: 0,
            consumed: Consumed::default(),
        };
        let answer = self.answers.entry(completed.answer).or_insert(new);
        answer.bytes += completed.bytes;
        answer.parts += 1;
        // With its place made now, counting later takes no memory.
        let topic = completed.topic_partition.topic();
        answer.consumed.add(topic, Amount::default());
        self.bytes += completed.bytes;
        self.waiting.push_back(completed);
    }

    /// The bytes that wait, as they came from the brokers.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&CompletedFetch> {
        self.waiting.get(index)
    }

    #[inline]
    pub(crate) fn entry(&mut self, index: usize) -> Option<&mut CompletedFetch> {
        self.waiting.get_mut(index)
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &CompletedFetch> {
        self.waiting.iter()
    }

    /// Counts records that were handed out of a part.
    pub(crate) fn count(&mut self, index: usize, amount: Amount) {
        if let Some(completed) = self.waiting.get(index)
            && let Some(answer) = self.answers.get_mut(&completed.answer)
        {
            let topic = completed.topic_partition.topic();
            answer.consumed.add(topic, amount);
        }
    }

    /// Moves what was handed out of answers that are gone.
    pub(crate) fn take_consumed(&mut self, into: &mut Vec<Consumed>) {
        into.append(&mut self.consumed);
    }

    pub(crate) fn remove(&mut self, index: usize) {
        if let Some(completed) = self.waiting.remove(index) {
            self.part_is_gone(completed.answer);
        }
    }

    /// Keeps only what passes.
    pub(crate) fn retain(&mut self, mut passes: impl FnMut(&CompletedFetch) -> bool) {
        let mut gone = Vec::new();
        self.waiting.retain(|completed| {
            let is_kept = passes(completed);
            if !is_kept {
                gone.push(completed.answer);
            }
            is_kept
        });
        for answer in gone {
            self.part_is_gone(answer);
        }
    }

    /// What waits, and what of it waits in vain because none of its parts passes.
    pub(crate) fn usage(&self, passes: impl FnMut(&&CompletedFetch) -> bool) -> Usage {
        let readable = self.waiting.iter().filter(passes);
        let readable: BTreeSet<u64> = readable.map(|completed| completed.answer).collect();
        let mut usage = Usage::default();
        for (number, answer) in &self.answers {
            if readable.contains(number) {
                let (answers, bytes) = usage.by_node.entry(answer.node).or_default();
                *answers += 1;
                *bytes += answer.bytes;
            } else {
                usage.held += answer.bytes;
                usage.newest_held = Some(*number);
            }
        }
        usage
    }

    fn part_is_gone(&mut self, number: u64) {
        if let Some(answer) = self.answers.get_mut(&number) {
            answer.parts -= 1;
            if answer.parts == 0 {
                self.bytes -= answer.bytes;
                let gone = self.answers.remove(&number);
                self.consumed.extend(gone.map(|answer| answer.consumed));
            }
        }
    }
}
