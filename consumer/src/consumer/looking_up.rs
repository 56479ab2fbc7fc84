//! Questions about the cluster on behalf of a call that waits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weft_client::{Error, ErrorKind, Offset, TopicPartition};

use super::state::State;
use crate::core::{BEGINNING, END};
use crate::position::OffsetAndTimestamp;
use crate::thread::Interruption;

impl State {
    pub(crate) fn beginning_offsets(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Option<Duration>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.ends(partitions, BEGINNING, timeout)
    }

    pub(crate) fn end_offsets(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        timeout: Option<Duration>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        self.ends(partitions, END, timeout)
    }

    fn ends(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        end: i64,
        timeout: Option<Duration>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        let targets = partitions.iter().map(|name| (name.clone(), end)).collect();
        let found = self.look_up(targets, timeout)?;
        Ok(found
            .into_iter()
            .filter_map(|(name, found)| Some((name, found?.offset)))
            .collect())
    }

    pub(crate) fn offsets_for_times(
        &mut self,
        times: &BTreeMap<TopicPartition, i64>,
        timeout: Option<Duration>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error> {
        if let Some((partition, time)) = times.iter().find(|(_, time)| **time < 0) {
            let text = format!("a time of {time} ms is before 1970");
            let error = Error::new(ErrorKind::IllegalArgument, text);
            return Err(error.with_topic_partition(partition.clone()));
        }
        self.look_up(times.clone(), timeout)
    }

    fn look_up(
        &mut self,
        targets: BTreeMap<TopicPartition, i64>,
        timeout: Option<Duration>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error> {
        let (deadline, timeout) = self.deadline(timeout);
        if timeout.is_zero() {
            return self.look_up_without_waiting(targets);
        }
        let id = self.poll_loop.core.look_up_offsets(targets);
        let found = self.wait_for(deadline, Interruption::Allowed, |state, _| {
            state.poll_loop.core.take_look_up(id).transpose()
        });
        match found {
            Ok(Some(found)) => Ok(found),
            Ok(None) => {
                let missing = self.poll_loop.core.cancel_look_up(id);
                let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
                let what = format!(
                    "looking up the offsets of {} (does the topic exist?)",
                    names.join(", ")
                );
                Err(self.timed_out(&what, timeout))
            }
            Err(error) => {
                self.poll_loop.core.cancel_look_up(id);
                Err(error)
            }
        }
    }

    /// Asks as far as leaders are known, and answers that nothing is known, as Java's consumer does
    /// when it is given no time. What is told later of the ends counts for the lag.
    fn look_up_without_waiting(
        &mut self,
        targets: BTreeMap<TopicPartition, i64>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, Error> {
        self.poll_loop.check_wakeup()?;
        let nothing = targets.keys().map(|name| (name.clone(), None)).collect();
        let id = self.poll_loop.core.look_up_offsets(targets);
        let now = self.poll_loop.now();
        self.poll_loop.send_requests(now);
        self.poll_loop.core.cancel_look_up(id);
        Ok(nothing)
    }
}
