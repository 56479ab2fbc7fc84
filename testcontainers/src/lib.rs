//! See ARCHITECTURE.md.

pub mod kafka;
pub mod mock;
