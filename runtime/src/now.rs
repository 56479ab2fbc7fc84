//! The clock, for code that only passes the time on.

#![expect(clippy::disallowed_methods, reason = "this is the clock")]

use std::time::Instant;

use weft_client::host;

/// The present.
pub(crate) fn now() -> Instant {
    host::now()
}
