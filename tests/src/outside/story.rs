//! What a member tells of itself, line by line. Pure.

use std::collections::BTreeMap;

use weft_client::{LeaderEpoch, Offset, OffsetAndMetadata};

use crate::ensure;
use crate::failure::Failure;
use crate::guarantee::{Claim, Instance};

/// What a member of a group, which reads one topic, has told so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// The last generation that it named; 0 before the first.
    generation: i32,
    /// Since when it owns what it owns, by partition.
    owned: BTreeMap<i32, i32>,
    /// Partition, first and last generation of what it owned before.
    gone: Vec<(i32, i32, i32)>,
    /// What was committed for partitions when they came, the last time that they did.
    pub found: BTreeMap<i32, OffsetAndMetadata>,
    /// How often it divided the partitions among the members.
    pub divided: usize,
    /// How many of its commits were refused.
    pub commits_failed: usize,
    /// How often it lost partitions without being asked.
    pub lost: usize,
}

impl Story {
    /// Understands a line, and passes over those that tell nothing of this.
    ///
    /// # Errors
    ///
    /// If a line begins as one of these and goes on differently.
    pub fn hear(&mut self, line: &str) -> Result<(), Failure> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["GENERATION", number] => self.generation = self.generation.max(number.parse()?),
            ["ASSIGNED", partitions @ ..] => {
                for partition in partitions {
                    let generation = self.generation;
                    self.owned.entry(number(partition)?).or_insert(generation);
                }
            }
            ["REVOKED", partitions @ ..] => self.give_up(partitions)?,
            ["LOST", partitions @ ..] => {
                self.lost += 1;
                self.give_up(partitions)?;
            }
            ["FOUND", _, partition, offset, epoch, metadata] => {
                let found = OffsetAndMetadata {
                    offset: Offset::new(offset.parse()?),
                    leader_epoch: present(epoch)
                        .map(str::parse)
                        .transpose()?
                        .map(LeaderEpoch::new),
                    metadata: present(metadata).unwrap_or_default().to_owned(),
                };
                self.found.insert(partition.parse()?, found);
            }
            ["DIVIDED"] => self.divided += 1,
            ["COMMIT_FAILED", ..] => self.commits_failed += 1,
            ["FOUND" | "GENERATION" | "DIVIDED", ..] => {
                return Err(Failure::because(format!("a line {line:?}")));
            }
            _ => {}
        }
        Ok(())
    }

    fn give_up(&mut self, partitions: &[&str]) -> Result<(), Failure> {
        for partition in partitions {
            let partition = number(partition)?;
            if let Some(from) = self.owned.remove(&partition) {
                self.gone.push((partition, from, self.generation));
            }
        }
        Ok(())
    }

    /// What it owned, and in which generations, up to the last that it named.
    pub fn claims(&self, instance: Instance) -> Vec<Claim> {
        let owned = self.owned.iter();
        let owned = owned.map(|(partition, from)| (*partition, *from, self.generation));
        let all = self.gone.iter().copied().chain(owned);
        all.map(|(partition, from, to)| Claim {
            partition,
            from,
            to,
            instance,
        })
        .collect()
    }
}

fn present(word: &str) -> Option<&str> {
    Some(word).filter(|word| *word != "-")
}

/// The number of a partition that is named `topic-number`.
fn number(partition: &str) -> Result<i32, Failure> {
    let number = partition.rsplit_once('-').map(|(_, number)| number.parse());
    ensure!(number.is_some(), "{partition} names no partition");
    Ok(number.transpose()?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(lines: &[&str]) -> Story {
        let mut story = Story::default();
        for line in lines {
            story.hear(line).unwrap();
        }
        story
    }

    fn spans(story: &Story) -> Vec<(i32, i32, i32)> {
        let claims = story.claims(Instance(3));
        assert!(claims.iter().all(|claim| claim.instance == Instance(3)));
        let spans = claims.iter();
        spans
            .map(|claim| (claim.partition, claim.from, claim.to))
            .collect()
    }

    #[test]
    fn a_partition_is_claimed_from_its_coming_to_its_going() {
        let told = story(&[
            "SUBSCRIBED",
            "DIVIDED",
            "GENERATION 1",
            "ASSIGNED t-a-0 t-a-1",
            "RECORD t-a 0 0 key",
            "GENERATION 3",
            "REVOKED t-a-1",
            "GENERATION 4",
            "ASSIGNED",
        ]);
        assert_eq!(spans(&told), [(1, 1, 3), (0, 1, 4)]);
        assert_eq!((told.divided, told.lost), (1, 0));
    }

    #[test]
    fn a_loss_ends_with_the_last_generation_that_was_known() {
        let told = story(&["GENERATION 5", "ASSIGNED t-0", "GENERATION -1", "LOST t-0"]);
        assert_eq!(spans(&told), [(0, 5, 5)]);
        assert_eq!(told.lost, 1);
    }

    #[test]
    fn what_was_committed_is_told_with_epoch_and_metadata() {
        let told = story(&["FOUND t 0 17 3 somebody", "FOUND t 1 4 - -"]);
        let whole = OffsetAndMetadata {
            offset: Offset::new(17),
            leader_epoch: Some(LeaderEpoch::new(3)),
            metadata: "somebody".into(),
        };
        assert_eq!(told.found[&0], whole);
        assert_eq!(told.found[&1], OffsetAndMetadata::new(Offset::new(4)));
        let refused = story(&["COMMIT_FAILED RebalanceInProgress"]);
        assert_eq!(refused.commits_failed, 1);
    }

    #[test]
    fn half_lines_are_refused() {
        for line in ["FOUND t 0 17", "GENERATION", "GENERATION x", "ASSIGNED t"] {
            assert!(Story::default().hear(line).is_err(), "{line}");
        }
    }
}
