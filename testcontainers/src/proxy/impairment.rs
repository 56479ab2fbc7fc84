//! What can be wrong with a line, in one direction.

use std::time::Duration;

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server: requests.
    ToServer,
    /// From the server to the client: responses.
    ToClient,
}

/// What is wrong with a line in one direction. It concerns bytes that the proxy reads from now on;
/// those that it holds already are passed on as they were to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impairment {
    pub(super) delay: Duration,
    pub(super) bytes_per_second: Option<u64>,
    pub(super) corrupt_every: Option<u64>,
    pub(super) cut_after: Option<u64>,
    pub(super) is_silent: bool,
}

impl Impairment {
    /// Nothing is wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every byte arrives this much later. At most 4 MiB are on their way at a time.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// So many bytes pass each second; 0 counts as 1. The sender is held back once 4 MiB wait.
    pub fn bytes_per_second(mut self, bytes: u64) -> Self {
        self.bytes_per_second = Some(bytes.max(1));
        self
    }

    /// One bit of every so many bytes is turned, on average, where the seed of the proxy and the
    /// course of the stream say; 0 counts as 1.
    pub fn corrupt_every(mut self, bytes: u64) -> Self {
        self.corrupt_every = Some(bytes.max(1));
        self
    }

    /// A connection is cut once it has passed on so many bytes, counted from its beginning. The
    /// bytes before that arrive.
    pub fn cut_after(mut self, bytes: u64) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Nothing arrives any more, and connections stay open, as behind a dead line. What is sent
    /// meanwhile arrives once the line is healed.
    pub fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }
}
