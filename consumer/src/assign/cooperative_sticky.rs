//! `cooperative-sticky`: as `sticky`, but members go on reading what they keep (KIP-429).
//!
//! Members join while they own partitions and say which. A partition that is to change hands is
//! given to nobody at first: its owner sees that it is gone, gives it up and joins again, and that
//! second rebalance gives it to the new owner. The results are those of Kafka's
//! `CooperativeStickyAssignor`, except that a partition that two members claim is held back in all
//! cases, not only if all members want the same topics.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use weft_client::ids::{GenerationId, MemberId, TopicName};

use super::blob::{BlobReader, BlobWriter};
use super::sticky::{Claim, Claims, Problem, divide, named};
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
        let problem = Problem::new(topics, members);
        let announced: Vec<Claim> = members.values().map(claim_of).collect();
        let claims = Claims::settle(&problem, &announced);
        let mut shares = divide(&problem, &claims);
        for (place, share) in shares.iter_mut().enumerate() {
            share.retain(|partition| !claims.must_wait(*partition, place));
        }
        Ok(named(&problem, shares, members))
    }
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
