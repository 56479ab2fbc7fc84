//! What one poller knows of its partitions: how far each got, what may be committed, and what is to
//! be paused.
//!
//! It decides about records on their way in and completions on their way back. It never talks to
//! the consumer or the pool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use weft_client::{OffsetAndMetadata, TopicPartition};
use weft_consumer::{Offsets, PartitionRecords};

use crate::commit::CommitPlan;
use crate::fence::Fence;
use crate::flow::{Flow, FlowChange, PartitionFlow};
use crate::ledger::{AssignmentEpoch, Checkpoint, Finish, Ledger};
use crate::route::{PartitionIndex, Router};

use super::lanes::{Finished, Item, Slot};

/// One assignment of one partition.
#[derive(Debug)]
struct Assigned {
    partition: TopicPartition,
    index: PartitionIndex,
    slot: Slot,
    fence: Arc<Fence>,
    ledger: Ledger,
    flow: PartitionFlow,
}

/// An assignment, as those see it who end it.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) slot: Slot,
    pub(super) epoch: AssignmentEpoch,
    pub(super) fence: Arc<Fence>,
}

/// Whose records the consumer should stop giving out, and whose it should give out again.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct FlowChanges {
    pub(super) pause: BTreeSet<TopicPartition>,
    pub(super) resume: BTreeSet<TopicPartition>,
    /// Assignments that go on once so few of their records are unfinished.
    pub(super) marks: Vec<(Slot, usize)>,
}

/// The partitions of one poller.
#[derive(Debug)]
pub(super) struct Intake {
    router: Router,
    flow: Flow,
    plan: CommitPlan,
    /// Grows with the partitions that were ever assigned, so that each keeps its lanes.
    indexes: BTreeMap<TopicPartition, PartitionIndex>,
    owned: BTreeMap<TopicPartition, Slot>,
    by_slot: Vec<Option<Assigned>>,
}

impl Intake {
    pub(super) fn new(router: Router, flow: Flow, plan: CommitPlan) -> Self {
        Self {
            router,
            flow,
            plan,
            indexes: BTreeMap::new(),
            owned: BTreeMap::new(),
            by_slot: Vec::new(),
        }
    }

    /// Begins an assignment, for which the pool gave a slot.
    pub(super) fn assigned(
        &mut self,
        partition: &TopicPartition,
        epoch: AssignmentEpoch,
        slot: Slot,
    ) {
        let next_index = PartitionIndex(self.indexes.len() as u32);
        let index = *self.indexes.entry(partition.clone()).or_insert(next_index);
        if self.by_slot.len() <= slot.index() {
            self.by_slot.resize_with(slot.index() + 1, || None);
        }
        self.by_slot[slot.index()] = Some(Assigned {
            partition: partition.clone(),
            index,
            slot,
            fence: Arc::default(),
            ledger: Ledger::new(epoch),
            flow: PartitionFlow::default(),
        });
        self.owned.insert(partition.clone(), slot);
    }

    /// Ends an assignment.
    pub(super) fn removed(&mut self, partition: &TopicPartition) {
        if let Some(slot) = self.owned.remove(partition) {
            self.by_slot[slot.index()] = None;
        }
        self.plan.forget(partition);
    }

    /// The number of partitions owned.
    pub(super) fn len(&self) -> usize {
        self.owned.len()
    }

    /// All partitions owned.
    pub(super) fn partitions(&self) -> Vec<TopicPartition> {
        self.owned.keys().cloned().collect()
    }

    fn of(&self, partition: &TopicPartition) -> Option<&Assigned> {
        let slot = self.owned.get(partition)?;
        self.by_slot[slot.index()].as_ref()
    }

    fn of_mut(&mut self, partition: &TopicPartition) -> Option<&mut Assigned> {
        let slot = self.owned.get(partition)?;
        self.by_slot[slot.index()].as_mut()
    }

    fn all(&self) -> impl Iterator<Item = &Assigned> {
        self.owned
            .values()
            .filter_map(|slot| self.by_slot[slot.index()].as_ref())
    }

    /// The assignments of these partitions, as far as they are owned.
    pub(super) fn assignments(&self, partitions: &[TopicPartition]) -> Vec<Assignment> {
        partitions
            .iter()
            .filter_map(|partition| self.of(partition))
            .map(|assigned| Assignment {
                slot: assigned.slot,
                epoch: assigned.ledger.epoch(),
                fence: Arc::clone(&assigned.fence),
            })
            .collect()
    }

    /// Whether a run begins before what was already taken in: the position was reset, and nothing
    /// that is still under way may count for what comes now.
    pub(super) fn goes_back(&self, run: &PartitionRecords) -> bool {
        let position = self
            .of(run.topic_partition())
            .and_then(|of| of.ledger.position());
        position.is_some_and(|position| run.slice().first_offset() < Some(position))
    }

    /// Registers the records of a run and finds their lanes; `None` if its partition is not owned.
    pub(super) fn route(
        &mut self,
        run: &PartitionRecords,
        items: &mut Vec<Item>,
    ) -> Option<(Slot, Arc<Fence>)> {
        let router = self.router;
        let assigned = self.of_mut(run.topic_partition())?;
        let leader_epoch = run.slice().leader_epoch();
        items.reserve(run.len());
        for (position, record) in run.positions() {
            let sequence = assigned.ledger.register(record.offset(), leader_epoch);
            let lane = router.lane(assigned.index, record.key());
            items.push((lane, position, sequence));
        }
        Some((assigned.slot, Arc::clone(&assigned.fence)))
    }

    /// Takes note of where partitions go on.
    pub(super) fn reach(&mut self, next_offsets: &Offsets) {
        for (partition, next) in next_offsets {
            if let Some(assigned) = self.of_mut(partition) {
                assigned.ledger.reach(next);
            }
        }
    }

    /// Takes note of what is finished; what belongs to an assignment that ended is ignored.
    pub(super) fn finished(&mut self, finished: &[Finished]) {
        for done in finished {
            if let Some(Some(assigned)) = self.by_slot.get_mut(done.slot.index()) {
                let told = assigned.ledger.finish(done.epoch, done.sequence);
                assert!(
                    told != Finish::Again,
                    "a record of {} was finished twice",
                    assigned.partition
                );
            }
        }
    }

    /// What to tell the consumer, with so many records unfinished.
    pub(super) fn flow_changes(&mut self, unfinished: usize) -> FlowChanges {
        self.flow.observe(unfinished, self.owned.len());
        let mut changes = FlowChanges::default();
        for slot in self.owned.values() {
            let Some(assigned) = &mut self.by_slot[slot.index()] else {
                continue;
            };
            let ledger = &assigned.ledger;
            let of_it = usize::try_from(ledger.unfinished()).unwrap_or(usize::MAX);
            let change = self.flow.change(&mut assigned.flow, of_it, ledger.span());
            if assigned.flow.has_share() {
                changes.marks.push((*slot, self.flow.share_resume_at()));
            }
            let set = match change {
                Some(FlowChange::Pause) => &mut changes.pause,
                Some(FlowChange::Resume) => &mut changes.resume,
                None => continue,
            };
            set.insert(assigned.partition.clone());
        }
        changes
    }

    /// The flow.
    pub(super) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The number of partitions that are paused.
    pub(super) fn paused(&self) -> usize {
        self.all()
            .filter(|assigned| assigned.flow.is_paused())
            .count()
    }

    /// Commits, and when the next is due.
    pub(super) fn plan(&mut self) -> &mut CommitPlan {
        &mut self.plan
    }

    /// What may be committed.
    fn frontiers(&self) -> impl Iterator<Item = (TopicPartition, OffsetAndMetadata)> {
        self.all().filter_map(|assigned| {
            let frontier = assigned.ledger.frontier()?;
            Some((assigned.partition.clone(), frontier))
        })
    }

    /// Whether anything is finished that no commit holds yet.
    fn is_behind(&self) -> bool {
        self.all().any(|assigned| {
            let frontier = assigned.ledger.frontier();
            frontier.is_some_and(|at| !self.plan.is_sent(&assigned.partition, at.offset))
        })
    }

    /// When to commit next: as soon as there will be something to commit.
    pub(super) fn commit_due_at(&self, unfinished: usize) -> Option<Instant> {
        (unfinished > 0 || self.is_behind()).then(|| self.plan.due_at())
    }

    /// What to commit now.
    pub(super) fn take_commit(&mut self, now: Instant) -> Offsets {
        let frontiers: Vec<_> = self.frontiers().collect();
        self.plan.take(now, frontiers)
    }

    /// What to commit before these partitions are given up.
    pub(super) fn last_commit(&self, partitions: &[TopicPartition]) -> Offsets {
        let given_up = |(partition, _): &(TopicPartition, _)| partitions.contains(partition);
        self.plan.unacknowledged(self.frontiers().filter(given_up))
    }

    /// How far these partitions got, and how many of their records are unfinished.
    pub(super) fn checkpoints(&self, partitions: &[TopicPartition]) -> Vec<(Checkpoint, u64)> {
        partitions
            .iter()
            .filter_map(|partition| self.of(partition))
            .filter_map(|of| Some((of.ledger.checkpoint()?, of.ledger.unfinished())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use weft_client::record::{
        BatchBuilder, Batches, Compression, Compressor, Decompressor, RecordSlice,
    };
    use weft_client::{LeaderEpoch, Offset};

    use crate::flow::{Shares, Window};
    use crate::ledger::Sequence;
    use crate::route::{NullKeys, Ordering};
    use crate::worker_pool::lanes::Lanes;

    use super::*;

    /// Records of one batch, at these offsets, without keys.
    fn records(offsets: &[i64]) -> RecordSlice {
        let mut builder = BatchBuilder::at(Offset::new(offsets[0]));
        builder.set_leader_epoch(LeaderEpoch::from_wire(4));
        for offset in offsets {
            builder.skip_to(Offset::new(*offset));
            builder.append(0, None, None, &[]).unwrap();
        }
        let bytes = builder
            .build(Compression::None, &mut Compressor::default())
            .unwrap();
        let batch = Batches::new(bytes).next().unwrap().unwrap();
        let records = batch.records(&mut Decompressor::default()).unwrap();
        records.validate_all().unwrap()
    }

    fn partition(number: i32) -> TopicPartition {
        TopicPartition::new("t", number)
    }

    struct Poller {
        intake: Intake,
        slots: Vec<Slot>,
        now: Instant,
    }

    /// A poller with two partitions, assigned as epochs 0 and 1.
    #[expect(clippy::disallowed_methods, reason = "an origin for times in tests")]
    fn poller() -> Poller {
        let now = Instant::now();
        let router = Router::new(Ordering::Partition, NullKeys::KeepOrder, 1, 0);
        let window = Window {
            records: 10,
            resume_at: 5,
            span: 4,
        };
        let plan = CommitPlan::new(now, Duration::ZERO);
        let mut intake = Intake::new(router, Flow::new(window, Shares::None), plan);
        let mut lanes = Lanes::<()>::new(1, 1, 1);
        let slots = [0, 1].map(|number| {
            let epoch = AssignmentEpoch(number);
            let slot = lanes.open(0, epoch);
            intake.assigned(&partition(number as i32), epoch, slot);
            slot
        });
        Poller {
            intake,
            slots: slots.into(),
            now,
        }
    }

    impl Poller {
        /// Takes in records; returns the number of items made of them.
        fn take(&mut self, number: i32, offsets: &[i64]) -> usize {
            let mut items = Vec::new();
            let run = PartitionRecords::new(partition(number), records(offsets));
            self.intake.route(&run, &mut items);
            items.len()
        }

        fn finish(&mut self, number: usize, epoch: u64, sequences: &[u64]) {
            let finished: Vec<_> = sequences
                .iter()
                .map(|sequence| Finished {
                    slot: self.slots[number],
                    epoch: AssignmentEpoch(epoch),
                    sequence: Sequence(*sequence),
                })
                .collect();
            self.intake.finished(&finished);
        }

        fn commit(&mut self) -> Vec<(i32, i64)> {
            let offsets = self.intake.take_commit(self.now);
            offsets
                .iter()
                .map(|(partition, at)| (partition.partition(), at.offset.value()))
                .collect()
        }
    }

    #[test]
    fn what_is_committed_never_passes_an_unfinished_record() {
        let mut poller = poller();
        assert_eq!(poller.take(0, &[10, 11, 15]), 3);
        assert_eq!(poller.take(1, &[7]), 1);
        poller.finish(0, 0, &[0, 2]);
        poller.finish(1, 1, &[0]);
        assert_eq!(poller.commit(), [(0, 11), (1, 8)]);
        assert_eq!(poller.commit(), [], "nothing moved");
        poller.finish(0, 0, &[1]);
        assert_eq!(poller.commit(), [(0, 16)]);
    }

    #[test]
    fn a_commit_carries_the_leader_epoch() {
        let mut poller = poller();
        poller.take(0, &[10]);
        poller.finish(0, 0, &[0]);
        let offsets = poller.intake.take_commit(poller.now);
        let committed = &offsets[&partition(0)];
        assert_eq!(committed.leader_epoch, LeaderEpoch::from_wire(4));
    }

    #[test]
    fn a_poll_that_only_passed_over_markers_is_committed_too() {
        let mut poller = poller();
        let next = OffsetAndMetadata::new(Offset::new(40));
        poller.intake.reach(&Offsets::from([(partition(1), next)]));
        assert_eq!(poller.intake.commit_due_at(0), Some(poller.now));
        assert_eq!(poller.commit(), [(1, 40)]);
        assert_eq!(poller.intake.commit_due_at(0), None);
    }

    #[test]
    fn completions_of_an_assignment_that_ended_change_nothing() {
        let mut poller = poller();
        poller.take(0, &[10, 11]);
        poller.intake.removed(&partition(0));
        poller.finish(0, 0, &[0]);
        let slot = poller.slots[0];
        poller
            .intake
            .assigned(&partition(0), AssignmentEpoch(9), slot);
        poller.take(0, &[10, 11]);
        poller.finish(0, 0, &[0, 1]);
        assert_eq!(poller.commit(), [(0, 10)], "the old epoch is fenced");
        poller.finish(0, 9, &[0]);
        assert_eq!(poller.commit(), [(0, 11)]);
    }

    #[test]
    fn records_of_a_partition_that_is_not_owned_are_not_taken() {
        let mut poller = poller();
        poller.intake.removed(&partition(0));
        assert_eq!(poller.take(0, &[10]), 0);
        assert_eq!(poller.take(1, &[10]), 1);
    }

    #[test]
    fn a_reset_position_is_noticed_before_it_is_registered() {
        let mut poller = poller();
        let run = |offsets: &[i64]| PartitionRecords::new(partition(0), records(offsets));
        assert!(!poller.intake.goes_back(&run(&[5])), "no position yet");
        poller.take(0, &[10, 11]);
        assert!(!poller.intake.goes_back(&run(&[12])));
        assert!(poller.intake.goes_back(&run(&[11])));
    }

    #[test]
    fn a_full_window_pauses_all_and_a_partition_that_ran_ahead_itself() {
        let mut poller = poller();
        poller.take(0, &[1, 2, 3, 4]);
        let changes = poller.intake.flow_changes(4);
        assert_eq!(changes.pause, BTreeSet::from([partition(0)]));
        let changes = poller.intake.flow_changes(10);
        assert_eq!(changes.pause, BTreeSet::from([partition(1)]));
        poller.finish(0, 0, &[0, 1, 2, 3]);
        let changes = poller.intake.flow_changes(5);
        assert_eq!(changes.resume.len(), 2);
    }

    #[test]
    fn the_last_commit_is_about_the_partitions_that_go() {
        let mut poller = poller();
        poller.take(0, &[10]);
        poller.take(1, &[20]);
        poller.commit();
        let last = poller.intake.last_commit(&[partition(1)]);
        assert_eq!(last.len(), 1, "sent, but not acknowledged");
        poller.intake.plan().finished(&last, true);
        assert_eq!(poller.intake.last_commit(&[partition(1)]).len(), 0);
    }
}
