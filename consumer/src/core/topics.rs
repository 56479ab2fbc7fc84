//! Answers questions about topics on behalf of calls that wait (Kafka's `TopicMetadataFetcher`).
//!
//! What is known of the topics that are read is told at once. Otherwise brokers are asked in a
//! request of its own, which changes nothing of what is believed about the cluster. Retriable
//! failures are asked again, with backoff, for as long as somebody waits.

use std::time::Instant;

use weft_client::cluster::{ClusterSnapshot, NodeLoads};
use weft_client::net::{Lane, OutboundRequest};
use weft_client::wire::messages::metadata_request::MetadataRequestTopic;
use weft_client::wire::messages::{self, MetadataRequest, MetadataResponse};
use weft_client::wire::{Context, ErrorCode, Reaction, Request, reaction};
use weft_client::{Error, ErrorKind, TopicName};

use super::ConsumerCore;
use super::network::Pending;
use crate::partition_info::{PartitionInfo, PartitionInfos, partitions_of};

/// The name of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TopicQuestionId(u64);

/// What a call waits for.
#[derive(Clone, Debug)]
pub(super) struct TopicQuestion {
    /// The topic asked about; `None` for all.
    topic: Option<TopicName>,
    is_asked: bool,
    attempts: u32,
    retry_at: Option<Instant>,
    answer: Option<Result<PartitionInfos, Error>>,
}

impl ConsumerCore {
    /// The partitions of a topic, if they are known without asking.
    pub(crate) fn known_partitions(&self, topic: &TopicName) -> Option<Vec<PartitionInfo>> {
        let snapshot = self.cluster.snapshot();
        let known = snapshot.topic(topic.as_str())?;
        let partitions = partitions_of(snapshot, topic, known);
        (!partitions.is_empty()).then_some(partitions)
    }

    /// Begins to ask about a topic, or about all.
    pub(crate) fn ask_about(&mut self, topic: Option<TopicName>) -> TopicQuestionId {
        let id = TopicQuestionId(self.number());
        self.topic_questions.insert(
            id,
            TopicQuestion {
                topic,
                is_asked: false,
                attempts: 0,
                retry_at: None,
                answer: None,
            },
        );
        self.is_plan_stale = true;
        id
    }

    /// The answer once it came. Takes it out. A topic that the brokers do not know is not in it.
    pub(crate) fn take_answer_about(
        &mut self,
        id: TopicQuestionId,
    ) -> Option<Result<PartitionInfos, Error>> {
        self.topic_questions.get(&id)?.answer.as_ref()?;
        self.topic_questions.remove(&id)?.answer
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn cancel_question(&mut self, id: TopicQuestionId) {
        self.topic_questions.remove(&id);
    }

    /// Asks what has not been asked and may be.
    pub(super) fn plan_topic_questions(
        &mut self,
        now: Instant,
        loads: &dyn NodeLoads,
        out: &mut Vec<OutboundRequest>,
    ) {
        let is_open = |question: &TopicQuestion| !question.is_asked && question.answer.is_none();
        let open: Vec<TopicQuestionId> = self
            .topic_questions
            .iter()
            .filter(|(_, question)| is_open(question))
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            let retry_at = self.topic_questions.get(&id).and_then(|q| q.retry_at);
            if let Some(later) = retry_at.filter(|at| *at > now) {
                self.plan_by(later);
                continue;
            }
            let Some(broker) = self.cluster.least_loaded(loads) else {
                let pause = self.pause_after(0);
                self.plan_by(now + pause);
                return;
            };
            let Some(question) = self.topic_questions.get_mut(&id) else {
                continue;
            };
            question.is_asked = true;
            let names = question.topic.as_ref().map(|name| {
                let name = messages::TopicName::from(name);
                vec![MetadataRequestTopic::default().with_name(Some(name))]
            });
            let request = MetadataRequest::default()
                .with_topics(names)
                .with_allow_auto_topic_creation(self.options.allow_auto_create_topics);
            let request = Request::Metadata(request);
            let pending = Pending::Topics(id);
            out.push(self.request(&broker, Lane::General, request, pending));
        }
    }

    /// Takes an answer in, if somebody still waits for it.
    pub(super) fn topics_answered(
        &mut self,
        now: Instant,
        id: TopicQuestionId,
        response: &MetadataResponse,
    ) {
        match read_answer(response) {
            Some(answer) => {
                if let Some(question) = self.topic_questions.get_mut(&id) {
                    question.answer = Some(answer);
                }
            }
            None => self.ask_again(now, id),
        }
    }

    /// Asks again after a while, if somebody still waits for it.
    pub(super) fn ask_again(&mut self, now: Instant, id: TopicQuestionId) {
        let attempts = self.topic_questions.get(&id).map_or(0, |q| q.attempts);
        let pause = self.pause_after(attempts);
        if let Some(question) = self.topic_questions.get_mut(&id) {
            question.is_asked = false;
            question.attempts += 1;
            question.retry_at = Some(now + pause);
            self.is_plan_stale = true;
        }
    }
}

/// What an answer comes to; `None` if another one may be better.
fn read_answer(response: &MetadataResponse) -> Option<Result<PartitionInfos, Error>> {
    if reaction(Context::Metadata, ErrorCode(response.error_code)) != Reaction::Accept {
        return None;
    }
    for topic in &response.topics {
        let code = ErrorCode(topic.error_code);
        match reaction(Context::Metadata, code) {
            Reaction::Accept => {}
            _ if code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => {}
            Reaction::Retry | Reaction::RefreshMetadata | Reaction::Rebootstrap => return None,
            _ => {
                let text = match ErrorKind::from(code) {
                    ErrorKind::InvalidTopic => "the brokers refuse the topic's name".to_owned(),
                    ErrorKind::TopicAuthorization => "not allowed to see the topic".to_owned(),
                    _ => format!("the brokers refuse to describe the topic: {code}"),
                };
                let name = topic.name.as_ref().map(TopicName::from);
                return Some(Err(Error::broker(code, text).with_topics(name)));
            }
        }
    }
    let snapshot = ClusterSnapshot::of_answer(response);
    let topics = snapshot.topics();
    Some(Ok(topics
        .map(|(name, topic)| (name.clone(), partitions_of(&snapshot, name, topic)))
        .collect()))
}
