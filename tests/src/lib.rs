//! What the scenario suites are made of. See ARCHITECTURE.md.

pub mod cluster;
pub mod consume;
pub mod differential;
pub mod failure;
pub mod guarantee;
pub mod member;
pub mod outside;
pub mod peer;
pub mod program;
pub mod recorder;
pub mod report;
pub mod scenario;
pub mod sim;
pub mod suite;
pub mod wait;
