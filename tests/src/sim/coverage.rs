//! What simulations went through, so that a number of seeds means something.

use std::collections::BTreeMap;
use std::fmt;

/// How often each thing happened, by the kind of thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<&'static str, BTreeMap<String, u64>>);

impl Coverage {
    /// Counts one thing.
    pub(super) fn count(&mut self, kind: &'static str, what: &str) {
        let counts = self.0.entry(kind).or_default();
        match counts.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                counts.insert(what.to_owned(), 1);
            }
        }
    }

    /// Adds the counts of another simulation.
    pub fn add(&mut self, other: &Self) {
        for (kind, counts) in &other.0 {
            let sums = self.0.entry(kind).or_default();
            for (what, count) in counts {
                *sums.entry(what.clone()).or_default() += count;
            }
        }
    }

    /// How many different things of a kind happened.
    pub fn variety(&self, kind: &str) -> usize {
        self.0.get(kind).map_or(0, BTreeMap::len)
    }

    /// How often something happened.
    pub fn of(&self, kind: &str, what: &str) -> u64 {
        let counts = self.0.get(kind);
        counts
            .and_then(|counts| counts.get(what))
            .copied()
            .unwrap_or_default()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, counts) in &self.0 {
            writeln!(f, "{kind} ({}):", counts.len())?;
            for (what, count) in counts {
                writeln!(f, "  {what:<56} {count:>9}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_several_simulations_add_up() {
        let mut sum = Coverage::default();
        sum.count("fault", "cut");
        let mut other = Coverage::default();
        other.count("fault", "cut");
        other.count("fault", "kill");
        sum.add(&other);
        assert_eq!((sum.of("fault", "cut"), sum.of("fault", "kill")), (2, 1));
        assert_eq!((sum.variety("fault"), sum.variety("error")), (2, 0));
        assert!(sum.to_string().contains("fault (2):"));
    }
}
