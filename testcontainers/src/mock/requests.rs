//! The part of the handle that tells what clients asked, and waits until they do.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::cluster::MockCluster;
use super::core::{ReceivedRequest, RequestFilter, RequestLog};
use super::error::MockError;

/// Somebody who waits for requests.
#[derive(Debug)]
pub(super) struct Watch {
    filter: RequestFilter,
    /// How many more must come.
    missing: usize,
    /// The number of the first request that was not looked at yet.
    next: u64,
    done: Sender<()>,
}

impl Watch {
    /// Looks at the requests that came since the last time. Says whether to go on watching.
    pub(super) fn goes_on(&mut self, log: &RequestLog) -> bool {
        let found = log.find(&self.filter, self.next).count();
        self.next = log.received();
        self.missing = self.missing.saturating_sub(found);
        if self.missing == 0 {
            // Nobody may be left to hear it.
            let _ = self.done.send(());
        }
        self.missing > 0
    }
}

/// What clients asked.
impl MockCluster {
    /// The requests that `filter` chooses among the last ten thousand that came and could be read,
    /// oldest first.
    pub fn received(&self, filter: impl Into<RequestFilter>) -> Vec<ReceivedRequest> {
        let filter = filter.into();
        self.ask(move |server| {
            let found = server.cluster.request_log.find(&filter, 0);
            found.cloned().collect()
        })
    }

    /// How many requests came, but are not remembered any more: only the last ten thousand are.
    pub fn requests_forgotten(&self) -> u64 {
        self.ask(|server| server.cluster.request_log.forgotten())
    }

    /// Waits until `count` requests that `filter` chooses have come, those before this call and
    /// still remembered included, and returns all of them that are remembered. They may not be
    /// answered yet: see [`ReceivedRequest::outcome`].
    ///
    /// `timeout` is by the real clock, also where the cluster's time is virtual.
    ///
    /// ```
    /// use std::time::Duration;
    /// use weft_client::wire::ApiKey;
    /// use weft_testcontainers::mock::{MockCluster, RequestFilter};
    ///
    /// let cluster = MockCluster::builder().topic("orders", 1).start()?;
    /// let fetches = RequestFilter::api(ApiKey::Fetch).topic("orders");
    /// // Nobody fetches here.
    /// assert!(cluster.wait_for(fetches, 1, Duration::from_millis(1)).is_err());
    /// # Ok::<(), weft_testcontainers::mock::MockError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MockError::TimedOut`] if they do not come in time.
    pub fn wait_for(
        &self,
        filter: impl Into<RequestFilter>,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<ReceivedRequest>, MockError> {
        let filter = filter.into();
        let (done, is_done) = channel();
        let watch = Watch {
            filter: filter.clone(),
            missing: count,
            next: 0,
            done,
        };
        let id = self.ask(|server| server.watch(watch));
        let waited = is_done.recv_timeout(timeout);
        self.ask(move |server| server.unwatch(id));
        let found = self.received(filter);
        match waited {
            Ok(()) => Ok(found),
            Err(_) => Err(MockError::TimedOut {
                found: found.len(),
                wanted: count,
            }),
        }
    }
}
