//! Administrative calls: topics, groups and offsets, for tools and tests.
//!
//! [`Admin`] blocks the caller and has no thread of its own.
//!
//! - `call`: one call as a machine: whom to ask, when again, when to give up.
//! - `outcome`: what the codes for several items come to.
//! - `coordinator`: who coordinates a group.
//! - `topics`, `describe`, `groups`, `offsets`: requests, and what their answers mean.
//! - `blocking`: the shell, one loop that sends, waits and keeps metadata coming.
//! - `client`: the public methods.

mod blocking;
mod call;
mod client;
mod coordinator;
mod describe;
mod groups;
mod offsets;
mod outcome;
mod topics;

pub use client::Admin;
pub use describe::{PartitionDescription, TopicDescription};
pub use groups::{GroupDescription, GroupListing, GroupState, MemberDescription};
pub use offsets::OffsetSpec;
pub use topics::NewTopic;
