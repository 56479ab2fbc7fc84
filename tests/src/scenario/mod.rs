//! The scenarios: functions over a [`Cluster`](crate::cluster::Cluster), named after what they
//! show.

pub mod foundation;
