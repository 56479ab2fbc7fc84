//! Positions, pauses, and where positions come from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use weft_client::{Error, ErrorKind, Offset, OffsetAndMetadata, TopicPartition};

use super::polling::end_of;
use super::state::{State, Waiting};
use crate::lane::Command;
use crate::position::ResetTo;
use crate::thread::Interruption;

impl State {
    /// Has the group asked for the committed offsets of partitions without a position.
    #[inline]
    pub(super) fn ask_for_committed(&mut self, now: Instant) -> Result<(), Error> {
        if !self.poll_loop.core.awaits_committed() {
            return Ok(());
        }
        let partitions = self.poll_loop.core.take_partitions_to_fetch_committed(now);
        if partitions.is_empty() {
            return Ok(());
        }
        let timeout = self.poll_loop.config.client.default_api_timeout;
        let id = self.command_id();
        self.poll_loop.group()?.send(Command::FetchCommitted {
            id,
            partitions: partitions.clone(),
            retry_until: end_of(now, timeout),
        })?;
        self.waiting.insert(id, Waiting::Positions(partitions));
        Ok(())
    }

    pub(super) fn positions_told(
        &mut self,
        now: Instant,
        partitions: &BTreeSet<TopicPartition>,
        result: Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error>,
    ) {
        let core = &mut self.poll_loop.core;
        match result {
            Ok(offsets) => core.committed_fetched(&offsets),
            Err(error) => {
                let is_of_interest = core.committed_failed(now, partitions);
                // What time may mend is asked again without a word; what the coordinator said is
                // told, and asked again as well.
                let may_pass = matches!(
                    error.kind(),
                    ErrorKind::Timeout
                        | ErrorKind::Disconnected
                        | ErrorKind::NoBrokerAvailable
                        | ErrorKind::BufferExhausted
                        | ErrorKind::IllegalState
                );
                if is_of_interest && !may_pass {
                    core.push_error(error);
                } else {
                    tracing::warn!(%error, "committed offsets were not told");
                }
            }
        }
    }

    pub(crate) fn position(
        &mut self,
        partition: &TopicPartition,
        timeout: Option<Duration>,
    ) -> Result<Offset, Error> {
        let (deadline, timeout) = self.deadline(timeout);
        let known = self.wait_for(deadline, Interruption::Allowed, |state, now| {
            if let Some(offset) = state.poll_loop.core.position(partition)? {
                return Ok(Some(offset));
            }
            if let Some(error) = state.poll_loop.core.take_error_of(partition) {
                return Err(error);
            }
            state.ask_for_committed(now)?;
            Ok(None)
        })?;
        known.ok_or_else(|| {
            self.timed_out("finding the position", timeout)
                .with_topic_partition(partition.clone())
        })
    }

    pub(crate) fn seek(
        &mut self,
        partition: &TopicPartition,
        to: &OffsetAndMetadata,
    ) -> Result<(), Error> {
        self.poll_loop.core.seek(partition, to)
    }

    pub(crate) fn seek_to_beginning(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<(), Error> {
        self.poll_loop.core.reset_to(partitions, ResetTo::Beginning)
    }

    pub(crate) fn seek_to_end(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<(), Error> {
        self.poll_loop.core.reset_to(partitions, ResetTo::End)
    }

    pub(crate) fn pause(&mut self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.poll_loop.core.pause(partitions)
    }

    pub(crate) fn resume(&mut self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        self.poll_loop.core.resume(partitions)
    }

    pub(crate) fn paused(&self) -> BTreeSet<TopicPartition> {
        self.poll_loop.core.paused()
    }

    pub(crate) fn current_lag(&mut self, partition: &TopicPartition) -> Result<Option<u64>, Error> {
        let lag = self.poll_loop.core.current_lag(partition)?;
        if lag.is_none() {
            // What is asked for the sake of the next call leaves now.
            let now = self.poll_loop.now();
            self.poll_loop.send_requests(now);
        }
        Ok(lag)
    }
}
