//! The shell around [`crate::connection`]: sockets, readiness, name look-ups, buffers. Nothing else
//! in this crate touches the network.
//!
//! [`NetworkClient`] belongs to one thread and owns everything that thread talks through. It takes
//! no decisions: it feeds machines with what happened and performs what they answer.

mod activity;
mod bootstrap;
mod buffer_pool;
mod counters;
mod driver;
mod frame_reader;
mod network_client;
mod poller;
mod resolve;
mod slots;
mod socket;
mod transport;

#[cfg(test)]
mod tests;

pub use crate::connection::{
    CloseReason, Lane, MissingBytes, NetworkEvent, NodeState, OutboundRequest, RequestError,
    RequestToken, Stage,
};
pub use activity::NodeActivity;
pub use bootstrap::resolve_bootstrap;
pub use counters::NetworkCounters;
pub use network_client::NetworkClient;
pub use poller::NetworkWaker;
