//! What brokers know of topics, on behalf of a call that waits.

use std::collections::BTreeMap;
use std::time::Duration;

use weft_client::{Error, TopicName};

use super::state::State;
use crate::partition_info::{PartitionInfo, PartitionInfos};
use crate::thread::Interruption;

impl State {
    pub(crate) fn partitions_for(
        &mut self,
        topic: &TopicName,
        timeout: Option<Duration>,
    ) -> Result<Vec<PartitionInfo>, Error> {
        if let Some(known) = self.poll_loop.core.known_partitions(topic) {
            return Ok(known);
        }
        let mut found = self.ask_about(Some(topic), timeout)?;
        Ok(found.remove(topic).unwrap_or_default())
    }

    pub(crate) fn list_topics(
        &mut self,
        timeout: Option<Duration>,
    ) -> Result<BTreeMap<TopicName, Vec<PartitionInfo>>, Error> {
        self.ask_about(None, timeout)
    }

    fn ask_about(
        &mut self,
        topic: Option<&TopicName>,
        timeout: Option<Duration>,
    ) -> Result<PartitionInfos, Error> {
        let (deadline, timeout) = self.deadline(timeout);
        let id = self.poll_loop.core.ask_about(topic.cloned());
        let found = self.wait_for(deadline, Interruption::Allowed, |state, _| {
            state.poll_loop.core.take_answer_about(id).transpose()
        });
        self.poll_loop.core.cancel_question(id);
        let what = match topic {
            Some(_) => "asking for the partitions of a topic",
            None => "asking for all topics",
        };
        let late = |state: &Self| state.timed_out(what, timeout).with_topics(topic.cloned());
        found?.ok_or_else(|| late(self))
    }
}
