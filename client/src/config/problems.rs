//! What is wrong with a configuration, collected so that all of it is told at once.

use std::fmt;

use super::option::{OptionReference, OptionValue, Range};
use crate::error::{Error, ErrorKind};

/// What a builder found wrong so far, one sentence each.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Adds a sentence about the option `key`.
    pub fn add(&mut self, key: &str, problem: impl fmt::Display) {
        self.0.push(format!("{key}: {problem}"));
    }

    /// Reads the text given for the option `key`, or adds what is wrong with it.
    pub fn read<T: OptionValue>(&mut self, key: &str, text: &str, option: &mut Option<T>) {
        match T::parse(text) {
            Ok(value) => *option = Some(value),
            Err(problem) => self.add(key, format!("{text:?} is not allowed: {problem}")),
        }
    }

    /// Adds what is wrong with the value of the option `key`, if anything is.
    pub fn check<T: OptionValue>(&mut self, key: &str, value: &T, range: &Range<T>) {
        let problems = value.problems();
        if problems.is_empty() && !range.holds(value) {
            self.add(
                key,
                format!("{:?} is not allowed: must be {range}", value.print()),
            );
        }
        for problem in problems {
            self.add(key, problem);
        }
    }

    /// Adds that no option is called `key`, and which one may have been meant.
    pub fn add_unknown(&mut self, key: &str, known: &[OptionReference]) {
        let nearest = known
            .iter()
            .map(|option| (distance(key, option.key), option.key))
            .min();
        match nearest {
            Some((steps, meant)) if steps <= TYPO_STEPS => {
                self.add(key, format!("no such option; did you mean {meant}?"));
            }
            _ => self.add(key, "no such option"),
        }
    }

    /// All sentences as one error, or nothing if there are none.
    pub fn into_result(self) -> Result<(), Error> {
        match self.0.as_slice() {
            [] => Ok(()),
            [only] => Err(Error::new(ErrorKind::Configuration, only.clone())),
            many => Err(Error::new(
                ErrorKind::Configuration,
                format!("{} options are wrong:\n- {}", many.len(), many.join("\n- ")),
            )),
        }
    }

    /// Adds the sentences of another list.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }
}

/// So many changed letters still count as a misspelt option.
const TYPO_STEPS: usize = 3;

/// The number of letters to change, add or drop to get from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for column in 0..to.len() {
            let replaced = diagonal + usize::from(letter != to[column]);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
