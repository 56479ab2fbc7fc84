//! `poll`, and waiting in general.

use std::time::{Duration, Instant};

use weft_client::{Error, ErrorKind};

use super::state::{Finished, State, Waiting};
use crate::lane::CommandId;
use crate::record::ConsumerRecords;
use crate::subscription::Subscription;
use crate::thread::Interruption;

impl State {
    #[inline]
    pub(super) fn poll(&mut self, timeout: Duration) -> Result<ConsumerRecords, Error> {
        if *self.poll_loop.core.subscription() == Subscription::None {
            return Err(Error::new(
                ErrorKind::IllegalState,
                "poll was called without a subscription: call subscribe or assign first",
            ));
        }
        let began = self.poll_loop.now();
        self.poll_loop.metrics().poll_begins(began);
        let outcome = self.poll_from(began, end_of(began, timeout));
        self.poll_loop.count_poll(began);
        outcome
    }

    #[inline]
    fn poll_from(&mut self, mut now: Instant, end: Instant) -> Result<ConsumerRecords, Error> {
        let mut has_waited = false;
        loop {
            self.poll_loop.check_wakeup()?;
            if let Some(heartbeat) = self.poll_loop.heartbeat() {
                heartbeat.polled(now);
                if heartbeat.has_news() || self.revoking.is_some() {
                    self.take_results(now);
                    self.apply_change(now)?;
                }
            }
            self.check_death()?;
            self.check_fenced()?;
            if let Some(topics) = self.poll_loop.core.take_matched_topics() {
                self.tell_group(topics)?;
            }
            self.run_callbacks();
            self.auto_commit(now)?;
            self.ask_for_committed(now)?;
            let records = self.collect(now)?;
            if !records.is_empty() || !records.next_offsets().is_empty() {
                return Ok(self.interceptors.on_consume(records));
            }
            if has_waited && now >= end {
                return Ok(records);
            }
            self.poll_loop.send_requests(now);
            let revoking = self.revoking.as_ref().map(|revoking| revoking.until);
            let until = self.auto_commit_at.into_iter().chain(revoking);
            // However long the call waits, it counts as polling all the time.
            let stamp_at = end_of(now, self.poll_loop.config.max_poll_interval / 2);
            let until = until.fold(end.min(stamp_at), Instant::min);
            self.poll_loop.wait(now, until);
            now = self.poll_loop.now();
            has_waited = true;
        }
    }

    /// Takes records out of the buffer, and has the next fetches on the wire before they are
    /// handed out.
    #[inline]
    fn collect(&mut self, now: Instant) -> Result<ConsumerRecords, Error> {
        let core = &mut self.poll_loop.core;
        if !core.has_fetched() {
            return Ok(ConsumerRecords::default());
        }
        let records = core.collect(self.poll_loop.config.max_poll_records)?;
        if self.poll_loop.core.wants_planning() {
            // Something was drained: what has arrived meanwhile tells what to ask for next.
            self.poll_loop.receive(Duration::ZERO);
            self.poll_loop.send_requests(now);
        }
        Ok(records)
    }

    /// Waits until `ready` has a result, or until `deadline`; `None` then. Serves the network
    /// meanwhile, once at least, so that calls without time get on; but changes no assignment.
    pub(super) fn wait_for<T>(
        &mut self,
        deadline: Instant,
        interruption: Interruption,
        mut ready: impl FnMut(&mut Self, Instant) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let mut has_waited = false;
        loop {
            if interruption == Interruption::Allowed {
                self.poll_loop.check_wakeup()?;
            }
            let now = self.poll_loop.now();
            self.take_results(now);
            if let Some(result) = ready(self, now)? {
                return Ok(Some(result));
            }
            self.check_death()?;
            if has_waited && now >= deadline {
                return Ok(None);
            }
            self.poll_loop.send_requests(now);
            self.poll_loop.wait(now, deadline);
            has_waited = true;
        }
    }

    /// Waits for the answer to a command, at most until `deadline`; `None` then. Whatever comes
    /// of it, nobody waits for the answer any more.
    pub(super) fn wait_for_answer(
        &mut self,
        id: CommandId,
        deadline: Instant,
        interruption: Interruption,
    ) -> Result<Option<Finished>, Error> {
        self.waiting.insert(id, Waiting::Call);
        // The heartbeat thread has the same limit, and can say more about why it was missed.
        let grace = end_of(deadline, ANSWER_GRACE);
        let answer = self.wait_for(grace, interruption, |state, _| {
            Ok(state.finished.remove(&id))
        });
        self.waiting.remove(&id);
        answer
    }

    /// When a call that is given this much time has to be over.
    pub(super) fn deadline(&self, timeout: Option<Duration>) -> (Instant, Duration) {
        let timeout = timeout.unwrap_or(self.poll_loop.config.client.default_api_timeout);
        let now = self.poll_loop.now();
        (end_of(now, timeout), timeout)
    }

    /// The error of a call whose time is over. It names whoever could not be reached.
    pub(super) fn timed_out(&self, what: &str, timeout: Duration) -> Error {
        let mut text = format!("{what} took longer than {} ms", timeout.as_millis());
        match self.poll_loop.core.last_connection_error() {
            Some(error) => text = format!("{text}; the last failure: {error}"),
            None => {
                let servers = &self.poll_loop.config.client.bootstrap_brokers();
                let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
                text = format!("{text}; brokers asked first: {}", servers.join(", "));
            }
        }
        Error::new(ErrorKind::Timeout, text)
    }
}

/// When a time span is over. Users give spans that reach beyond what the clock can tell.
pub(super) fn end_of(now: Instant, span: Duration) -> Instant {
    now + span.min(FOREVER)
}

/// As good as no limit, and within reach of every clock.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How long the heartbeat thread may take to answer beyond a command's deadline.
const ANSWER_GRACE: Duration = Duration::from_millis(200);
