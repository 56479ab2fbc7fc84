//! Both ways of consuming Apache Kafka with many threads.
//!
//! ```no_run
//! use weft_consumer::{ConsumerConfig, ConsumerRecord};
//! use weft_runtime::route::Ordering;
//! use weft_runtime::{HandlerError, Runtime};
//!
//! let config = ConsumerConfig::builder()
//!     .set("bootstrap.servers", "localhost:9092")
//!     .set("group.id", "billing")
//!     .set("enable.auto.commit", "false")
//!     .build()?;
//!
//! let runtime = Runtime::worker_pool(config)
//!     .topics(["orders"])
//!     .workers(16)
//!     .ordering(Ordering::Key)
//!     .start(|| {
//!         // Runs on each worker: a connection of its own could be opened here.
//!         |record: &ConsumerRecord<'_>| -> Result<(), HandlerError> {
//!             let order = std::str::from_utf8(record.value().unwrap_or_default())?;
//!             println!("{order}");
//!             Ok(())
//!         }
//!     })?;
//! runtime.join()?;
//! # Ok::<(), weft_client::Error>(())
//! ```
//!
//! | | pattern 1, [`Runtime::per_thread`] | pattern 2, [`Runtime::worker_pool`] |
//! | --- | --- | --- |
//! | a thread | polls a consumer of its own and handles what it gets | polls, or handles |
//! | useful threads | as many as partitions | as many as keys, or records |
//! | order | per partition | per key, per partition, or none |
//! | a slow record | must end within `max.poll.interval.ms` | may take any time |
//! | members, connections | one per thread | one per poller |
//!
//! Both promise the same. A record is finished when its handler returned `Ok`, or was given up by a
//! policy that says so. Only what lies before the first unfinished record of a partition is
//! committed, so that nothing is lost, however the process ends; what was finished beyond it, or
//! since the last commit, is handled again then. Records of one lane (a key, or a partition) are
//! handled one after the other in the order of their offsets, also across failed attempts and
//! rebalances. When partitions move in good order, what was started is finished and committed
//! first, and nothing is repeated unless handlers take longer than the drain timeout.
//!
//! The parts can be used alone by those who build a pattern of their own: [`ledger`], [`route`],
//! [`flow`] and [`retry`] know neither threads nor clocks.

mod attempt;
mod commit;
mod commit_results;
mod crew;
mod fence;
pub mod flow;
mod handle;
pub mod handler;
mod last_commit;
pub mod ledger;
mod now;
pub mod per_thread;
pub mod retry;
pub mod route;
mod seed;
mod settings;
mod stats;
pub mod worker_pool;

pub use crew::Report;
pub use handle::{RuntimeHandle, ShutdownHandle};
pub use handler::{Context, Handler, HandlerError};
pub use stats::Stats;

use weft_consumer::ConsumerConfig;

use per_thread::PerThreadBuilder;
use worker_pool::WorkerPoolBuilder;

/// Where both patterns begin.
#[derive(Clone, Copy, Debug)]
pub struct Runtime;

impl Runtime {
    /// Pattern 1: several threads, each with a consumer of its own that it polls and whose records
    /// it handles.
    ///
    /// `enable.auto.commit` must be false: the runtime commits what is finished.
    pub fn per_thread(config: ConsumerConfig) -> PerThreadBuilder {
        PerThreadBuilder::new(config)
    }

    /// Pattern 2: pollers with a consumer each take records in, and a pool of workers handles them.
    ///
    /// `enable.auto.commit` must be false: the runtime commits what is finished.
    pub fn worker_pool(config: ConsumerConfig) -> WorkerPoolBuilder {
        WorkerPoolBuilder::new(config)
    }
}
