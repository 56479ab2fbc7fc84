//! Matches the partitions of a fetch response with those that were asked for.

use std::sync::Arc;

use weft_client::wire::messages::FetchResponse;
use weft_client::wire::messages::fetch_response::PartitionData;
use weft_client::{Broker, NodeId, TopicId};

use super::plan::AskedPartition;

/// What the broker answered for one partition.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) asked: AskedPartition,
    pub(crate) data: PartitionData,
}

/// The answers in the order in which they came. What was not asked for is left out; where that is
/// more than what was asked for, the rest of the response is not looked at.
pub(crate) fn answers(asked: &[AskedPartition], response: FetchResponse) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(asked.len());
    // Brokers answer in the order of the request, so the next one is usually the one sought.
    let mut next = 0;
    let mut strangers_left = asked.len();
    for topic in response.responses {
        let topic_id = TopicId::from(topic.topic_id);
        for data in topic.partitions {
            let is_meant = |asked: &AskedPartition| {
                let is_topic = if topic_id.is_unknown() {
                    asked.topic_partition.topic().as_str() == topic.topic.as_str()
                } else {
                    asked.topic_id == topic_id
                };
                is_topic && asked.topic_partition.partition() == data.partition_index
            };
            let found = (next..asked.len())
                .chain(0..next)
                .find(|index| is_meant(&asked[*index]));
            if let Some(index) = found {
                next = index + 1;
                let asked = asked[index].clone();
                answers.push(Answer { asked, data });
            } else if strangers_left == 0 {
                return answers;
            } else {
                strangers_left -= 1;
            }
        }
    }
    answers
}

/// The brokers that the response describes because they lead partitions now (KIP-951).
pub(crate) fn described_brokers(response: &FetchResponse) -> Vec<Broker> {
    let endpoints = response.node_endpoints.iter();
    endpoints
        .filter_map(|endpoint| {
            Some(Broker {
                id: NodeId::from(endpoint.node_id),
                host: Arc::from(endpoint.host.as_str()),
                port: u16::try_from(endpoint.port).ok()?,
                rack: endpoint.rack.as_ref().map(|rack| Arc::from(rack.as_str())),
            })
        })
        .collect()
}
