//! What a thread does when partitions come and go: it commits what it handled of them.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this shell shares the progress with the loop of the same thread, and has a deadline"
)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weft_client::TopicPartition;
use weft_client::host;
use weft_consumer::{CallbackError, RebalanceConsumer, RebalanceListener};

use crate::commit::CommitPlan;
use crate::last_commit::commit_and_wait;
use crate::stats::Counters;

use super::progress::Progress;

/// What the loop and the callbacks share. Both run on one thread, so nobody ever waits for it.
pub(super) struct Shared {
    pub(super) progress: Progress,
    pub(super) plan: CommitPlan,
    /// Partitions are given up because the thread ends.
    pub(super) is_leaving: bool,
}

/// A lock that is never contended.
pub(super) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Listener {
    pub(super) shared: Arc<Mutex<Shared>>,
    pub(super) counters: Arc<Counters>,
    pub(super) commit_timeout: Duration,
}

impl Listener {
    fn remove(&self, partitions: &[TopicPartition]) {
        let mut shared = lock(&self.shared);
        let is_rebalance = !shared.is_leaving && !partitions.is_empty();
        self.counters.rebalances.add(u64::from(is_rebalance));
        for partition in partitions {
            shared.progress.removed(partition);
            shared.plan.forget(partition);
        }
        self.counters.assigned.set(shared.progress.len() as u64);
    }
}

impl RebalanceListener for Listener {
    fn on_partitions_revoked(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        let offsets = {
            let shared = lock(&self.shared);
            let frontiers = shared.progress.frontiers();
            let revoked = frontiers.filter(|(partition, _)| partitions.contains(partition));
            shared.plan.unacknowledged(revoked)
        };
        let deadline = host::now() + self.commit_timeout;
        commit_and_wait(&offsets, deadline, &self.counters, |offsets, timeout| {
            consumer.commit_sync_offsets_within(offsets, timeout)
        });
        self.remove(partitions);
        Ok(())
    }

    fn on_partitions_assigned(
        &mut self,
        _consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        let mut shared = lock(&self.shared);
        for partition in partitions {
            shared.progress.assigned(partition);
        }
        self.counters.assigned.set(shared.progress.len() as u64);
        Ok(())
    }

    fn on_partitions_lost(
        &mut self,
        _consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.remove(partitions);
        Ok(())
    }
}
