//! What we believe about the cluster: its brokers, its topics, who leads which partition.
//!
//! The [`Cluster`] machine decides when to ask for metadata, whom to ask, and what to believe of
//! the answer. It sends nothing itself and never reads a clock.
//!
//! - `snapshot`: the belief itself, a value that can be shared.
//! - `merge`: an answer and the belief before it become the belief after it.
//! - `refresh`: when the next question is due.
//! - `bootstrap`: where to start, and when to start again.
//! - `resolution`: how long the names to start with may have no address.
//! - `load`: which broker has the least to do.
//! - `machine`: puts the parts together.

mod bootstrap;
mod load;
mod machine;
mod merge;
mod refresh;
mod resolution;
mod snapshot;

pub use load::{NodeLoad, NodeLoads};
pub use machine::{Cluster, LeaderUpdate, Topics, UpdateReason};
pub use snapshot::{ClusterSnapshot, PartitionSnapshot, TopicSnapshot};

#[cfg(test)]
mod answers;

#[cfg(test)]
mod clock {
    use std::time::Instant;

    /// Any instant; the tests count from it.
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant can be had nowhere else"
    )]
    pub(super) fn start() -> Instant {
        Instant::now()
    }
}
