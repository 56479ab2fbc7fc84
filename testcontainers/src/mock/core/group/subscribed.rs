//! What the members of a group read, as far as they say so, and which committed offsets may be
//! deleted therefore (KIP-496).

use bytes::{Buf, Bytes};
use weft_client::wire::ErrorCode;

use super::machine::{Group, Phase};

impl Group {
    /// Whether offsets may be deleted at all: members that are no consumers might use any.
    pub(crate) fn check_offset_delete(&self) -> Result<(), ErrorCode> {
        if self.phase == Phase::Empty || self.protocol_type() == CONSUMER {
            Ok(())
        } else {
            Err(ErrorCode::NON_EMPTY_GROUP)
        }
    }

    /// Forgets a committed offset, and what a transaction is about to commit.
    pub(crate) fn delete_offset(&mut self, topic: &str, partition: i32) -> Result<(), ErrorCode> {
        if self.reads(topic) {
            return Err(ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC);
        }
        self.committed_mut().delete(topic, partition);
        Ok(())
    }

    /// Whether a member reads the topic. One that cannot be understood might.
    fn reads(&self, topic: &str) -> bool {
        let protocol = self.protocol().unwrap_or_default();
        self.members().any(|member| {
            let topics = topics_of(member.metadata(protocol));
            topics.is_none_or(|topics| topics.iter().any(|read| read.as_ref() == topic.as_bytes()))
        })
    }
}

/// The topics of a `ConsumerProtocolSubscription`, which come first in each of its versions.
fn topics_of(mut metadata: Bytes) -> Option<Vec<Bytes>> {
    metadata.try_get_i16().ok()?;
    let count = metadata.try_get_i32().ok()?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(metadata.try_get_i16().ok()?).ok()?;
        if metadata.remaining() < length {
            return None;
        }
        topics.push(metadata.split_to(length));
    }
    Some(topics)
}

/// The protocol type of consumers.
const CONSUMER: &str = "consumer";
