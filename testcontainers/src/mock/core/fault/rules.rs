//! The faults that are set, and how often each was met.

use std::collections::BTreeMap;

use weft_client::wire::ApiKey;

use super::fate::Fate;
use super::filter::Asked;
use super::rule::{Fault, FaultAction, FaultId, FaultRefused, Hits};
use super::spoil::Draw;

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    rules: BTreeMap<FaultId, Rule>,
    ids_given: u64,
}

#[derive(Clone, Debug)]
struct Rule {
    fault: Fault,
    counts: FaultCounts,
    draw: Draw,
}

/// How often a fault was met so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultCounts {
    /// How many requests its filter chose, of those that it got to see.
    pub matched: u64,
    /// How many of these it hit.
    pub hit: u64,
}

impl Rules {
    /// Sets a fault. One that can hit nothing more makes room for it if there are too many.
    pub(crate) fn set(&mut self, fault: Fault) -> Result<FaultId, FaultRefused> {
        fault.check()?;
        if self.rules.len() >= FAULTS_MAX {
            self.rules.retain(|_, rule| !rule.is_used_up());
        }
        if self.rules.len() >= FAULTS_MAX {
            return Err(FaultRefused::TooMany);
        }
        self.ids_given += 1;
        let id = FaultId(self.ids_given);
        let seed = match fault.hits {
            Hits::Chance { seed, .. } => seed,
            _ => 0,
        };
        let rule = Rule {
            fault,
            counts: FaultCounts::default(),
            draw: Draw::new(seed),
        };
        self.rules.insert(id, rule);
        Ok(id)
    }

    /// Does this to the next so many requests of an API; nothing is set for none.
    pub(crate) fn set_on_next(
        &mut self,
        api_key: ApiKey,
        action: FaultAction,
        count: usize,
    ) -> Result<(), FaultRefused> {
        if count == 0 {
            return Ok(());
        }
        let hits = Hits::First(count as u64);
        self.set(Fault::new(api_key, action).hits(hits)).map(drop)
    }

    /// Takes all faults away.
    #[cfg(feature = "simulation")]
    pub(crate) fn lift_all(&mut self) {
        self.rules.clear();
    }

    /// Takes a fault away and says how often it was met; nothing if it is not set.
    pub(crate) fn lift(&mut self, id: FaultId) -> Option<FaultCounts> {
        self.rules.remove(&id).map(|rule| rule.counts)
    }

    pub(crate) fn counts(&self, id: FaultId) -> Option<FaultCounts> {
        self.rules.get(&id).map(|rule| rule.counts)
    }

    /// All that are set, in the order in which they were.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FaultId, &Fault, FaultCounts)> {
        self.rules
            .iter()
            .map(|(id, rule)| (*id, &rule.fault, rule.counts))
    }

    /// What comes upon a request. It is counted.
    pub(crate) fn judge(&mut self, asked: &Asked<'_>) -> Fate {
        let mut fate = Fate::default();
        for (id, rule) in &mut self.rules {
            let Fault { filter, action, .. } = &rule.fault;
            // What is used up takes nothing from those behind it.
            if rule.is_used_up() || !fate.has_place_for(*action) || !filter.chooses(asked) {
                continue;
            }
            rule.counts.matched += 1;
            if rule.draw.is_hit(rule.fault.hits, rule.counts.matched) {
                rule.counts.hit += 1;
                fate.suffer(*id, &rule.fault.filter, rule.fault.action);
            }
        }
        fate
    }
}

impl Rule {
    fn is_used_up(&self) -> bool {
        match self.fault.hits {
            Hits::Nth(last) | Hits::First(last) => self.counts.matched >= last,
            Hits::All | Hits::Every(_) | Hits::Chance { .. } => false,
        }
    }
}

impl Draw {
    /// Whether the request with this number, from 1, is hit.
    fn is_hit(&mut self, hits: Hits, number: u64) -> bool {
        match hits {
            Hits::All => true,
            Hits::Nth(nth) => number == nth,
            Hits::First(count) => number <= count,
            Hits::Every(step) => number.is_multiple_of(step),
            Hits::Chance { percent, .. } => self.below(100) < u64::from(percent),
        }
    }
}

/// How many faults may be set at a time.
pub(crate) const FAULTS_MAX: usize = 1_000;
