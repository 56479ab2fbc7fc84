//! What a user's code is told of rebalances and of finished commits.
//!
//! Everything here runs on the thread that called the consumer, inside that call.

use weft_client::{Error, TopicPartition};

use crate::callback::RebalanceConsumer;
use crate::lane::Offsets;

/// Why a callback failed, in the user's own words. `?` turns any error into one.
pub type CallbackError = Box<dyn std::error::Error + Send + Sync>;

/// Is told when partitions come and go (Kafka's `RebalanceListener`).
///
/// The callbacks run inside `poll`, and inside `unsubscribe` and `close`, on the thread that called
/// them. They may take their time: heartbeats go on meanwhile, but the whole group waits, and after
/// `max.poll.interval.ms` the member leaves. Partitions come sorted.
///
/// A callback that fails does not stop the rebalance. The first failure is the error of that call,
/// as [`ErrorKind::Callback`](weft_client::ErrorKind::Callback).
pub trait RebalanceListener: Send {
    /// These partitions are about to be given up. They are still owned: this is the last chance to
    /// commit what was processed.
    ///
    /// # Errors
    ///
    /// Whatever the user wants `poll` to report.
    fn on_partitions_revoked(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError>;

    /// These partitions are owned from now on, beyond those that stayed; possibly none.
    ///
    /// # Errors
    ///
    /// Whatever the user wants `poll` to report.
    fn on_partitions_assigned(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError>;

    /// These partitions are gone already, and another member may own them: committing fails. The
    /// same as a revocation unless overridden.
    ///
    /// # Errors
    ///
    /// Whatever the user wants `poll` to report.
    fn on_partitions_lost(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.on_partitions_revoked(consumer, partitions)
    }
}

/// Is told what became of one asynchronous commit: the offsets, and the error if it failed. Runs
/// inside a later `poll`, commit or `close`, on the thread that called it.
pub type OffsetCommitCallback = Box<dyn FnOnce(&Offsets, Result<(), Error>) + Send>;
