//! How facts are written: a tag, then the fields in their order; numbers big-endian, texts and
//! bytes behind their length. [`read`](super::read) is the other half.

use std::time::Duration;

use bytes::{BufMut as _, BytesMut};
use weft_client::{GroupInstanceId, LeaderEpoch, MemberId, NodeId, OffsetAndMetadata};

use super::super::configs::Settings;
use super::super::topics::PartitionKey;
use super::super::transaction::{Outcome, Participant, TransactionVersion};
use super::fact::{Fact, GroupImage, MemberImage, OffsetChange, TransactionImage};

/// The tags, one for each fact. None is ever given another meaning.
pub(super) mod tag {
    pub(in super::super) const STARTED: u8 = 1;
    pub(in super::super) const TOPIC_CREATED: u8 = 2;
    pub(in super::super) const PARTITION_ADDED: u8 = 3;
    pub(in super::super) const TOPIC_DELETED: u8 = 4;
    pub(in super::super) const EPOCH_BEGAN: u8 = 5;
    pub(in super::super) const APPENDED: u8 = 6;
    pub(in super::super) const LOG_BOUNDS: u8 = 7;
    pub(in super::super) const OFFSET_CHANGED: u8 = 8;
    pub(in super::super) const TRUNCATED: u8 = 9;
    pub(in super::super) const GROUP_CHANGED: u8 = 10;
    pub(in super::super) const GROUP_DELETED: u8 = 11;
    pub(in super::super) const TRANSACTION_CHANGED: u8 = 12;
    pub(in super::super) const TOPIC_CONFIGURED: u8 = 13;
    pub(in super::super) const BROKER_CONFIGURED: u8 = 14;

    /// What follows [`OFFSET_CHANGED`].
    pub(in super::super) mod offset {
        pub(in super::super::super) const COMMITTED: u8 = 1;
        pub(in super::super::super) const DELETED: u8 = 2;
        pub(in super::super::super) const PENDING: u8 = 3;
        pub(in super::super::super) const ENDED: u8 = 4;
    }
}

impl Fact {
    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Started { times } => {
                out.put_u8(tag::STARTED);
                out.put_u32(*times);
            }
            Self::TopicCreated {
                id,
                name,
                replication_factor,
            } => {
                out.put_u8(tag::TOPIC_CREATED);
                out.put_slice(&id.0);
                write_bytes(name.as_str().as_bytes(), out);
                out.put_u32(*replication_factor as u32);
            }
            Self::PartitionAdded { id, replicas } => {
                out.put_u8(tag::PARTITION_ADDED);
                out.put_slice(&id.0);
                write_replicas(replicas, out);
            }
            Self::TopicDeleted { id } => {
                out.put_u8(tag::TOPIC_DELETED);
                out.put_slice(&id.0);
            }
            Self::EpochBegan {
                partition,
                epoch,
                at,
            } => {
                out.put_u8(tag::EPOCH_BEGAN);
                write_partition(partition, out);
                out.put_i32(epoch.value());
                out.put_i64(at.value());
            }
            Self::Appended { partition, batch } => {
                out.put_u8(tag::APPENDED);
                write_partition(partition, out);
                write_bytes(batch, out);
            }
            Self::LogBounds { .. } | Self::Truncated { .. } => self.write_bounds(out),
            Self::TopicConfigured { id, settings } => {
                out.put_u8(tag::TOPIC_CONFIGURED);
                out.put_slice(&id.0);
                write_settings(settings, out);
            }
            Self::BrokerConfigured { broker, settings } => {
                out.put_u8(tag::BROKER_CONFIGURED);
                out.put_i32(broker.map_or(ALL_BROKERS, NodeId::value));
                write_settings(settings, out);
            }
            Self::GroupChanged(image) => {
                out.put_u8(tag::GROUP_CHANGED);
                write_group(image, out);
            }
            Self::GroupDeleted { id } => {
                out.put_u8(tag::GROUP_DELETED);
                write_bytes(id.as_str().as_bytes(), out);
            }
            Self::OffsetChanged { group, change } => {
                out.put_u8(tag::OFFSET_CHANGED);
                write_bytes(group.as_str().as_bytes(), out);
                write_change(change, out);
            }
            Self::TransactionChanged(image) => {
                out.put_u8(tag::TRANSACTION_CHANGED);
                write_transaction(image, out);
            }
        }
    }

    fn write_bounds(&self, out: &mut BytesMut) {
        match self {
            Self::LogBounds {
                partition,
                start,
                end,
            } => {
                out.put_u8(tag::LOG_BOUNDS);
                write_partition(partition, out);
                out.put_i64(start.value());
                out.put_i64(end.value());
            }
            Self::Truncated { partition, at } => {
                out.put_u8(tag::TRUNCATED);
                write_partition(partition, out);
                out.put_i64(at.value());
            }
            _ => {}
        }
    }
}

fn write_change(change: &OffsetChange, out: &mut BytesMut) {
    match change {
        OffsetChange::Committed {
            topic,
            partition,
            committed,
        } => {
            out.put_u8(tag::offset::COMMITTED);
            write_bytes(topic.as_str().as_bytes(), out);
            out.put_i32(*partition);
            write_committed(committed, out);
        }
        OffsetChange::Deleted { topic, partition } => {
            out.put_u8(tag::offset::DELETED);
            write_bytes(topic.as_str().as_bytes(), out);
            out.put_i32(*partition);
        }
        OffsetChange::Pending {
            producer,
            topic,
            partition,
            committed,
        } => {
            out.put_u8(tag::offset::PENDING);
            out.put_i64(producer.0);
            write_bytes(topic.as_str().as_bytes(), out);
            out.put_i32(*partition);
            write_committed(committed, out);
        }
        OffsetChange::Ended { producer, outcome } => {
            out.put_u8(tag::offset::ENDED);
            out.put_i64(producer.0);
            out.put_u8(u8::from(*outcome == Outcome::Commit));
        }
    }
}

fn write_committed(committed: &OffsetAndMetadata, out: &mut BytesMut) {
    out.put_i64(committed.offset.value());
    out.put_i32(LeaderEpoch::to_wire(committed.leader_epoch));
    write_bytes(committed.metadata.as_bytes(), out);
}

fn write_transaction(image: &TransactionImage, out: &mut BytesMut) {
    write_bytes(image.id.as_str().as_bytes(), out);
    out.put_i64(image.producer_id.0);
    for id in [image.previous_producer_id, image.next_producer_id] {
        out.put_i64(id.map_or(NOBODY, |id| id.0));
    }
    out.put_i16(image.epoch);
    out.put_i16(image.last_epoch);
    write_duration(image.timeout, out);
    write_bytes(image.state.name().as_bytes(), out);
    out.put_u8(u8::from(image.is_started));
    out.put_u8(u8::from(image.version == TransactionVersion::V2));
    out.put_i32(image.coordinator_epoch);
    out.put_u32(image.participants.len() as u32);
    for participant in &image.participants {
        match participant {
            Participant::Partition(partition) => {
                out.put_u8(0);
                write_partition(partition, out);
            }
            Participant::Group(group) => {
                out.put_u8(1);
                write_bytes(group.as_str().as_bytes(), out);
            }
        }
    }
}

fn write_group(image: &GroupImage, out: &mut BytesMut) {
    write_bytes(image.id.as_str().as_bytes(), out);
    out.put_i32(image.generation.value());
    write_bytes(image.protocol_type.as_bytes(), out);
    write_optional(image.protocol.as_deref(), out);
    write_optional(image.leader.as_ref().map(MemberId::as_str), out);
    out.put_u32(image.members.len() as u32);
    for member in &image.members {
        write_member(member, out);
    }
}

fn write_member(member: &MemberImage, out: &mut BytesMut) {
    write_bytes(member.id.as_str().as_bytes(), out);
    let instance_id = member.instance_id.as_ref();
    write_optional(instance_id.map(GroupInstanceId::as_str), out);
    write_bytes(member.client_id.as_bytes(), out);
    write_duration(member.session_timeout, out);
    write_duration(member.rebalance_timeout, out);
    write_bytes(member.protocol.name.as_bytes(), out);
    write_bytes(&member.protocol.metadata, out);
    write_bytes(&member.assignment, out);
}

fn write_partition((id, partition): &PartitionKey, out: &mut BytesMut) {
    out.put_slice(&id.0);
    out.put_i32(*partition);
}

fn write_settings(settings: &Settings, out: &mut BytesMut) {
    out.put_u32(settings.len() as u32);
    for (name, value) in settings {
        write_bytes(name.as_bytes(), out);
        write_bytes(value.as_bytes(), out);
    }
}

fn write_replicas(replicas: &[NodeId], out: &mut BytesMut) {
    out.put_u32(replicas.len() as u32);
    for replica in replicas {
        out.put_i32(replica.value());
    }
}

/// No field is longer than a request, which is far below what the length can say.
fn write_bytes(bytes: &[u8], out: &mut BytesMut) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

fn write_optional(text: Option<&str>, out: &mut BytesMut) {
    out.put_u8(u8::from(text.is_some()));
    if let Some(text) = text {
        write_bytes(text.as_bytes(), out);
    }
}

/// Timeouts come in milliseconds, and fit.
fn write_duration(duration: Duration, out: &mut BytesMut) {
    out.put_u64(duration.as_millis() as u64);
}

/// The id of no producer.
pub(super) const NOBODY: i64 = -1;

/// No broker has this id.
pub(super) const ALL_BROKERS: i32 = -1;
