//! What the user holds of a running runtime, whichever pattern it follows.

use std::sync::Arc;
use std::time::Duration;

use weft_client::Error;

use crate::crew::{Crew, Report, Role};
use crate::stats::{Counters, Stats};

/// A running runtime. It may be used from any thread.
///
/// Dropping it asks the threads to stop and does not wait for them.
pub struct RuntimeHandle {
    crew: Arc<Crew>,
    counters: Vec<Arc<Counters>>,
    patience: Duration,
}

/// So long a thread may take to end when there is nothing left for it to do.
const GRACE: Duration = Duration::from_secs(1);

impl RuntimeHandle {
    /// `shutdown_timeout` is what the threads themselves allow for their last work.
    pub(crate) fn new(
        crew: Arc<Crew>,
        counters: Vec<Arc<Counters>>,
        shutdown_timeout: Duration,
    ) -> Self {
        Self {
            crew,
            counters,
            patience: shutdown_timeout + GRACE,
        }
    }

    /// Waits until the runtime has stopped, for whatever reason. Once a stop was requested, by
    /// anybody, it waits no longer than the shutdown timeout and a moment; threads that are stuck
    /// in a handler then are named in the report.
    ///
    /// # Errors
    ///
    /// The first error that ended a thread, or with which a record failed for good.
    pub fn join(&self) -> Result<Report, Error> {
        self.crew
            .wait_for(Role::Poller, self.patience, Duration::ZERO);
        // With the pollers gone there is nothing left to do.
        self.crew.wait_for(Role::Worker, Duration::ZERO, GRACE);
        self.crew.conclude()
    }

    /// Asks all threads to stop, and waits for it: what was started is finished and committed, the
    /// rest is left to the next owner of the partitions.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn shutdown(&self) -> Result<Report, Error> {
        self.crew.request_stop();
        self.join()
    }

    /// What another thread, such as one that waits for signals, needs to stop the runtime.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        ShutdownHandle(Arc::clone(&self.crew))
    }

    /// Whether a stop was requested, by the user or by a failure.
    pub fn is_stopping(&self) -> bool {
        self.crew.is_stopping()
    }

    /// What the runtime did so far. It may be asked after the end, too.
    pub fn stats(&self) -> Stats {
        Stats::sum(&self.counters)
    }
}

impl Drop for RuntimeHandle {
    fn drop(&mut self) {
        self.crew.request_stop();
    }
}

/// Stops a runtime from anywhere.
#[derive(Clone)]
pub struct ShutdownHandle(Arc<Crew>);

impl ShutdownHandle {
    /// Asks all threads to stop, and returns at once. Harmless when repeated, or after the end.
    pub fn shutdown(&self) {
        self.0.request_stop();
    }
}
