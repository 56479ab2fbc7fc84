//! The loop of one poller: collect, pause or resume, commit, poll, dispatch.

#![expect(
    clippy::disallowed_methods,
    reason = "this shell reads the clock once per poll"
)]

use std::sync::Arc;
use std::time::Duration;

use weft_client::host;
use weft_client::{Error, ErrorKind, TopicName};
use weft_consumer::{CloseOptions, Consumer, Offsets};

use crate::commit_results::CommitResults;
use crate::crew::Crew;
use crate::settings::{LAST_COMMIT_TIMEOUT, Settings};

use super::core::PollerCore;
use super::intake::FlowChanges;
use super::lanes::{Finished, Item};
use super::listener::Listener;
use super::worker::Worker;

pub(super) struct Poller {
    pub(super) consumer: Consumer,
    pub(super) core: Arc<PollerCore>,
    pub(super) crew: Arc<Crew>,
    /// Runs handlers on this thread when the window is full; by default nothing does.
    pub(super) caller: Option<Worker>,
    pub(super) topics: Vec<TopicName>,
    pub(super) drain_timeout: Duration,
    pub(super) shutdown_timeout: Duration,
    results: CommitResults,
    items: Vec<Item>,
    finished: Vec<Finished>,
}

/// The longest poll: so long a stop that arrives at an unlucky moment may go unnoticed.
const POLL_TIMEOUT: Duration = Duration::from_millis(500);
/// The shortest one, however often is committed.
const POLL_TIMEOUT_MIN: Duration = Duration::from_millis(5);
/// A partition that ran ahead is looked at again after this time.
const AHEAD_TIMEOUT: Duration = Duration::from_millis(50);
/// Workers that hold more than they began are looked after so often while others sleep.
const LOOK_AFTER_TIMEOUT: Duration = Duration::from_millis(20);
/// The wait after a poll that failed for a reason that may pass.
const POLL_BACKOFF: Duration = Duration::from_millis(100);

impl Poller {
    pub(super) fn new(
        consumer: Consumer,
        core: Arc<PollerCore>,
        crew: Arc<Crew>,
        caller: Option<Worker>,
        settings: &Settings,
        drain_timeout: Duration,
    ) -> Self {
        Self {
            consumer,
            core,
            crew,
            caller,
            topics: settings.topics.clone(),
            drain_timeout,
            shutdown_timeout: settings
                .shutdown_timeout
                .min(settings.config.max_poll_interval),
            results: CommitResults::default(),
            items: Vec::new(),
            finished: Vec::new(),
        }
    }

    /// Runs until the runtime stops or the consumer fails, and leaves the group.
    pub(super) fn run(mut self) -> Result<(), Error> {
        let wakeup = self.consumer.wakeup_handle();
        self.core.pool.register(self.core.index, wakeup.clone());
        self.crew.register(self.core.index, wakeup, None);
        let listener = Listener {
            core: Arc::clone(&self.core),
            drain_timeout: self.drain_timeout,
        };
        let topics = self.topics.clone();
        let result = self
            .consumer
            .subscribe_with_listener(topics, listener)
            .and_then(|()| self.consume());
        self.leave();
        result
    }

    fn consume(&mut self) -> Result<(), Error> {
        while !self.crew.is_stopping() {
            let timeout = self.prepare()?;
            match self.consumer.poll(timeout) {
                Ok(records) => {
                    if !records.next_offsets().is_empty() {
                        self.core.dispatch(records, &mut self.items);
                        self.run_on_caller();
                    }
                }
                // A window that has room again, or the end.
                Err(error) if error.kind() == ErrorKind::Wakeup => {}
                Err(error) if error.is_retriable() => {
                    tracing::warn!("a poll failed and is tried again: {error}");
                    self.crew.pause(POLL_BACKOFF);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Does what is due before a poll; says how long that may take.
    fn prepare(&mut self) -> Result<Duration, Error> {
        let now = host::now();
        let mut intake = self.core.intake();
        let unfinished = self.core.collect(&mut intake, &mut self.finished);
        self.results.settle(intake.plan(), &self.core.counters)?;
        let offsets = if intake.plan().is_due(now) {
            intake.take_commit(now)
        } else {
            Offsets::new()
        };
        let due_at = intake.commit_due_at(unfinished);
        let mut timeout = due_at.map_or(POLL_TIMEOUT, |at| {
            at.saturating_duration_since(now)
                .clamp(POLL_TIMEOUT_MIN, POLL_TIMEOUT)
        });
        if self.caller.is_none() {
            let changes = intake.flow_changes(unfinished);
            let resume_at = intake.flow().resume_at();
            let pool = &self.core.pool;
            if resume_at.is_some_and(|at| pool.wake_at(self.core.index, at))
                || pool.wake_at_marks(&changes.marks)
            {
                // It emptied at this very moment: look again right after the poll.
                timeout = Duration::ZERO;
            }
            let paused = intake.paused();
            self.core.counters.paused.set(paused as u64);
            if paused > 0 && resume_at.is_none() {
                timeout = timeout.min(AHEAD_TIMEOUT);
            }
            drop(intake);
            self.apply(&changes)?;
        } else {
            drop(intake);
        }
        if unfinished > 0 && self.core.pool.look_after(now) {
            timeout = timeout.min(LOOK_AFTER_TIMEOUT);
        }
        self.results.send(&self.consumer, offsets)?;
        Ok(timeout)
    }

    fn apply(&self, changes: &FlowChanges) -> Result<(), Error> {
        if !changes.pause.is_empty() {
            self.consumer.pause(&changes.pause)?;
        }
        if !changes.resume.is_empty() {
            self.consumer.resume(&changes.resume)?;
        }
        Ok(())
    }

    /// With a full window, handles records on this thread, as the naive pool does.
    fn run_on_caller(&mut self) {
        let Some(caller) = &mut self.caller else {
            return;
        };
        let window = self.core.intake().flow().window().records;
        while self.core.pool.unfinished(self.core.index) >= window
            && !self.crew.is_stopping()
            && caller.work_once()
        {}
    }

    /// Finishes and commits what was started, and leaves the group.
    fn leave(&self) {
        let now = host::now();
        let deadline = now + self.shutdown_timeout;
        // A quarter is kept for the commit and for leaving.
        let drain_until = now + self.shutdown_timeout * 3 / 4;
        let partitions = self.core.intake().partitions();
        let commit_timeout = LAST_COMMIT_TIMEOUT.min(self.shutdown_timeout / 8);
        let given_up = self.core.give_up(
            &partitions,
            drain_until,
            commit_timeout,
            |offsets, timeout| self.consumer.commit_sync_offsets_within(offsets, timeout),
        );
        self.crew.add_leftovers(&given_up.report);
        let timeout = deadline.saturating_duration_since(host::now());
        if let Err(error) = self
            .consumer
            .close_with(CloseOptions::new().timeout(timeout))
        {
            tracing::warn!("a consumer was not closed in order: {error}");
        }
    }
}
