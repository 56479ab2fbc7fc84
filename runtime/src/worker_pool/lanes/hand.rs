//! What one worker took and has not reported yet.

use std::mem;
use std::ops::Range;
use std::time::Instant;

use weft_client::record::RecordPosition;

#[cfg(test)]
use crate::ledger::Sequence;

use super::Task;
use super::desk::LaneId;

/// What became of a record in a hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing: it goes back to the front of its lane, or is discarded with its assignment.
    NotStarted,
    /// It needs no further attempt.
    Finished,
    /// It failed, and with its lane it waits until then.
    RetryAt(Instant),
    /// It failed for good, and nothing of its lane may run before the runtime has stopped.
    Blocked,
}

/// Records taken with one call, as portions of consecutive records of one lane each.
#[derive(Clone, Debug)]
pub(crate) struct Hand<R> {
    tasks: Vec<(Task, Outcome)>,
    /// The index in `runs` of each task's run.
    run_of: Vec<u32>,
    runs: Vec<R>,
    /// Each lane with the end of its portion.
    portions: Vec<(LaneId, usize)>,
}

/// The records of a hand with their outcomes, and each lane with the end of its portion.
type Parts = (Vec<(Task, Outcome)>, Vec<(LaneId, usize)>);

/// A record in a hand.
pub(crate) struct HandRecord<'a, R> {
    pub(crate) run: &'a R,
    pub(crate) position: RecordPosition,
    /// Failed attempts so far.
    pub(crate) failures: u32,
}

impl<R> Default for Hand<R> {
    fn default() -> Self {
        Self {
            tasks: Vec::new(),
            run_of: Vec::new(),
            runs: Vec::new(),
            portions: Vec::new(),
        }
    }
}

impl<R> Hand<R> {
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Adds a record; asks for its run unless it is the one of the record before.
    #[inline]
    pub(super) fn add(&mut self, task: Task, run: impl FnOnce() -> R) {
        let is_same = self
            .tasks
            .last()
            .is_some_and(|(last, _)| last.run == task.run);
        if !is_same {
            self.runs.push(run());
        }
        self.run_of.push(self.runs.len() as u32 - 1);
        self.tasks.push((task, Outcome::NotStarted));
    }

    pub(super) fn end_portion(&mut self, lane: LaneId) {
        let begin = self.portions.last().map_or(0, |(_, end)| *end);
        if self.tasks.len() > begin {
            self.portions.push((lane, self.tasks.len()));
        }
    }

    /// The number of portions.
    pub(crate) fn portions(&self) -> usize {
        self.portions.len()
    }

    /// The indexes of the records of a portion.
    pub(crate) fn portion(&self, portion: usize) -> Range<usize> {
        let begin = portion
            .checked_sub(1)
            .map_or(0, |before| self.portions[before].1);
        begin..self.portions[portion].1
    }

    /// The record at an index.
    #[inline]
    pub(crate) fn record(&self, index: usize) -> HandRecord<'_, R> {
        let (task, _) = &self.tasks[index];
        HandRecord {
            run: &self.runs[self.run_of[index] as usize],
            position: task.position,
            failures: task.failures,
        }
    }

    /// All records.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().map(|(task, _)| task)
    }

    /// Each lane with the end of its portion.
    pub(super) fn ends(&self) -> &[(LaneId, usize)] {
        &self.portions
    }

    #[cfg(test)]
    pub(super) fn is_finished(&self, index: usize) -> bool {
        self.tasks[index].1 == Outcome::Finished
    }

    #[cfg(test)]
    pub(super) fn sequence(&self, index: usize) -> Sequence {
        self.tasks[index].0.sequence
    }

    /// Says what became of the record at an index.
    #[inline]
    pub(crate) fn set(&mut self, index: usize, outcome: Outcome) {
        self.tasks[index].1 = outcome;
    }

    /// Empties the hand.
    pub(super) fn take_parts(&mut self) -> Parts {
        self.run_of.clear();
        self.runs.clear();
        (mem::take(&mut self.tasks), mem::take(&mut self.portions))
    }

    /// Returns the memory of the parts for reuse.
    pub(super) fn put_back_parts(&mut self, (mut tasks, mut portions): Parts) {
        tasks.clear();
        portions.clear();
        (self.tasks, self.portions) = (tasks, portions);
    }
}
