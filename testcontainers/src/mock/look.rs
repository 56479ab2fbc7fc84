//! The part of the handle that gives overviews.

use weft_client::NodeId;
use weft_client::wire::ApiKey;

use super::cluster::MockCluster;
use super::core::{GroupSummary, TopicSummary};

/// Overviews, for people and for programs that show something to people.
impl MockCluster {
    /// Whether a broker lives. One that the cluster does not have does not.
    pub fn is_alive(&self, broker: impl Into<NodeId>) -> bool {
        let broker = broker.into();
        self.ask(move |server| server.cluster.is_alive(broker))
    }

    /// All topics in the order of their names.
    pub fn topics(&self) -> Vec<TopicSummary> {
        self.ask(|server| server.cluster.topic_summaries())
    }

    /// All groups in the order of their names, also those without members.
    pub fn groups(&self) -> Vec<GroupSummary> {
        self.ask(|server| server.cluster.group_summaries())
    }

    /// How many requests of each API have arrived so far, for those that were asked at all.
    pub fn requests_by_api(&self) -> Vec<(ApiKey, usize)> {
        self.ask(|server| server.cluster.requests_by_api())
    }
}
