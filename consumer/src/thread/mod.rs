//! The threads of a consumer, and what passes between them.
//!
//! Shells: they wait, gather what is ready, feed the machines of `core` and `group`, and perform
//! what those answer. They take no decisions.

mod heartbeat;
mod lanes;
mod poll_loop;

#[cfg(test)]
mod tests;

pub(crate) use heartbeat::HeartbeatThread;
pub(crate) use poll_loop::{Interruption, PollLoop};
