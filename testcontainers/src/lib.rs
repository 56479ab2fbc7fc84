//! See ARCHITECTURE.md.

pub mod kafka;
pub mod mock;
pub mod proxy;

/// The examples of the README are run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
