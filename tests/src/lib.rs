//! What the scenario suites are made of. See ARCHITECTURE.md.

pub mod guarantee;
