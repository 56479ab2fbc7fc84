//! The scenarios: functions over a [`Cluster`](crate::cluster::Cluster), named after what they
//! show.

pub mod bad_input;
pub mod foundation;
pub mod producing;
