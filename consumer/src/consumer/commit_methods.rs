//! The public methods that write and read committed offsets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weft_client::{Error, OffsetAndMetadata, TopicPartition};

use super::Consumer;
use crate::access::Call;
use crate::lane::Offsets;

impl Consumer {
    /// Commits the positions of all partitions, that is everything that `poll` returned, and waits
    /// for the coordinator. Retries what may succeed. Runs the callbacks of earlier asynchronous
    /// commits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CommitFailed`](weft_client::ErrorKind::CommitFailed) if the member lost its
    /// partitions; [`ErrorKind::RebalanceInProgress`](weft_client::ErrorKind::RebalanceInProgress):
    /// poll, then try again;
    /// [`ErrorKind::FencedInstanceId`](weft_client::ErrorKind::FencedInstanceId);
    /// [`ErrorKind::Timeout`](weft_client::ErrorKind::Timeout) after `default.api.timeout.ms`;
    /// [`ErrorKind::Wakeup`](weft_client::ErrorKind::Wakeup);
    /// [`ErrorKind::InvalidGroupId`](weft_client::ErrorKind::InvalidGroupId) without a `group.id`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> Result<(), weft_client::Error> {
    /// # let config = weft_consumer::ConsumerConfig::builder().bootstrap_servers("a:1").build()?;
    /// # let consumer = weft_consumer::Consumer::new(config)?;
    /// use std::time::Duration;
    ///
    /// let records = consumer.poll(Duration::from_millis(100))?;
    /// // ... work on the records ...
    /// consumer.commit_sync()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn commit_sync(&self) -> Result<(), Error> {
        self.enter(Call::CommitSync)?.commit_sync(None, None)
    }

    /// As [`commit_sync`](Self::commit_sync), with a time limit of its own. Without any time the
    /// commit is sent once, if the coordinator is known, and fails with
    /// [`ErrorKind::Timeout`](weft_client::ErrorKind::Timeout) unless its answer is there at once;
    /// the coordinator may well carry it out.
    ///
    /// # Errors
    ///
    /// As [`commit_sync`](Self::commit_sync).
    pub fn commit_sync_within(&self, timeout: Duration) -> Result<(), Error> {
        self.enter(Call::CommitSync)?
            .commit_sync(None, Some(timeout))
    }

    /// As [`commit_sync`](Self::commit_sync), for these offsets: the next ones to read, one more
    /// than those of the last records processed.
    ///
    /// # Errors
    ///
    /// As [`commit_sync`](Self::commit_sync), and
    /// [`ErrorKind::IllegalArgument`](weft_client::ErrorKind::IllegalArgument) for a negative
    /// offset.
    pub fn commit_sync_offsets(&self, offsets: &Offsets) -> Result<(), Error> {
        self.enter(Call::CommitSync)?
            .commit_sync(Some(offsets), None)
    }

    /// As [`commit_sync_offsets`](Self::commit_sync_offsets), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`commit_sync_offsets`](Self::commit_sync_offsets).
    pub fn commit_sync_offsets_within(
        &self,
        offsets: &Offsets,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.enter(Call::CommitSync)?
            .commit_sync(Some(offsets), Some(timeout))
    }

    /// Commits the positions of all partitions without waiting and without retries. A failure is
    /// logged.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGroupId`](weft_client::ErrorKind::InvalidGroupId) without a `group.id`;
    /// [`ErrorKind::BufferExhausted`](weft_client::ErrorKind::BufferExhausted) if too many commits
    /// are under way.
    pub fn commit_async(&self) -> Result<(), Error> {
        self.enter(Call::CommitAsync)?.commit_async(None, None)
    }

    /// As [`commit_async`](Self::commit_async); `callback` is told what became of it, inside a
    /// later call. Commits and callbacks keep their order.
    ///
    /// # Errors
    ///
    /// As [`commit_async`](Self::commit_async).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> Result<(), weft_client::Error> {
    /// # let config = weft_consumer::ConsumerConfig::builder().bootstrap_servers("a:1").build()?;
    /// # let consumer = weft_consumer::Consumer::new(config)?;
    /// consumer.commit_async_with(|offsets, result| match result {
    ///     Ok(()) => println!("{} partitions are committed", offsets.len()),
    ///     Err(error) => eprintln!("not committed: {error}"),
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn commit_async_with(
        &self,
        callback: impl FnOnce(&Offsets, Result<(), Error>) + Send + 'static,
    ) -> Result<(), Error> {
        self.enter(Call::CommitAsync)?
            .commit_async(None, Some(Box::new(callback)))
    }

    /// As [`commit_async_with`](Self::commit_async_with), for these offsets.
    ///
    /// # Errors
    ///
    /// As [`commit_async`](Self::commit_async), and
    /// [`ErrorKind::IllegalArgument`](weft_client::ErrorKind::IllegalArgument) for a negative
    /// offset.
    pub fn commit_async_offsets(
        &self,
        offsets: Offsets,
        callback: impl FnOnce(&Offsets, Result<(), Error>) + Send + 'static,
    ) -> Result<(), Error> {
        self.enter(Call::CommitAsync)?
            .commit_async(Some(offsets), Some(Box::new(callback)))
    }

    /// The offsets that the group has committed; `None` where it has not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`](weft_client::ErrorKind::Timeout) after `default.api.timeout.ms`;
    /// [`ErrorKind::InvalidGroupId`](weft_client::ErrorKind::InvalidGroupId) without a `group.id`;
    /// [`ErrorKind::Wakeup`](weft_client::ErrorKind::Wakeup); refusals by the coordinator.
    pub fn committed(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error> {
        self.enter(Call::Committed)?.committed(partitions, None)
    }

    /// As [`committed`](Self::committed), with a time limit of its own. Without any time the
    /// coordinator is asked once, if it is known, and the call fails with
    /// [`ErrorKind::Timeout`](weft_client::ErrorKind::Timeout) unless the answer is there at once.
    /// A later call asks anew, where Java's takes the answer to the question of an earlier one: it
    /// would tell what was committed before that call.
    ///
    /// # Errors
    ///
    /// As [`committed`](Self::committed).
    pub fn committed_within(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error> {
        self.enter(Call::Committed)?
            .committed(partitions, Some(timeout))
    }
}
