//! What is wrong with a script, where, and what would be right.

use std::fmt;

/// The first thing in a script that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// The character of the line at which it begins, from 1.
    pub column: usize,
    /// What stands there; empty at the end of the line.
    pub found: String,
    /// What could stand there, as the end of "expected ...".
    pub expected: String,
}

impl ScriptError {
    pub(super) fn too_long(line: usize, column: usize, limit: &str) -> Self {
        Self {
            line,
            column,
            found: "more".to_owned(),
            expected: format!("at most {limit}"),
        }
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            found,
            expected,
        } = self;
        if found.is_empty() {
            write!(f, "line {line}, column {column}: expected {expected}")
        } else {
            write!(
                f,
                "line {line}, column {column}: `{found}`, expected {expected}"
            )
        }
    }
}

impl std::error::Error for ScriptError {}
