//! Which offsets to commit when.
//!
//! It decides from frontiers: what was not committed yet goes along, at most once per interval. It
//! never talks to the consumer, and never waits. Only the thread that polls commits, so that
//! commits of one partition are sent in order; one that fails is covered by the next.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weft_client::{Offset, OffsetAndMetadata, TopicPartition};
use weft_consumer::Offsets;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Progress {
    /// What the latest commit that did not fail held.
    sent: Option<Offset>,
    /// What the coordinator acknowledged.
    acknowledged: Option<Offset>,
}

/// What one consumer committed, and when it does so next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitPlan {
    interval: Duration,
    due_at: Instant,
    partitions: BTreeMap<TopicPartition, Progress>,
}

impl CommitPlan {
    pub(crate) fn new(now: Instant, interval: Duration) -> Self {
        Self {
            interval,
            due_at: now + interval,
            partitions: BTreeMap::new(),
        }
    }

    /// When to commit next.
    pub(crate) fn due_at(&self) -> Instant {
        self.due_at
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.due_at
    }

    /// Whether the latest commit that did not fail held this offset.
    pub(crate) fn is_sent(&self, partition: &TopicPartition, offset: Offset) -> bool {
        let progress = self.partitions.get(partition);
        progress.and_then(|known| known.sent) == Some(offset)
    }

    /// The frontiers that differ from what was last sent, now taken as sent; the next commit is due
    /// one interval later. May be empty.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        frontiers: impl IntoIterator<Item = (TopicPartition, OffsetAndMetadata)>,
    ) -> Offsets {
        self.due_at = now + self.interval;
        let mut offsets = Offsets::new();
        for (partition, frontier) in frontiers {
            let progress = self.partitions.entry(partition.clone()).or_default();
            if progress.sent != Some(frontier.offset) {
                progress.sent = Some(frontier.offset);
                offsets.insert(partition, frontier);
            }
        }
        offsets
    }

    /// The frontiers that are not known to be committed: what a last commit has to hold.
    pub(crate) fn unacknowledged(
        &self,
        frontiers: impl IntoIterator<Item = (TopicPartition, OffsetAndMetadata)>,
    ) -> Offsets {
        let is_missing = |(partition, frontier): &(TopicPartition, OffsetAndMetadata)| {
            let progress = self.partitions.get(partition);
            progress.and_then(|known| known.acknowledged) != Some(frontier.offset)
        };
        frontiers.into_iter().filter(is_missing).collect()
    }

    /// Takes note of how a commit ended. What failed is sent again with the next one.
    pub(crate) fn finished(&mut self, offsets: &Offsets, is_committed: bool) {
        for (partition, at) in offsets {
            // A partition that is gone meanwhile has nothing to remember.
            let Some(progress) = self.partitions.get_mut(partition) else {
                continue;
            };
            if is_committed {
                progress.acknowledged = progress.acknowledged.max(Some(at.offset));
            } else if progress.sent == Some(at.offset) {
                progress.sent = progress.acknowledged;
            }
        }
    }

    /// Forgets a partition that is given up.
    pub(crate) fn forget(&mut self, partition: &TopicPartition) {
        self.partitions.remove(partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn offsets(list: &[(i32, i64)]) -> Offsets {
        list.iter()
            .map(|(partition, offset)| {
                let partition = TopicPartition::new("t", *partition);
                (partition, OffsetAndMetadata::new(Offset::new(*offset)))
            })
            .collect()
    }

    #[expect(clippy::disallowed_methods, reason = "an origin for times in tests")]
    fn plan() -> (CommitPlan, Instant) {
        let now = Instant::now();
        (CommitPlan::new(now, SECOND), now)
    }

    #[test]
    fn only_what_moved_is_committed_and_not_before_the_interval() {
        let (mut plan, now) = plan();
        assert!(!plan.is_due(now));
        let now = now + SECOND;
        assert!(plan.is_due(now));
        let first = plan.take(now, offsets(&[(0, 5), (1, 7)]));
        assert_eq!(first, offsets(&[(0, 5), (1, 7)]));
        assert!(!plan.is_due(now));
        assert_eq!(plan.due_at(), now + SECOND);
        assert_eq!(
            plan.take(now, offsets(&[(0, 5), (1, 8)])),
            offsets(&[(1, 8)])
        );
        assert_eq!(plan.take(now, offsets(&[(0, 5), (1, 8)])), Offsets::new());
    }

    #[test]
    fn a_commit_that_failed_is_covered_by_the_next() {
        let (mut plan, now) = plan();
        let first = plan.take(now, offsets(&[(0, 5)]));
        plan.finished(&first, false);
        assert_eq!(plan.take(now, offsets(&[(0, 5)])), first);
        plan.finished(&first, true);
        assert_eq!(plan.take(now, offsets(&[(0, 5)])), Offsets::new());
    }

    #[test]
    fn the_failure_of_an_older_commit_does_not_repeat_a_newer_one() {
        let (mut plan, now) = plan();
        let older = plan.take(now, offsets(&[(0, 5)]));
        let newer = plan.take(now, offsets(&[(0, 9)]));
        plan.finished(&newer, true);
        plan.finished(&older, false);
        assert_eq!(plan.take(now, offsets(&[(0, 9)])), Offsets::new());
        plan.finished(&older, true);
        assert_eq!(plan.unacknowledged(newer), Offsets::new(), "never back");
    }

    #[test]
    fn the_last_commit_holds_all_that_was_not_acknowledged() {
        let (mut plan, now) = plan();
        let sent = plan.take(now, offsets(&[(0, 5), (1, 5)]));
        plan.finished(&offsets(&[(0, 5)]), true);
        assert_eq!(plan.unacknowledged(sent), offsets(&[(1, 5)]));
        let never_sent = offsets(&[(2, 1)]);
        assert_eq!(plan.unacknowledged(never_sent.clone()), never_sent);
    }

    #[test]
    fn a_partition_that_comes_back_starts_anew() {
        let (mut plan, now) = plan();
        let sent = plan.take(now, offsets(&[(0, 5)]));
        plan.forget(&TopicPartition::new("t", 0));
        plan.finished(&sent, true);
        assert_eq!(plan.take(now, offsets(&[(0, 5)])), sent);
    }
}
