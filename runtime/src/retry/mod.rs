//! What happens to a record whose handler failed: another attempt later, or the end.
//!
//! [`FailurePolicy`] decides; [`Parked`] keeps the lanes that wait for their next attempt, so that
//! no worker sleeps on their behalf. Nothing here knows the handler or the clock.

mod parked;
mod policy;

pub use parked::Parked;
pub use policy::{FailureClass, FailurePolicy, Terminal, Verdict};
