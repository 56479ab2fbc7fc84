//! How much may happen while the clock stands still: what spins is a fault that is found, not a
//! simulation without end.
//!
//! Virtual time goes on only when threads wait, so that each of these would go on for ever in real
//! time: a thread that never waits, threads that only wake each other, and events that bring about
//! events of the same moment. Each has a limit here. A loop that asks the host for nothing is
//! beyond this; whoever runs simulations watches over it in real time.

use super::world::Moment;

/// Counts, and says when it was too much.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The second that is under way, and the turns and events in it.
    second: u64,
    turns: u64,
    events: u64,
    /// What the running thread asked of its host since it began to run.
    calls: u64,
    /// Turns and jumps of the clock altogether.
    steps: u64,
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spinning {
    /// A thread never waits.
    Thread,
    /// Threads wake each other.
    Threads,
    /// Events follow events.
    Events,
}

impl Pace {
    /// A thread gets its turn.
    pub(super) fn turn(&mut self, now: Moment) -> Result<(), Spinning> {
        self.begin_second(now);
        self.calls = 0;
        self.turns += 1;
        within(self.turns, TURNS_PER_SECOND_MAX, Spinning::Threads)
    }

    /// An event happens.
    pub(super) fn event(&mut self, now: Moment) -> Result<(), Spinning> {
        self.begin_second(now);
        self.events += 1;
        within(self.events, EVENTS_PER_SECOND_MAX, Spinning::Events)
    }

    /// The running thread asks its host for something.
    pub(super) fn call(&mut self) -> Result<(), Spinning> {
        self.calls += 1;
        within(self.calls, CALLS_PER_TURN_MAX, Spinning::Thread)
    }

    /// The loop of the world goes on; says whether there may be another step.
    pub(super) fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps < STEPS_MAX
    }

    /// How many steps there were.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    fn begin_second(&mut self, now: Moment) {
        let second = now.as_secs();
        if self.second != second {
            (self.second, self.turns, self.events) = (second, 0, 0);
        }
    }
}

fn within(count: u64, most: u64, otherwise: Spinning) -> Result<(), Spinning> {
    if count < most { Ok(()) } else { Err(otherwise) }
}

/// More turns than this within a second get nowhere.
const TURNS_PER_SECOND_MAX: u64 = 40_000;

/// More events than this within a second get nowhere: a turn brings about a few.
const EVENTS_PER_SECOND_MAX: u64 = 400_000;

/// A thread that asks for more than this without waiting never waits.
const CALLS_PER_TURN_MAX: u64 = 100_000;

/// No simulation that makes sense takes more steps.
const STEPS_MAX: u64 = 5_000_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn turns_are_counted_by_the_second() {
        let mut pace = Pace::default();
        for second in 0..3 {
            let now = Duration::from_secs(second);
            for _ in 1..TURNS_PER_SECOND_MAX {
                assert_eq!(pace.turn(now), Ok(()));
            }
        }
        assert_eq!(pace.turn(Duration::from_secs(2)), Err(Spinning::Threads));
    }

    #[test]
    fn events_are_counted_by_the_second() {
        let mut pace = Pace::default();
        for second in 0..3 {
            let now = Duration::from_secs(second);
            for _ in 1..EVENTS_PER_SECOND_MAX {
                assert_eq!(pace.event(now), Ok(()));
            }
        }
        assert_eq!(pace.event(Duration::from_secs(2)), Err(Spinning::Events));
    }

    #[test]
    fn calls_are_counted_by_the_turn() {
        let mut pace = Pace::default();
        for _ in 0..3 {
            assert_eq!(pace.turn(Duration::ZERO), Ok(()));
            for _ in 1..CALLS_PER_TURN_MAX {
                assert_eq!(pace.call(), Ok(()));
            }
        }
        assert_eq!(pace.call(), Err(Spinning::Thread));
    }

    #[test]
    fn steps_are_counted_altogether() {
        let mut pace = Pace::default();
        for _ in 1..STEPS_MAX {
            assert!(pace.step());
        }
        assert!(!pace.step());
        assert_eq!(pace.steps(), STEPS_MAX);
    }
}
