//! The transaction coordinator of the cluster: who may write under which transactional id, and how
//! far each transaction is (KIP-98, KIP-360, KIP-890). Written after the behaviour of Kafka 4's own
//! coordinator.
//!
//! ```text
//!            a partition or a group is added           EndTxn, timeout, a new life
//!   Empty ------------------------------------> Ongoing -----------+--------------+
//!     ^                                            ^               v              v
//!     | InitProducerId                             |         PrepareCommit  PrepareAbort
//!     |                                            |               |              |
//!     |              a partition or group is added |               | markers      | markers
//!     |                                            |               v              v
//!     +--------------------------------------------+-------- CompleteCommit CompleteAbort
//! ```
//!
//! It never touches a log or a group: it says which markers are due, and is told when they are
//! written. As all brokers share one state, a transaction is complete in the moment it ends, unless
//! a partition has no leader to write the marker.
//!
//! One thing is unlike Kafka: transactional ids that nobody uses are kept for ever.

mod coordinator;
mod end;
mod ids;
mod image;
mod init;
mod state;

pub(crate) use coordinator::{DueMarker, Transactions};
pub(crate) use end::{EndTxn, Outcome};
pub(crate) use ids::{ProducerId, ProducerIdentity, TransactionVersion, TransactionalId};
pub(crate) use init::InitProducer;
pub use state::TransactionState;
pub(crate) use state::{Participant, Transaction};

#[cfg(test)]
mod tests;
