//! Settles who owned what before the rebalance, when members may be wrong or late.
//!
//! Of several members that claim a partition, the one of the highest generation is right. If
//! several of that generation claim it, nobody is: one of them must have missed something.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::ids::{GenerationId, TopicPartition};

use super::problem::{Partition, Place, Problem, Share};

/// What one member says that it owns.
pub(in crate::assign) struct Claim {
    pub(in crate::assign) partitions: Vec<TopicPartition>,
    /// The generation in which it was given them, [`GenerationId::NONE`] if it does not say.
    pub(in crate::assign) generation: GenerationId,
}

/// The settled claims of all members.
pub(in crate::assign) struct Claims<'a> {
    /// What each member rightly owns, in the order in which it said so.
    pub(super) owned: Vec<Share<'a>>,
    /// Who claims a partition in the highest generation in which it is claimed.
    claimants: BTreeMap<Partition<'a>, Claimants>,
    /// Who owned a partition before the newest generation, for those that said so only now.
    former: BTreeMap<Partition<'a>, (GenerationId, Place)>,
}

struct Claimants {
    generation: GenerationId,
    places: BTreeSet<Place>,
}

impl<'a> Claims<'a> {
    /// Settles the claims, one of each member of the problem, in that order.
    pub(in crate::assign) fn settle(problem: &Problem<'a>, claims: &[Claim]) -> Self {
        let newest = claims.iter().map(|claim| claim.generation).max();
        let mut settled = Self {
            owned: Vec::new(),
            claimants: BTreeMap::new(),
            former: BTreeMap::new(),
        };
        for (place, claim) in claims.iter().enumerate() {
            let mine = claim.partitions.iter();
            let mine = mine.filter_map(|one| problem.find(one.topic(), one.partition()));
            let mine: Share<'a> = mine.collect();
            for partition in &mine {
                settled.enter(*partition, place, claim.generation);
                if Some(claim.generation) < newest {
                    settled.enter_former(*partition, place, claim.generation);
                }
            }
            settled.owned.push(mine);
        }
        let claimants = &settled.claimants;
        for (place, owned) in settled.owned.iter_mut().enumerate() {
            let mut seen = BTreeSet::new();
            owned.retain(|partition| {
                is_sole(claimants, *partition, place) && seen.insert(*partition)
            });
        }
        settled
    }

    /// How many partitions have a rightful owner.
    pub(in crate::assign) fn count(&self) -> usize {
        self.owned.iter().map(Vec::len).sum()
    }

    /// The member that owned the partition in an older generation, if one says so.
    pub(super) fn former_owner(&self, partition: Partition<'a>) -> Option<Place> {
        self.former.get(&partition).map(|(_, place)| *place)
    }

    /// Whether somebody may still be reading a partition that is meant for `place`, so that it must
    /// wait until it has been given up.
    pub(in crate::assign) fn must_wait(&self, partition: Partition<'a>, place: Place) -> bool {
        self.claimants.contains_key(&partition) && !is_sole(&self.claimants, partition, place)
    }

    fn enter(&mut self, partition: Partition<'a>, place: Place, generation: GenerationId) {
        let known = self
            .claimants
            .entry(partition)
            .or_insert_with(|| Claimants {
                generation,
                places: BTreeSet::new(),
            });
        if generation > known.generation {
            known.generation = generation;
            known.places.clear();
        }
        if generation == known.generation {
            known.places.insert(place);
        }
    }

    fn enter_former(&mut self, partition: Partition<'a>, place: Place, generation: GenerationId) {
        let known = self.former.entry(partition).or_insert((generation, place));
        if generation > known.0 {
            *known = (generation, place);
        }
    }
}

fn is_sole(
    claimants: &BTreeMap<Partition<'_>, Claimants>,
    partition: Partition<'_>,
    place: Place,
) -> bool {
    let claimed = claimants.get(&partition);
    claimed.is_some_and(|by| by.places.len() == 1 && by.places.contains(&place))
}
