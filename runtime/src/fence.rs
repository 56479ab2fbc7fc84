//! How far the end of an assignment has come, readable from any thread without waiting.

use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const DRAINING: u8 = 1;
const CLOSED: u8 = 2;

/// Open, then draining, then closed; never back. One per assignment: the next one has its own.
#[derive(Debug, Default)]
pub(crate) struct Fence(AtomicU8);

impl Fence {
    /// What was started may still be finished.
    pub(crate) fn drain(&self) {
        self.0.fetch_max(DRAINING, Ordering::Release);
    }

    /// Nothing may start any more, and nothing counts.
    pub(crate) fn close(&self) {
        self.0.fetch_max(CLOSED, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire) != OPEN
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire) == CLOSED
    }
}
