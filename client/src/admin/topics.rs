//! Creating, growing and deleting topics: the requests, and what their answers mean.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::call::{Outcome, Progress, Question, Refusal, Target, unexpected};
use super::outcome::{Asked, Refusals};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, NodeId, TopicName};
use crate::wire::messages::create_partitions_request::CreatePartitionsTopic;
use crate::wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use crate::wire::messages::delete_topics_request::DeleteTopicState;
use crate::wire::messages::{
    self, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
};
use crate::wire::{Context, Reaction, Request, Response, StrBytes};

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    name: TopicName,
    partitions: i32,
    replication_factor: i16,
    configs: Vec<(String, String)>,
}

impl NewTopic {
    /// A topic of so many partitions, with the replication factor that the brokers are set to.
    pub fn new(name: impl Into<TopicName>, partitions: i32) -> Self {
        Self {
            name: name.into(),
            partitions,
            replication_factor: BY_DEFAULT,
            configs: Vec::new(),
        }
    }

    /// Sets the number of replicas of each partition.
    #[must_use]
    pub fn replication_factor(mut self, replicas: i16) -> Self {
        self.replication_factor = replicas;
        self
    }

    /// Sets an option of the topic, such as `retention.ms`.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.push((key.into(), value.into()));
        self
    }

    /// The topic's name.
    pub fn name(&self) -> &TopicName {
        &self.name
    }

    /// The number of partitions to expect; zero where the brokers' own setting decides.
    pub(super) fn least_partitions(&self) -> usize {
        usize::try_from(self.partitions).unwrap_or(0)
    }

    fn to_wire(&self) -> CreatableTopic {
        let config = |(key, value): &(String, String)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_string(key.clone()))
                .with_value(Some(StrBytes::from_string(value.clone())))
        };
        CreatableTopic::default()
            .with_name(messages::TopicName::from(&self.name))
            .with_num_partitions(self.partitions)
            .with_replication_factor(self.replication_factor)
            .with_configs(self.configs.iter().map(config).collect())
    }
}

/// CreateTopics. Answers with the node that was asked.
#[derive(Debug)]
pub(super) struct CreateTopics {
    pending: BTreeMap<TopicName, NewTopic>,
    refusals: Refusals,
}

impl CreateTopics {
    pub(super) fn new(topics: &[NewTopic]) -> Self {
        let named = topics
            .iter()
            .map(|topic| (topic.name.clone(), topic.clone()));
        Self {
            pending: named.collect(),
            refusals: Refusals::default(),
        }
    }
}

impl Question for CreateTopics {
    type Answer = NodeId;

    fn name(&self) -> &'static str {
        "CreateTopics"
    }

    fn target(&self) -> Target {
        Target::Controller
    }

    fn request(&self, _: &Broker, _: &Cluster, timeout: Duration) -> Request {
        let topics = self.pending.values().map(NewTopic::to_wire).collect();
        let request = CreateTopicsRequest::default()
            .with_topics(topics)
            .with_timeout_ms(millis(timeout));
        Request::CreateTopics(request)
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<NodeId> {
        let Response::CreateTopics(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        let asked = asked(self.name(), broker);
        for topic in &response.topics {
            let name = TopicName::from(&topic.name);
            let message = topic.error_message.as_deref();
            let judged = asked.judge(format_args!("topic {name}"), topic.error_code, message);
            let is_pending = judged.is_err_and(|refusal| self.refusals.add_topic(&name, refusal));
            if !is_pending {
                self.pending.remove(&name);
            }
        }
        let unanswered = self.pending.keys().next();
        conclude(&mut self.refusals, unanswered, &asked, || broker.id)
    }
}

/// CreatePartitions for one topic. Answers with the node that was asked.
#[derive(Debug)]
pub(super) struct CreatePartitions {
    topic: TopicName,
    total: i32,
}

impl CreatePartitions {
    pub(super) fn new(topic: TopicName, total: i32) -> Self {
        Self { topic, total }
    }
}

impl Question for CreatePartitions {
    type Answer = NodeId;

    fn name(&self) -> &'static str {
        "CreatePartitions"
    }

    fn target(&self) -> Target {
        Target::Controller
    }

    fn request(&self, _: &Broker, _: &Cluster, timeout: Duration) -> Request {
        let topic = CreatePartitionsTopic::default()
            .with_name(messages::TopicName::from(&self.topic))
            .with_count(self.total)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(millis(timeout));
        Request::CreatePartitions(request)
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<NodeId> {
        let Response::CreatePartitions(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        let asked = asked(self.name(), broker);
        let Some(result) = response.results.first() else {
            return Err(missing(&self.topic, &asked));
        };
        let message = result.error_message.as_deref();
        asked
            .judge(
                format_args!("topic {}", self.topic),
                result.error_code,
                message,
            )
            .map_err(|refusal| Refusal {
                error: refusal.error.with_topics([self.topic.clone()]),
                ..refusal
            })?;
        Ok(Progress::Done(broker.id))
    }
}

/// DeleteTopics.
#[derive(Debug)]
pub(super) struct DeleteTopics {
    pending: BTreeSet<TopicName>,
    refusals: Refusals,
}

impl DeleteTopics {
    pub(super) fn new(topics: &[TopicName]) -> Self {
        Self {
            pending: topics.iter().cloned().collect(),
            refusals: Refusals::default(),
        }
    }
}

impl Question for DeleteTopics {
    type Answer = ();

    fn name(&self) -> &'static str {
        "DeleteTopics"
    }

    fn target(&self) -> Target {
        Target::Controller
    }

    fn request(&self, _: &Broker, _: &Cluster, timeout: Duration) -> Request {
        let state = |name: &TopicName| {
            DeleteTopicState::default().with_name(Some(messages::TopicName::from(name)))
        };
        let request = DeleteTopicsRequest::default()
            .with_topics(self.pending.iter().map(state).collect())
            .with_timeout_ms(millis(timeout));
        Request::DeleteTopics(request)
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<()> {
        let Response::DeleteTopics(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        let asked = asked(self.name(), broker);
        for topic in &response.responses {
            let Some(name) = topic.name.as_ref().map(TopicName::from) else {
                continue;
            };
            let message = topic.error_message.as_deref();
            let judged = asked.judge(format_args!("topic {name}"), topic.error_code, message);
            let is_pending = judged.is_err_and(|refusal| self.refusals.add_topic(&name, refusal));
            if !is_pending {
                self.pending.remove(&name);
            }
        }
        let unanswered = self.pending.iter().next();
        conclude(&mut self.refusals, unanswered, &asked, || ())
    }
}

pub(super) fn asked<'a>(name: &'static str, broker: &'a Broker) -> Asked<'a> {
    Asked {
        name,
        broker,
        context: Context::Admin,
    }
}

pub(super) fn conclude<T>(
    refusals: &mut Refusals,
    unanswered: Option<&TopicName>,
    asked: &Asked<'_>,
    done: impl FnOnce() -> T,
) -> Outcome<T> {
    match (refusals.conclude(done)?, unanswered) {
        (Progress::Done(_), Some(topic)) => Err(missing(topic, asked)),
        (progress, _) => Ok(progress),
    }
}

fn missing(topic: &TopicName, asked: &Asked<'_>) -> Refusal {
    let (name, broker) = (asked.name, asked.broker);
    let text = format!("{name} for topic {topic} was left unanswered by {broker}");
    Refusal {
        reaction: Reaction::Fail,
        error: Error::new(ErrorKind::MalformedResponse, text).with_topics([topic.clone()]),
    }
}

fn millis(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

/// What leaves a number to the brokers' own setting.
const BY_DEFAULT: i16 = -1;
