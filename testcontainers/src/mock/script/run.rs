//! A script that is being run: which of its lines are due. It carries out nothing.

use std::collections::VecDeque;
use std::time::Instant;

use super::{Script, Statement};

/// The lines that are not carried out yet, the next one first. Lines of the same time come in their
/// order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptRun {
    began_at: Instant,
    left: VecDeque<Statement>,
}

impl ScriptRun {
    /// Runs a script from this moment on.
    pub fn new(script: Script, now: Instant) -> Self {
        let mut left = script.statements;
        left.sort_by_key(|statement| statement.after);
        Self {
            began_at: now,
            left: left.into(),
        }
    }

    /// When the next line is due; nothing once all were taken.
    pub fn next_deadline(&self) -> Option<Instant> {
        let next = self.left.front()?;
        Some(self.began_at + next.after)
    }

    /// Takes the next line, if it is due. The caller carries it out, and asks again.
    pub fn take_due(&mut self, now: Instant) -> Option<Statement> {
        self.next_deadline().filter(|due_at| *due_at <= now)?;
        self.left.pop_front()
    }
}
