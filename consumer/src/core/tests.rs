//! The data plane against a cluster that is a value: no sockets, no threads, no waiting.

mod assignment;
mod bench;
mod budget;
mod clone;
pub(crate) mod cluster;
mod collecting;
mod corruption;
mod errors;
mod fetching;
mod leaders;
mod look_ups;
mod metrics;
mod patterns;
mod positions;
mod repetition;
mod replicas;
mod resets;
mod topics;
mod transactions;
mod truncation;
