//! The clock, for code that only passes the time on.

#![expect(clippy::disallowed_methods, reason = "this is the clock")]

use std::time::Instant;

/// The present.
pub(crate) fn now() -> Instant {
    Instant::now()
}
