//! What the callers' threads and the producer's thread share: the accumulator behind one lock, held
//! for the time of one append or one look, and the signal that something changed.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the shell between threads; the lock is never held while anything waits"
)]

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::accumulator::{Accumulator, Append};
use super::receipts::Receipts;
use super::record::ProducerRecord;
use crate::error::{Error, ErrorKind};
use crate::net::NetworkWaker;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    waker: NetworkWaker,
    max_block: Duration,
}

/// What the lock guards.
#[derive(Debug)]
pub(super) struct State {
    pub(super) accumulator: Accumulator<Receipts>,
    /// Nothing is taken any more; what is there is given up at this time.
    pub(super) closes_at: Option<Instant>,
    /// The thread has ended.
    pub(super) is_over: bool,
    /// The first failure since the last flush, and how many records failed since.
    pub(super) failure: Option<(Error, usize)>,
    /// The last failure of the network, for those who wait in vain.
    pub(super) last_failure: Option<Error>,
}

/// Why a caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    Metadata,
    Room,
}

impl Shared {
    pub(super) fn new(
        accumulator: Accumulator<Receipts>,
        waker: NetworkWaker,
        max_block: Duration,
    ) -> Self {
        let state = State {
            accumulator,
            closes_at: None,
            is_over: false,
            failure: None,
            last_failure: None,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            waker,
            max_block,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everybody look again who waits for the state to change.
    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    /// Lets the producer's thread look again.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Appends a record, and lets `keep` have the receipts of its batch, with the place in it.
    /// Waits for metadata and for room, at most for `max.block.ms`.
    pub(super) fn append<T>(
        &self,
        record: &ProducerRecord,
        timestamp: i64,
        keep: impl FnOnce(&mut Receipts, usize) -> T,
    ) -> Result<T, Error> {
        let now = Instant::now();
        let mut waiting_until = None;
        let mut state = self.lock();
        let since = state.accumulator.topics().version();
        loop {
            if state.closes_at.is_some() || state.is_over {
                return Err(Error::new(ErrorKind::Closed, "the producer is closed"));
            }
            let lack = match state.accumulator.topics().find(record, since)? {
                None => Lack::Metadata,
                Some(queue) => match state.accumulator.append(now, queue, record, timestamp)? {
                    Append::Done(appended) => {
                        let kept = keep(appended.receipts, appended.index);
                        let is_news = appended.is_news;
                        drop(state);
                        if is_news {
                            self.wake();
                        }
                        return Ok(kept);
                    }
                    Append::FindAgain => continue,
                    Append::NoRoom => Lack::Room,
                },
            };
            let give_up_at = *waiting_until.get_or_insert_with(|| now + self.max_block);
            let Some(left) = give_up_at
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return Err(self.blocked(&mut state, record, lack));
            };
            state = self.wait_for(state, lack, left);
        }
    }

    /// Waits until the state satisfies `is_so`, at most until the time given.
    pub(super) fn wait_until(
        &self,
        mut state: MutexGuard<'_, State>,
        give_up_at: Instant,
        mut is_so: impl FnMut(&State) -> bool,
    ) -> bool {
        loop {
            if is_so(&state) {
                return true;
            }
            let left = give_up_at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn wait_for<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        lack: Lack,
        left: Duration,
    ) -> MutexGuard<'a, State> {
        if lack == Lack::Room {
            state.accumulator.wait_for_room();
        }
        self.wake();
        let waited = self.changed.wait_timeout(state, left);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if lack == Lack::Room {
            state.accumulator.stop_waiting_for_room();
        }
        state
    }

    fn blocked(&self, state: &mut State, record: &ProducerRecord, lack: Lack) -> Error {
        let (span, topic) = (self.max_block, &record.topic);
        if lack == Lack::Room {
            let text = format!("buffer.memory had no room for topic {topic} within {span:?}");
            return Error::new(ErrorKind::BufferExhausted, text);
        }
        let what = match record.partition {
            Some(partition) => format!("partition {partition} of topic {topic}"),
            None => format!("topic {topic}"),
        };
        let mut text = format!("{what} was not found within {span:?}");
        let refusal = state.accumulator.topics().refusal(record).cloned();
        let last = refusal.or_else(|| state.last_failure.clone());
        if let Some(last) = &last {
            text.push_str("; the last failure: ");
            text.push_str(last.text());
        }
        let error = Error::new(ErrorKind::Timeout, text).with_topics([topic.clone()]);
        match last {
            Some(last) => error.with_source(last),
            None => error,
        }
    }
}
