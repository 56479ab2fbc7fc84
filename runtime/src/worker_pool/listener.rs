//! What a poller does when partitions come and go.

#![expect(clippy::disallowed_methods, reason = "a drain has a deadline")]

use std::sync::Arc;
use std::time::Duration;

use weft_client::TopicPartition;
use weft_client::host;
use weft_consumer::{CallbackError, RebalanceConsumer, RebalanceListener};

use crate::settings::LAST_COMMIT_TIMEOUT;

use super::core::PollerCore;

pub(super) struct Listener {
    pub(super) core: Arc<PollerCore>,
    pub(super) drain_timeout: Duration,
}

impl RebalanceListener for Listener {
    fn on_partitions_revoked(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        if !self.core.count_rebalance(partitions) {
            return Ok(());
        }
        let drain_until = host::now() + self.drain_timeout;
        // The drain takes at most half of the poll interval, so that the commit has as long.
        let commit_timeout = LAST_COMMIT_TIMEOUT.min(self.drain_timeout);
        let given_up = self.core.give_up(
            partitions,
            drain_until,
            commit_timeout,
            |offsets, timeout| consumer.commit_sync_offsets_within(offsets, timeout),
        );
        tracing::info!(
            "{} partition(s) given up, {} record(s) still running, committed: {}",
            partitions.len(),
            given_up.report.abandoned,
            given_up.is_committed
        );
        Ok(())
    }

    fn on_partitions_assigned(
        &mut self,
        _consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.core.assigned(partitions);
        Ok(())
    }

    fn on_partitions_lost(
        &mut self,
        _consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.core.count_rebalance(partitions);
        self.core.lose(partitions);
        Ok(())
    }
}
