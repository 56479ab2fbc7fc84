//! `roundrobin`: deals the partitions of all topics out like cards.
//!
//! Partitions are dealt by topic and number, members are served in a circle, and a member that does
//! not want the topic is passed over. Racks and what members own make no difference. The result is
//! the one of Kafka's `RoundRobinAssignor`, order included.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::ids::{MemberId, TopicName, TopicPartition};

use super::roster::{nothing_for, readers};
use super::{AssignError, Assignor, ClusterTopics, MemberAssignment, MemberSubscription};

/// Deals the partitions of all subscribed topics to the members in turn.
///
/// Members with equal subscriptions get shares that differ by one at most. With different
/// subscriptions the shares can be far apart, since nobody gets a turn back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundRobinAssignor;

impl Assignor for RoundRobinAssignor {
    fn name(&self) -> &str {
        "roundrobin"
    }

    fn assign(
        &self,
        topics: &ClusterTopics,
        members: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, AssignError> {
        let mut result = nothing_for(members);
        let circle: Vec<(&MemberId, BTreeSet<&TopicName>)> = readers(members)
            .into_iter()
            .map(|reader| (reader.id, members[reader.id].topics.iter().collect()))
            .collect();
        let wanted: BTreeSet<&TopicName> = members.values().flat_map(|one| &one.topics).collect();
        // Ends at the first topic that it is asked for, since somebody wants each of them.
        let mut turns = circle.iter().cycle();
        for topic in wanted {
            let partitions = topics.partitions(topic).unwrap_or_default();
            for number in (0..).take(partitions.len()) {
                let next = turns.find(|(_, subscribed)| subscribed.contains(topic));
                let share = next.and_then(|(id, _)| result.get_mut(*id));
                let share = share.expect("a topic is wanted because a member subscribed to it");
                share
                    .partitions
                    .push(TopicPartition::new(topic.clone(), number));
            }
        }
        Ok(result)
    }
}
