//! What is done about the rest of a hand when one record takes too long: what the worker has not
//! begun is taken back, and what it has finished before counts without it.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::desk::LaneId;
use super::{Hand, Lanes, Outcome, Task, Wakes};

/// A copy of what a worker took with its last grab.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    tasks: Vec<Task>,
    portions: Vec<(LaneId, usize)>,
    since: Option<Instant>,
    /// How many records, from the first on, were settled as finished before the worker reports.
    settled: usize,
}

impl Held {
    pub(super) fn copy_of<R>(&mut self, hand: &Hand<R>, now: Instant) {
        self.clear();
        // A single record is begun at once, and nothing is finished before it.
        if hand.len() > 1 {
            self.tasks.extend(hand.tasks());
            self.portions.extend_from_slice(hand.ends());
        }
        // As is a single portion.
        self.since = (hand.portions() > 1).then_some(now);
    }

    /// The hand is reported. Returns how many of its records are settled already.
    pub(super) fn clear(&mut self) -> usize {
        self.tasks.clear();
        self.portions.clear();
        self.since = None;
        std::mem::take(&mut self.settled)
    }
}

impl<R: Clone> Lanes<R> {
    /// Whether a worker has held several lanes for so long.
    pub(crate) fn is_held_since(&self, worker: usize, now: Instant, span: Duration) -> bool {
        let since = self.held[worker].since;
        since.is_some_and(|since| now.saturating_duration_since(since) >= span)
    }

    /// Puts portions of a worker's hand, none of which it will begin, back into their lanes.
    pub(crate) fn recall(&mut self, worker: usize, portions: Range<usize>) {
        let mut held = std::mem::take(&mut self.held[worker]);
        let mut wakes = Wakes::default();
        let first = portions.start;
        for portion in portions {
            let begin = portion
                .checked_sub(1)
                .map_or(0, |before| held.portions[before].1);
            let (lane, end) = held.portions[portion];
            let tasks: Vec<_> = held.tasks[begin..end]
                .iter()
                .map(|task| (*task, Outcome::NotStarted))
                .collect();
            self.take_back(lane, &tasks, &mut wakes);
        }
        held.portions.truncate(first);
        held.tasks
            .truncate(held.portions.last().map_or(0, |(_, end)| *end));
        held.since = None;
        self.held[worker] = held;
    }

    /// Settles the first so many records of a worker's hand, all of which it has finished, though
    /// it has not reported. Their lanes stay in its hand.
    pub(crate) fn settle_finished(&mut self, worker: usize, finished: usize) -> Wakes {
        let mut wakes = Wakes::default();
        let held = &mut self.held[worker];
        let until = finished.min(held.tasks.len());
        let new: Vec<Task> = held.tasks.get(held.settled..until).unwrap_or(&[]).to_vec();
        held.settled = held.settled.max(until);
        for task in &new {
            self.settle(task, Outcome::Finished, &mut wakes);
        }
        wakes
    }
}
