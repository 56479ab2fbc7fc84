//! Numbers that differ from run to run.

use weft_client::host;

/// A seed for generators and hashes.
pub(crate) fn random_seed() -> u64 {
    host::random_seed()
}
