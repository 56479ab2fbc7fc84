//! The groups of the cluster, as a coordinator keeps them with the classic protocol. Written after
//! the behaviour of Kafka's own coordinator; shares nothing with the consumer that it tests.
//!
//! ```text
//!            join                    all joined, or time is up
//!   Empty ---------> PreparingRebalance ---------------------> CompletingRebalance
//!     ^                  ^        |                                |     |
//!     |   nobody joined  |        |                   join, leave, |     | the leader's
//!     +------------------|--------+                   expiry       |     | SyncGroup
//!                        +-----------------------------------------+     v
//!                        +------------------------------------------- Stable
//!                              join, leave, expiry
//! ```
//!
//! One thing is unlike Kafka: when the coordinator dies in the middle of a rebalance, the group
//! starts that rebalance again instead of falling back to its last generation.

mod claims;
mod committed;
mod image;
mod join;
mod leave;
mod machine;
mod member;
mod ordered;
mod rebalance;
mod registry;
mod subscribed;
mod sync;

#[cfg(test)]
mod tests;

pub(crate) use committed::{Committer, commit_value};
pub(crate) use join::{Join, JoinAnswer, JoinedMember};
pub use machine::GroupState;
pub(crate) use machine::{Group, GroupAnswer};
pub(crate) use member::{Identity, Member, Protocol};
pub(crate) use registry::Groups;
pub(crate) use sync::{GroupSync, SyncAnswer};
