//! What of the cluster outlives its process, as facts: what happened, in the order in which it
//! happened. The machine tells them, a shell writes them down before anybody is answered, and a
//! new machine that hears them all stands where the old one stood.
//!
//! ```text
//!   Cluster --take_facts()--> Fact --write--> bytes --frame--> journal
//!   Cluster <---restore()---- Fact <--read--- bytes <--frame-- journal
//!   Cluster --snapshot()----> Facts that alone lead to the present state
//! ```
//!
//! As on a real broker that is killed and started again, what members were in the middle of is
//! lost: a group falls back to its last assignment (or to nobody), every partition begins another
//! leader epoch, and clients that are still there go on where they were.

mod fact;
mod frame;
mod read;
mod restore;
mod snapshot;
mod take;
mod write;

pub(crate) use fact::{Fact, GroupImage, MemberImage, OffsetChange, TransactionImage};
pub(crate) use frame::{FRAME_HEAD_LENGTH, FrameHead, Frames, HEADER, check_payload, read_head};
pub(crate) use read::read_facts;
pub(crate) use take::{Lifetime, UnsavedTopics};
