//! See ARCHITECTURE.md.

pub mod kafka;
