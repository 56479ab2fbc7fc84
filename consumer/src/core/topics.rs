//! Answers questions about topics on behalf of calls that wait.

use weft_client::cluster::UpdateReason;
use weft_client::wire::{Context, ErrorCode, Reaction, reaction};
use weft_client::{Error, TopicName, TopicPartition};

use super::ConsumerCore;

impl ConsumerCore {
    /// Asks for metadata of a topic on behalf of a call that waits. Returns the version that the
    /// answer has to exceed.
    pub(crate) fn request_topic(&mut self, topic: &TopicName) -> u64 {
        self.asked_topics.insert(topic.clone());
        self.want_topics();
        self.cluster.request_update(UpdateReason::CallerWaits)
    }

    /// Nobody waits for the topic any more.
    pub(crate) fn forget_topic(&mut self, topic: &TopicName) {
        self.asked_topics.remove(topic);
        self.want_topics();
    }

    /// The partitions of a topic once an answer newer than `since` came; none if the brokers do
    /// not know the topic.
    pub(crate) fn partitions_of(
        &self,
        topic: &TopicName,
        since: u64,
    ) -> Option<Result<Vec<TopicPartition>, Error>> {
        let snapshot = self.cluster.snapshot();
        if let Some(known) = snapshot.topic(topic.as_str()) {
            let numbers = known.partitions.keys();
            return Some(Ok(numbers
                .map(|number| TopicPartition::new(topic.clone(), *number))
                .collect()));
        }
        if self.cluster.version() <= since {
            return None;
        }
        let code = snapshot.topic_error(topic.as_str())?;
        match reaction(Context::Metadata, code) {
            Reaction::RefreshMetadata if code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => {
                Some(Ok(Vec::new()))
            }
            Reaction::FailTopic | Reaction::Fail => Some(Err(Error::broker(
                code,
                format!("the brokers refuse to describe the topic: {code}"),
            )
            .with_topics([topic.clone()]))),
            _ => None,
        }
    }
}
