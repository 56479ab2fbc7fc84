//! Shell: what time a cluster believes it is, and the part of the handle that moves it.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: the real time is that of the clock"
)]

use std::time::{Duration, Instant};

use super::cluster::MockCluster;
use super::error::MockError;
use super::server::Server;

/// Which time it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    /// That of the clock.
    Real,
    /// This one, until it is moved.
    Virtual(Instant),
}

impl Time {
    /// Stands still from here on.
    pub(super) fn still() -> Self {
        Self::Virtual(Instant::now())
    }

    pub(super) fn now(self) -> Instant {
        match self {
            Self::Real => Instant::now(),
            Self::Virtual(now) => now,
        }
    }

    /// How long the shell may wait for sockets if something is due then; for ever if not.
    pub(super) fn until(self, due_at: Option<Instant>) -> Option<Duration> {
        let left = due_at?.saturating_duration_since(self.now());
        match self {
            Self::Real => Some(left),
            Self::Virtual(_) => left.is_zero().then_some(left),
        }
    }
}

impl Server {
    /// Goes from one thing that is due to the next. Says whether the time can be moved.
    fn advance(&mut self, by: Duration) -> bool {
        let Time::Virtual(mut now) = self.time else {
            return false;
        };
        let target = now + by;
        while let Some(due_at) = self.next_deadline().filter(|due_at| *due_at <= target) {
            now = now.max(due_at);
            self.time = Time::Virtual(now);
            self.go_on();
            if self.next_deadline() == Some(due_at) {
                // Nothing came of it, and nothing will.
                break;
            }
        }
        self.time = Time::Virtual(target);
        self.go_on();
        true
    }
}

/// The cluster's time.
impl MockCluster {
    /// What time it is for the cluster: that of the clock, unless
    /// [`virtual_time`](super::MockClusterBuilder::virtual_time) was set.
    pub fn now(&self) -> Instant {
        self.ask(|server| server.time.now())
    }

    /// Moves the time of a cluster with
    /// [`virtual_time`](super::MockClusterBuilder::virtual_time) forward, a year at most. Whatever
    /// falls due on the way happens in its order and at its time: sessions end, delays and long
    /// polls are over, lines of scripts are carried out; answers are on their way to the clients
    /// when this returns.
    ///
    /// What clients have sent and the cluster has not read yet is served after the move; with
    /// [`wait_for`](Self::wait_for) a test knows that a request is there. Nor do clients get to
    /// react to what happens on the way: to let them, move in small steps.
    ///
    /// ```
    /// use std::time::Duration;
    /// use weft_testcontainers::mock::MockCluster;
    ///
    /// let cluster = MockCluster::builder().virtual_time().start()?;
    /// let before = cluster.now();
    /// cluster.advance(Duration::from_secs(3600))?;
    /// assert_eq!(cluster.now() - before, Duration::from_secs(3600));
    /// # Ok::<(), weft_testcontainers::mock::MockError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MockError::Configuration`] if the cluster's time is that of the clock, or for more than a
    /// year.
    pub fn advance(&self, by: Duration) -> Result<(), MockError> {
        if by > ADVANCE_MAX {
            let what = "its time moves by a year at most";
            return Err(MockError::Configuration { what });
        }
        if self.ask(move |server| server.advance(by)) {
            Ok(())
        } else {
            let what = "its time is that of the clock, and cannot be moved";
            Err(MockError::Configuration { what })
        }
    }
}

/// How far the time is moved at once.
const ADVANCE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);
