//! Pattern 2: pollers take records in, workers handle them.
//!
//! ```text
//!  consumer 0 ─► poller 0 ─┐  lanes, window   ┌─► worker 0 ─► handler
//!  consumer 1 ─► poller 1 ─┼────────────────► ├─► worker 1 ─► handler
//!                  ▲       │                  └─► worker 2 ─► handler
//!                  └───────┴── finished ◄──────────┘
//! ```
//!
//! - A poller never runs a handler and never waits for one, so that slow handlers cost no
//!   membership. With a full window it pauses its partitions and goes on polling.
//! - Records of one lane are handled in order, one at a time, by whichever worker is free; see
//!   [`Ordering`](crate::route::Ordering).
//! - Only pollers commit, and only up to the first unfinished record of a partition.
//! - When partitions are revoked, the records that no worker started are discarded, but for the
//!   holes: those below the last one started. When the rest is finished, or the drain timeout is
//!   over, what is finished is committed and the partition given up. Lost partitions are given up
//!   at once, without a commit.

mod builder;
mod claim;
mod core;
mod intake;
pub(crate) mod lanes;
mod listener;
mod pace;
mod poller;
mod pool;
mod worker;

pub use builder::{Saturation, WorkerPoolBuilder};
