//! Faults and orders as text, one on each line, for people and for programs in other languages.
//!
//! ```text
//! # The third fetch of orders is refused, by whichever broker.
//! on fetch topic=orders nth=3 answer NOT_LEADER_OR_FOLLOWER
//! on produce client=shop delay 200ms
//! after 5s kill 2
//! after 8s restart 2
//! after 8s lift 1
//! ```
//!
//! A line is an order, or `after`, a time, and an order. Times count from the moment in which the
//! script is run; lines without one are carried out at that moment, in their order. What follows a
//! `#` is for people. Names with blanks, `#` or `"` in them are put in quotes, wholly or in part,
//! as in `group="a b"`; inside, `\"`, `\\`, `\n`, `\r` and `\t` stand for what they do in Rust.
//!
//! | order | what it does |
//! | --- | --- |
//! | `kill B`, `restart B` | a broker dies, or comes back |
//! | `freeze B`, `thaw B` | a broker stops as after SIGSTOP, or goes on |
//! | `isolate B client=C`, `heal B client=C` | keeps a broker and a client apart, or not |
//! | `move-leader T/P B` | another replica leads a partition |
//! | `truncate T/P OFFSET` | a log loses its end |
//! | `move-coordinator group=G B` | another broker answers for a group |
//! | `move-coordinator transaction=T B` | another broker answers for a transactional id |
//! | `load-coordinator group=G TIME` | a group's coordinator loads for so long |
//! | `expire group=G member=M` | a member's session ends |
//! | `evict group=G instance=I` | a static member is taken out |
//! | `rebalance group=G` | a group starts a rebalance |
//! | `on API ... ACTION` | sets a fault; these are numbered from 1 as they are set |
//! | `lift N` | takes that fault away |
//!
//! Between the API, which is `any` or a name such as `fetch` or `offset-commit`, and the action
//! stands what the fault is restricted to: `version=3` or `version=0-3`, `broker=B`, `topic=T` or
//! `topic=T/P`, `group=G`, `transaction=T` for a transactional id, `client=C`, and one of `nth=N`,
//! `first=N`, `every=N` and `chance=25% seed=N`.
//!
//! The actions are `answer CODE`, `delay TIME`, `delay-after TIME`, `silence`, `lose-answer`,
//! `cut`, `cut-after`, `half-frame`, `corrupt BYTES seed=N`, and `throttle TIME`; see
//! [`FaultAction`](super::FaultAction). Times are whole numbers with `ns`, `us`, `ms`, `s`, `m` or
//! `h` behind them.

mod error;
mod fault;
mod order;
mod print;
mod run;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use super::core::Order;

pub use error::ScriptError;
pub use run::ScriptRun;

/// A script that was read. Printing it gives a text that reads the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// In the order of the lines.
    statements: Vec<Statement>,
}

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement {
    /// The line on which it stands, from 1.
    pub line: usize,
    /// How long after the beginning of the run it is carried out.
    pub after: Duration,
    /// What is to be done.
    pub order: Order,
}

/// Reads a script.
///
/// ```
/// use weft_testcontainers::mock::script;
///
/// let script = script::parse("on fetch topic=orders nth=3 cut\nafter 5s kill 2 # for good")?;
/// assert_eq!(script.statements().len(), 2);
///
/// let error = script::parse("on fetch topic=orders explode").unwrap_err();
/// assert_eq!((error.line, error.column), (1, 23));
/// # Ok::<(), script::ScriptError>(())
/// ```
///
/// # Errors
///
/// The first thing that cannot be read: where it is, and what could stand there. A script may have
/// ten thousand lines of a thousand characters.
pub fn parse(text: &str) -> Result<Script, ScriptError> {
    let mut statements = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        if line_number > LINES_MAX {
            return Err(ScriptError::too_long(line_number, 1, "ten thousand lines"));
        }
        if line.chars().nth(COLUMNS_MAX).is_some() {
            let column = COLUMNS_MAX + 1;
            return Err(ScriptError::too_long(
                line_number,
                column,
                "a thousand characters",
            ));
        }
        let mut words = words::split(line_number, line)?;
        if words.is_over() {
            continue;
        }
        let after = match words.take_if("after") {
            true => words.time("how long after the beginning, such as 5s", AFTER_MAX)?,
            false => Duration::ZERO,
        };
        let order = order::read(&mut words)?;
        words.end()?;
        statements.push(Statement {
            line: line_number,
            after,
            order,
        });
    }
    Ok(Script { statements })
}

impl Script {
    /// Its lines, without those that are empty or for people only.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for statement in &self.statements {
            writeln!(f, "{statement}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.after.is_zero() {
            write!(f, "after {} ", print::Time(self.after))?;
        }
        self.order.fmt(f)
    }
}

/// How many lines a script may have.
const LINES_MAX: usize = 10_000;

/// How many characters a line may have.
const COLUMNS_MAX: usize = 1_000;

/// A script runs for thirty days at most.
const AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
