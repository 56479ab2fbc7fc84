//! Both ways of consuming Apache Kafka with many threads.
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

pub use crew::Report;
pub use handle::{RuntimeHandle, ShutdownHandle};
pub use handler::{Context, Handler, HandlerError};
pub use stats::Stats;

use weft_consumer::ConsumerConfig;

use per_thread::PerThreadBuilder;

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
}
