//! The cluster as a value: what all its brokers know, and what they answer. Bytes of requests go
//! in, bytes of answers come out.
//!
//! ```text
//!  frame --> fault/ --> api/... --> topics, logs, groups, transactions
//!             delay       |  |
//!               \--> parked  '--> answer --> fault/ --> frame
//! ```
//!
//! It knows no clock, socket or thread: time is an argument, and connections are numbers. All
//! brokers share one state, so nothing is replicated and every answer is consistent; a broker that
//! dies loses its leaderships and its connections, and no data.

mod api;
mod brokers;
mod clock;
mod cluster;
mod configs;
mod control;
mod durable;
mod fault;
mod fetch_frame;
mod fetch_sessions;
mod group;
mod hold;
mod leaders;
mod log;
mod markers;
mod order;
mod parked;
mod release;
mod reply;
mod request_log;
mod serving;
mod summary;
mod topics;
mod transaction;
mod violations;

#[cfg(test)]
mod tests;

pub(crate) use cluster::{Cluster, Input, Options, Output};
pub(crate) use control::AppendError;
pub(crate) use durable::{
    FRAME_HEAD_LENGTH, Fact, FrameHead, Frames, HEADER, check_payload, read_facts, read_head,
};
pub(crate) use fault::WAIT_MAX;
pub use fault::{Fault, FaultAction, FaultCounts, FaultId, FaultRefused, Hits, RequestFilter};
pub(crate) use fetch_sessions::SLOTS_DEFAULT as FETCH_SESSIONS_DEFAULT;
pub use group::GroupState;
pub use order::{Obeyed, Order, OrderRefused};
pub use release::{KafkaRelease, UnknownRelease};
pub(crate) use reply::ConnectionId;
pub(crate) use request_log::RequestLog;
pub use request_log::{Outcome, ReceivedRequest};
pub use summary::{GroupSummary, TopicSummary};
pub use transaction::TransactionState;
