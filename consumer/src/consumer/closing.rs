//! How a consumer ends: in order, or dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use weft_client::Error;

use super::group::{Outcome, told};
use super::polling::end_of;
use super::state::{Finished, State};
use crate::lane::{Command, MembershipOperation};
use crate::thread::Interruption;

impl State {
    /// Every step is taken, whatever becomes of those before it; the first failure or panic of a
    /// callback is told at the end. The consumer counts as open until then, so that callbacks can
    /// use it.
    pub(super) fn close(
        &mut self,
        timeout: Duration,
        operation: MembershipOperation,
    ) -> Result<(), Error> {
        if self.is_closed() {
            return Ok(());
        }
        let timeout = timeout.min(self.poll_loop.config.client.request_timeout);
        let deadline = end_of(self.poll_loop.now(), timeout);
        let mut outcome: Outcome = Ok(Ok(()));
        if self.poll_loop.heartbeat().is_some() || self.commits_before_closing() {
            first(
                &mut outcome,
                self.contained(|state| state.commit_before_closing(deadline)),
            );
            let awaited = self.await_commits(deadline, timeout, Interruption::Ignored);
            if let Err(error) = awaited {
                tracing::warn!(%error, "closing does not wait any longer for commits");
            }
            first(&mut outcome, self.run_all_callbacks());
        }
        let given_up = self.give_up_everything();
        first(&mut outcome, given_up);
        self.leave("the consumer is being closed", operation, deadline);
        let patience = end_of(self.poll_loop.now(), SESSIONS_TIMEOUT);
        self.poll_loop.close_sessions(patience.min(deadline));
        self.end();
        self.fail_commits();
        first(&mut outcome, self.run_all_callbacks());
        self.interceptors.close();
        told(outcome)
    }

    /// Runs every callback of a commit that has one, also those behind one that panics.
    fn run_all_callbacks(&mut self) -> Outcome {
        let mut outcome: Outcome = Ok(Ok(()));
        while self.has_callbacks() {
            first(&mut outcome, self.contained(Self::run_callbacks));
        }
        outcome
    }

    fn contained(&mut self, step: impl FnOnce(&mut Self)) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| step(self))).map(Ok)
    }

    /// Leaves without commits and callbacks, and waits a moment at most.
    pub(super) fn abandon(&mut self) {
        if !self.is_closed() {
            let deadline = self.poll_loop.now() + ABANDON_TIMEOUT;
            self.leave(
                "the consumer was dropped",
                MembershipOperation::Default,
                deadline,
            );
            let now = self.poll_loop.now();
            self.poll_loop.close_sessions(now);
            self.end();
        }
    }

    fn leave(&mut self, reason: &str, operation: MembershipOperation, deadline: Instant) {
        let id = self.command_id();
        if let Some(heartbeat) = self.poll_loop.heartbeat() {
            let sent = heartbeat.send(Command::Leave {
                id,
                reason: reason.to_owned(),
                operation,
                wait_until: Some(deadline),
            });
            if sent.is_ok() {
                let left = self.wait_for_answer(id, deadline, Interruption::Ignored);
                if !matches!(left, Ok(Some(Finished::Left))) {
                    tracing::warn!("the coordinator did not confirm that this member left");
                }
            }
        }
        if let Some(heartbeat) = self.poll_loop.take_heartbeat() {
            // All that had to be waited for was. Questions that are still open interest nobody.
            let deadline = self.poll_loop.now() + JOIN_TIMEOUT;
            if !heartbeat.join_by(deadline) {
                tracing::warn!("the heartbeat thread did not end in time");
            }
        }
    }

    fn end(&mut self) {
        self.poll_loop.core.unsubscribe();
        self.poll_loop.count_assignment();
        self.poll_loop.disconnect();
        self.listener = None;
        self.set_closed();
    }
}

/// Keeps the first outcome that is not a success.
fn first(outcome: &mut Outcome, next: Outcome) {
    if matches!(outcome, Ok(Ok(()))) {
        *outcome = next;
    }
}

/// How long a dropped consumer waits for the coordinator.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(1);

/// How long closing waits for brokers to close fetch sessions. They drop them by themselves too, so
/// that one which hangs is no reason to use up the time for closing, as Kafka's consumer does.
const SESSIONS_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the heartbeat thread may take to end once it has left the group.
const JOIN_TIMEOUT: Duration = Duration::from_millis(500);
