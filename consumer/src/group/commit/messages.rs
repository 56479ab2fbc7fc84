//! What goes out and comes back for a commit. It sends nothing and remembers nothing.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::wire::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use weft_client::wire::messages::{OffsetCommitRequest, OffsetCommitResponse};
use weft_client::wire::{Context, ErrorCode, Reaction, reaction};
use weft_client::{Error, ErrorKind, LeaderEpoch, TopicName, TopicPartition};

use crate::group::core::GroupCore;
use crate::group::join::text;
use crate::lane::Offsets;

/// What a response says about a commit.
pub(super) enum Verdict {
    Done,
    /// The first decisive code.
    Code(Reaction, ErrorCode, TopicPartition),
    Refused(Error),
}

impl GroupCore {
    /// The offsets, stamped with what the member is now. Without a generation neither member id
    /// nor instance id is told.
    pub(super) fn commit_request(&self, offsets: &Offsets) -> OffsetCommitRequest {
        let mut topics: BTreeMap<&TopicName, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
        for (partition, committed) in offsets {
            let request = OffsetCommitRequestPartition::default()
                .with_partition_index(partition.partition())
                .with_committed_offset(committed.offset.value())
                .with_committed_leader_epoch(LeaderEpoch::to_wire(committed.leader_epoch))
                .with_committed_metadata(Some(text(&committed.metadata)));
            topics.entry(partition.topic()).or_default().push(request);
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            OffsetCommitRequestTopic::default()
                .with_name(name.into())
                .with_partitions(partitions)
        });
        let identity = &self.member.identity;
        let is_member = identity.is_in_generation();
        let instance_id = self.settings.group_instance_id.as_ref();
        let member_id = if is_member {
            identity.member_id.as_str()
        } else {
            ""
        };
        OffsetCommitRequest::default()
            .with_group_id((&self.settings.group_id).into())
            .with_generation_id_or_member_epoch(identity.generation.value())
            .with_member_id(text(member_id))
            .with_group_instance_id(
                instance_id
                    .filter(|_| is_member)
                    .map(|id| text(id.as_str())),
            )
            .with_topics(topics.collect())
    }
}

/// Reads a response. The first decisive code counts; topics that are refused are collected.
pub(super) fn judge(offsets: &Offsets, response: &OffsetCommitResponse) -> Verdict {
    let mut unanswered: BTreeSet<&TopicPartition> = offsets.keys().collect();
    let mut refused_topics = BTreeSet::new();
    for topic in &response.topics {
        for answer in &topic.partitions {
            let partition = TopicPartition::new(&topic.name, answer.partition_index);
            let code = ErrorCode(answer.error_code);
            match reaction(Context::OffsetCommit, code) {
                Reaction::Accept => {}
                Reaction::FailTopic => {
                    refused_topics.insert(partition.topic().clone());
                }
                reaction => return Verdict::Code(reaction, code, partition),
            }
            unanswered.remove(&partition);
        }
    }
    if !refused_topics.is_empty() {
        let text = "not allowed to commit offsets of the topic";
        let error = Error::new(ErrorKind::TopicAuthorization, text);
        return Verdict::Refused(error.with_topics(refused_topics));
    }
    match unanswered.first() {
        None => Verdict::Done,
        Some(missing) => {
            let error = Error::new(ErrorKind::MalformedResponse, "a partition was not answered");
            Verdict::Refused(error.with_topic_partition((*missing).clone()))
        }
    }
}
