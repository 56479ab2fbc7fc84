//! How often a failed record is tried again, and what ends it.

use std::num::NonZeroU32;
use std::time::Duration;

use weft_client::backoff::ExponentialBackoff;

/// Whether another attempt makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The same record may succeed later.
    Transient,
    /// It never will.
    Permanent,
}

/// What happens to a record that is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// The runtime stops with the error. The record's offset is not committed, so that it is the
    /// first one after a restart.
    Stop,
    /// The record is counted, logged, and counts as finished. This loses it: chosen, never assumed.
    Skip,
}

/// What a [`FailurePolicy`] says about one failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt, not before this time has passed.
    RetryAfter(Duration),
    /// No other attempt.
    End(Terminal),
}

/// What to do when the handler fails.
///
/// By default a record is tried again for ever, after delays that grow from 100 ms to 30 s: a
/// failure then shows as lag and in the log, and nothing is dropped. The records of its lane wait;
/// all others go on, until the partition has run ahead by the window's span. A permanent failure
/// stops the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailurePolicy {
    backoff: ExponentialBackoff,
    attempts_max: Option<NonZeroU32>,
    terminal: Terminal,
}

impl Default for FailurePolicy {
    fn default() -> Self {
        Self::retry_forever()
    }
}

impl FailurePolicy {
    /// Transient failures are retried for ever; permanent ones stop the runtime.
    pub const fn retry_forever() -> Self {
        Self {
            backoff: ExponentialBackoff::new(Duration::from_millis(100), Duration::from_secs(30)),
            attempts_max: None,
            terminal: Terminal::Stop,
        }
    }

    /// Transient failures are retried until there were so many attempts, the first one included;
    /// then the runtime stops.
    pub const fn attempts(attempts_max: NonZeroU32) -> Self {
        Self {
            attempts_max: Some(attempts_max),
            ..Self::retry_forever()
        }
    }

    /// Sets the delays between attempts.
    #[must_use]
    pub const fn backoff(self, backoff: ExponentialBackoff) -> Self {
        Self { backoff, ..self }
    }

    /// Sets what happens after the last attempt, and after a permanent failure.
    #[must_use]
    pub const fn then(self, terminal: Terminal) -> Self {
        Self { terminal, ..self }
    }

    /// What follows on the latest of `attempts` failed attempts. `random` lies in `0.0..1.0` and
    /// picks the place within the jitter.
    pub fn verdict(&self, attempts: u32, class: FailureClass, random: f64) -> Verdict {
        let is_last = self.attempts_max.is_some_and(|max| attempts >= max.get());
        if is_last || class == FailureClass::Permanent {
            return Verdict::End(self.terminal);
        }
        Verdict::RetryAfter(self.backoff.delay(attempts.saturating_sub(1), random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: f64 = 0.5;

    fn attempts(max: u32) -> FailurePolicy {
        FailurePolicy::attempts(NonZeroU32::new(max).unwrap())
    }

    fn retry(ms: u64) -> Verdict {
        Verdict::RetryAfter(Duration::from_millis(ms))
    }

    #[test]
    fn by_default_nothing_is_ever_dropped() {
        let policy = FailurePolicy::default();
        let transient = |attempts| policy.verdict(attempts, FailureClass::Transient, MIDDLE);
        let delays = [1, 2, 3, 10, u32::MAX].map(transient);
        let expected = [100, 200, 400, 30_000, 30_000].map(retry);
        assert_eq!(delays, expected);
        let permanent = policy.verdict(1, FailureClass::Permanent, MIDDLE);
        assert_eq!(permanent, Verdict::End(Terminal::Stop));
    }

    #[test]
    fn the_last_attempt_is_followed_by_what_was_chosen() {
        for terminal in [Terminal::Stop, Terminal::Skip] {
            let policy = attempts(3).then(terminal);
            let verdicts = [1, 2, 3, 4].map(|n| policy.verdict(n, FailureClass::Transient, MIDDLE));
            let end = Verdict::End(terminal);
            assert_eq!(verdicts, [retry(100), retry(200), end, end]);
        }
    }

    #[test]
    fn a_permanent_failure_is_not_tried_again() {
        let policy = attempts(10).then(Terminal::Skip);
        let verdict = policy.verdict(1, FailureClass::Permanent, MIDDLE);
        assert_eq!(verdict, Verdict::End(Terminal::Skip));
    }

    #[test]
    fn delays_are_those_of_the_backoff_given() {
        let (first, longest) = (Duration::from_millis(10), Duration::from_millis(15));
        let policy = attempts(9).backoff(ExponentialBackoff::new(first, longest));
        let delays = [1, 2].map(|n| policy.verdict(n, FailureClass::Transient, MIDDLE));
        assert_eq!(delays, [retry(10), retry(15)]);
    }
}
