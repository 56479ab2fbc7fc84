//! Fetching: which partitions are asked for, what the answers hold, and how it is handed out.
//!
//! - `plan`: the requests, one node at a time.
//! - `budget`: how many bytes each node may be asked for.
//! - `session`: what a broker knows already of what is asked for, and whether its answer fits.
//! - `response`: what an answer tells beside records.
//! - `completed`: the answer for one partition, read batch by batch.
//! - `aborted`: whose records are left out under `read_committed`.
//! - `buffer`: answers that wait for the user.
//!
//! Each node is served on its own, with at most one fetch on the wire. Up to two answers of a node
//! wait: while the user drains one, the next is there or on its way. Kafka's consumer does not ask
//! a node while data of it waits that may be handed out; here it is asked, for all its partitions
//! as always, from behind what waits, so that its session stays as it is.

mod aborted;
mod budget;
mod buffer;
mod completed;
mod plan;
mod response;
mod session;

pub(crate) use aborted::AbortedTransactions;
pub(crate) use budget::Budget;
pub(crate) use buffer::{FetchBuffer, Usage};
pub(crate) use completed::{CompletedFetch, Origin, Step};
pub(crate) use plan::{AskedPartition, FetchOptions, fetch_request};
pub(crate) use response::{Answer, described_brokers};
pub(crate) use session::{FetchSession, SessionRequest};

/// Answers of one node that may wait before it is asked again.
pub(crate) const WAITING_ANSWERS_MAX: usize = 2;
