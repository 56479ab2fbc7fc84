//! `cooperative-sticky`: as `sticky`, but members go on reading what they keep (KIP-429).
//!
//! Members join while they own partitions and say which. A partition that is to change hands is
//! given to nobody at first: its owner sees that it is gone, gives it up and joins again, and that
//! second rebalance gives it to the new owner. The results are those of Kafka's
//! `CooperativeStickyAssignor`, with two exceptions. A partition that two members claim is held
//! back in all cases, not only if all members want the same topics. And a group that has everything
//! and is even stays as it is, unless more would be read nearby: Kafka's assignor takes from a
//! member whatever that reads from afar, even if it has nothing nearer to give, and some groups
//! with such members rebalance for ever.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use weft_client::ids::{GenerationId, MemberId, TopicName};

use super::blob::{BlobReader, BlobWriter};
use super::sticky::{Claim, Claims, Problem, Share, divide, named};
use super::{
    AssignError, Assignor, ClusterTopics, LastAssignment, MemberAssignment, MemberSubscription,
    RebalanceProtocol,
};

/// Keeps shares equal and partitions where they are, and never lets two members read one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CooperativeStickyAssignor;

impl Assignor for CooperativeStickyAssignor {
    fn name(&self) -> &str {
        "cooperative-sticky"
    }

    fn supported_protocols(&self) -> &[RebalanceProtocol] {
        &[RebalanceProtocol::Cooperative, RebalanceProtocol::Eager]
    }

    /// The generation of the last rebalance, for leaders that do not read it from the subscription.
    fn subscription_user_data(
        &self,
        _topics: &BTreeSet<TopicName>,
        last: Option<&LastAssignment>,
    ) -> Option<Bytes> {
        let mut out = BlobWriter::default();
        out.int32(
            last.map_or(GenerationId::NONE, |last| last.generation)
                .value(),
        );
        Some(out.into_bytes())
    }

    fn assign(
        &self,
        topics: &ClusterTopics,
        members: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, AssignError> {
        let mut problem = Problem::new(topics, members);
        let announced: Vec<Claim> = members.values().map(claim_of).collect();
        let claims = Claims::settle(&problem, &announced);
        let mut shares = divide(&problem, &claims);
        let has_everything = claims.count() == problem.partitions().count();
        if problem.racks_matter && has_everything && has_to_wait(&claims, &shares) {
            problem.keeps_what_is_far = true;
            let calm = divide(&problem, &claims);
            if !has_to_wait(&claims, &calm) && is_as_good(&problem, &calm, &shares) {
                shares = calm;
            }
        }
        for (place, share) in shares.iter_mut().enumerate() {
            share.retain(|partition| !claims.must_wait(*partition, place));
        }
        Ok(named(&problem, shares, members))
    }
}

/// Whether something is to change hands that has not been given up yet.
fn has_to_wait(claims: &Claims<'_>, shares: &[Share<'_>]) -> bool {
    let mut shares = shares.iter().enumerate();
    shares.any(|(place, share)| share.iter().any(|one| claims.must_wait(*one, place)))
}

/// Whether a division is as even as another one, and as much of it is read nearby.
fn is_as_good(problem: &Problem<'_>, one: &[Share<'_>], other: &[Share<'_>]) -> bool {
    let unevenness = |shares: &[Share<'_>]| {
        let squares = shares.iter().map(|share| share.len() * share.len());
        squares.sum::<usize>()
    };
    unevenness(one) <= unevenness(other) && problem.read_nearby(one) >= problem.read_nearby(other)
}

/// What a member claims in its subscription; its user data serves only for a missing generation.
fn claim_of(member: &MemberSubscription) -> Claim {
    let user_data = || {
        let mut from = BlobReader::new(member.user_data.clone().unwrap_or_default());
        from.int32().map_or(GenerationId::NONE, GenerationId::new)
    };
    Claim {
        partitions: member.owned_partitions.clone(),
        generation: member.generation.unwrap_or_else(user_data),
    }
}
