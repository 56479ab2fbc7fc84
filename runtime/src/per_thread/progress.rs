//! How far one thread got in the partitions that it owns.
//!
//! It decides what may be committed: exactly what was handled, in order, during the assignment that
//! lasts. It knows neither the consumer nor the time.

use std::collections::BTreeMap;

use weft_client::{OffsetAndMetadata, TopicPartition};

use crate::ledger::AssignmentEpoch;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    epoch: AssignmentEpoch,
    /// Where the partition goes on; nothing before the first record of this assignment.
    next: Option<OffsetAndMetadata>,
}

/// The partitions of one thread.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Progress {
    partitions: BTreeMap<TopicPartition, Owned>,
    epochs: u64,
}

impl Progress {
    /// Begins an assignment of a partition.
    pub(super) fn assigned(&mut self, partition: &TopicPartition) {
        self.epochs += 1;
        let owned = Owned {
            epoch: AssignmentEpoch(self.epochs),
            next: None,
        };
        self.partitions.insert(partition.clone(), owned);
    }

    /// Ends it.
    pub(super) fn removed(&mut self, partition: &TopicPartition) {
        self.partitions.remove(partition);
    }

    /// The assignment that lasts, if the partition is owned.
    pub(super) fn epoch(&self, partition: &TopicPartition) -> Option<AssignmentEpoch> {
        self.partitions.get(partition).map(|owned| owned.epoch)
    }

    /// All before `next` is handled. Ignored if the assignment is over.
    pub(super) fn reach(
        &mut self,
        partition: &TopicPartition,
        epoch: AssignmentEpoch,
        next: OffsetAndMetadata,
    ) {
        if let Some(owned) = self.partitions.get_mut(partition)
            && owned.epoch == epoch
        {
            owned.next = Some(next);
        }
    }

    /// What may be committed.
    pub(super) fn frontiers(&self) -> impl Iterator<Item = (TopicPartition, OffsetAndMetadata)> {
        self.partitions.iter().filter_map(|(partition, owned)| {
            let next = owned.next.as_ref()?;
            Some((partition.clone(), next.clone()))
        })
    }

    /// The number of partitions owned.
    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }
}

#[cfg(test)]
mod tests {
    use weft_client::Offset;

    use super::*;

    fn at(offset: i64) -> OffsetAndMetadata {
        OffsetAndMetadata::new(Offset::new(offset))
    }

    #[test]
    fn what_was_handled_under_an_older_assignment_is_not_committed() {
        let partition = TopicPartition::new("t", 0);
        let mut progress = Progress::default();
        assert_eq!(progress.epoch(&partition), None);
        progress.assigned(&partition);
        let first = progress.epoch(&partition).unwrap();
        progress.reach(&partition, first, at(5));
        assert_eq!(
            progress.frontiers().collect::<Vec<_>>(),
            [(partition.clone(), at(5))]
        );
        progress.removed(&partition);
        progress.reach(&partition, first, at(6));
        assert_eq!(progress.frontiers().count(), 0);
        progress.assigned(&partition);
        progress.reach(&partition, first, at(7));
        assert_eq!(progress.frontiers().count(), 0, "another assignment");
    }
}
