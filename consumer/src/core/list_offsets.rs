//! What goes out when offsets are looked up. It sends nothing and remembers nothing.

use weft_client::wire::Request;
use weft_client::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use weft_client::wire::messages::{self, BrokerId, ListOffsetsRequest};
use weft_client::{LeaderEpoch, TopicPartition};

use super::look_up::LookUpId;
use crate::config::IsolationLevel;
use crate::position::Stamp;

/// For whom an offset is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    Reset(Stamp),
    LookUp(LookUpId),
    /// For the lag.
    End,
}

/// The partitions of one request, in its order, each with its timestamp. No partition twice.
#[derive(Clone, Debug)]
pub(super) struct AskedOffsets {
    pub(super) purpose: Vec<(TopicPartition, Purpose, i64, Option<LeaderEpoch>)>,
}

/// The request that asks for them.
pub(super) fn list_offsets(asked: &AskedOffsets, isolation: IsolationLevel) -> Request {
    let mut topics: Vec<ListOffsetsTopic> = Vec::new();
    for (name, _, timestamp, epoch) in &asked.purpose {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(name.partition())
            .with_current_leader_epoch(LeaderEpoch::to_wire(*epoch))
            .with_timestamp(*timestamp);
        match topics.last_mut() {
            Some(topic) if topic.name.as_str() == name.topic().as_str() => {
                topic.partitions.push(partition);
            }
            _ => topics.push(
                ListOffsetsTopic::default()
                    .with_name(messages::TopicName::from(name.topic()))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(CONSUMER))
        .with_isolation_level(isolation.to_wire())
        .with_topics(topics);
    Request::ListOffsets(request)
}

/// What stands for the first offset in a look-up.
pub(crate) const BEGINNING: i64 = -2;
/// What stands for the offset behind the last record.
pub(crate) const END: i64 = -1;
/// The replica id of everybody who is not a broker.
const CONSUMER: i32 = -1;
