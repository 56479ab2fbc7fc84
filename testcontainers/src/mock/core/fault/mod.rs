//! Faults that a test has ordered: which requests they hit, and what comes upon these.
//!
//! ```text
//!  request --> subjects --> rules --> fate --> before serving: wait, refuse, swallow, cut
//!              (names)     (filter,     \----> after serving:  throttle, spoil, wait, cut, lose
//!                           hits)
//! ```
//!
//! It decides what shall happen and does none of it; the cluster does.

mod fate;
mod filter;
mod rule;
mod rules;
mod spoil;
mod subjects;
mod throttle;

pub(crate) use fate::{Fate, Refusal, Verdict};
pub(crate) use filter::Asked;
pub use filter::RequestFilter;
pub(crate) use rule::WAIT_MAX;
pub use rule::{Fault, FaultAction, FaultId, FaultRefused, Hits};
pub use rules::FaultCounts;
pub(crate) use rules::Rules;
pub(crate) use spoil::{Outgoing, spoil};
pub(crate) use subjects::Subjects;
pub(crate) use throttle::{milliseconds, throttle};
