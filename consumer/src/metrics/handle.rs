//! The one recorder of a consumer, shared by its two threads and by whoever reads.
//!
//! Each thread takes the lock once a turn, never for a record, and never while it waits. A reader
//! copies under the lock and does the rest outside of it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a shell: a lock held for moments, and the time for whoever reads"
)]

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weft_client::host;

use super::recorder::Recorder;
use super::snapshot::Metrics;
use crate::config::ConsumerConfig;

/// Reads a consumer's metrics from any thread, also while it polls, and after it was closed: then
/// they stay as they were.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), weft_client::Error> {
/// use weft_consumer::{Consumer, ConsumerConfig};
///
/// let config = ConsumerConfig::builder()
///     .bootstrap_servers("localhost:9092")
///     .group_id("billing")
///     .build()?;
/// let consumer = Consumer::new(config)?;
/// let metrics = consumer.metrics_handle();
/// std::thread::spawn(move || {
///     let now = metrics.snapshot();
///     println!("{:?}", now.number("consumer-fetch-manager-metrics", "records-lag-max"));
///     for metric in &now {
///         println!("{metric}");
///     }
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MetricsHandle {
    shared: Arc<Shared>,
}

struct Shared {
    recorder: Mutex<Recorder>,
    made_at: Instant,
    /// When the last poll began: nanoseconds after `made_at`, plus one; zero before the first.
    last_poll: AtomicU64,
}

impl fmt::Debug for MetricsHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsHandle").finish_non_exhaustive()
    }
}

impl MetricsHandle {
    pub(crate) fn new(config: &ConsumerConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                recorder: Mutex::new(Recorder::new(config, host::wall_time())),
                made_at: host::now(),
                last_poll: AtomicU64::new(0),
            }),
        }
    }

    /// All metrics of this moment. Never waits for the network, nor for a call that is running; the
    /// more partitions are assigned, the longer it takes, about a microsecond each.
    pub fn snapshot(&self) -> Metrics {
        let now = host::now();
        let recorder = self.lock().clone();
        let last_poll = match self.shared.last_poll.load(Ordering::Relaxed) {
            0 => None,
            stamp => Some(self.shared.made_at + Duration::from_nanos(stamp - 1)),
        };
        recorder.read(now, last_poll)
    }

    /// Takes note that a poll begins. One store.
    #[inline]
    pub(crate) fn poll_begins(&self, now: Instant) {
        let since = now.saturating_duration_since(self.shared.made_at);
        let stamp = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX - 1) + 1;
        self.shared.last_poll.store(stamp, Ordering::Relaxed);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Recorder> {
        let recorder = &self.shared.recorder;
        recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
