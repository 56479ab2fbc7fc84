//! Numbers that differ from run to run.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A seed for generators and hashes, from the operating system by way of the standard hasher.
pub(crate) fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
