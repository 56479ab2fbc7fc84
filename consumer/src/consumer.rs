//! The consumer: public methods that enter the guard and delegate.

mod close_options;
mod closing;
mod commit_methods;
mod committing;
mod group;
mod looking_up;
mod metrics_methods;
mod polling;
mod position_methods;
mod positions;
mod state;
mod subscription_methods;
mod topic_methods;
mod topics;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use weft_client::{Error, ErrorKind};

use crate::access::{Call, Entered, SingleThreaded};
use crate::assign::Assignor;
use crate::config::ConsumerConfig;
use crate::interceptor::ConsumerInterceptor;
use crate::metrics::MetricsHandle;
use crate::record::ConsumerRecords;
use crate::wakeup::WakeupHandle;
pub use close_options::CloseOptions;
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
    metrics: MetricsHandle,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}

impl Consumer {
    /// A consumer that reads nothing yet. No broker is asked for anything before the first call
    /// that needs one, but the names in `bootstrap.servers` are looked up now, which blocks for as
    /// long as the operating system takes (unless `bootstrap.resolve.timeout.ms` is above 0; see
    /// [`resolve_bootstrap`](weft_client::net::resolve_bootstrap)).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if none of these names has an address; [`ErrorKind::Io`] if the
    /// operating system refuses the means to wait for sockets.
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
        let metrics = state.metrics().clone();
        Ok(Self {
            state: SingleThreaded::new(state),
            wakeup,
            metrics,
        })
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
    ///
    /// Brokers that cannot be reached are no error: the call returns nothing when its time is over,
    /// as Java's does. Each such failure is logged once with the address; calls that cannot go on
    /// without an answer, such as [`position`](Self::position), name it in their error.
    ///
    /// # Panics
    ///
    /// With the panic of a callback, after the rebalance was finished as if it had succeeded: the
    /// consumer can be used as before.
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
    /// for run in records.runs() {
    ///     println!("{} records of {}", run.len(), run.topic_partition());
    ///     for record in run {
    ///         println!("{}: {:?} = {:?}", record.offset(), record.key(), record.value());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn poll(&self, timeout: Duration) -> Result<ConsumerRecords, Error> {
        self.enter(Call::Poll)?.poll(timeout)
    }

    /// Has this interceptor see all records before `poll` returns them, and all committed offsets,
    /// behind those added before it. It cannot be taken out again. Without interceptors nothing is
    /// spent on them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    pub fn add_interceptor(
        &self,
        interceptor: impl ConsumerInterceptor + 'static,
    ) -> Result<(), Error> {
        let mut state = self.enter(Call::AddInterceptor)?;
        state.interceptors.add(Box::new(interceptor));
        Ok(())
    }

    /// Ends the running call, or the next one that waits, with [`ErrorKind::Wakeup`]. May be called
    /// from any thread, at any time. Nothing is lost: what was fetched stays for the next `poll`.
    ///
    /// Several wake-ups before that call count as one, and one that finds no call is kept for the
    /// next. A commit that was ended may have arrived all the same. Closing is not ended.
    ///
    /// # Examples
    ///
    /// Ending a consumer from another thread:
    ///
    /// ```no_run
    /// # fn main() -> Result<(), weft_client::Error> {
    /// # let config = weft_consumer::ConsumerConfig::builder().bootstrap_servers("a:1").build()?;
    /// # let consumer = weft_consumer::Consumer::new(config)?;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::time::Duration;
    ///
    /// use weft_client::ErrorKind;
    ///
    /// let is_over = AtomicBool::new(false);
    /// std::thread::scope(|scope| {
    ///     let wakeup = consumer.wakeup_handle();
    ///     let is_over = &is_over;
    ///     scope.spawn(move || {
    ///         // ... when it is time to end:
    ///         is_over.store(true, Ordering::Relaxed);
    ///         wakeup.wakeup();
    ///     });
    ///     while !is_over.load(Ordering::Relaxed) {
    ///         match consumer.poll(Duration::from_secs(10)) {
    ///             Ok(records) => println!("{} records", records.count()),
    ///             Err(error) if error.kind() == ErrorKind::Wakeup => {}
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    ///     consumer.close()
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wakeup(&self) {
        self.wakeup.wakeup();
    }

    /// [`wakeup`](Self::wakeup) as a value that can be given to other threads.
    pub fn wakeup_handle(&self) -> WakeupHandle {
        self.wakeup.clone()
    }

    /// Closes the consumer: commits if auto commit is on, waits for commits that are under way and
    /// runs their callbacks, runs the listener's revocation, leaves the group unless the member is
    /// static, closes interceptors. Takes up to half a minute, or `request.timeout.ms` if that is
    /// less, plus what callbacks take. Cannot be woken up. Closing again does nothing. Callbacks of
    /// asynchronous commits that were not answered in time are told so, where Java's consumer does
    /// not promise that they run.
    ///
    /// # Errors
    ///
    /// The first failure of a callback; all steps were taken and the consumer is closed all the
    /// same. What brokers refuse or leave unanswered is logged.
    ///
    /// # Panics
    ///
    /// With the first panic of a callback, likewise after all steps.
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

impl Drop for Consumer {
    /// Leaves the group, and waits for that a second at most. Commits nothing and runs no callback:
    /// it may happen because something went wrong. Call [`close`](Self::close) to end in order.
    fn drop(&mut self) {
        if let Some(mut state) = self.state.try_enter() {
            state.abandon();
        }
    }
}
