//! Describing topics: a Metadata request of our own, so that the answer is one broker's present
//! view and not what we remember.

use std::collections::BTreeMap;
use std::time::Duration;

use super::call::{Outcome, Question, Refusal, Target, unexpected};
use super::outcome::{Asked, Refusals};
use super::topics::{asked, conclude};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, LeaderEpoch, NodeId, TopicId, TopicName};
use crate::wire::messages::metadata_request::MetadataRequestTopic;
use crate::wire::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use crate::wire::messages::{self, MetadataRequest};
use crate::wire::{Context, Reaction, Request, Response};

/// What the brokers say about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicDescription {
    /// Its name.
    pub name: TopicName,
    /// Its id, unknown on brokers before 2.8.
    pub id: TopicId,
    /// Whether the brokers keep it for themselves, like `__consumer_offsets`.
    pub is_internal: bool,
    /// Its partitions by number.
    pub partitions: BTreeMap<i32, PartitionDescription>,
}

/// What the brokers say about a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionDescription {
    /// The broker that leads it, if any does.
    pub leader: Option<NodeId>,
    /// The epoch in which it leads.
    pub leader_epoch: Option<LeaderEpoch>,
    /// All replicas, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The replicas that are in sync.
    pub in_sync_replicas: Vec<NodeId>,
}

/// Metadata of some topics or of all, asked of one node; optionally again and again until the
/// leader of each partition is known.
#[derive(Debug)]
pub(super) struct DescribeTopics {
    /// The topics with the least number of partitions to wait for; `None` for all topics.
    wanted: Option<BTreeMap<TopicName, usize>>,
    node: Option<NodeId>,
    until: Until,
}

/// When a description is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Answered,
    Led,
}

impl DescribeTopics {
    /// The topics as they are.
    pub(super) fn of(topics: &[TopicName]) -> Self {
        Self {
            wanted: Some(topics.iter().map(|name| (name.clone(), 0)).collect()),
            node: None,
            until: Until::Answered,
        }
    }

    /// All topics as they are.
    pub(super) fn all() -> Self {
        Self {
            wanted: None,
            node: None,
            until: Until::Answered,
        }
    }

    /// The topics as soon as `node` knows leaders for so many partitions of each.
    pub(super) fn led(node: NodeId, topics: impl IntoIterator<Item = (TopicName, usize)>) -> Self {
        Self {
            wanted: Some(topics.into_iter().collect()),
            node: Some(node),
            until: Until::Led,
        }
    }

    /// What one topic of the answer says.
    fn judge(
        &self,
        topic: &MetadataResponseTopic,
        name: &TopicName,
        asked: &Asked<'_>,
    ) -> Result<TopicDescription, Refusal> {
        asked.judge(format_args!("topic {name}"), topic.error_code, None)?;
        let described = description(name, topic);
        let least = self.wanted.as_ref().and_then(|wanted| wanted.get(name));
        let led = described.partitions.values().filter(|p| p.leader.is_some());
        let led = led.count();
        let is_led = led == described.partitions.len() && Some(&led) >= least && led > 0;
        if self.until == Until::Led && !is_led {
            let text = format!(
                "{} knows leaders for {led} of the partitions of topic {name}",
                asked.broker
            );
            return Err(Refusal {
                reaction: Reaction::Retry,
                error: Error::new(ErrorKind::Timeout, text),
            });
        }
        Ok(described)
    }
}

impl Question for DescribeTopics {
    type Answer = BTreeMap<TopicName, TopicDescription>;

    fn name(&self) -> &'static str {
        "Metadata"
    }

    fn target(&self) -> Target {
        self.node.map_or(Target::Any, Target::Node)
    }

    fn request(&self, _: &Broker, _: &Cluster, _: Duration) -> Request {
        let topic = |name: &TopicName| {
            MetadataRequestTopic::default().with_name(Some(messages::TopicName::from(name)))
        };
        let topics = self.wanted.as_ref();
        let request = MetadataRequest::default()
            .with_topics(topics.map(|topics| topics.keys().map(topic).collect()))
            .with_allow_auto_topic_creation(false);
        Request::Metadata(request)
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<Self::Answer> {
        let Response::Metadata(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        // A topic that a broker has not heard of yet is waited for only after its creation.
        let context = match self.until {
            Until::Answered => Context::Admin,
            Until::Led => Context::Metadata,
        };
        let asked = Asked {
            context,
            ..asked(self.name(), broker)
        };
        let mut described = BTreeMap::new();
        let mut refusals = Refusals::default();
        for topic in &response.topics {
            let Some(name) = topic.name.as_ref().map(TopicName::from) else {
                continue;
            };
            match self.judge(topic, &name, &asked) {
                Ok(description) => {
                    described.insert(name, description);
                }
                Err(refusal) => {
                    refusals.add_topic(&name, refusal);
                }
            }
        }
        let is_missing = |name: &&TopicName| !described.contains_key(*name);
        let unanswered = self.wanted.as_ref().and_then(|w| w.keys().find(is_missing));
        conclude(&mut refusals, unanswered, &asked, || described.clone())
    }
}

fn description(name: &TopicName, topic: &MetadataResponseTopic) -> TopicDescription {
    let nodes = |nodes: &[messages::BrokerId]| nodes.iter().copied().map(NodeId::from).collect();
    let partition = |partition: &MetadataResponsePartition| PartitionDescription {
        leader: Some(NodeId::from(partition.leader_id)).filter(|node| node.value() >= 0),
        leader_epoch: LeaderEpoch::from_wire(partition.leader_epoch),
        replicas: nodes(&partition.replica_nodes),
        in_sync_replicas: nodes(&partition.isr_nodes),
    };
    TopicDescription {
        name: name.clone(),
        id: topic.topic_id.into(),
        is_internal: topic.is_internal,
        partitions: topic
            .partitions
            .iter()
            .map(|described| (described.partition_index, partition(described)))
            .collect(),
    }
}
