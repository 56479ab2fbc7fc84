//! What the scenario suites are made of. See ARCHITECTURE.md.

pub mod cluster;
pub mod failure;
pub mod guarantee;
pub mod peer;
pub mod report;
pub mod scenario;
pub mod suite;
pub mod wait;
