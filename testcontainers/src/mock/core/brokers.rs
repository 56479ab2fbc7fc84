//! The brokers of the cluster: which live, and who answers for a group or a transactional id.

use std::collections::BTreeMap;

use weft_client::{Broker, GroupId, NodeId};

use super::transaction::TransactionalId;

/// See the module's text.
#[derive(Clone, Debug)]
pub(crate) struct Brokers {
    all: Vec<Member>,
    /// Who answers for a group, from the first time somebody asked until that broker dies.
    coordinators: BTreeMap<GroupId, NodeId>,
    /// The same for transactional ids.
    transaction_coordinators: BTreeMap<TransactionalId, NodeId>,
}

/// The coordinators of too many ids are known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

#[derive(Clone, Debug)]
struct Member {
    broker: Broker,
    is_alive: bool,
}

impl Brokers {
    pub(crate) fn new(brokers: Vec<Broker>) -> Self {
        let all = brokers
            .into_iter()
            .map(|broker| Member {
                broker,
                is_alive: true,
            })
            .collect();
        Self {
            all,
            coordinators: BTreeMap::new(),
            transaction_coordinators: BTreeMap::new(),
        }
    }

    pub(crate) fn ids(&self) -> impl ExactSizeIterator<Item = NodeId> {
        self.all.iter().map(|member| member.broker.id)
    }

    pub(crate) fn alive(&self) -> impl Iterator<Item = &Broker> {
        self.all
            .iter()
            .filter(|member| member.is_alive)
            .map(|member| &member.broker)
    }

    pub(crate) fn is_alive(&self, id: NodeId) -> bool {
        self.alive().any(|broker| broker.id == id)
    }

    pub(crate) fn contains(&self, id: NodeId) -> bool {
        self.ids().any(|known| known == id)
    }

    pub(crate) fn broker(&self, id: NodeId) -> Option<&Broker> {
        self.all
            .iter()
            .map(|member| &member.broker)
            .find(|broker| broker.id == id)
    }

    /// Takes note that a broker died or came back.
    pub(crate) fn set_alive(&mut self, id: NodeId, is_alive: bool) {
        for member in &mut self.all {
            if member.broker.id == id {
                member.is_alive = is_alive;
            }
        }
    }

    /// The live broker with the lowest id; any of them would do as well.
    pub(crate) fn controller(&self) -> Option<NodeId> {
        self.alive().map(|broker| broker.id).min()
    }

    /// The broker that answers for a group, if somebody has asked for it already.
    pub(crate) fn known_coordinator(&self, group: &GroupId) -> Option<NodeId> {
        self.coordinators.get(group).copied()
    }

    /// Another broker answers for the group from now on.
    pub(crate) fn move_coordinator(&mut self, group: &GroupId, to: NodeId) {
        if self.coordinators.len() < COORDINATORS_MAX || self.coordinators.contains_key(group) {
            self.coordinators.insert(group.clone(), to);
        }
    }

    /// The broker that answers for a group. `None` if none lives.
    pub(crate) fn coordinator(&mut self, group: &GroupId) -> Option<NodeId> {
        let known = self.coordinators.get(group).copied();
        if let Some(known) = known.filter(|known| self.is_alive(*known)) {
            return Some(known);
        }
        let chosen = self.choose(group.as_str())?;
        if self.coordinators.len() < COORDINATORS_MAX {
            self.coordinators.insert(group.clone(), chosen);
        }
        Some(chosen)
    }

    /// The broker that answers for a transactional id. `None` if none lives.
    pub(crate) fn transaction_coordinator(&mut self, id: &TransactionalId) -> Option<NodeId> {
        let known = self.transaction_coordinators.get(id).copied();
        if let Some(known) = known.filter(|known| self.is_alive(*known)) {
            return Some(known);
        }
        let chosen = self.choose(id.as_str())?;
        if self.transaction_coordinators.len() < COORDINATORS_MAX {
            self.transaction_coordinators.insert(id.clone(), chosen);
        }
        Some(chosen)
    }

    /// Another broker answers for the transactional id from now on. Nothing changes if so many are
    /// known that there is no room for it.
    pub(crate) fn move_transaction_coordinator(
        &mut self,
        id: &TransactionalId,
        to: NodeId,
    ) -> Result<(), NoRoom> {
        let known = &mut self.transaction_coordinators;
        if known.len() >= COORDINATORS_MAX && !known.contains_key(id) {
            return Err(NoRoom);
        }
        known.insert(id.clone(), to);
        Ok(())
    }

    /// The broker that answers for a transactional id, if anybody asked since the last one died.
    pub(crate) fn known_transaction_coordinator(&self, id: &TransactionalId) -> Option<NodeId> {
        self.transaction_coordinators.get(id).copied()
    }

    fn choose(&self, name: &str) -> Option<NodeId> {
        let alive: Vec<NodeId> = self.alive().map(|broker| broker.id).collect();
        let index = name_hash(name) % alive.len().max(1) as u64;
        alive
            .get(usize::try_from(index).unwrap_or_default())
            .copied()
    }
}

/// The Fowler-Noll-Vo hash: the same coordinator in every run of a test.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// How many groups, and how many transactional ids, keep their coordinator when a broker comes
/// back. Further ones may move.
const COORDINATORS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn brokers() -> Brokers {
        let broker = |id: i32| Broker {
            id: NodeId::new(id),
            host: "127.0.0.1".into(),
            port: 9092,
            rack: None,
        };
        Brokers::new((0..3).map(broker).collect())
    }

    #[test]
    fn a_group_keeps_its_coordinator_until_that_broker_dies() {
        let mut brokers = brokers();
        let group = GroupId::from("group");
        let first = brokers.coordinator(&group).unwrap();
        let bystander = brokers.ids().find(|id| *id != first).unwrap();

        brokers.set_alive(bystander, false);
        assert_eq!(brokers.coordinator(&group), Some(first));

        brokers.set_alive(first, false);
        let second = brokers.coordinator(&group).unwrap();
        assert_ne!(second, first);
        brokers.set_alive(first, true);
        brokers.set_alive(bystander, true);
        assert_eq!(brokers.coordinator(&group), Some(second));
    }

    #[test]
    fn groups_are_spread_over_the_brokers() {
        let mut brokers = brokers();
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..30 {
            seen.extend(brokers.coordinator(&GroupId::from(format!("group {number}"))));
        }
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn without_a_live_broker_nobody_answers() {
        let mut brokers = brokers();
        for id in 0..3 {
            brokers.set_alive(NodeId::new(id), false);
        }
        assert_eq!(brokers.coordinator(&GroupId::from("group")), None);
        assert_eq!(brokers.controller(), None);
    }
}
