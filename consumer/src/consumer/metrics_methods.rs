//! What a consumer tells of itself, from any thread.

use weft_client::Error;
#[cfg(doc)]
use weft_client::ErrorKind;
use weft_client::net::NetworkCounters;

use super::Consumer;
use crate::access::Call;
use crate::metrics::{Metrics, MetricsHandle};

impl Consumer {
    /// All metrics of this moment, as `docs/metrics.md` lists them.
    ///
    /// May be called from any thread, at any time, as Kafka's; see
    /// [`MetricsHandle::snapshot`](crate::MetricsHandle::snapshot) for what it costs.
    pub fn metrics(&self) -> Metrics {
        self.metrics.snapshot()
    }

    /// [`metrics`](Self::metrics) as a value that can be given to other threads.
    pub fn metrics_handle(&self) -> MetricsHandle {
        self.metrics.clone()
    }

    /// What went over the network so far, not counting the heartbeat thread.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    pub fn network_counters(&self) -> Result<NetworkCounters, Error> {
        Ok(self.enter(Call::Counters)?.network_counters())
    }
}
