//! What a network client did so far, for measurements.

use std::time::Duration;

/// Totals since the client was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkCounters {
    /// Bytes taken from sockets.
    pub bytes_read: u64,
    /// Bytes given to sockets.
    pub bytes_written: u64,
    /// Requests put on the wire, the connections' own among them.
    pub requests: u64,
    /// Answers given to callers.
    pub responses: u64,
    /// Those of them that answer a fetch.
    pub fetch_responses: u64,
    /// Connections that became ready.
    pub connections_opened: u64,
    /// Calls to read from a socket.
    pub reads: u64,
    /// Calls to write to a socket.
    pub writes: u64,
    /// Calls to wait for readiness.
    pub waits: u64,
    /// Sockets that were closed, those that never connected among them.
    pub connections_closed: u64,
    /// The time spent waiting for readiness.
    pub wait_time: Duration,
    /// The time spent reading, writing, and on what the connections decided.
    pub io_time: Duration,
}
