//! All groups by name, and the ids that their members get.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use weft_client::wire::ErrorCode;
use weft_client::{GroupId, GroupInstanceId, MemberId};

use super::super::durable::GroupImage;
use super::super::reply::ConnectionId;
use super::super::violations::Violations;
use super::machine::{Group, GroupAnswer, GroupState};

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    by_id: BTreeMap<GroupId, Group>,
    /// Groups whose coordinator is still reading what it must know of them, and until when.
    loading: BTreeMap<GroupId, Instant>,
    pub(in super::super) member_ids_given: u64,
    /// The groups that may have changed, and those that were deleted.
    touched: BTreeSet<GroupId>,
    deleted: Vec<GroupId>,
}

impl Groups {
    pub(crate) fn find(&self, id: &str) -> Option<&Group> {
        self.by_id.get(id)
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut Group> {
        let group = self.by_id.get_mut(id)?;
        self.touched.insert(group.id.clone());
        Some(group)
    }

    /// The group, which is created if it must be.
    pub(crate) fn find_or_create(&mut self, id: &GroupId) -> Result<&mut Group, ErrorCode> {
        if self.by_id.len() >= GROUPS_MAX && !self.by_id.contains_key(id) {
            return Err(ErrorCode::POLICY_VIOLATION);
        }
        self.touched.insert(id.clone());
        let group = self.by_id.entry(id.clone());
        Ok(group.or_insert_with(|| Group::new(id.clone())))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.by_id.values()
    }

    pub(crate) fn delete(&mut self, id: &str) -> Result<(), ErrorCode> {
        match self.by_id.get(id).map(Group::state) {
            None => Err(ErrorCode::GROUP_ID_NOT_FOUND),
            Some(GroupState::Empty) => {
                self.remove(id);
                Ok(())
            }
            Some(_) => Err(ErrorCode::NON_EMPTY_GROUP),
        }
    }

    pub(in super::super) fn remove(&mut self, id: &str) {
        let removed = self.by_id.remove(id);
        self.deleted.extend(removed.map(|group| group.id));
    }

    pub(crate) fn forget_topic(&mut self, topic: &str) {
        for group in self.by_id.values_mut() {
            group.committed_mut().forget_topic(topic);
        }
    }

    /// The groups that were asked for or woken since the last call.
    pub(in super::super) fn take_touched(&mut self) -> BTreeSet<GroupId> {
        std::mem::take(&mut self.touched)
    }

    /// The groups that were deleted since the last call.
    pub(in super::super) fn take_deleted(&mut self) -> Vec<GroupId> {
        std::mem::take(&mut self.deleted)
    }

    /// Puts a group in the place of what is known of it; its committed offsets stay.
    pub(in super::super) fn restore(&mut self, now: Instant, image: GroupImage) {
        let id = image.id.clone();
        let group = self.by_id.entry(id.clone());
        let group = group.or_insert_with(|| Group::new(id));
        group.restore(now, image);
    }

    /// An id that no member ever had. Static members are named after their instance.
    pub(crate) fn fresh_member_id(
        &mut self,
        client_id: &str,
        instance_id: Option<&GroupInstanceId>,
    ) -> MemberId {
        self.member_ids_given += 1;
        let name = instance_id.map_or(client_id, GroupInstanceId::as_str);
        MemberId::from(format!("{name}-{:032x}", self.member_ids_given))
    }

    /// Until then nobody answers for the group.
    pub(crate) fn load(
        &mut self,
        now: Instant,
        id: GroupId,
        until: Instant,
    ) -> Result<(), TooManyLoading> {
        self.loading.retain(|_, until| *until > now);
        if self.loading.len() >= LOADING_MAX {
            return Err(TooManyLoading);
        }
        self.loading.insert(id, until);
        Ok(())
    }

    pub(crate) fn is_loading(&self, now: Instant, id: &GroupId) -> bool {
        self.loading.get(id).is_some_and(|until| *until > now)
    }

    /// When something is due in a group, those left out for which `is_stopped` says so.
    pub(crate) fn next_deadline(&self, is_stopped: impl Fn(&GroupId) -> bool) -> Option<Instant> {
        let groups = self.by_id.values().filter(|group| !is_stopped(&group.id));
        groups.filter_map(Group::next_deadline).min()
    }

    pub(crate) fn expire(
        &mut self,
        now: Instant,
        is_stopped: impl Fn(&GroupId) -> bool,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) {
        for group in self.by_id.values_mut() {
            if is_stopped(&group.id) {
                continue;
            }
            if group.next_deadline().is_some_and(|due_at| due_at <= now) {
                self.touched.insert(group.id.clone());
                group.expire(now, violations, out);
            }
        }
    }

    pub(crate) fn forget_connection(&mut self, connection: ConnectionId) {
        for group in self.by_id.values_mut() {
            group.forget_connection(connection);
        }
    }

    /// The groups for which `is_moving` says so go to another broker.
    pub(crate) fn move_to_another_broker(
        &mut self,
        now: Instant,
        mut is_moving: impl FnMut(&GroupId) -> bool,
        out: &mut Vec<GroupAnswer>,
    ) {
        for group in self.by_id.values_mut() {
            if is_moving(&group.id) {
                group.move_to_another_broker(now, out);
            }
        }
    }
}

/// There are too many already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyLoading;

/// How many groups may be loading at a time.
const LOADING_MAX: usize = 1_000;

/// How many groups the cluster may have.
const GROUPS_MAX: usize = 100_000;
