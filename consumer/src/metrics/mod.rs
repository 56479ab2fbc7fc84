//! The metrics of a consumer, under Kafka's names.
//!
//! The recorder (`recorder.rs`) is a value that is told what happened and when; the rest of the
//! consumer keeps plain sums and hands them over once a turn, under a lock that only readers
//! contend for. [`MetricsHandle`] is the public end.
//!
//! The one surprising thing: nothing is counted record by record. A run of records that is handed
//! out is one addition.

mod coordinator;
mod definition;
#[cfg(feature = "metrics")]
mod export;
mod fetching;
mod handle;
mod network;
mod page;
mod polling;
mod record;
mod recorder;
mod sampled;
mod snapshot;

#[cfg(test)]
mod tests;

pub(crate) use coordinator::{Callback, Progress};
pub(crate) use fetching::{Amount, Consumed, Standing};
pub use handle::MetricsHandle;
pub(crate) use network::Side;
pub use page::reference_page;
pub(crate) use record::Polled;
pub use snapshot::{Metric, MetricValue, Metrics};
