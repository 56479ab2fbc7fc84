//! Commits: awaited, in passing, and by themselves.
//!
//! The heartbeat thread sends them. Here they are kept in order: callbacks run in the order of
//! their commits, and before a later commit that is awaited returns.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use weft_client::{Error, ErrorKind, Offset, OffsetAndMetadata, TopicPartition};

use super::polling::end_of;
use super::state::{Finished, State};
use crate::lane::{Command, CommandId, Offsets};
use crate::listener::OffsetCommitCallback;
use crate::thread::Interruption;

/// Commits that nobody waits for, the oldest first.
#[derive(Default)]
pub(super) struct Commits {
    under_way: VecDeque<UnderWay>,
}

struct UnderWay {
    id: CommandId,
    offsets: Offsets,
    purpose: Purpose,
    result: Option<Result<(), Error>>,
}

enum Purpose {
    /// The user asked for it, and may want to hear of it.
    Asked(Option<OffsetCommitCallback>),
    /// It happened by itself.
    Automatic,
}

impl Commits {
    /// Whether there is a callback to run.
    #[inline]
    fn has_settled(&self) -> bool {
        let oldest = self.under_way.front();
        oldest.is_some_and(|commit| commit.result.is_some())
    }

    fn have_all_settled(&self) -> bool {
        let mut commits = self.under_way.iter();
        commits.all(|commit| commit.result.is_some())
    }

    /// Whether this one has not been answered.
    pub(super) fn awaits(&self, id: CommandId) -> bool {
        let mut commits = self.under_way.iter();
        commits.any(|commit| commit.id == id && commit.result.is_none())
    }
}

impl State {
    pub(crate) fn commit_sync(
        &mut self,
        offsets: Option<&Offsets>,
        timeout: Option<Duration>,
    ) -> Result<(), Error> {
        self.check_fenced()?;
        let began = self.poll_loop.now();
        let (deadline, timeout) = self.deadline(timeout);
        let result = self.commit_until(offsets, deadline, timeout, Interruption::Allowed);
        let metrics = self.poll_loop.metrics();
        metrics.committed_sync(self.poll_loop.now() - began);
        self.run_callbacks();
        result
    }

    pub(super) fn commit_until(
        &mut self,
        offsets: Option<&Offsets>,
        deadline: Instant,
        timeout: Duration,
        interruption: Interruption,
    ) -> Result<(), Error> {
        let offsets = self.offsets_to_commit(offsets.cloned())?;
        if offsets.is_empty() {
            return self.await_commits(deadline, timeout, interruption);
        }
        let seen = (!self.interceptors.is_empty()).then(|| offsets.clone());
        let id = self.send_commit(offsets, Some(deadline))?;
        match self.wait_for_answer(id, deadline, interruption)? {
            Some(Finished::Committed(result)) => {
                // Those before it were sent before it, so this hardly ever waits.
                self.await_commits(deadline, timeout, interruption)?;
                if let (Some(offsets), Ok(())) = (seen, &result) {
                    self.run_callbacks();
                    self.interceptors.on_commit(&offsets);
                }
                result
            }
            _ => Err(self.timed_out(&self.of_group("committing offsets"), timeout)),
        }
    }

    /// Waits until all asynchronous commits have been answered.
    pub(super) fn await_commits(
        &mut self,
        deadline: Instant,
        timeout: Duration,
        interruption: Interruption,
    ) -> Result<(), Error> {
        let done = self.wait_for(deadline, interruption, |state, _| {
            Ok(state.commits.have_all_settled().then_some(()))
        })?;
        done.ok_or_else(|| self.timed_out("waiting for asynchronous commits", timeout))
    }

    pub(crate) fn commit_async(
        &mut self,
        offsets: Option<Offsets>,
        callback: Option<OffsetCommitCallback>,
    ) -> Result<(), Error> {
        self.take_results(self.poll_loop.now());
        self.run_callbacks();
        self.check_fenced()?;
        let offsets = self.offsets_to_commit(offsets)?;
        self.commit_in_passing(offsets, Purpose::Asked(callback), None)?;
        Ok(())
    }

    fn commit_in_passing(
        &mut self,
        offsets: Offsets,
        purpose: Purpose,
        retry_until: Option<Instant>,
    ) -> Result<CommandId, Error> {
        if self.commits.under_way.len() >= COMMITS_MAX {
            let text = format!("{COMMITS_MAX} commits are under way: poll first");
            return Err(Error::new(ErrorKind::BufferExhausted, text));
        }
        let (id, result) = if offsets.is_empty() {
            (self.command_id(), Some(Ok(())))
        } else {
            (self.send_commit(offsets.clone(), retry_until)?, None)
        };
        self.commits.under_way.push_back(UnderWay {
            id,
            offsets,
            purpose,
            result,
        });
        Ok(id)
    }

    fn send_commit(
        &mut self,
        offsets: Offsets,
        retry_until: Option<Instant>,
    ) -> Result<CommandId, Error> {
        let id = self.command_id();
        self.poll_loop.group()?.send(Command::Commit {
            id,
            offsets,
            retry_until,
        })?;
        Ok(id)
    }

    /// Notes what became of a commit that nobody waits for.
    pub(super) fn commit_settled(
        &mut self,
        now: Instant,
        id: CommandId,
        result: Result<(), Error>,
    ) {
        let mut commits = self.commits.under_way.iter_mut();
        let Some(commit) = commits.find(|commit| commit.id == id) else {
            return;
        };
        // As Kafka's own consumer, which does not wait for a whole interval then.
        if let (Purpose::Automatic, Err(error)) = (&commit.purpose, &result)
            && error.is_retriable()
        {
            let again_at = end_of(now, self.poll_loop.config.client.retry_backoff);
            self.auto_commit_at = self.auto_commit_at.map(|at| at.min(again_at));
        }
        commit.result = Some(result);
    }

    /// Ends commits that were not answered; their callbacks are told.
    pub(super) fn fail_commits(&mut self) {
        for commit in &mut self.commits.under_way {
            commit.result.get_or_insert_with(|| {
                let text = "the consumer was closed before the coordinator answered";
                Err(Error::new(ErrorKind::RetriableCommitFailed, text))
            });
        }
    }

    /// What to commit: what was asked for, or all positions.
    fn offsets_to_commit(&mut self, offsets: Option<Offsets>) -> Result<Offsets, Error> {
        self.poll_loop.group()?;
        let Some(offsets) = offsets else {
            return Ok(self.poll_loop.core.consumed_offsets());
        };
        let negative = offsets.iter().find(|(_, to)| to.offset < Offset::ZERO);
        if let Some((partition, to)) = negative {
            let text = format!("an offset of {} cannot be committed", to.offset);
            let error = Error::new(ErrorKind::IllegalArgument, text);
            return Err(error.with_topic_partition(partition.clone()));
        }
        self.poll_loop.core.see_epochs(&offsets);
        Ok(offsets)
    }

    /// Whether [`run_callbacks`](Self::run_callbacks) has something to run.
    pub(super) fn has_callbacks(&self) -> bool {
        self.commits.has_settled()
    }

    /// Runs the callbacks of asynchronous commits that were answered, in their order. One that
    /// panics has run; the others follow with the next call.
    #[inline]
    pub(super) fn run_callbacks(&mut self) {
        while self.commits.has_settled() {
            let Some(commit) = self.commits.under_way.pop_front() else {
                return;
            };
            let result = commit.result.unwrap_or(Ok(()));
            if result.is_ok() && !commit.offsets.is_empty() {
                self.interceptors.on_commit(&commit.offsets);
            }
            match (commit.purpose, result) {
                (Purpose::Asked(Some(callback)), result) => callback(&commit.offsets, result),
                (_, Ok(())) => {}
                (Purpose::Asked(None), Err(error)) => {
                    tracing::warn!(%error, "an asynchronous commit failed");
                }
                (Purpose::Automatic, Err(error)) => {
                    tracing::warn!(%error, "positions were not committed automatically");
                }
            }
        }
    }

    /// Commits all positions when it is time to, without waiting.
    #[inline]
    pub(super) fn auto_commit(&mut self, now: Instant) -> Result<(), Error> {
        match self.auto_commit_at {
            Some(at) if at <= now => {}
            _ => return Ok(()),
        }
        let interval = self.poll_loop.config.auto_commit_interval;
        self.auto_commit_at = Some(end_of(now, interval));
        self.commit_positions(None).map(drop)
    }

    /// Sends a commit of all positions, if there are any.
    pub(super) fn commit_positions(
        &mut self,
        retry_until: Option<Instant>,
    ) -> Result<Option<CommandId>, Error> {
        let mut offsets = self.poll_loop.core.consumed_offsets();
        // Brokers answer for a deleted topic that it may be known later. Java's consumer retries
        // that for as long as a rebalance may take before it gives the topic up.
        let subscription = self.poll_loop.core.subscription();
        offsets.retain(|partition, _| !subscription.has_lost(partition.topic()));
        if offsets.is_empty() {
            return Ok(None);
        }
        let sent = self.commit_in_passing(offsets, Purpose::Automatic, retry_until);
        sent.map(Some)
    }

    /// Whether closing begins with a commit: of partitions that were assigned by hand, too, also if
    /// nothing needed the group so far.
    pub(super) fn commits_before_closing(&self) -> bool {
        self.poll_loop.config.enable_auto_commit
            && !self.poll_loop.core.consumed_offsets().is_empty()
    }

    /// Commits all positions before the consumer closes, if that is to happen by itself.
    pub(super) fn commit_before_closing(&mut self, deadline: Instant) {
        if !self.commits_before_closing() {
            return;
        }
        let timeout = deadline.saturating_duration_since(self.poll_loop.now());
        let result = self.commit_until(None, deadline, timeout, Interruption::Ignored);
        if let Err(error) = result {
            tracing::warn!(%error, "positions were not committed before closing");
        }
    }

    pub(crate) fn committed(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Option<Duration>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error> {
        let (deadline, timeout) = self.deadline(timeout);
        let id = self.command_id();
        let group = self.poll_loop.group()?;
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        group.send(Command::FetchCommitted {
            id,
            partitions: partitions.clone(),
            retry_until: deadline,
        })?;
        let began = self.poll_loop.now();
        let answer = self.wait_for_answer(id, deadline, Interruption::Allowed);
        let metrics = self.poll_loop.metrics();
        metrics.asked_committed(self.poll_loop.now() - began);
        match answer? {
            Some(Finished::Fetched(result)) => result,
            _ => Err(self.timed_out(&self.of_group("fetching committed offsets"), timeout)),
        }
    }

    fn of_group(&self, what: &str) -> String {
        match &self.poll_loop.config.group_id {
            Some(group) => format!("{what} of group {group}"),
            None => what.to_owned(),
        }
    }
}

/// Commits that nobody waits for, and that may be under way.
const COMMITS_MAX: usize = 1024;
