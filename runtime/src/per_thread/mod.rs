//! Pattern 1: several threads, each with a consumer of its own, which it polls and whose records it
//! handles.
//!
//! ```text
//!  thread 0:  poll ─► handle, handle, ... ─► commit ─► poll ...      consumer 0
//!  thread 1:  poll ─► handle, handle, ... ─► commit ─► poll ...      consumer 1
//! ```
//!
//! Threads share nothing, order within a partition is kept without effort, and no more threads are
//! of use than there are partitions. While a record is handled nobody polls. So between records a
//! thread that has spent half of `max.poll.interval.ms` polls once with all partitions paused, and
//! so it does while a failed record waits for its next attempt: only a *single* record that takes
//! longer than the interval makes the member leave its group. Where records may take that long, use
//! the other pattern.
//!
//! What is handled is committed after each poll's records, and while they are handled, but not more
//! often than the commit interval says.

mod builder;
mod keep_alive;
mod listener;
mod progress;
mod records;
mod stride;
mod thread;

pub use builder::{PerThreadBuilder, ThreadFailure};
