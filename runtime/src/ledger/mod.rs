//! Turns completions in any order into the offset that may be committed.
//!
//! It decides which offset of one partition is the first unfinished one. It never commits, never
//! waits, and never guesses that offsets are dense: what compaction and transactions leave out is
//! not waited for.
//!
//! Every record that is handed out is registered, in the order of offsets, and gets the next
//! [`Sequence`]; a bit per sequence says whether it is finished. Offsets are kept as runs: a new
//! one begins only where offsets are not adjacent or where the leader changed, so that dense data
//! takes one bit per record.
//!
//! ```text
//!  offsets      10 11 12 | 40 41 | 97        three runs, six sequences
//!  finished      1  1  0 |  1  0 |  1        frontier 12, finished beyond it: 40, 97
//! ```
//!
//! The surprising part: a ledger lives exactly as long as one assignment of the partition. A
//! completion names the [`AssignmentEpoch`] under which its record was handed out, and one that
//! names another epoch changes nothing.

mod finished;

use std::collections::VecDeque;
use std::ops::Range;

use weft_client::{LeaderEpoch, Offset, OffsetAndMetadata};

use finished::FinishedBits;

/// One life of one partition's assignment. Never used twice within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssignmentEpoch(pub u64);

/// The number of a record among those registered in one ledger, dense and counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// What became of a report that a record is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It was unfinished, and is finished now.
    Counted,
    /// It had been finished before; nothing changed.
    Again,
    /// It belongs to another assignment, or was never registered; nothing changed.
    Foreign,
}

/// Everything there is to know about the progress in a partition, taken in one step: a map of
/// finished offsets is worthless beside a frontier of another moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The first unfinished offset, or the position if all is finished; with the epoch of the
    /// leader that appended the record before it (KIP-320).
    pub frontier: OffsetAndMetadata,
    /// The offsets beyond the frontier that are finished: what a new owner would repeat.
    pub finished_beyond: Vec<Range<Offset>>,
    /// The number of records in `finished_beyond`.
    pub finished_beyond_count: u64,
}

/// Registered records whose offsets are adjacent and whose leader is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    sequence: u64,
    offset: i64,
    leader_epoch: Option<LeaderEpoch>,
}

/// The progress in one partition during one assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    epoch: AssignmentEpoch,
    finished: FinishedBits,
    /// Ascending; the first one holds the first unfinished sequence.
    runs: VecDeque<Run>,
    /// The leader epoch of the last record before the first run.
    passed_epoch: Option<LeaderEpoch>,
    /// Where the partition goes on behind all that was registered or passed over.
    position: Option<(Offset, Option<LeaderEpoch>)>,
    /// Whether a record at the position continues the last run.
    is_run_open: bool,
}

impl Ledger {
    /// A ledger that knows no position yet.
    pub fn new(epoch: AssignmentEpoch) -> Self {
        Self {
            epoch,
            finished: FinishedBits::default(),
            runs: VecDeque::new(),
            passed_epoch: None,
            position: None,
            is_run_open: false,
        }
    }

    /// The assignment that this is about.
    pub fn epoch(&self) -> AssignmentEpoch {
        self.epoch
    }

    /// The offset that comes next, as far as is known.
    pub fn position(&self) -> Option<Offset> {
        self.position.map(|(offset, _)| offset)
    }

    /// Enters the next record that is handed out.
    ///
    /// # Panics
    ///
    /// If `offset` lies before the [`position`](Self::position): after a jump backwards the
    /// partition needs a new ledger.
    #[inline]
    pub fn register(&mut self, offset: Offset, leader_epoch: Option<LeaderEpoch>) -> Sequence {
        let sequence = self.finished.tail();
        let (next, epoch) = self.position.unwrap_or((offset, leader_epoch));
        assert!(
            offset >= next,
            "offset {offset} is registered behind position {next}"
        );
        if !(self.is_run_open && next == offset && epoch == leader_epoch) {
            self.begin_run(sequence, offset, leader_epoch);
        }
        self.position = Some((offset.next(), leader_epoch));
        self.finished.push();
        Sequence(sequence)
    }

    fn begin_run(&mut self, sequence: u64, offset: Offset, leader_epoch: Option<LeaderEpoch>) {
        self.runs.push_back(Run {
            sequence,
            offset: offset.value(),
            leader_epoch,
        });
        self.is_run_open = true;
        self.forget_passed_runs();
    }

    /// Moves the position over offsets that nobody is given, to where `poll` says the partition
    /// goes on. A place that lies behind is ignored.
    pub fn reach(&mut self, next: &OffsetAndMetadata) {
        if self.position.is_none_or(|(offset, _)| offset < next.offset) {
            self.position = Some((next.offset, next.leader_epoch));
            self.is_run_open = false;
        }
    }

    /// Marks a record as finished, for good.
    #[inline]
    pub fn finish(&mut self, epoch: AssignmentEpoch, sequence: Sequence) -> Finish {
        if epoch != self.epoch || sequence.0 >= self.finished.tail() {
            return Finish::Foreign;
        }
        let head = self.finished.head();
        if !self.finished.finish(sequence.0) {
            return Finish::Again;
        }
        if self.finished.head() != head {
            self.forget_passed_runs();
        }
        Finish::Counted
    }

    /// Drops the runs that end at or before the first unfinished record.
    fn forget_passed_runs(&mut self) {
        let head = self.finished.head();
        while self.runs.get(1).is_some_and(|run| run.sequence <= head) {
            let passed = self.runs.pop_front();
            self.passed_epoch = passed.and_then(|run| run.leader_epoch);
        }
    }

    /// The number of registered records that are not finished.
    pub fn unfinished(&self) -> u64 {
        self.finished.unfinished()
    }

    /// The number of records from the first unfinished one to the last registered one.
    pub fn span(&self) -> u64 {
        self.finished.tail() - self.finished.head()
    }

    /// What may be committed now; `None` before anything was registered or reached.
    pub fn frontier(&self) -> Option<OffsetAndMetadata> {
        let (position, position_epoch) = self.position?;
        let head = self.finished.head();
        let (offset, leader_epoch) = match self.runs.front() {
            Some(run) if head < self.finished.tail() => {
                let before = if head > run.sequence {
                    run.leader_epoch
                } else {
                    self.passed_epoch
                };
                (offset_in(run, head), before)
            }
            _ => (position, position_epoch),
        };
        Some(OffsetAndMetadata {
            offset,
            leader_epoch,
            metadata: String::new(),
        })
    }

    /// The frontier, and what is finished beyond it; `None` before anything was registered or
    /// reached.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let mut finished_beyond: Vec<Range<Offset>> = Vec::new();
        let mut finished_beyond_count = 0;
        let mut run = 0;
        for sequence in self.finished.finished_beyond_head() {
            while self
                .runs
                .get(run + 1)
                .is_some_and(|next| next.sequence <= sequence)
            {
                run += 1;
            }
            let offset = offset_in(&self.runs[run], sequence);
            finished_beyond_count += 1;
            match finished_beyond.last_mut() {
                Some(range) if range.end == offset => range.end = offset.next(),
                _ => finished_beyond.push(offset..offset.next()),
            }
        }
        Some(Checkpoint {
            frontier: self.frontier()?,
            finished_beyond,
            finished_beyond_count,
        })
    }
}

fn offset_in(run: &Run, sequence: u64) -> Offset {
    // A run is as long as its records, and their offsets fit.
    Offset::new(run.offset + (sequence - run.sequence) as i64)
}

#[cfg(test)]
mod tests;
