//! Divides partitions among members that want different topics.
//!
//! Members keep what they own and still want; what is left goes to whoever has least. Then
//! partitions move, one at a time and only to members that have at least two fewer. Each such move
//! makes the shares strictly more equal (the sum of their squares falls), so the moving ends by
//! itself, and no result can be worse than what it started from.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::ids::TopicName;

use super::claims::Claims;
use super::problem::{Partition, Place, Problem, Share};

pub(super) fn divide<'a>(problem: &Problem<'a>, claims: &Claims<'a>) -> Vec<Share<'a>> {
    // Partitions that few members can read are placed first, while there is a choice.
    let mut partitions: Vec<_> = problem.partitions().collect();
    partitions.sort_by_key(|(topic, _)| problem.readers(topic).len());
    let mut division = Division {
        problem,
        claims,
        shares: vec![Share::new(); problem.members.len()],
        owner: BTreeMap::new(),
        moves: Moves::default(),
    };
    let gave_up = division.keep_owned();
    let mut unassigned = partitions.clone();
    unassigned.retain(|partition| !division.owner.contains_key(partition));
    division.place(&unassigned);
    if !gave_up {
        division.balance(&unassigned);
    }
    division.balance(&partitions);
    division.shares
}

struct Division<'p, 'a> {
    problem: &'p Problem<'a>,
    claims: &'p Claims<'a>,
    shares: Vec<Share<'a>>,
    owner: BTreeMap<Partition<'a>, Place>,
    moves: Moves<'a>,
}

impl<'a> Division<'_, 'a> {
    /// Lets members keep what they own, want and may. Returns whether somebody had to give up a
    /// partition, in which case the owners move anyway and need not be spared.
    fn keep_owned(&mut self) -> bool {
        let mut gave_up = false;
        for (member, owned) in self.claims.owned.iter().enumerate() {
            for partition in owned {
                let wanted = self.problem.readers(partition.0).contains(&member);
                if wanted && self.problem.may_keep(member, *partition) {
                    self.give(member, *partition);
                } else {
                    gave_up = true;
                }
            }
        }
        gave_up
    }

    /// Gives each partition to the member that has least, among those that it suits if there are
    /// any.
    fn place(&mut self, unassigned: &[Partition<'a>]) {
        let mut elsewhere = Vec::new();
        for partition in unassigned {
            let suits = |member: &Place| self.problem.suits(*member, *partition);
            match self.least_loaded(*partition, suits) {
                Some(member) => self.give(member, *partition),
                None => elsewhere.push(*partition),
            }
        }
        for partition in elsewhere {
            if let Some(member) = self.least_loaded(partition, |_| true) {
                self.give(member, partition);
            }
        }
    }

    /// Moves the partitions until no move makes shares more equal.
    fn balance(&mut self, partitions: &[Partition<'a>]) {
        loop {
            let mut moved = false;
            for partition in partitions {
                if let Some(to) = self.better_place(*partition) {
                    self.relocate(*partition, to);
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// A member that wants the partition and has at least two fewer than its owner: the one that
    /// had it before, or else the one that has least.
    fn better_place(&self, partition: Partition<'a>) -> Option<Place> {
        let owner = *self.owner.get(&partition)?;
        let readers = self.problem.readers(partition.0);
        let former = self.claims.former_owner(partition);
        let former = former.filter(|former| readers.contains(former));
        former
            .filter(|former| self.is_fairer(owner, *former))
            .or_else(|| self.least_loaded(partition, |_| true))
            .filter(|to| self.is_fairer(owner, *to))
    }

    /// Moves the partition to `to`, or rather, if one of the topic went the other way before, moves
    /// that one back: the effect is the same and one partition less has changed hands.
    fn relocate(&mut self, partition: Partition<'a>, to: Place) {
        let from = self.owner[&partition];
        let mut moving = (partition, from);
        if let Some(back) = self.moves.opposite(partition, from, to) {
            // If this one moved before, the other's holder is not `from`, and may have little
            // itself.
            let holder = self.owner[&back];
            if self.is_fairer(holder, to) {
                moving = (back, holder);
            }
        }
        let (partition, from) = moving;
        self.shares[from].retain(|held| *held != partition);
        self.give(to, partition);
        self.moves.note(partition, from, to);
    }

    fn is_fairer(&self, from: Place, to: Place) -> bool {
        self.shares[to].len() + 1 < self.shares[from].len()
    }

    fn least_loaded(
        &self,
        partition: Partition<'a>,
        may_get: impl Fn(&Place) -> bool,
    ) -> Option<Place> {
        let readers = self.problem.readers(partition.0).iter().copied();
        readers
            .filter(may_get)
            .min_by_key(|member| (self.shares[*member].len(), *member))
    }

    fn give(&mut self, member: Place, partition: Partition<'a>) {
        self.shares[member].push(partition);
        self.owner.insert(partition, member);
    }
}

/// Which partitions moved: from whom at first, and to whom at last.
#[derive(Default)]
struct Moves<'a> {
    of: BTreeMap<Partition<'a>, (Place, Place)>,
    between: BTreeMap<(&'a TopicName, Place, Place), BTreeSet<i32>>,
}

impl<'a> Moves<'a> {
    fn note(&mut self, (topic, number): Partition<'a>, from: Place, to: Place) {
        let mut origin = from;
        if let Some((first, last)) = self.of.remove(&(topic, number)) {
            origin = first;
            if let Some(numbers) = self.between.get_mut(&(topic, first, last)) {
                numbers.remove(&number);
            }
        }
        if origin != to {
            self.of.insert((topic, number), (origin, to));
            let numbers = self.between.entry((topic, origin, to)).or_default();
            numbers.insert(number);
        }
    }

    /// A partition of the same topic that went from `to` to where this one was at first.
    fn opposite(&self, partition: Partition<'a>, from: Place, to: Place) -> Option<Partition<'a>> {
        let (topic, _) = partition;
        let origin = self.of.get(&partition).map_or(from, |(first, _)| *first);
        let numbers = self.between.get(&(topic, to, origin))?;
        numbers.first().map(|number| (topic, *number))
    }
}
