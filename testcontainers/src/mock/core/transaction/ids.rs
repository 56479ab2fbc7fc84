//! The words for who writes transactions.

use std::fmt;

/// The number that the cluster gave a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProducerId(pub(crate) i64);

/// A producer in one of its lives: a higher epoch fences the lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProducerIdentity {
    pub(crate) id: ProducerId,
    pub(crate) epoch: i16,
}

/// The name that an application gives to all the lives of a producer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TransactionalId(String);

/// Which rules a transaction follows. Kafka counts one more, which differs in its log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionVersion {
    /// Partitions are added by request; the epoch stays at the end of a transaction.
    V1,
    /// Partitions are added when they are written to; each end bumps the epoch (KIP-890).
    V2,
}

impl TransactionalId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TransactionalId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl fmt::Display for TransactionalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for TransactionalId {
    fn borrow(&self) -> &str {
        &self.0
    }
}
