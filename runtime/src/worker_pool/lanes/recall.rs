//! Taking back what a worker holds and has not begun, because what it began takes too long.

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
}

impl Held {
    pub(super) fn copy_of<R>(&mut self, hand: &Hand<R>, now: Instant) {
        self.tasks.clear();
        self.portions.clear();
        self.since = None;
        // A single portion is begun at once.
        if hand.portions() > 1 {
            self.tasks.extend(hand.tasks());
            self.portions.extend_from_slice(hand.ends());
            self.since = Some(now);
        }
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
        let held = std::mem::take(&mut self.held[worker]);
        let mut wakes = Wakes::default();
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
    }
}
