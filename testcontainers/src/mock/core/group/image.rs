//! What of a group outlives its coordinator, and how it comes back: as after its last assignment,
//! or empty. Mirrors what Kafka's coordinator writes to `__consumer_offsets` and reads from it.

use std::time::Instant;

use super::super::durable::{GroupImage, MemberImage};
use super::machine::{Group, Phase};
use super::member::{Awaiting, Member, Protocol};

impl Group {
    /// What has to be written down, if that changed since the last call.
    pub(in super::super) fn take_image(&mut self) -> Option<&GroupImage> {
        let is_unsaved = std::mem::take(&mut self.is_unsaved);
        self.image.as_ref().filter(|_| is_unsaved)
    }

    /// What has to be written down, whether or not it is already.
    pub(in super::super) fn image(&self) -> Option<&GroupImage> {
        self.image.as_ref()
    }

    /// To be called in each state that outlives the coordinator.
    pub(super) fn keep_image(&mut self) {
        self.is_unsaved = true;
        let members = self.members.values();
        self.image = Some(GroupImage {
            id: self.id.clone(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: members.map(|member| self.member_image(member)).collect(),
        });
    }

    /// The group is as it was, and every member has a whole session to show that it lives.
    pub(super) fn restore(&mut self, now: Instant, image: GroupImage) {
        self.image = Some(image.clone());
        self.phase = if image.members.is_empty() {
            Phase::Empty
        } else {
            Phase::Stable
        };
        self.generation = image.generation;
        self.protocol_type = image.protocol_type;
        self.protocol = image.protocol;
        self.leader = image.leader;
        self.sync_until = None;
        let members = image.members.into_iter();
        self.members = members
            .map(|member| (member.id.clone(), restored(now, member)))
            .collect();
    }

    fn member_image(&self, member: &Member) -> MemberImage {
        let chosen = self.protocol.as_deref().unwrap_or_default();
        MemberImage {
            id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            session_timeout: member.session_timeout,
            rebalance_timeout: member.rebalance_timeout,
            protocol: Protocol {
                name: super::super::reply::text(chosen),
                metadata: member.metadata(chosen),
            },
            assignment: member.assignment.clone(),
        }
    }
}

fn restored(now: Instant, image: MemberImage) -> Member {
    Member {
        id: image.id,
        instance_id: image.instance_id,
        client_id: image.client_id,
        session_timeout: image.session_timeout,
        rebalance_timeout: image.rebalance_timeout,
        protocols: vec![image.protocol],
        assignment: image.assignment,
        awaiting: Awaiting::Nothing,
        is_new: false,
        has_synced: true,
        expires_at: now + image.session_timeout,
    }
}
