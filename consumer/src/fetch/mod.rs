//! Fetching: which partitions are asked for, what the answers hold, and how it is handed out.
//!
//! - `plan`: the requests, one node at a time.
//! - `response`: an answer, matched with what was asked for.
//! - `completed`: the answer for one partition, read batch by batch.
//! - `buffer`: answers that wait for the user.
//!
//! Each node is served on its own, with at most one fetch on the wire. Up to two answers of a node
//! wait: while the user drains one, the next is there or on its way.

mod buffer;
mod completed;
mod plan;
mod response;

pub(crate) use buffer::FetchBuffer;
pub(crate) use completed::{CompletedFetch, Origin, Step};
pub(crate) use plan::{AskedPartition, FetchOptions, fetch_request};
pub(crate) use response::{Answer, answers, described_brokers};

/// Answers of one node that may wait before it is asked again.
pub(crate) const WAITING_ANSWERS_MAX: usize = 2;
