//! What there is in the cluster, in short: for people who look at it from outside.

use weft_client::wire::ApiKey;
use weft_client::{GenerationId, GroupId, TopicName};

use super::cluster::Cluster;
use super::group::{Group, GroupState};
use super::topics::Topic;

/// A topic of a mock cluster in short.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicSummary {
    /// Its name.
    pub name: TopicName,
    /// How many partitions it has.
    pub partitions: usize,
    /// How many offsets all its partitions hold together: their ends minus their beginnings.
    pub offsets: i64,
}

/// A group of a mock cluster in short.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupSummary {
    /// Its name.
    pub id: GroupId,
    /// Where it stands.
    pub state: GroupState,
    /// Its generation, 0 if it never had members.
    pub generation: GenerationId,
    /// How many members it has.
    pub members: usize,
    /// For how many partitions it has committed an offset.
    pub committed: usize,
}

impl Cluster {
    /// All topics in the order of their names.
    pub(crate) fn topic_summaries(&self) -> Vec<TopicSummary> {
        self.topics.iter().map(topic_summary).collect()
    }

    /// All groups in the order of their names.
    pub(crate) fn group_summaries(&self) -> Vec<GroupSummary> {
        self.groups.iter().map(group_summary).collect()
    }

    /// How many requests of each API have arrived, for those that were asked at all.
    pub(crate) fn requests_by_api(&self) -> Vec<(ApiKey, usize)> {
        ApiKey::iter()
            .map(|api_key| (api_key, self.request_log.count(api_key)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

fn topic_summary(topic: &Topic) -> TopicSummary {
    let offsets = topic.partitions.iter().map(|partition| {
        let log = &partition.log;
        log.end_offset().value() - log.start_offset().value()
    });
    TopicSummary {
        name: topic.name.clone(),
        partitions: topic.partitions.len(),
        offsets: offsets.sum(),
    }
}

fn group_summary(group: &Group) -> GroupSummary {
    let committed = group.committed().iter();
    GroupSummary {
        id: group.id.clone(),
        state: group.state(),
        generation: group.generation(),
        members: group.members().count(),
        committed: committed.map(|(_, partitions)| partitions.len()).sum(),
    }
}
