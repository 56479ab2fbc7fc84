//! Fetching: which partitions are asked for, what the answers hold, and how it is handed out.
//!
//! - `plan`: the requests, one node at a time.
//! - `budget`: how many bytes each node may be asked for.
//! - `response`: an answer, matched with what was asked for.
//! - `completed`: the answer for one partition, read batch by batch.
//! - `buffer`: answers that wait for the user.
//!
//! Each node is served on its own, with at most one fetch on the wire. Up to two answers of a node
//! wait: while the user drains one, the next is there or on its way.

mod budget;
mod buffer;
mod completed;
mod plan;
mod response;

pub(crate) use budget::Budget;
pub(crate) use buffer::{FetchBuffer, Usage};
pub(crate) use completed::{CompletedFetch, Origin, Step};
pub(crate) use plan::{AskedPartition, FetchOptions, fetch_request};
pub(crate) use response::{Answer, answers, described_brokers};

/// Answers of one node that may wait before it is asked again.
pub(crate) const WAITING_ANSWERS_MAX: usize = 2;
