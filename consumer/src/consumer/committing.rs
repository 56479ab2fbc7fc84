//! Commits: awaited, in passing, and by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use weft_client::{Error, ErrorKind, Offset, OffsetAndMetadata, TopicPartition};

use super::polling::end_of;
use super::state::{Finished, State, Waiting};
use crate::lane::{Command, Offsets};
use crate::listener::OffsetCommitCallback;
use crate::thread::Interruption;

impl State {
    pub(crate) fn commit_sync(
        &mut self,
        offsets: Option<&Offsets>,
        timeout: Option<Duration>,
    ) -> Result<(), Error> {
        let (deadline, timeout) = self.deadline(timeout);
        let result = self.commit_until(offsets, deadline, timeout, Interruption::Allowed);
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
        let id = self.command_id();
        self.poll_loop.group()?.send(Command::Commit {
            id,
            offsets,
            retry_until: Some(deadline),
        })?;
        self.waiting.insert(id, Waiting::Call);
        // The heartbeat thread answers at the deadline; a dead one never does.
        let grace = deadline.checked_add(ANSWER_GRACE).unwrap_or(deadline);
        let finished = self.wait_for(grace, interruption, |state, _| {
            Ok(state.finished.remove(&id))
        });
        match finished {
            Ok(Some(Finished::Committed(result))) => result,
            Ok(_) => Err(self.timed_out("committing offsets", timeout)),
            Err(error) => {
                // The call is over, so nobody waits for what becomes of the commit.
                self.waiting.remove(&id);
                Err(error)
            }
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
            let mut waiting = state.waiting.values();
            let has_commits = waiting.any(|waiting| matches!(waiting, Waiting::Callback(..)));
            Ok((!has_commits).then_some(()))
        })?;
        done.ok_or_else(|| self.timed_out("waiting for asynchronous commits", timeout))
    }

    pub(crate) fn commit_async(
        &mut self,
        offsets: Option<Offsets>,
        callback: Option<OffsetCommitCallback>,
    ) -> Result<(), Error> {
        self.run_callbacks();
        let offsets = self.offsets_to_commit(offsets)?;
        if offsets.is_empty() {
            self.callbacks.push_back((offsets, Ok(()), callback));
            return Ok(());
        }
        self.send_commit(offsets, callback)
    }

    fn send_commit(
        &mut self,
        offsets: Offsets,
        callback: Option<OffsetCommitCallback>,
    ) -> Result<(), Error> {
        let id = self.command_id();
        self.poll_loop.group()?.send(Command::Commit {
            id,
            offsets: offsets.clone(),
            retry_until: None,
        })?;
        self.waiting
            .insert(id, Waiting::Callback(offsets, callback));
        Ok(())
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
        Ok(offsets)
    }

    /// Runs the callbacks of asynchronous commits that were answered, in their order.
    #[inline]
    pub(super) fn run_callbacks(&mut self) {
        while let Some((offsets, result, callback)) = self.callbacks.pop_front() {
            match (callback, result) {
                (Some(callback), result) => callback(&offsets, result),
                (None, Ok(())) => {}
                (None, Err(error)) => tracing::warn!(%error, "an asynchronous commit failed"),
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
        self.auto_commit_at = Some(end_of(now, self.poll_loop.config.auto_commit_interval));
        let offsets = self.poll_loop.core.consumed_offsets();
        if offsets.is_empty() {
            return Ok(());
        }
        self.send_commit(offsets, None)
    }

    /// Commits all positions before they are given up, if that is to happen by itself.
    pub(super) fn commit_before_giving_up(&mut self, deadline: Instant) {
        if !self.poll_loop.config.enable_auto_commit {
            return;
        }
        let timeout = deadline.saturating_duration_since(self.poll_loop.now());
        let result = self.commit_until(None, deadline, timeout, Interruption::Ignored);
        if let Err(error) = result {
            tracing::warn!(%error, "positions were not committed before they were given up");
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
        self.waiting.insert(id, Waiting::Call);
        let grace = deadline.checked_add(ANSWER_GRACE).unwrap_or(deadline);
        let finished = self.wait_for(grace, Interruption::Allowed, |state, _| {
            Ok(state.finished.remove(&id))
        });
        match finished {
            Ok(Some(Finished::Fetched(result))) => result,
            Ok(_) => Err(self.timed_out("fetching committed offsets", timeout)),
            Err(error) => {
                self.waiting.remove(&id);
                Err(error)
            }
        }
    }
}

/// How long the heartbeat thread may take to answer beyond a command's deadline.
const ANSWER_GRACE: Duration = Duration::from_secs(1);
