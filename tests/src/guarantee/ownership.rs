//! One owner: in each generation of a group a partition is one member's only.

use std::collections::BTreeMap;

use super::{Illegal, Instance};

/// A member told that it owned a partition, in every generation of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The partition.
    pub partition: i32,
    /// The generation in which it came.
    pub from: i32,
    /// The last generation in which it was the member's: that in which it went.
    pub to: i32,
    /// Who told it.
    pub instance: Instance,
}

/// Judges that no partition had two owners in one generation.
///
/// # Errors
///
/// For a partition that had.
pub fn one_owner_per_generation(claims: &[Claim]) -> Result<(), Illegal> {
    let mut partitions: BTreeMap<i32, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        partitions.entry(claim.partition).or_default().push(*claim);
    }
    for (partition, mut claims) in partitions {
        claims.sort_unstable();
        for (index, claim) in claims.iter().enumerate() {
            let mut later = claims[index + 1..].iter();
            let other = later.find(|other| {
                other.instance != claim.instance && other.from <= claim.to && claim.from <= other.to
            });
            if let Some(other) = other {
                return Err(Illegal::because(format!(
                    "partition {partition} had two owners in generation {}: {} and {}",
                    claim.from.max(other.from),
                    claim.instance.0,
                    other.instance.0
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::notation::complaint;
    use super::*;

    fn claim(instance: u32, from: i32, to: i32) -> Claim {
        Claim {
            partition: 7,
            from,
            to,
            instance: Instance(instance),
        }
    }

    #[test]
    fn taking_turns_generation_by_generation_is_legal() {
        let turns = [claim(1, 1, 1), claim(2, 2, 4), claim(1, 5, 9)];
        assert_eq!(one_owner_per_generation(&turns), Ok(()));
    }

    #[test]
    fn telling_it_twice_is_legal() {
        let same = [claim(1, 1, 4), claim(1, 2, 2), claim(1, 4, 5)];
        assert_eq!(one_owner_per_generation(&same), Ok(()));
    }

    #[test]
    fn other_partitions_do_not_count() {
        let mut other = claim(2, 1, 4);
        other.partition = 8;
        assert_eq!(one_owner_per_generation(&[claim(1, 1, 4), other]), Ok(()));
    }

    #[test]
    fn two_owners_in_a_generation_are_illegal_however_the_spans_lie() {
        let expected = "partition 7 had two owners in generation 3: 1 and 2";
        for claims in [
            [claim(1, 1, 3), claim(2, 3, 4)],
            [claim(1, 1, 9), claim(2, 3, 4)],
            [claim(1, 3, 3), claim(2, 3, 3)],
        ] {
            let judgement = one_owner_per_generation(&claims);
            assert_eq!(complaint(judgement), expected, "{claims:?}");
        }
        let hidden = [claim(1, 1, 9), claim(1, 2, 2), claim(2, 9, 9)];
        assert!(one_owner_per_generation(&hidden).is_err());
    }
}
