//! How long the names of `bootstrap.servers` may stay without an address
//! (`bootstrap.resolve.timeout.ms`).
//!
//! It never looks up a name: connections do, and their owner says what came of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::ids::NodeId;

/// What came of looking up a broker's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookUp {
    /// It has an address.
    Resolved,
    /// It has none, or the look-up failed or took too long.
    Unresolved,
}

/// Whether any bootstrap name had an address so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// None had. Once all look-ups failed and this time is over, that is final.
    Pending {
        until: Instant,
        names: usize,
        unresolved: BTreeSet<NodeId>,
    },
    /// One had, or nobody asks.
    Over,
    /// None had in time, and that is final.
    Failed,
}

impl Resolution {
    /// For so many bootstrap names. A `timeout` of zero stands for names that were looked up
    /// before.
    pub(super) fn new(names: usize, timeout: Duration, now: Instant) -> Self {
        match now.checked_add(timeout) {
            Some(until) if !timeout.is_zero() => Self::Pending {
                until,
                names,
                unresolved: BTreeSet::new(),
            },
            _ => Self::Over,
        }
    }

    /// Takes note of what came of looking up the name of a bootstrap address.
    pub(super) fn looked_up(&mut self, node: NodeId, outcome: LookUp) {
        match (self, outcome) {
            (Self::Pending { unresolved, .. }, LookUp::Unresolved) => {
                unresolved.insert(node);
            }
            (pending @ Self::Pending { .. }, LookUp::Resolved) => *pending = Self::Over,
            (Self::Over | Self::Failed, _) => {}
        }
    }

    /// Gives up if no name has an address when the time is over. A look-up under way is waited
    /// for.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.gives_up_at().is_some_and(|until| until <= now) {
            *self = Self::Failed;
        }
    }

    /// When it gives up unless a name is found to have an address before.
    pub(super) fn gives_up_at(&self) -> Option<Instant> {
        match self {
            Self::Pending {
                until,
                names,
                unresolved,
            } => Some(*until).filter(|_| unresolved.len() == *names),
            Self::Over | Self::Failed => None,
        }
    }
}
