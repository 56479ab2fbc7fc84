//! All metrics of one consumer as a value: what happened goes in, with the time; a snapshot comes
//! out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::coordinator::CoordinatorMetrics;
use super::definition::{APP_INFO, COUNT};
use super::fetching::Fetching;
use super::network::Network;
use super::polling::Polling;
use super::sampled::Windowing;
use super::snapshot::{MetricValue, Metrics, Sink};
use crate::config::ConsumerConfig;

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    client_id: Arc<str>,
    pub(super) windowing: Windowing,
    started_at: Duration,
    pub(super) polling: Polling,
    pub(super) network: Network,
    pub(super) coordinator: CoordinatorMetrics,
    pub(super) fetching: Fetching,
}

impl Recorder {
    /// One that nothing happened to. `wall_time` is the time since 1970.
    pub(super) fn new(config: &ConsumerConfig, wall_time: Duration) -> Self {
        let samples = config.client.metrics_num_samples.min(SAMPLES_MAX);
        Self {
            client_id: Arc::from(config.client.client_id.as_str()),
            windowing: Windowing {
                samples: samples as usize,
                window: config.client.metrics_sample_window,
            },
            started_at: wall_time,
            polling: Polling::default(),
            network: Network::default(),
            coordinator: CoordinatorMetrics::default(),
            fetching: Fetching::default(),
        }
    }

    /// What there is to tell at this moment. `last_poll` is when the last poll began.
    pub(super) fn read(&self, now: Instant, last_poll: Option<Instant>) -> Metrics {
        let mut sink = Sink::new(Arc::clone(&self.client_id));
        let windowing = self.windowing;
        self.fetching.read(windowing, now, &mut sink);
        self.coordinator.read(windowing, now, &mut sink);
        self.polling.read(windowing, now, last_poll, &mut sink);
        self.network.read(windowing, now, &mut sink);
        let version = MetricValue::Text(Arc::from(env!("CARGO_PKG_VERSION")));
        sink.put_value(APP_INFO, "version", version);
        let started_at = self.started_at.as_millis() as f64;
        sink.put(APP_INFO, "start-time-ms", started_at);
        let count = sink.len() + 1;
        sink.put(COUNT, "count", count as f64);
        sink.finish()
    }
}

/// The most windows that are kept, whatever `metrics.num.samples` says.
const SAMPLES_MAX: u32 = 1_000;
