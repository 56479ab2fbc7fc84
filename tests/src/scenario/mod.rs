//! The scenarios: functions over a [`Cluster`](crate::cluster::Cluster), named after what they
//! show.

pub mod bad_input;
pub mod bad_line;
pub mod broker_loss;
pub mod comings;
pub mod failing_handler;
pub mod foundation;
pub mod java_group;
pub mod key_order;
pub mod misuse;
pub mod outside;
pub mod plain;
pub mod processes;
pub mod producing;
pub mod racks;
pub mod silent_member;
pub mod slow_handler;
