//! When to pause partitions because workers have enough, and when to resume them.
//!
//! It decides from two numbers: how many records are unfinished in all, and how far each partition
//! has run ahead of its first unfinished record. The poller goes on polling all the while, so that
//! it stays a member of its group; paused partitions give it nothing.
//!
//! ```text
//!            unfinished >= records                    span >= span
//!  open ───────────────────────────► full     free ───────────────► ahead
//!       ◄───────────────────────────               ◄───────────────
//!            unfinished <= resume_at                  span <= half of it
//! ```
//!
//! A partition is paused while the window is full or the partition is ahead. The consumer forgets
//! that a partition is paused when it is revoked; so does [`PartitionFlow`], which begins anew with
//! every assignment.

/// How much may be with the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// With so many records unfinished no more are taken. What a single poll returns is always
    /// taken whole, so that there can be one poll more.
    pub records: usize,
    /// Records are taken again once so few are unfinished.
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
    is_full: bool,
}

/// The part of one partition in the flow.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionFlow {
    is_ahead: bool,
    is_paused: bool,
}

impl Flow {
    /// An open flow.
    pub fn new(window: Window) -> Self {
        Self {
            window,
            is_full: false,
        }
    }

    /// Takes note of how many records are unfinished.
    pub fn observe(&mut self, unfinished: usize) {
        self.is_full = if self.is_full {
            unfinished > self.window.resume_at
        } else {
            unfinished >= self.window.records
        };
    }

    /// Whether the window is full.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The window.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// What to tell the consumer about a partition whose [`span`](crate::ledger::Ledger::span) is
    /// given; nothing if it knows already.
    pub fn change(&self, partition: &mut PartitionFlow, span: u64) -> Option<FlowChange> {
        partition.is_ahead = if partition.is_ahead {
            span > self.window.span / 2
        } else {
            span >= self.window.span
        };
        let is_to_pause = self.is_full || partition.is_ahead;
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        Flow::new(Window {
            records: 10,
            resume_at: 5,
            span: 100,
        })
    }

    #[test]
    fn a_full_window_pauses_once_and_resumes_at_the_low_mark() {
        let mut flow = flow();
        let mut partition = PartitionFlow::default();
        let changes: Vec<_> = [0, 9, 10, 12, 9, 6, 5, 9, 10]
            .map(|unfinished| {
                flow.observe(unfinished);
                flow.change(&mut partition, 0)
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
        assert_eq!(flow.change(&mut ahead, 100), Some(FlowChange::Pause));
        assert_eq!(flow.change(&mut other, 99), None);
        assert_eq!(flow.change(&mut ahead, 51), None);
        assert_eq!(flow.change(&mut ahead, 50), Some(FlowChange::Resume));
    }

    #[test]
    fn a_partition_assigned_while_the_window_is_full_is_paused_again() {
        let mut flow = flow();
        flow.observe(10);
        let mut partition = PartitionFlow::default();
        assert_eq!(flow.change(&mut partition, 0), Some(FlowChange::Pause));
        let mut reassigned = PartitionFlow::default();
        assert_eq!(flow.change(&mut reassigned, 0), Some(FlowChange::Pause));
        assert!(reassigned.is_paused());
    }

    #[test]
    fn a_window_of_one_is_taken_record_by_record() {
        let mut flow = Flow::new(Window::of(1));
        flow.observe(1);
        assert!(flow.is_full());
        flow.observe(0);
        assert!(!flow.is_full());
    }

    #[test]
    fn a_partition_stays_paused_until_both_reasons_are_gone() {
        let mut flow = flow();
        let mut partition = PartitionFlow::default();
        flow.observe(10);
        flow.change(&mut partition, 100);
        flow.observe(0);
        assert_eq!(flow.change(&mut partition, 80), None);
        assert_eq!(flow.change(&mut partition, 0), Some(FlowChange::Resume));
    }
}
