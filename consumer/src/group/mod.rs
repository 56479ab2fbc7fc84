//! Membership of a consumer group: a pure machine, and the bytes it exchanges with other members.
//!
//! `core::GroupCore` is the machine. Its verbs have a file each: `coordinator` finds whom to
//! talk to, `join`, `leader` and `sync` are the three steps into a generation, `heartbeat` keeps
//! it, `handover` tells the consumer what it owns, `commit` and `committed` write and read offsets,
//! `leave` ends it all. `membership`, `timers` and `requests` are what those share.

pub(crate) mod core;
pub mod protocol;

mod commit;
mod committed;
mod coordinator;
mod failure;
mod handover;
mod heartbeat;
mod join;
mod leader;
mod leave;
mod membership;
mod requests;
mod settings;
mod sync;
mod timers;

#[cfg(test)]
mod tests;

pub(crate) use self::core::{GroupCore, GroupInput, GroupOutput};
pub(crate) use failure::panic_text;
pub(crate) use settings::GroupSettings;
