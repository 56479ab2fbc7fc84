//! The consumer: public methods that enter the guard and delegate.

mod committing;
mod group;
mod looking_up;
mod polling;
mod positions;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use weft_client::net::NetworkCounters;
use weft_client::{Error, ErrorKind, Offset, OffsetAndMetadata, TopicName, TopicPartition};

use crate::access::{Call, Entered, SingleThreaded};
use crate::assign::Assignor;
use crate::config::ConsumerConfig;
use crate::lane::{GroupMetadata, MembershipOperation, Offsets};
use crate::listener::RebalanceListener;
use crate::position::OffsetAndTimestamp;
use crate::record::ConsumerRecords;
use crate::wakeup::WakeupHandle;
pub(crate) use state::State;

/// An Apache Kafka consumer, in the image of Java's `KafkaConsumer`.
///
/// # Threads
///
/// A consumer is for one thread at a time. It is `Sync` so that the mistake can be seen: a call
/// that finds another thread inside panics and names both, as Java's throws
/// `ConcurrentModificationException`; the other thread goes on unharmed. Only
/// [`wakeup`](Self::wakeup) may be called while another thread is inside. A thread of its own joins
/// the group, sends heartbeats and commits; it never runs user code, except for an assignor.
///
/// # Time
///
/// A member has to call [`poll`](Self::poll) every `max.poll.interval.ms`, or it leaves the group
/// by itself. Calls that wait are bounded by their timeout, or by `default.api.timeout.ms`.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), weft_client::Error> {
/// use std::time::Duration;
///
/// use weft_consumer::{Consumer, ConsumerConfig};
///
/// let config = ConsumerConfig::builder()
///     .bootstrap_servers("localhost:9092")
///     .group_id("billing")
///     .enable_auto_commit(false)
///     .build()?;
/// let consumer = Consumer::new(config)?;
/// consumer.subscribe(["orders"])?;
/// for _ in 0..100 {
///     let records = consumer.poll(Duration::from_millis(500))?;
///     for record in &records {
///         println!("{} {}: {:?}", record.topic_partition(), record.offset(), record.value());
///     }
///     consumer.commit_sync()?;
/// }
/// consumer.close()?;
/// # Ok(())
/// # }
/// ```
pub struct Consumer {
    state: SingleThreaded<State>,
    wakeup: WakeupHandle,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}

/// How to close a consumer.
#[derive(Clone, Debug)]
#[must_use]
pub struct CloseOptions {
    timeout: Duration,
    membership: MembershipOperation,
}

impl CloseOptions {
    /// Half a minute; dynamic members leave the group, static ones stay.
    pub fn new() -> Self {
        Self {
            timeout: CLOSE_TIMEOUT,
            membership: MembershipOperation::Default,
        }
    }

    /// How long brokers may take. Callbacks of the user are not cut short.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Whether to leave the group.
    pub fn membership(self, membership: MembershipOperation) -> Self {
        Self { membership, ..self }
    }
}

impl Default for CloseOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl Consumer {
    /// A consumer that reads nothing yet. No broker is asked for anything before the first call
    /// that needs one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the operating system refuses the means to wait for sockets.
    pub fn new(config: ConsumerConfig) -> Result<Self, Error> {
        let assignors = config.assignors();
        Self::with_assignors(config, assignors)
    }

    /// As [`new`](Self::new), with assignors in place of `partition.assignment.strategy`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_assignors(
        config: ConsumerConfig,
        assignors: Vec<Arc<dyn Assignor>>,
    ) -> Result<Self, Error> {
        let state = State::new(config, assignors)?;
        let wakeup = state.wakeup().clone();
        Ok(Self {
            state: SingleThreaded::new(state),
            wakeup,
        })
    }

    /// Reads these topics as a member of the group, in place of those subscribed to before. No
    /// topic at all is [`unsubscribe`](Self::unsubscribe). Joins in the next [`poll`](Self::poll).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGroupId`] without a `group.id`; [`ErrorKind::IllegalArgument`] for a
    /// blank name; [`ErrorKind::IllegalState`] if partitions were chosen with
    /// [`assign`](Self::assign).
    ///
    /// # Panics
    ///
    /// If another thread is inside this consumer, like all methods but [`wakeup`](Self::wakeup).
    pub fn subscribe<T: Into<TopicName>>(
        &self,
        topics: impl IntoIterator<Item = T>,
    ) -> Result<(), Error> {
        let topics = topics.into_iter().map(Into::into).collect();
        self.enter(Call::Subscribe)?.subscribe(topics, None)
    }

    /// As [`subscribe`](Self::subscribe); the listener is told when partitions come and go.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    pub fn subscribe_with_listener<T: Into<TopicName>>(
        &self,
        topics: impl IntoIterator<Item = T>,
        listener: impl RebalanceListener + 'static,
    ) -> Result<(), Error> {
        let topics = topics.into_iter().map(Into::into).collect();
        self.enter(Call::Subscribe)?
            .subscribe(topics, Some(Box::new(listener)))
    }

    /// Reads these partitions, whatever the group does, in place of those assigned before.
    /// Partitions that stay keep their positions and pauses.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] while topics are subscribed to.
    pub fn assign(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<(), Error> {
        let partitions = partitions.into_iter().collect();
        self.enter(Call::Assign)?.assign(&partitions)
    }

    /// Reads nothing any more: leaves the group, without committing, after
    /// [`RebalanceListener::on_partitions_revoked`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Callback`] if the listener failed; the consumer has left all the same.
    pub fn unsubscribe(&self) -> Result<(), Error> {
        self.enter(Call::Unsubscribe)?.unsubscribe()
    }

    /// The partitions that this consumer reads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close), like all methods.
    pub fn assignment(&self) -> Result<BTreeSet<TopicPartition>, Error> {
        Ok(self.enter(Call::Assignment)?.assignment())
    }

    /// The topics subscribed to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    pub fn subscription(&self) -> Result<BTreeSet<TopicName>, Error> {
        Ok(self.enter(Call::Subscription)?.subscription())
    }

    /// The next records, at most `max.poll.records`. Waits up to `timeout` for the first one, and
    /// returns none if none came, or if only records were passed over that nobody is given.
    ///
    /// Rebalances happen in here, and so do the listener's callbacks, which may take longer than
    /// `timeout`. The next fetches are on their way when it returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Wakeup`] after [`wakeup`](Self::wakeup); [`ErrorKind::IllegalState`] if nothing
    /// is subscribed to or assigned; [`ErrorKind::NoOffsetForPartition`] and
    /// [`ErrorKind::OffsetOutOfRange`] without a reset policy; [`ErrorKind::CorruptRecord`];
    /// refusals by brokers; [`ErrorKind::Callback`]. No error loses a record: positions move only
    /// with what was returned.
    #[inline]
    pub fn poll(&self, timeout: Duration) -> Result<ConsumerRecords, Error> {
        self.enter(Call::Poll)?.poll(timeout)
    }

    /// Makes the group rebalance at the next [`poll`](Self::poll); `reason` is for the broker's
    /// log.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGroupId`] without a `group.id`.
    pub fn enforce_rebalance(&self, reason: &str) -> Result<(), Error> {
        self.enter(Call::EnforceRebalance)?
            .enforce_rebalance(reason)
    }

    /// Commits the positions of all partitions, that is everything that `poll` returned, and waits
    /// for the coordinator. Retries what may succeed. Runs the callbacks of earlier asynchronous
    /// commits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CommitFailed`] if the member lost its partitions;
    /// [`ErrorKind::RebalanceInProgress`]: poll, then try again; [`ErrorKind::FencedInstanceId`];
    /// [`ErrorKind::Timeout`] after `default.api.timeout.ms`; [`ErrorKind::Wakeup`];
    /// [`ErrorKind::InvalidGroupId`] without a `group.id`.
    pub fn commit_sync(&self) -> Result<(), Error> {
        self.enter(Call::CommitSync)?.commit_sync(None, None)
    }

    /// As [`commit_sync`](Self::commit_sync), with a time limit of its own.
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
    /// As [`commit_sync`](Self::commit_sync), and [`ErrorKind::IllegalArgument`] for a negative
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
    /// [`ErrorKind::InvalidGroupId`] without a `group.id`.
    pub fn commit_async(&self) -> Result<(), Error> {
        self.enter(Call::CommitAsync)?.commit_async(None, None)
    }

    /// As [`commit_async`](Self::commit_async); `callback` is told what became of it, inside a later
    /// call. Commits and callbacks keep their order.
    ///
    /// # Errors
    ///
    /// As [`commit_async`](Self::commit_async).
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
    /// As [`commit_async`](Self::commit_async), and [`ErrorKind::IllegalArgument`] for a negative
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
    /// [`ErrorKind::Timeout`] after `default.api.timeout.ms`; [`ErrorKind::InvalidGroupId`]
    /// without a `group.id`; [`ErrorKind::Wakeup`]; refusals by the coordinator.
    pub fn committed(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error> {
        self.enter(Call::Committed)?.committed(partitions, None)
    }

    /// As [`committed`](Self::committed), with a time limit of its own.
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

    /// Who this consumer is in its group.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGroupId`] without a `group.id`.
    pub fn group_metadata(&self) -> Result<GroupMetadata, Error> {
        self.enter(Call::GroupMetadata)?.group_metadata()
    }

    /// What went over the network so far, not counting the heartbeat thread.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    pub fn network_counters(&self) -> Result<NetworkCounters, Error> {
        Ok(self.enter(Call::Counters)?.network_counters())
    }

    /// Ends the running call, or the next one that waits, with [`ErrorKind::Wakeup`]. May be called
    /// from any thread, at any time. Nothing is lost: what was fetched stays for the next `poll`.
    pub fn wakeup(&self) {
        self.wakeup.wakeup();
    }

    /// [`wakeup`](Self::wakeup) as a value that can be given to other threads.
    pub fn wakeup_handle(&self) -> WakeupHandle {
        self.wakeup.clone()
    }

    /// Closes the consumer: commits if auto commit is on, runs the listener's revocation, leaves
    /// the group. Takes up to half a minute, plus what the listener takes. Cannot be woken up.
    /// Closing again does nothing.
    ///
    /// # Errors
    ///
    /// The first failure of a callback; the consumer is closed all the same.
    pub fn close(&self) -> Result<(), Error> {
        self.close_with(CloseOptions::new())
    }

    /// As [`close`](Self::close), in another way.
    ///
    /// # Errors
    ///
    /// As [`close`](Self::close).
    pub fn close_with(&self, options: CloseOptions) -> Result<(), Error> {
        let mut state = self.state.enter(Call::Close);
        state.close(options.timeout, options.membership)
    }

    #[inline]
    fn enter(&self, call: Call) -> Result<Entered<'_, State>, Error> {
        let state = self.state.enter(call);
        if state.is_closed() {
            return Err(Error::new(
                ErrorKind::Closed,
                format!("{call} was called on a consumer that is closed"),
            ));
        }
        Ok(state)
    }
}

impl Consumer {
    /// The offset of the next record of a partition that this consumer reads. Waits for it to be
    /// known.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if the partition is not assigned; [`ErrorKind::Timeout`] after
    /// `default.api.timeout.ms`; [`ErrorKind::NoOffsetForPartition`]; [`ErrorKind::Wakeup`].
    pub fn position(&self, partition: &TopicPartition) -> Result<Offset, Error> {
        self.enter(Call::Position)?.position(partition, None)
    }

    /// As [`position`](Self::position), with a time limit of its own.
    ///
    /// # Errors
    ///
    /// As [`position`](Self::position).
    pub fn position_within(
        &self,
        partition: &TopicPartition,
        timeout: Duration,
    ) -> Result<Offset, Error> {
        self.enter(Call::Position)?
            .position(partition, Some(timeout))
    }

    /// Goes on at this offset in the next [`poll`](Self::poll). What was fetched is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if the partition is not assigned;
    /// [`ErrorKind::IllegalArgument`] for a negative offset.
    pub fn seek(&self, partition: &TopicPartition, offset: Offset) -> Result<(), Error> {
        self.seek_to(partition, &OffsetAndMetadata::new(offset))
    }

    /// As [`seek`](Self::seek), with the leader epoch of the record before.
    ///
    /// # Errors
    ///
    /// As [`seek`](Self::seek).
    pub fn seek_to(&self, partition: &TopicPartition, to: &OffsetAndMetadata) -> Result<(), Error> {
        self.enter(Call::Seek)?.seek(partition, to)
    }

    /// Goes on at the first record. No partition at all stands for all that are assigned. The
    /// offset is looked up when it is needed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if a partition is not assigned.
    pub fn seek_to_beginning(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.enter(Call::Seek)?.seek_to_beginning(partitions)
    }

    /// Goes on behind the last record. No partition at all stands for all that are assigned.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if a partition is not assigned.
    pub fn seek_to_end(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.enter(Call::Seek)?.seek_to_end(partitions)
    }

    /// Returns nothing of these partitions until they are resumed. What was fetched is kept, and
    /// the group does not notice.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if a partition is not assigned; then none is paused.
    pub fn pause(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.enter(Call::Pause)?.pause(partitions)
    }

    /// Ends a pause.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if a partition is not assigned; then none is resumed.
    pub fn resume(&self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.enter(Call::Resume)?.resume(partitions)
    }

    /// The partitions that are paused.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    pub fn paused(&self) -> Result<BTreeSet<TopicPartition>, Error> {
        Ok(self.enter(Call::Paused)?.paused())
    }

    /// The records between the position and the end, as the last fetch told it; `None` if there
    /// was none yet. Asks nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if the partition is not assigned.
    pub fn current_lag(&self, partition: &TopicPartition) -> Result<Option<u64>, Error> {
        self.enter(Call::CurrentLag)?.current_lag(partition)
    }

    /// The first offsets of these partitions, assigned or not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] after `default.api.timeout.ms`, naming what is missing;
    /// [`ErrorKind::Wakeup`]; refusals by brokers.
    pub fn beginning_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.enter(Call::LookUp)?.beginning_offsets(partitions)
    }

    /// The offsets behind the last records of these partitions, assigned or not.
    ///
    /// # Errors
    ///
    /// As [`beginning_offsets`](Self::beginning_offsets).
    pub fn end_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.enter(Call::LookUp)?.end_offsets(partitions)
    }

    /// The first offsets whose records are not older than these times, in milliseconds since 1970;
    /// `None` where there is no such record.
    ///
    /// # Errors
    ///
    /// As [`beginning_offsets`](Self::beginning_offsets), and [`ErrorKind::IllegalArgument`] for a
    /// negative time.
    pub fn offsets_for_times(
        &self,
        times: &BTreeMap<TopicPartition, i64>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error> {
        self.enter(Call::LookUp)?.offsets_for_times(times)
    }

    /// The partitions of a topic; none if the brokers do not know the topic.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] after `default.api.timeout.ms`; [`ErrorKind::InvalidTopic`];
    /// [`ErrorKind::TopicAuthorization`]; [`ErrorKind::Wakeup`].
    pub fn partitions_for(&self, topic: &TopicName) -> Result<Vec<TopicPartition>, Error> {
        self.enter(Call::PartitionsFor)?.partitions_for(topic)
    }
}

impl Drop for Consumer {
    /// Leaves the group, and waits for that a second at most. Commits nothing and runs no callback:
    /// it may happen because something went wrong. Call [`close`](Self::close) to end in order.
    fn drop(&mut self) {
        if let Some(mut state) = self.state.try_enter() {
            state.abandon();
        }
    }
}

const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
