//! What the members of a group say about their partitions, read only to catch them lying: two that
//! own the same one, a leader that gives one to two, or that takes one away from a cooperative
//! member and gives it to another in the same generation (KIP-429).
//!
//! The bytes belong to the protocol type `consumer`; what does not read as that is passed over.

use std::collections::BTreeMap;

use weft_client::{GenerationId, MemberId, TopicPartition};

use super::super::violations::Violations;
use super::machine::Group;
use super::member::Member;

/// Checks what the members that have just joined say to own.
pub(super) fn check_owned(group: &Group, violations: &mut Violations) {
    let mut owners: BTreeMap<(TopicPartition, GenerationId), &MemberId> = BTreeMap::new();
    for member in consumers(group) {
        let Some((owned, generation)) = owned_by(group, member) else {
            continue;
        };
        for partition in owned {
            if let Some(other) = owners.insert((partition.clone(), generation), &member.id) {
                violations.add(format_args!(
                    "members {other} and {} of group {} both own {partition} of {generation:?}",
                    member.id, group.id
                ));
            }
        }
    }
}

/// Checks what the leader has just handed out.
pub(super) fn check_assignment(group: &Group, violations: &mut Violations) {
    let previous = GenerationId::new(group.generation.value().saturating_sub(1));
    let is_cooperative = group.protocol.as_deref() == Some(COOPERATIVE);
    let mut owners: BTreeMap<TopicPartition, &MemberId> = BTreeMap::new();
    if is_cooperative {
        for member in consumers(group) {
            if let Some((owned, generation)) = owned_by(group, member)
                && generation == previous
            {
                owners.extend(owned.into_iter().map(|partition| (partition, &member.id)));
            }
        }
    }
    let mut assigned: BTreeMap<TopicPartition, &MemberId> = BTreeMap::new();
    for member in consumers(group) {
        for partition in partitions_of(&member.assignment).unwrap_or_default() {
            if let Some(owner) = owners.get(&partition).filter(|owner| **owner != &member.id) {
                violations.add(format_args!(
                    "the leader of group {} gives {partition} to {} while {owner} owns it",
                    group.id, member.id
                ));
            }
            if let Some(other) = assigned.insert(partition.clone(), &member.id) {
                violations.add(format_args!(
                    "the leader of group {} gives {partition} to both {other} and {}",
                    group.id, member.id
                ));
            }
        }
    }
}

fn consumers(group: &Group) -> impl Iterator<Item = &Member> {
    let is_consumer = group.protocol_type == "consumer";
    group.members.values().filter(move |_| is_consumer)
}

/// What a member says to own and since which generation; nothing if it does not tell the latter.
fn owned_by(group: &Group, member: &Member) -> Option<(Vec<TopicPartition>, GenerationId)> {
    let metadata = member.metadata(group.protocol.as_deref()?);
    let mut reader = Reader { rest: &metadata };
    let version = reader.int16()?;
    if version < GENERATION_SINCE {
        return None;
    }
    for _ in 0..reader.int32()? {
        reader.text()?;
    }
    reader.bytes()?;
    let owned = reader.partitions()?;
    let generation = GenerationId::new(reader.int32()?);
    (generation >= GenerationId::new(0)).then_some((owned, generation))
}

fn partitions_of(assignment: &[u8]) -> Option<Vec<TopicPartition>> {
    let mut reader = Reader { rest: assignment };
    reader.int16()?;
    reader.partitions()
}

/// Reads what members write. Lists grow as their elements are read, so that a lying count costs
/// nothing.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn int16(&mut self) -> Option<i16> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(i16::from_be_bytes(*bytes))
    }

    fn int32(&mut self) -> Option<i32> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(i32::from_be_bytes(*bytes))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.int16()?).ok()?;
        str::from_utf8(self.take(length)?).ok()
    }

    /// A null counts as nothing.
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.int32()?.max(0).unsigned_abs();
        self.take(length as usize)
    }

    fn partitions(&mut self) -> Option<Vec<TopicPartition>> {
        let mut partitions = Vec::new();
        for _ in 0..self.int32()? {
            let topic = self.text()?;
            for _ in 0..self.int32()? {
                partitions.push(TopicPartition::new(topic, self.int32()?));
            }
        }
        Some(partitions)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

/// The first version of a subscription that tells since when partitions are owned.
const GENERATION_SINCE: i16 = 2;

const COOPERATIVE: &str = "cooperative-sticky";
