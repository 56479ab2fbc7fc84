//! One produce request and its answer: how batches become the one and which of them the other is
//! about. It decides nothing about what follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::batch::Batch;
use super::sender::Delivered;
use crate::error::Error;
use crate::ids::{Broker, LeaderEpoch, NodeId, Offset, TopicId, TopicName, TopicPartition};
use crate::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use crate::wire::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use crate::wire::messages::{self, ProduceRequest, ProduceResponse};
use crate::wire::{Context, ErrorCode, Reaction, Request, reaction};

/// A produce request under way.
#[derive(Debug)]
pub(super) struct Exchange<R> {
    pub(super) broker: Arc<Broker>,
    pub(super) sent: Vec<Sent<R>>,
}

/// A batch under way.
#[derive(Debug)]
pub(super) struct Sent<R> {
    pub(super) partition: TopicPartition,
    pub(super) topic_id: TopicId,
    /// The queue that is muted meanwhile.
    pub(super) queue: usize,
    pub(super) bytes: Bytes,
    /// Missing once its delivery timeout is over.
    pub(super) batch: Option<Batch<R>>,
}

impl<R> Sent<R> {
    fn is_meant(&self, topic: &TopicProduceResponse, partition: &PartitionProduceResponse) -> bool {
        // From version 13 on topics go by their ids, and names stay empty (KIP-516).
        let is_topic = if topic.name.is_empty() {
            TopicId::from(topic.topic_id) == self.topic_id
        } else {
            topic.name.as_str() == self.partition.topic().as_str()
        };
        is_topic && partition.index == self.partition.partition()
    }
}

/// Batches that were sent together, after the answer.
#[derive(Debug)]
pub(super) struct Paired<'a, R> {
    /// With the parts of the answer that are about them.
    pub(super) answered: Vec<(Sent<R>, &'a PartitionProduceResponse)>,
    /// Those that the broker passed over.
    pub(super) unanswered: Vec<Sent<R>>,
}

/// Finds out which batch each part of an answer is about. What is about none is ignored.
pub(super) fn pair<R>(sent: Vec<Sent<R>>, response: &ProduceResponse) -> Paired<'_, R> {
    let mut waiting: Vec<Option<Sent<R>>> = sent.into_iter().map(Some).collect();
    let mut answered = Vec::with_capacity(waiting.len());
    for topic in &response.responses {
        for partition in &topic.partition_responses {
            let found = waiting.iter_mut().find(|place| {
                let sent = place.as_ref();
                sent.is_some_and(|sent| sent.is_meant(topic, partition))
            });
            let sent = found.and_then(Option::take);
            answered.extend(sent.map(|sent| (sent, partition)));
        }
    }
    Paired {
        answered,
        unanswered: waiting.into_iter().flatten().collect(),
    }
}

/// The request that carries these batches.
pub(super) fn request<R>(sent: &[Sent<R>], acks: i16, timeout: Duration) -> Request {
    let mut by_topic: BTreeMap<&TopicName, (TopicId, Vec<PartitionProduceData>)> = BTreeMap::new();
    for sent in sent {
        let data = PartitionProduceData::default()
            .with_index(sent.partition.partition())
            .with_records(Some(sent.bytes.clone()));
        let topic = by_topic.entry(sent.partition.topic());
        let (_, partitions) = topic.or_insert_with(|| (sent.topic_id, Vec::new()));
        partitions.push(data);
    }
    let topic = |(name, (id, partitions)): (&TopicName, (TopicId, Vec<_>))| {
        TopicProduceData::default()
            .with_name(messages::TopicName::from(name))
            .with_topic_id(id.into())
            .with_partition_data(partitions)
    };
    let request = ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX))
        .with_topic_data(by_topic.into_iter().map(topic).collect());
    Request::Produce(request)
}

/// What the broker says about one batch: where it is, or what its refusal asks for.
pub(super) fn outcome<R>(
    broker: &Broker,
    sent: &Sent<R>,
    answer: &PartitionProduceResponse,
) -> Result<Delivered, (Reaction, Error)> {
    let code = ErrorCode(answer.error_code);
    let reaction = reaction(Context::Produce, code);
    if reaction == Reaction::Accept {
        return Ok(Delivered {
            partition: sent.partition.clone(),
            base_offset: (answer.base_offset >= 0).then(|| Offset::new(answer.base_offset)),
            log_append_time: (answer.log_append_time_ms >= 0).then_some(answer.log_append_time_ms),
        });
    }
    let mut text = format!("Produce was refused by {broker}: {code}");
    if reaction == Reaction::SplitBatch {
        text.push_str("; a smaller batch.size or max.request.size keeps batches below its limit");
    }
    let messages = answer.record_errors.iter();
    let of_records = messages.filter_map(|record| record.batch_index_error_message.as_deref());
    for message in answer
        .error_message
        .as_deref()
        .into_iter()
        .chain(of_records.take(1))
    {
        text.push_str(": ");
        text.push_str(message);
    }
    let error = Error::broker(code, text).with_topic_partition(sent.partition.clone());
    let topic = sent.partition.topic().clone();
    let error = match reaction {
        Reaction::FailTopic => error.with_topics([topic]),
        _ => error,
    };
    Err((reaction, error))
}

/// The leader that an answer names (KIP-951), with its description if the answer has one.
pub(super) fn leader(
    answer: &PartitionProduceResponse,
    response: &ProduceResponse,
) -> Option<(NodeId, LeaderEpoch, Option<Broker>)> {
    let epoch = LeaderEpoch::from_wire(answer.current_leader.leader_epoch)?;
    let node = answer.current_leader.leader_id;
    let mut endpoints = response.node_endpoints.iter();
    let described = endpoints.find(|endpoint| endpoint.node_id == node);
    let described = described.and_then(|endpoint| {
        Some(Broker {
            id: node.into(),
            host: Arc::from(endpoint.host.as_str()),
            port: u16::try_from(endpoint.port).ok()?,
            rack: endpoint.rack.as_deref().map(Arc::from),
        })
    });
    (node.0 >= 0).then(|| (node.into(), epoch, described))
}
