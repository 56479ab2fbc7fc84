//! The part of the handle that gives overviews.

use weft_client::wire::ApiKey;
use weft_client::{NodeId, Offset};

use super::cluster::MockCluster;
use super::core::{GroupSummary, TopicSummary, TransactionState};

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

    /// How far the transaction of a transactional id is. `None` if no producer ever used the id.
    pub fn transaction_state(&self, transactional_id: &str) -> Option<TransactionState> {
        let id = transactional_id.to_owned();
        self.ask(move |server| server.cluster.transaction_state(&id))
    }

    /// The broker that answers for a transactional id, whether or not it is used. `None` if all
    /// brokers are dead.
    pub fn transaction_coordinator(&self, transactional_id: &str) -> Option<NodeId> {
        let id = transactional_id.to_owned();
        self.ask(move |server| server.cluster.transaction_coordinator(&id))
    }

    /// Up to where `read_committed` consumers may read: the offset at which the first open
    /// transaction begins, or that of the next record. `None` if there is no such partition.
    pub fn last_stable_offset(&self, topic: &str, partition: i32) -> Option<i64> {
        let name = topic.to_owned();
        let stable = self.ask(move |server| server.cluster.last_stable_offset(&name, partition));
        stable.map(Offset::value)
    }

    /// How many requests of each API have arrived so far, for those that were asked at all.
    pub fn requests_by_api(&self) -> Vec<(ApiKey, usize)> {
        self.ask(|server| server.cluster.requests_by_api())
    }
}
