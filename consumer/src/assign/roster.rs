//! Who wants which topic, and in which order members are served: what all assignors share.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::ids::{MemberId, TopicName};

use super::{ClusterTopics, MemberAssignment, MemberSubscription, ReplicaRacks};

/// A member, in the order in which members are served: static ones first, by instance id, then the
/// others by member id. A static member's id changes when it restarts, its place does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reader<'a> {
    pub(super) id: &'a MemberId,
    pub(super) rack: Option<&'a str>,
}

/// All members in serving order.
pub(super) fn readers(members: &BTreeMap<MemberId, MemberSubscription>) -> Vec<Reader<'_>> {
    let mut entries: Vec<_> = members.iter().collect();
    entries.sort_by_key(|(_, subscription)| {
        let instance = subscription.group_instance_id.as_ref();
        (instance.is_none(), instance)
    });
    let readers = entries.into_iter().map(|(id, subscription)| Reader {
        id,
        rack: subscription.rack.as_deref().filter(|rack| !rack.is_empty()),
    });
    readers.collect()
}

/// The subscribed topics that exist, by name, each with its readers in serving order.
pub(super) fn readers_by_topic<'a>(
    topics: &'a ClusterTopics,
    members: &'a BTreeMap<MemberId, MemberSubscription>,
) -> BTreeMap<&'a TopicName, Vec<Reader<'a>>> {
    let mut by_topic: BTreeMap<&TopicName, Vec<Reader<'_>>> = BTreeMap::new();
    for reader in readers(members) {
        let wanted: BTreeSet<_> = members[reader.id].topics.iter().collect();
        for topic in wanted {
            if topics.partitions(topic).is_some() {
                by_topic.entry(topic).or_default().push(reader);
            }
        }
    }
    by_topic
}

/// An empty assignment for every member.
pub(super) fn nothing_for(
    members: &BTreeMap<MemberId, MemberSubscription>,
) -> BTreeMap<MemberId, MemberAssignment> {
    let empty = |id: &MemberId| (id.clone(), MemberAssignment::default());
    members.keys().map(empty).collect()
}

/// Whether heeding racks can gain anything: some reader's rack holds a replica, and not every
/// partition is in all the racks (KIP-881).
pub(super) fn racks_matter(readers: &[Reader<'_>], partitions: &[&ReplicaRacks]) -> bool {
    let replicas = partitions.iter().copied().flatten();
    let everywhere: BTreeSet<&str> = replicas.map(|rack| &**rack).collect();
    let mut reader_racks = readers.iter().filter_map(|reader| reader.rack);
    reader_racks.any(|rack| everywhere.contains(rack))
        && partitions.iter().any(|one| one.len() < everywhere.len())
}
