//! `sticky`: shares as equal as can be, and within that as few moves as can be.
//!
//! What members own is a *claim*: a list of partitions and the generation in which they were given.
//! Claims are settled first ([`claims`]); then the partitions are divided, in one way if all
//! members want the same topics ([`equal`]), in another if not ([`general`]). The results are those
//! of Kafka's `StickyAssignor`. What differs is what broken claims lead to: a partition that does
//! not exist is never kept, and a member never gets back a topic that it no longer wants.

mod claims;
mod equal;
mod general;
mod problem;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use weft_client::ids::{GenerationId, MemberId, TopicName, TopicPartition};

use super::blob::{BlobError, BlobReader, BlobWriter};
use super::roster::nothing_for;
use super::{
    AssignError, Assignor, ClusterTopics, LastAssignment, MemberAssignment, MemberSubscription,
};
pub(super) use claims::{Claim, Claims};
pub(super) use problem::{Problem, Share};

/// Keeps shares equal, and partitions where they are as long as that allows it.
///
/// Works under the eager protocol: members give up everything before they join, and carry what they
/// had in their user data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StickyAssignor;

impl Assignor for StickyAssignor {
    fn name(&self) -> &str {
        "sticky"
    }

    /// What the member was given and when. `None` before the first rebalance, and if a topic's name
    /// is too long to be written, which costs stickiness only.
    fn subscription_user_data(
        &self,
        _topics: &BTreeSet<TopicName>,
        last: Option<&LastAssignment>,
    ) -> Option<Bytes> {
        last.and_then(|last| encode_claim(last).ok())
    }

    fn assign(
        &self,
        topics: &ClusterTopics,
        members: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, AssignError> {
        let problem = Problem::new(topics, members);
        let announced: Vec<Claim> = members.values().map(claim_of).collect();
        let claims = Claims::settle(&problem, &announced);
        let shares = divide(&problem, &claims);
        Ok(named(&problem, shares, members))
    }
}

/// Divides the partitions; the shares are in the order of the problem's members.
pub(super) fn divide<'a>(problem: &Problem<'a>, claims: &Claims<'a>) -> Vec<Share<'a>> {
    if problem.members.is_empty() {
        Vec::new()
    } else if problem.all_want_the_same {
        equal::divide(problem, claims)
    } else {
        general::divide(problem, claims)
    }
}

/// Turns shares into the result of an assignor.
pub(super) fn named(
    problem: &Problem<'_>,
    shares: Vec<Share<'_>>,
    members: &BTreeMap<MemberId, MemberSubscription>,
) -> BTreeMap<MemberId, MemberAssignment> {
    let mut result = nothing_for(members);
    for (member, share) in problem.members.iter().zip(shares) {
        let partitions = share.into_iter();
        let partitions =
            partitions.map(|(topic, number)| TopicPartition::new(topic.clone(), number));
        let assignment = MemberAssignment {
            partitions: partitions.collect(),
            user_data: None,
        };
        result.insert(member.id.clone(), assignment);
    }
    result
}

/// Partitions grouped by topic, topics by name, then the generation.
fn encode_claim(last: &LastAssignment) -> Result<Bytes, BlobError> {
    let mut by_topic = last.partitions.clone();
    by_topic.sort_by(|one, other| one.topic().cmp(other.topic()));
    let mut out = BlobWriter::default();
    out.partitions(&by_topic)?;
    out.int32(last.generation.value());
    Ok(out.into_bytes())
}

/// What a member claims in its user data. Old clients leave the generation out; bytes that make no
/// sense claim nothing. The owned partitions are beside the point under the eager protocol.
fn claim_of(member: &MemberSubscription) -> Claim {
    let mut from = BlobReader::new(member.user_data.clone().unwrap_or_default());
    let partitions = from.partitions().unwrap_or_default();
    let generation = from.int32().map(GenerationId::new);
    Claim {
        partitions,
        generation: generation.unwrap_or(GenerationId::NONE),
    }
}
