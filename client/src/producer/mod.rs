//! A plain producer: batches, partitions, retries, and bounded memory; without idempotence and
//! transactions so far.
//!
//! ```text
//!  send --> topics --> accumulator --> sender --> network
//!           which      batches, due    requests,   |
//!           partition  when?           retries <---+
//!                                        |
//!  handle, callback, flush <-- receipts <+
//! ```
//!
//! - `partitioner`, `topics`: which partition a record goes to.
//! - `accumulator`, `batch`: where records gather, and when a batch is due.
//! - `sender`, `exchange`: what is sent, and what becomes of it.
//! - `shared`, `io_thread`, `receipts`, `client`: the shell: one lock, one thread, what callers
//!   hold, and the public methods.

mod accumulator;
mod batch;
mod client;
mod config;
mod exchange;
mod io_thread;
mod partitioner;
mod receipts;
mod record;
mod sender;
mod shared;
mod topics;

#[cfg(test)]
mod testing;

pub use client::Producer;
pub use config::{Acks, CompressionType, ProducerConfig, ProducerConfigBuilder};
pub use receipts::DeliveryHandle;
pub use record::{ProducerRecord, RecordMetadata};
