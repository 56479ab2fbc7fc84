//! When to ask for metadata: because somebody requested it, because what is known is too old, and
//! never sooner than the backoff after a failure or after answers that taught nothing.
//!
//! It never decides whom to ask.

use std::time::{Duration, Instant};

use crate::backoff::{ExponentialBackoff, Random};

/// The clock work of metadata updates (Kafka's `Metadata.timeToNextUpdate`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refresh {
    backoff: ExponentialBackoff,
    max_age: Duration,
    /// An update of everything was requested.
    needs_full: bool,
    /// No update is allowed before this time.
    allowed_at: Option<Instant>,
    /// What is known is too old at this time; `None` before the first answer.
    expires_at: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    /// Answers in a row that taught nothing.
    equivalent_answers: u32,
}

/// Whether an answer taught something new: a newer leader epoch, or a topic's new id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    Something,
    Nothing,
}

/// Which part of the cluster a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All topics that are wanted.
    Full,
    /// Only the topics that were wanted last. The rest stays as it is, and as old as it is.
    NewTopics,
}

impl Refresh {
    /// Nothing is known yet, so an update is due at once.
    pub(super) const fn new(backoff: ExponentialBackoff, max_age: Duration) -> Self {
        Self {
            backoff,
            max_age,
            needs_full: true,
            allowed_at: None,
            expires_at: None,
            failures: 0,
            equivalent_answers: 0,
        }
    }

    /// Makes a full update due as soon as the backoff allows.
    pub(super) const fn request(&mut self) {
        self.needs_full = true;
    }

    /// Makes the next update allowed at once, whatever came before.
    pub(super) const fn forget_backoff(&mut self) {
        self.equivalent_answers = 0;
        if self.failures == 0 {
            self.allowed_at = None;
        }
    }

    /// New topics may be asked for at once, even after a failure.
    pub(super) const fn allow_now(&mut self) {
        self.equivalent_answers = 0;
        self.allowed_at = None;
    }

    /// Whether a full update was requested or is due by age.
    pub(super) fn is_full_due(&self, now: Instant) -> bool {
        self.needs_full || self.expires_at.is_none_or(|expires_at| expires_at <= now)
    }

    /// Whether the backoff is over.
    pub(super) fn is_allowed(&self, now: Instant) -> bool {
        self.allowed_at.is_none_or(|allowed_at| allowed_at <= now)
    }

    /// The time of the next update: `None` stands for at once.
    pub(super) fn next_at(&self, topics_are_new: bool) -> Option<Instant> {
        if self.needs_full || topics_are_new {
            self.allowed_at
        } else {
            self.expires_at.max(self.allowed_at)
        }
    }

    /// Takes note of an answer. What it taught decides how soon the next question is allowed.
    pub(super) fn succeeded(
        &mut self,
        now: Instant,
        extent: Extent,
        learned: Learned,
        random: &mut Random,
    ) {
        self.failures = 0;
        let was_expired = self.expires_at.is_none_or(|expires_at| expires_at <= now);
        if extent == Extent::Full {
            self.needs_full = false;
            self.expires_at = now.checked_add(self.max_age);
        }
        if was_expired {
            // An answer that age alone asked for need not teach anything.
            self.equivalent_answers = 0;
        }
        if learned == Learned::Something {
            self.equivalent_answers = 0;
            self.allowed_at = None;
        } else {
            let delay = self
                .backoff
                .delay(self.equivalent_answers, random.fraction());
            self.equivalent_answers = self.equivalent_answers.saturating_add(1);
            self.allowed_at = now.checked_add(delay);
        }
    }

    /// Takes note that a question got no answer, or a useless one.
    pub(super) fn failed(&mut self, now: Instant, random: &mut Random) {
        let delay = self.backoff.delay(self.failures, random.fraction());
        self.failures = self.failures.saturating_add(1);
        self.equivalent_answers = 0;
        self.allowed_at = now.checked_add(delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::clock::start;

    fn refresh() -> (Refresh, Random, Instant) {
        let backoff =
            ExponentialBackoff::new(Duration::from_millis(100), Duration::from_millis(1000));
        (
            Refresh::new(backoff, Duration::from_secs(300)),
            Random::new(3),
            start(),
        )
    }

    fn millis_from(now: Instant, at: Option<Instant>) -> u128 {
        at.map_or(0, |at| (at - now).as_millis())
    }

    #[test]
    fn the_first_update_is_due_at_once_and_the_next_at_max_age() {
        let (mut refresh, mut random, now) = refresh();
        assert!(refresh.is_full_due(now) && refresh.is_allowed(now));
        refresh.succeeded(now, Extent::Full, Learned::Something, &mut random);
        assert!(!refresh.is_full_due(now));
        assert_eq!(millis_from(now, refresh.next_at(false)), 300_000);
        assert!(refresh.is_full_due(now + Duration::from_secs(300)));
    }

    #[test]
    fn failures_wait_longer_and_longer_and_a_request_does_not_shorten_the_wait() {
        let (mut refresh, mut random, now) = refresh();
        for low in [80, 160, 320, 640] {
            refresh.failed(now, &mut random);
            refresh.request();
            refresh.forget_backoff();
            let wait = millis_from(now, refresh.next_at(false));
            assert!((low..=low * 3 / 2).contains(&wait), "{wait} after {low}");
            assert!(!refresh.is_allowed(now));
        }
        refresh.succeeded(now, Extent::Full, Learned::Something, &mut random);
        assert!(refresh.is_allowed(now));
    }

    #[test]
    fn answers_that_teach_nothing_slow_down_requests_until_one_teaches_something() {
        let (mut refresh, mut random, now) = refresh();
        refresh.succeeded(now, Extent::Full, Learned::Something, &mut random);
        for low in [80, 160, 320] {
            refresh.request();
            refresh.succeeded(now, Extent::Full, Learned::Nothing, &mut random);
            refresh.request();
            let wait = millis_from(now, refresh.next_at(false));
            assert!((low..=low * 3 / 2).contains(&wait), "{wait} after {low}");
        }
        let mut urged = refresh.clone();
        urged.forget_backoff();
        assert!(urged.is_allowed(now));
        refresh.succeeded(now, Extent::Full, Learned::Something, &mut random);
        assert!(refresh.is_allowed(now));
    }

    #[test]
    fn new_topics_are_asked_for_at_once_and_do_not_make_the_rest_younger() {
        let (mut refresh, mut random, now) = refresh();
        refresh.succeeded(now, Extent::Full, Learned::Something, &mut random);
        refresh.failed(now, &mut random);
        refresh.allow_now();
        let later = now + Duration::from_secs(10);
        assert!(refresh.is_allowed(later));
        refresh.succeeded(later, Extent::NewTopics, Learned::Something, &mut random);
        assert_eq!(millis_from(now, refresh.next_at(false)), 300_000);
    }
}
