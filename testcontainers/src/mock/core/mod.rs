//! The cluster as a value: what all its brokers know, and what they answer. Bytes of requests go
//! in, bytes of answers come out.
//!
//! ```text
//!  frame --> script --> api/... --> topics, logs, groups, transactions
//!             delay       |  |
//!               \--> parked  '--> answer --> frame
//! ```
//!
//! It knows no clock, socket or thread: time is an argument, and connections are numbers. All
//! brokers share one state, so nothing is replicated and every answer is consistent; a broker that
//! dies loses its leaderships and its connections, and no data.

mod api;
mod brokers;
mod clock;
mod cluster;
mod control;
mod fetch_frame;
mod fetch_sessions;
mod group;
mod leaders;
mod log;
mod markers;
mod parked;
mod release;
mod reply;
mod script;
mod summary;
mod topics;
mod transaction;
mod violations;

#[cfg(test)]
mod tests;

pub(crate) use cluster::{Cluster, Input, Options, Output};
pub(crate) use control::AppendError;
pub(crate) use fetch_sessions::SLOTS_DEFAULT as FETCH_SESSIONS_DEFAULT;
pub use group::GroupState;
pub use release::{KafkaRelease, UnknownRelease};
pub(crate) use reply::ConnectionId;
pub use summary::{GroupSummary, TopicSummary};
pub use transaction::TransactionState;
