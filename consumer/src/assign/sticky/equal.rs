//! Divides partitions among members that all want the same topics.
//!
//! Then everybody can have everything, and shares differ by one at most: with `n` partitions and
//! `m` members each gets `n / m`, and `n mod m` of them get one more. Members keep what they own up
//! to that; the rest is dealt out in turn, first within racks if they matter.

use std::collections::{BTreeSet, VecDeque};

use super::claims::Claims;
use super::problem::{Partition, Place, Problem, Share};

pub(super) fn divide<'a>(problem: &Problem<'a>, claims: &Claims<'a>) -> Vec<Share<'a>> {
    let mut deal = Deal::new(problem);
    deal.keep_owned(claims);
    let kept: BTreeSet<Partition<'_>> = deal.shares.iter().flatten().copied().collect();
    let mut rest: Vec<_> = problem.partitions().collect();
    rest.retain(|partition| !kept.contains(partition));
    if problem.racks_matter {
        rest = deal.deal_within_racks(rest);
    }
    deal.deal_in_turn(rest);
    deal.shares
}

struct Deal<'p, 'a> {
    problem: &'p Problem<'a>,
    shares: Vec<Share<'a>>,
    /// What every member gets at least.
    fewest: usize,
    /// How many members may still get one more than that.
    extras: usize,
    /// Members that have less than `fewest`.
    below: Vec<Place>,
    /// Members that have exactly `fewest` and may get one more.
    level: VecDeque<Place>,
}

impl<'p, 'a> Deal<'p, 'a> {
    fn new(problem: &'p Problem<'a>) -> Self {
        let total = problem.partitions().count();
        let members = problem.members.len();
        Self {
            problem,
            shares: Vec::with_capacity(members),
            fewest: total / members,
            extras: total % members,
            below: Vec::new(),
            level: VecDeque::new(),
        }
    }

    /// Lets every member keep what it owns and suits it, as far as its share goes. Low numbers are
    /// kept first, whatever their topic, so that what is given up is spread over the topics.
    fn keep_owned(&mut self, claims: &Claims<'a>) {
        for (member, owned) in claims.owned.iter().enumerate() {
            let mut share = owned.clone();
            share.retain(|partition| self.problem.may_keep(member, *partition));
            share.sort_by_key(|(topic, number)| (*number, *topic));
            if share.len() < self.fewest {
                self.below.push(member);
            } else if share.len() > self.fewest && self.extras > 0 {
                share.truncate(self.fewest + 1);
                self.use_extra();
            } else {
                share.truncate(self.fewest);
                self.level_off(member);
            }
            self.shares.push(share);
        }
    }

    /// Deals to members in the partition's rack; returns what has to go elsewhere. The partitions
    /// that the fewest members have in their rack come first.
    fn deal_within_racks(&mut self, mut rest: Vec<Partition<'a>>) -> Vec<Partition<'a>> {
        rest.sort_by_cached_key(|partition| self.problem.members_in_rack(*partition));
        let mut turn = 0;
        rest.retain(|partition| {
            let in_rack = |member: &Place| self.problem.is_in_rack(*member, *partition);
            let (before, after) = self.below.split_at(turn);
            let later = after.iter().position(in_rack).map(|found| found + turn);
            if let Some(found) = later.or_else(|| before.iter().position(in_rack)) {
                turn = self.give_below(found, *partition);
                turn %= self.below.len().max(1);
            } else if let Some(found) = self.level.iter().position(in_rack) {
                let member = self.level.remove(found);
                self.give_extra(member, *partition);
            } else {
                return true;
            }
            false
        });
        rest
    }

    /// Deals to everybody: in turn to those that have too little, then one more to some of the
    /// others.
    fn deal_in_turn(&mut self, rest: Vec<Partition<'a>>) {
        let mut turn = 0;
        for partition in rest {
            if self.below.is_empty() {
                let member = self.level.pop_front();
                self.give_extra(member, partition);
            } else {
                turn = self.give_below(turn % self.below.len(), partition);
            }
        }
    }

    /// Gives to the member at `turn` of those that have too little. Returns whose turn it is next.
    fn give_below(&mut self, turn: usize, partition: Partition<'a>) -> usize {
        let member = self.below[turn];
        self.shares[member].push(partition);
        if self.shares[member].len() < self.fewest {
            return turn + 1;
        }
        self.below.remove(turn);
        self.level_off(member);
        turn
    }

    fn give_extra(&mut self, member: Option<Place>, partition: Partition<'a>) {
        let member = member.expect("the shares add up to the number of partitions");
        self.shares[member].push(partition);
        self.use_extra();
    }

    fn use_extra(&mut self) {
        self.extras -= 1;
        if self.extras == 0 {
            self.level.clear();
        }
    }

    fn level_off(&mut self, member: Place) {
        if self.extras > 0 {
            self.level.push_back(member);
        }
    }
}
