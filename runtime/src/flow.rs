//! When to pause partitions because workers have enough, and when to resume them.
//!
//! It decides from numbers: how many records are unfinished, in all and of each partition, and how
//! far each partition has run ahead of its first unfinished record. The poller goes on polling all
//! the while, so that it stays a member of its group; paused partitions give it nothing.
//!
//! ```text
//!            unfinished >= records                    span >= span
//!  open ───────────────────────────► full     free ───────────────► ahead
//!       ◄───────────────────────────               ◄───────────────
//!            unfinished <= resume_at                  span <= half of it
//! ```
//!
//! A partition is paused while the window is full or the partition is ahead. Where the order is
//! that of partitions, a full window pauses only those that have their share of it: a single poll
//! may return records of one partition alone, and the workers of all others would be idle behind
//! it. Several windows full pause all of them.
//!
//! The consumer forgets that a partition is paused when it is revoked; so does [`PartitionFlow`],
//! which begins anew with every assignment.

/// How much may be with the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// With so many records unfinished no more are taken. What a single poll returns is always
    /// taken whole, so that there can be one poll more. With order by partition more are taken of
    /// those partitions that have less than an equal share, up to eight times as many in all.
    pub records: usize,
    /// Records are taken again once so few are unfinished; of each share the same part.
    pub resume_at: usize,
    /// A partition is paused when so many records lie between its first unfinished record and the
    /// last one taken. So many are repeated at most when the process dies.
    pub span: u64,
}

impl Window {
    /// A window that is refilled when half empty.
    pub const fn of(records: usize) -> Self {
        Self {
            records,
            resume_at: records / 2,
            span: DEFAULT_SPAN,
        }
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::of(DEFAULT_RECORDS)
    }
}

/// The window that the usual thread pool with a bounded queue has.
const DEFAULT_RECORDS: usize = 1_000;
/// One slow record may hold back the commit of so many finished ones.
const DEFAULT_SPAN: u64 = 16_384;
/// Shares of partitions and the polls beyond them never exceed so many windows.
const SHARED_WINDOWS_MAX: usize = 8;

/// Whether partitions share the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shares {
    /// Whoever comes first has it.
    None,
    /// Every partition has as much of it.
    Equal,
}

/// What to tell the consumer about a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// Stop giving out its records.
    Pause,
    /// Go on.
    Resume,
}

/// The flow of records to one poller's workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    window: Window,
    shares: Shares,
    is_full: bool,
    /// With shares, more than one window may be full.
    is_overfull: bool,
    /// The number of partitions that share the window.
    partitions: usize,
}

/// The part of one partition in the flow.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionFlow {
    has_share: bool,
    is_ahead: bool,
    is_paused: bool,
}

impl Flow {
    /// An open flow.
    pub fn new(window: Window, shares: Shares) -> Self {
        Self {
            window,
            shares,
            is_full: false,
            is_overfull: false,
            partitions: 1,
        }
    }

    /// Takes note of how many records of how many partitions are unfinished.
    pub fn observe(&mut self, unfinished: usize, partitions: usize) {
        self.partitions = partitions.max(1);
        self.is_full = self.is_above(self.is_full, unfinished, 1);
        self.is_overfull = match self.shares {
            Shares::None => self.is_full,
            Shares::Equal => self.is_above(self.is_overfull, unfinished, SHARED_WINDOWS_MAX),
        };
    }

    /// Whether so many windows are full, if they were before or not.
    fn is_above(&self, was_above: bool, unfinished: usize, windows: usize) -> bool {
        if was_above {
            unfinished > self.window.resume_at.saturating_mul(windows)
        } else {
            unfinished >= self.window.records.saturating_mul(windows)
        }
    }

    /// With how many unfinished records something is resumed; nothing while the flow is open.
    pub fn resume_at(&self) -> Option<usize> {
        if self.is_overfull && self.shares == Shares::Equal {
            Some(self.window.resume_at.saturating_mul(SHARED_WINDOWS_MAX))
        } else {
            self.is_full.then_some(self.window.resume_at)
        }
    }

    /// The window.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// A partition that has had its share goes on with so few unfinished records.
    pub fn share_resume_at(&self) -> usize {
        self.window.resume_at / self.partitions
    }

    /// What to tell the consumer about a partition, given its number of unfinished records and its
    /// [`span`](crate::ledger::Ledger::span); nothing if it knows already.
    pub fn change(
        &self,
        partition: &mut PartitionFlow,
        unfinished: usize,
        span: u64,
    ) -> Option<FlowChange> {
        partition.is_ahead = if partition.is_ahead {
            span > self.window.span / 2
        } else {
            span >= self.window.span
        };
        partition.has_share = self.shares == Shares::Equal
            && self.is_full
            && if partition.has_share {
                unfinished > self.share_resume_at()
            } else {
                unfinished >= (self.window.records / self.partitions).max(1)
            };
        let is_to_pause = self.is_overfull || partition.is_ahead || partition.has_share;
        if is_to_pause == partition.is_paused {
            return None;
        }
        partition.is_paused = is_to_pause;
        Some(if is_to_pause {
            FlowChange::Pause
        } else {
            FlowChange::Resume
        })
    }
}

impl PartitionFlow {
    /// Whether the consumer was told to pause the partition.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Whether it is paused because it has had its share.
    pub fn has_share(&self) -> bool {
        self.has_share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        Flow::new(
            Window {
                records: 10,
                resume_at: 5,
                span: 100,
            },
            Shares::None,
        )
    }

    #[test]
    fn a_full_window_pauses_once_and_resumes_at_the_low_mark() {
        let mut flow = flow();
        let mut partition = PartitionFlow::default();
        let changes: Vec<_> = [0, 9, 10, 12, 9, 6, 5, 9, 10]
            .map(|unfinished| {
                flow.observe(unfinished, 1);
                flow.change(&mut partition, 0, 0)
            })
            .into();
        let pause = Some(FlowChange::Pause);
        let resume = Some(FlowChange::Resume);
        let expected = [None, None, pause, None, None, None, resume, None, pause];
        assert_eq!(changes, expected);
    }

    #[test]
    fn a_partition_that_ran_ahead_is_paused_alone() {
        let flow = flow();
        let (mut ahead, mut other) = (PartitionFlow::default(), PartitionFlow::default());
        assert_eq!(flow.change(&mut ahead, 0, 100), Some(FlowChange::Pause));
        assert_eq!(flow.change(&mut other, 0, 99), None);
        assert_eq!(flow.change(&mut ahead, 0, 51), None);
        assert_eq!(flow.change(&mut ahead, 0, 50), Some(FlowChange::Resume));
    }

    #[test]
    fn a_partition_assigned_while_the_window_is_full_is_paused_again() {
        let mut flow = flow();
        flow.observe(10, 1);
        let mut partition = PartitionFlow::default();
        assert_eq!(flow.change(&mut partition, 0, 0), Some(FlowChange::Pause));
        let mut reassigned = PartitionFlow::default();
        assert_eq!(flow.change(&mut reassigned, 0, 0), Some(FlowChange::Pause));
        assert!(reassigned.is_paused());
    }

    #[test]
    fn with_order_by_partition_a_full_window_pauses_those_that_have_their_share() {
        let mut flow = Flow::new(Window::of(100), Shares::Equal);
        let (mut greedy, mut other) = (PartitionFlow::default(), PartitionFlow::default());
        flow.observe(99, 10);
        assert_eq!(
            flow.change(&mut greedy, 99, 0),
            None,
            "nobody else wants it"
        );
        flow.observe(100, 10);
        assert_eq!(flow.change(&mut greedy, 10, 0), Some(FlowChange::Pause));
        assert_eq!(flow.change(&mut other, 9, 0), None);
        assert!(greedy.has_share() && !other.has_share());
        assert_eq!(flow.change(&mut greedy, 6, 0), None);
        assert_eq!((flow.share_resume_at(), flow.resume_at()), (5, Some(50)));
        assert_eq!(flow.change(&mut greedy, 5, 0), Some(FlowChange::Resume));
        flow.observe(800, 10);
        assert_eq!(flow.change(&mut other, 0, 0), Some(FlowChange::Pause));
        assert_eq!(flow.resume_at(), Some(400));
        flow.observe(400, 10);
        assert_eq!(flow.change(&mut other, 0, 0), Some(FlowChange::Resume));
        assert_eq!(flow.resume_at(), Some(50));
    }

    #[test]
    fn with_more_partitions_than_records_each_may_have_one() {
        let mut flow = Flow::new(Window::of(4), Shares::Equal);
        flow.observe(4, 100);
        let mut partition = PartitionFlow::default();
        assert_eq!(flow.change(&mut partition, 0, 0), None);
        assert_eq!(flow.change(&mut partition, 1, 0), Some(FlowChange::Pause));
        assert_eq!(flow.change(&mut partition, 0, 0), Some(FlowChange::Resume));
    }

    #[test]
    fn a_window_of_one_is_taken_record_by_record() {
        let mut flow = Flow::new(Window::of(1), Shares::None);
        flow.observe(1, 1);
        assert_eq!(flow.resume_at(), Some(0));
        flow.observe(0, 1);
        assert_eq!(flow.resume_at(), None);
    }

    #[test]
    fn a_partition_stays_paused_until_both_reasons_are_gone() {
        let mut flow = flow();
        let mut partition = PartitionFlow::default();
        flow.observe(10, 1);
        flow.change(&mut partition, 0, 100);
        flow.observe(0, 1);
        assert_eq!(flow.change(&mut partition, 0, 80), None);
        assert_eq!(flow.change(&mut partition, 0, 0), Some(FlowChange::Resume));
    }
}
