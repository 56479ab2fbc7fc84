//! What waits for its time, the earliest first.

use std::collections::BTreeSet;
use std::time::Instant;

/// Things that wait until a time of their own. It is as large as what waits, and that is bounded by
/// the window: every parked lane holds an unfinished record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked<T> {
    /// By time; of equal times the one parked first.
    waiting: BTreeSet<(Instant, u64, T)>,
    count: u64,
}

impl<T: Ord + Copy> Default for Parked<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeSet::new(),
            count: 0,
        }
    }
}

impl<T: Ord + Copy> Parked<T> {
    /// Keeps `what` until `at`.
    pub fn park(&mut self, what: T, at: Instant) {
        self.count += 1;
        self.waiting.insert((at, self.count, what));
    }

    /// Takes out one thing whose time has come, the earliest.
    pub fn take_due(&mut self, now: Instant) -> Option<T> {
        let (at, _, _) = self.waiting.first()?;
        if *at > now {
            return None;
        }
        self.waiting.pop_first().map(|(_, _, what)| what)
    }

    /// Takes out everything that `is_wanted`, whether due or not.
    pub fn take_if(&mut self, mut is_wanted: impl FnMut(T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        self.waiting.retain(|(_, _, what)| {
            let is_taken = is_wanted(*what);
            if is_taken {
                taken.push(*what);
            }
            !is_taken
        });
        taken
    }

    /// Everything that waits, in the order of its time.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.waiting.iter().map(|(_, _, what)| *what)
    }

    /// When the next thing is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _, _)| *at)
    }

    /// The number of things that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an origin for times in tests")]
    fn what_is_parked_comes_out_at_its_time_and_in_order() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut parked = Parked::default();
        for (what, ms) in [('c', 30), ('a', 10), ('b', 10), ('d', 40)] {
            parked.park(what, at(ms));
        }
        assert_eq!(parked.next_deadline(), Some(at(10)));
        assert_eq!(parked.take_due(at(9)), None);
        assert_eq!(parked.take_due(at(10)), Some('a'));
        assert_eq!(parked.take_due(at(35)), Some('b'));
        assert_eq!(parked.take_if(|what| what == 'd'), ['d']);
        assert_eq!(parked.take_due(at(35)), Some('c'));
        assert!(parked.is_empty());
        assert_eq!(parked.next_deadline(), None);
    }
}
