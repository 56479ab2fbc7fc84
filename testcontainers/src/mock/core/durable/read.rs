//! How facts are read back. Bytes that passed their checksum may still not be ours, so nothing
//! that they say is believed before it is there.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use weft_client::wire::StrBytes;
use weft_client::{
    GenerationId, GroupId, GroupInstanceId, LeaderEpoch, MemberId, NodeId, Offset,
    OffsetAndMetadata, TopicId, TopicName,
};

use super::super::configs::Settings;
use super::super::group::Protocol;
use super::super::topics::PartitionKey;
use super::super::transaction::{
    Outcome, Participant, ProducerId, TransactionState, TransactionVersion, TransactionalId,
};
use super::fact::{Fact, GroupImage, MemberImage, OffsetChange, TransactionImage};
use super::write::{ALL_BROKERS, NOBODY, tag};

/// What is wrong with a fact, or with what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(super) String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Malformed {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// The facts of one frame.
pub(crate) fn read_facts(payload: Bytes) -> Result<Vec<Fact>, Malformed> {
    let mut reader = Reader { rest: payload };
    let mut facts = Vec::new();
    while !reader.rest.is_empty() {
        facts.push(reader.fact()?);
    }
    Ok(facts)
}

struct Reader {
    rest: Bytes,
}

impl Reader {
    fn fact(&mut self) -> Result<Fact, Malformed> {
        let fact = match self.byte()? {
            tag::STARTED => Fact::Started { times: self.u32()? },
            tag::TOPIC_CREATED => Fact::TopicCreated {
                id: self.topic_id()?,
                name: TopicName::new(self.text()?),
                replication_factor: self.u32()? as usize,
            },
            tag::PARTITION_ADDED => Fact::PartitionAdded {
                id: self.topic_id()?,
                replicas: self.replicas()?,
            },
            tag::TOPIC_DELETED => Fact::TopicDeleted {
                id: self.topic_id()?,
            },
            tag::EPOCH_BEGAN => Fact::EpochBegan {
                partition: self.partition()?,
                epoch: LeaderEpoch::new(self.i32()?),
                at: Offset::new(self.i64()?),
            },
            tag::APPENDED => Fact::Appended {
                partition: self.partition()?,
                batch: self.bytes()?,
            },
            tag::LOG_BOUNDS => Fact::LogBounds {
                partition: self.partition()?,
                start: Offset::new(self.i64()?),
                end: Offset::new(self.i64()?),
            },
            tag::TRUNCATED => Fact::Truncated {
                partition: self.partition()?,
                at: Offset::new(self.i64()?),
            },
            tag::OFFSET_CHANGED => Fact::OffsetChanged {
                group: GroupId::new(self.text()?),
                change: self.change()?,
            },
            tag::GROUP_CHANGED => Fact::GroupChanged(self.group()?),
            tag::GROUP_DELETED => Fact::GroupDeleted {
                id: GroupId::new(self.text()?),
            },
            tag::TRANSACTION_CHANGED => Fact::TransactionChanged(self.transaction()?),
            tag::TOPIC_CONFIGURED => Fact::TopicConfigured {
                id: self.topic_id()?,
                settings: self.settings()?,
            },
            tag::BROKER_CONFIGURED => {
                let broker = self.i32()?;
                Fact::BrokerConfigured {
                    broker: (broker != ALL_BROKERS).then_some(NodeId::new(broker)),
                    settings: self.settings()?,
                }
            }
            other => {
                return Err(Malformed::new(format!(
                    "a fact of kind {other}, which only a newer version knows"
                )));
            }
        };
        Ok(fact)
    }

    fn change(&mut self) -> Result<OffsetChange, Malformed> {
        Ok(match self.byte()? {
            tag::offset::COMMITTED => OffsetChange::Committed {
                topic: TopicName::new(self.text()?),
                partition: self.i32()?,
                committed: self.committed()?,
            },
            tag::offset::DELETED => OffsetChange::Deleted {
                topic: TopicName::new(self.text()?),
                partition: self.i32()?,
            },
            tag::offset::PENDING => OffsetChange::Pending {
                producer: ProducerId(self.i64()?),
                topic: TopicName::new(self.text()?),
                partition: self.i32()?,
                committed: self.committed()?,
            },
            tag::offset::ENDED => OffsetChange::Ended {
                producer: ProducerId(self.i64()?),
                outcome: match self.byte()? {
                    0 => Outcome::Abort,
                    _ => Outcome::Commit,
                },
            },
            _ => return Err(Malformed::new("an unknown change of a committed offset")),
        })
    }

    fn transaction(&mut self) -> Result<TransactionImage, Malformed> {
        let mut image = TransactionImage {
            id: TransactionalId::from(self.text()?.as_str()),
            producer_id: ProducerId(self.i64()?),
            previous_producer_id: self.producer()?,
            next_producer_id: self.producer()?,
            epoch: self.i16()?,
            last_epoch: self.i16()?,
            timeout: self.duration()?,
            state: self.transaction_state()?,
            is_started: self.byte()? != 0,
            version: match self.byte()? {
                0 => TransactionVersion::V1,
                _ => TransactionVersion::V2,
            },
            coordinator_epoch: self.i32()?,
            participants: BTreeSet::new(),
        };
        for _ in 0..self.u32()? {
            let participant = match self.byte()? {
                0 => Participant::Partition(self.partition()?),
                _ => Participant::Group(GroupId::new(self.text()?)),
            };
            image.participants.insert(participant);
        }
        Ok(image)
    }

    fn transaction_state(&mut self) -> Result<TransactionState, Malformed> {
        let name = self.text()?;
        let mut states = TransactionState::ALL.into_iter();
        let state = states.find(|state| state.name() == name);
        state.ok_or_else(|| Malformed::new(format!("a transaction in the state {name}")))
    }

    fn producer(&mut self) -> Result<Option<ProducerId>, Malformed> {
        let id = self.i64()?;
        Ok((id != NOBODY).then_some(ProducerId(id)))
    }

    fn committed(&mut self) -> Result<OffsetAndMetadata, Malformed> {
        Ok(OffsetAndMetadata {
            offset: Offset::new(self.i64()?),
            leader_epoch: LeaderEpoch::from_wire(self.i32()?),
            metadata: self.text()?,
        })
    }

    fn group(&mut self) -> Result<GroupImage, Malformed> {
        let mut image = GroupImage {
            id: GroupId::new(self.text()?),
            generation: GenerationId::new(self.i32()?),
            protocol_type: self.text()?,
            protocol: self.optional()?,
            leader: self.optional()?.map(MemberId::new),
            members: Vec::new(),
        };
        for _ in 0..self.u32()? {
            image.members.push(self.member()?);
        }
        Ok(image)
    }

    fn member(&mut self) -> Result<MemberImage, Malformed> {
        Ok(MemberImage {
            id: MemberId::new(self.text()?),
            instance_id: self.optional()?.map(GroupInstanceId::new),
            client_id: self.text()?,
            session_timeout: self.duration()?,
            rebalance_timeout: self.duration()?,
            protocol: Protocol {
                name: StrBytes::from_string(self.text()?),
                metadata: self.bytes()?,
            },
            assignment: self.bytes()?,
        })
    }

    fn partition(&mut self) -> Result<PartitionKey, Malformed> {
        Ok((self.topic_id()?, self.i32()?))
    }

    fn topic_id(&mut self) -> Result<TopicId, Malformed> {
        let mut id = [0; 16];
        self.take(id.len())?.copy_to_slice(&mut id);
        Ok(TopicId(id))
    }

    fn replicas(&mut self) -> Result<Vec<NodeId>, Malformed> {
        let mut replicas = Vec::new();
        for _ in 0..self.u32()? {
            replicas.push(NodeId::new(self.i32()?));
        }
        Ok(replicas)
    }

    fn settings(&mut self) -> Result<Settings, Malformed> {
        let mut settings = Settings::new();
        for _ in 0..self.u32()? {
            settings.insert(self.text()?, self.text()?);
        }
        Ok(settings)
    }

    fn duration(&mut self) -> Result<Duration, Malformed> {
        // A second process may have written what no clock can be added to.
        let millis = self.take(8)?.get_u64();
        Ok(Duration::from_millis(millis.min(u64::from(u32::MAX))))
    }

    fn optional(&mut self) -> Result<Option<String>, Malformed> {
        match self.byte()? {
            0 => Ok(None),
            _ => self.text().map(Some),
        }
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let bytes = self.bytes()?;
        String::from_utf8(bytes.into()).map_err(|_| Malformed::new("a name that is no text"))
    }

    fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?.get_u8())
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(self.take(4)?.get_u32())
    }

    fn i16(&mut self) -> Result<i16, Malformed> {
        Ok(self.take(2)?.get_i16())
    }

    fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(self.take(4)?.get_i32())
    }

    fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(self.take(8)?.get_i64())
    }

    fn take(&mut self, length: usize) -> Result<Bytes, Malformed> {
        if self.rest.len() < length {
            return Err(Malformed::new("a fact that ends in its middle"));
        }
        Ok(self.rest.split_to(length))
    }
}
