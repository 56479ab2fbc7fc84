//! Where partitions begin and end, and where a time lies in them: ListOffsets to their leaders.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::call::{Outcome, Progress, Question, Refusal, Target, unexpected};
use super::outcome::{Asked, Refusals};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, LeaderEpoch, Offset, TopicName, TopicPartition};
use crate::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use crate::wire::messages::list_offsets_response::ListOffsetsPartitionResponse;
use crate::wire::messages::{self, ListOffsetsRequest};
use crate::wire::{Context, ErrorCode, Reaction, Request, Response, reaction};

/// Which offset of a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OffsetSpec {
    /// That of the first record that is kept.
    Earliest,
    /// That of the next record, transactions under way included.
    Latest,
    /// That of the first record at or after this time, in milliseconds since 1970.
    Timestamp(i64),
}

impl OffsetSpec {
    const fn to_wire(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::Timestamp(millis) => millis,
        }
    }
}

/// ListOffsets, one leader after the other.
#[derive(Debug)]
pub(super) struct ListOffsets {
    spec: OffsetSpec,
    pending: BTreeSet<TopicPartition>,
    found: BTreeMap<TopicPartition, Offset>,
    refusals: Refusals,
}

impl ListOffsets {
    /// Asks for one partition at least.
    pub(super) fn new(partitions: &[TopicPartition], spec: OffsetSpec) -> Self {
        Self {
            spec,
            pending: partitions.iter().cloned().collect(),
            found: BTreeMap::new(),
            refusals: Refusals::default(),
        }
    }

    fn take(
        &mut self,
        partition: &TopicPartition,
        answer: &ListOffsetsPartitionResponse,
        asked: &Asked<'_>,
    ) {
        let code = ErrorCode(answer.error_code);
        if reaction(asked.context, code) == Reaction::NoSuchOffset {
            self.pending.remove(partition);
            return;
        }
        match asked.judge(
            format_args!("partition {partition}"),
            answer.error_code,
            None,
        ) {
            Ok(()) => {
                // No record is that young.
                if answer.offset >= 0 {
                    self.found
                        .insert(partition.clone(), Offset::new(answer.offset));
                }
                self.pending.remove(partition);
            }
            Err(refusal) => {
                let refusal = Refusal {
                    error: refusal.error.with_topic_partition(partition.clone()),
                    ..refusal
                };
                if !self.refusals.add_topic(partition.topic(), refusal) {
                    self.pending.remove(partition);
                }
            }
        }
    }
}

impl Question for ListOffsets {
    type Answer = BTreeMap<TopicPartition, Offset>;

    fn name(&self) -> &'static str {
        "ListOffsets"
    }

    fn target(&self) -> Target {
        let first = self.pending.first();
        first.map_or(Target::Any, |first| Target::Leader(first.clone()))
    }

    fn request(&self, broker: &Broker, cluster: &Cluster, timeout: Duration) -> Request {
        let mut by_topic: BTreeMap<&TopicName, Vec<ListOffsetsPartition>> = BTreeMap::new();
        for partition in &self.pending {
            let Some((leader, epoch)) = cluster.leader(partition) else {
                continue;
            };
            if leader.id == broker.id {
                let wanted = ListOffsetsPartition::default()
                    .with_partition_index(partition.partition())
                    .with_current_leader_epoch(LeaderEpoch::to_wire(epoch))
                    .with_timestamp(self.spec.to_wire());
                by_topic.entry(partition.topic()).or_default().push(wanted);
            }
        }
        let topic = |(name, partitions)| {
            ListOffsetsTopic::default()
                .with_name(messages::TopicName::from(name))
                .with_partitions(partitions)
        };
        let request = ListOffsetsRequest::default()
            .with_replica_id(messages::BrokerId(NO_REPLICA))
            .with_topics(by_topic.into_iter().map(topic).collect())
            .with_timeout_ms(i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX));
        Request::ListOffsets(request)
    }

    fn handle(&mut self, broker: &Broker, response: Response) -> Outcome<Self::Answer> {
        let Response::ListOffsets(response) = response else {
            return Err(unexpected(self.name(), broker));
        };
        let asked = Asked {
            name: self.name(),
            broker,
            context: Context::ListOffsets,
        };
        let before = self.pending.len();
        for topic in &response.topics {
            let name = TopicName::from(&topic.name);
            for answer in &topic.partitions {
                let partition = TopicPartition::new(name.clone(), answer.partition_index);
                if self.pending.contains(&partition) {
                    self.take(&partition, answer, &asked);
                }
            }
        }
        self.refusals.conclude(|| ())?;
        match self.pending.first() {
            None => Ok(Progress::Done(std::mem::take(&mut self.found))),
            Some(_) if self.pending.len() < before => Ok(Progress::More),
            Some(partition) => {
                let text = format!("ListOffsets for {partition} was left unanswered by {broker}");
                Err(Refusal {
                    reaction: Reaction::Fail,
                    error: Error::new(ErrorKind::MalformedResponse, text),
                })
            }
        }
    }
}

/// Who asks is a client, not a replica.
const NO_REPLICA: i32 = -1;
