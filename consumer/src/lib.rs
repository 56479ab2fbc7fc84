//! See ARCHITECTURE.md.

pub mod assign;
pub mod group;
