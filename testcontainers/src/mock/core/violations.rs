//! What clients did that a correct client never does. It remembers; it decides nothing.

use std::fmt::Display;

/// The first violations, in the order in which they happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Violations {
    texts: Vec<String>,
}

impl Violations {
    pub(crate) fn add(&mut self, violation: impl Display) {
        if self.texts.len() < VIOLATIONS_MAX {
            tracing::warn!(%violation, "a client broke the protocol");
            self.texts.push(violation.to_string());
        }
    }

    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// How many are kept: the first are the telling ones.
const VIOLATIONS_MAX: usize = 1_000;
