//! The queues of the three lanes, and the clock stamp, as the two threads share them.
//!
//! It decides nothing about a group. Each lock is held for one push or one take, and nothing waits
//! while holding one; the only wait is that for the end of the thread, which has a deadline.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the two threads meet here, and one waits for the end of the other"
)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weft_client::host::{self, Condvar};
use weft_client::{Error, ErrorKind};

use crate::lane::{Change, ChangeId, Command, GroupResult};

/// What the consumer thread and the heartbeat thread share.
#[derive(Debug)]
pub(super) struct Lanes {
    commands: Mutex<VecDeque<Command>>,
    change: Mutex<Option<Change>>,
    results: Mutex<VecDeque<GroupResult>>,
    /// Which lanes hold something for the consumer: [`CHANGE`] and [`RESULTS`].
    news: AtomicU8,
    created_at: Instant,
    /// The last `poll` in nanoseconds since `created_at`, plus one; zero before the first.
    polled: AtomicU64,
    life: Mutex<Life>,
    ended: Condvar,
}

/// How far the heartbeat thread's life has come.
#[derive(Debug, Default)]
struct Life {
    /// It was asked to end: when it has finished, at the latest then.
    stop_by: Option<Instant>,
    end: Option<End>,
}

/// How the heartbeat thread ended.
#[derive(Clone, Debug)]
enum End {
    Finished,
    /// With a panic that said this.
    Died(Arc<str>),
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self {
            commands: Mutex::default(),
            change: Mutex::default(),
            results: Mutex::default(),
            news: AtomicU8::new(0),
            created_at: host::now(),
            polled: AtomicU64::new(0),
            life: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    // Lane 1.

    /// Appends a command. Only those that the user may send in any number are counted: there are
    /// never more of the others than changes and calls.
    pub(super) fn push_command(&self, command: Command) -> Result<(), Error> {
        match &lock(&self.life).end {
            None => {}
            Some(End::Finished) => {
                return Err(Error::new(ErrorKind::Closed, "the heartbeat thread ended"));
            }
            Some(End::Died(text)) => return Err(died(text)),
        }
        let is_counted = matches!(
            command,
            Command::Commit { .. } | Command::FetchCommitted { .. }
        );
        let results = lock(&self.results).len();
        let mut commands = lock(&self.commands);
        if is_counted && (commands.len() >= COMMANDS_MAX || results >= RESULTS_MAX) {
            let text = format!(
                "{} commands and {results} results wait between the consumer and its heartbeat \
                 thread: poll to take the results",
                commands.len()
            );
            return Err(Error::new(ErrorKind::BufferExhausted, text));
        }
        commands.push_back(command);
        Ok(())
    }

    pub(super) fn take_commands(&self, into: &mut Vec<Command>) {
        into.extend(lock(&self.commands).drain(..));
    }

    // Lane 2.

    /// Puts a change into the slot.
    ///
    /// # Panics
    ///
    /// If the slot is full: the change in it has not been answered.
    pub(super) fn publish(&self, change: Change) {
        let mut slot = lock(&self.change);
        assert!(
            slot.is_none(),
            "a change is published only after the last was answered"
        );
        *slot = Some(change);
        self.news.fetch_or(CHANGE, Ordering::Release);
    }

    /// Takes a change back, unless the consumer has it already. Tells whether it was there.
    pub(super) fn withdraw(&self, change: ChangeId) -> bool {
        let mut slot = lock(&self.change);
        let is_there = slot.as_ref().is_some_and(|there| there.id == change);
        if is_there {
            *slot = None;
            self.news.fetch_and(!CHANGE, Ordering::Release);
        }
        is_there
    }

    pub(super) fn take_change(&self) -> Option<Change> {
        let mut slot = lock(&self.change);
        self.news.fetch_and(!CHANGE, Ordering::Release);
        slot.take()
    }

    // Lane 3.

    /// Appends a result. Of several news of the membership only the last is kept.
    pub(super) fn push_result(&self, result: GroupResult) {
        let mut results = lock(&self.results);
        if matches!(result, GroupResult::Membership(_)) {
            results.retain(|earlier| !matches!(earlier, GroupResult::Membership(_)));
        }
        results.push_back(result);
        self.news.fetch_or(RESULTS, Ordering::Release);
    }

    pub(super) fn take_results(&self, into: &mut Vec<GroupResult>) {
        let mut results = lock(&self.results);
        self.news.fetch_and(!RESULTS, Ordering::Release);
        into.extend(results.drain(..));
    }

    /// Whether there is a change or a result to be taken.
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire) != 0
    }

    // The clock stamp.

    pub(super) fn stamp_poll(&self, now: Instant) {
        let nanos = now.saturating_duration_since(self.created_at).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX - 1);
        // Nothing else is published by it, so no order is needed.
        self.polled.store(nanos + 1, Ordering::Relaxed);
    }

    pub(super) fn last_poll(&self) -> Option<Instant> {
        let nanos = self.polled.load(Ordering::Relaxed).checked_sub(1)?;
        self.created_at.checked_add(Duration::from_nanos(nanos))
    }

    // The life of the thread.

    /// Asks the thread to end as soon as it has finished, at the latest at `stop_by`.
    pub(super) fn stop(&self, stop_by: Instant) {
        let mut life = lock(&self.life);
        life.stop_by = Some(life.stop_by.map_or(stop_by, |before| before.min(stop_by)));
    }

    pub(super) fn stop_by(&self) -> Option<Instant> {
        lock(&self.life).stop_by
    }

    pub(super) fn is_alive(&self) -> bool {
        lock(&self.life).end.is_none()
    }

    /// Takes note that the thread ended as it should.
    pub(super) fn finish(&self) {
        lock(&self.life).end = Some(End::Finished);
        self.ended.notify_all();
    }

    /// Takes note that the thread ended with a panic: the next `poll` hears of it, and every later
    /// command fails.
    pub(super) fn die(&self, text: &str) {
        self.push_result(GroupResult::Failed(died(text)));
        lock(&self.life).end = Some(End::Died(text.into()));
        self.ended.notify_all();
    }

    /// Waits for the end of the thread, and tells whether it came by then.
    pub(super) fn wait_for_end(&self, deadline: Instant) -> bool {
        let mut life = lock(&self.life);
        while life.end.is_none() {
            let left = deadline.saturating_duration_since(host::now());
            if left.is_zero() {
                return false;
            }
            life = self.ended.wait_timeout(&self.life, life, left);
        }
        true
    }
}

fn died(text: &str) -> Error {
    let text = format!("the heartbeat thread died, please report this: {text}");
    Error::new(ErrorKind::Closed, text)
}

/// No code that can panic runs under these locks, so poison means nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Commits and questions that may wait for the heartbeat thread. It takes all of them at once
/// whenever it runs, so that they only pile up if it hangs.
const COMMANDS_MAX: usize = 1024;

/// Results that may wait for the consumer before it may commit or ask any more.
const RESULTS_MAX: usize = 4096;

const CHANGE: u8 = 1;
const RESULTS: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::{ChangeKind, CommandId, MembershipOperation, SubscriptionEpoch};

    fn leave(id: u64) -> Command {
        Command::Leave {
            id: CommandId(id),
            reason: "test".into(),
            operation: MembershipOperation::Default,
            wait_until: None,
        }
    }

    fn commit(id: u64) -> Command {
        Command::Commit {
            id: CommandId(id),
            offsets: crate::Offsets::new(),
            retry_until: None,
        }
    }

    fn change(id: u64) -> Change {
        Change {
            id: ChangeId(id),
            epoch: SubscriptionEpoch(1),
            kind: ChangeKind::Lost(std::collections::BTreeSet::new()),
        }
    }

    #[test]
    fn commands_come_out_in_their_order() {
        let lanes = Lanes::new();
        for id in 0..3 {
            lanes.push_command(commit(id)).unwrap();
        }
        let mut commands = Vec::new();
        lanes.take_commands(&mut commands);
        assert_eq!(commands, [commit(0), commit(1), commit(2)]);
    }

    #[test]
    fn commits_are_refused_beyond_the_limit_and_leaving_is_not() {
        let lanes = Lanes::new();
        for id in 0..1024 {
            lanes.push_command(commit(id)).unwrap();
        }
        let error = lanes.push_command(commit(1024)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BufferExhausted);
        lanes.push_command(leave(1025)).unwrap();
    }

    #[test]
    fn commits_are_refused_while_nobody_takes_results() {
        let lanes = Lanes::new();
        for id in 0..4096 {
            lanes.push_result(GroupResult::Left { id: CommandId(id) });
        }
        let error = lanes.push_command(commit(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BufferExhausted);
        lanes.take_results(&mut Vec::new());
        lanes.push_command(commit(1)).unwrap();
    }

    #[test]
    fn news_are_seen_until_they_are_taken() {
        let lanes = Lanes::new();
        assert!(!lanes.has_news());
        lanes.publish(change(1));
        lanes.push_result(GroupResult::Left { id: CommandId(1) });
        assert_eq!(lanes.take_change(), Some(change(1)));
        assert!(lanes.has_news());
        let mut results = Vec::new();
        lanes.take_results(&mut results);
        assert_eq!(results.len(), 1);
        assert!(!lanes.has_news());
        assert_eq!(lanes.take_change(), None);
    }

    #[test]
    fn a_change_can_be_withdrawn_until_the_consumer_has_it() {
        let lanes = Lanes::new();
        lanes.publish(change(1));
        assert!(!lanes.withdraw(ChangeId(2)));
        assert!(lanes.withdraw(ChangeId(1)));
        assert!(!lanes.has_news());
        lanes.publish(change(2));
        assert!(lanes.take_change().is_some());
        assert!(!lanes.withdraw(ChangeId(2)));
    }

    #[test]
    #[should_panic(expected = "only after the last was answered")]
    fn a_second_change_in_the_slot_is_a_bug() {
        let lanes = Lanes::new();
        lanes.publish(change(1));
        lanes.publish(change(2));
    }

    #[test]
    fn the_poll_stamp_survives_the_way_through_the_atomic() {
        let lanes = Lanes::new();
        assert_eq!(lanes.last_poll(), None);
        let now = lanes.created_at + Duration::from_nanos(1_234_567);
        lanes.stamp_poll(now);
        assert_eq!(lanes.last_poll(), Some(now));
    }

    #[test]
    fn after_a_death_commands_fail_with_its_text_and_a_result_tells_of_it() {
        let lanes = Lanes::new();
        lanes.die("index out of bounds");
        let error = lanes.push_command(leave(1)).unwrap_err();
        assert!(error.is_fatal());
        assert!(error.to_string().contains("index out of bounds"));
        assert!(!lanes.is_alive() && lanes.has_news());
        let mut results = Vec::new();
        lanes.take_results(&mut results);
        assert!(matches!(&results[..], [GroupResult::Failed(error)] if error.is_fatal()));
    }

    #[test]
    fn waiting_for_the_end_ends_at_the_deadline() {
        let lanes = Lanes::new();
        assert!(!lanes.wait_for_end(Instant::now()));
        lanes.finish();
        assert!(lanes.wait_for_end(Instant::now()));
    }
}
