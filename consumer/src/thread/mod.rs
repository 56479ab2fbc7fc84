//! The threads of a consumer, and what passes between them.
//!
//! Shells: they wait, gather what is ready, feed the machines of `group`, and perform what those
//! answer. They take no decisions.

mod heartbeat;
mod lanes;

#[cfg(test)]
mod tests;

pub(crate) use heartbeat::HeartbeatThread;
