//! Ends a call that waits, from any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weft_client::net::NetworkWaker;

/// Ends the consumer's running call, or the next one that waits, with
/// [`ErrorKind::Wakeup`](weft_client::ErrorKind::Wakeup). The only thing of a consumer that other
/// threads may use; harmless after the consumer was closed or dropped.
///
/// Several wake-ups before that call count as one.
#[derive(Clone, Debug)]
pub struct WakeupHandle {
    is_requested: Arc<AtomicBool>,
    waker: NetworkWaker,
}

impl WakeupHandle {
    pub(crate) fn new(waker: NetworkWaker) -> Self {
        Self {
            is_requested: Arc::new(AtomicBool::new(false)),
            waker,
        }
    }

    /// Wakes the consumer. Never blocks.
    pub fn wakeup(&self) {
        self.is_requested.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether the consumer was woken since this was asked last.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        self.is_requested.load(Ordering::Relaxed)
            && self.is_requested.swap(false, Ordering::Acquire)
    }
}
