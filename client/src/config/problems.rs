//! What is wrong with a configuration, collected so that all of it is told at once.

use std::fmt;

use super::foreign::{ForeignOption, Treatment};
use super::option::{OptionReference, OptionValue, Range};
use super::properties::parse_properties;
use crate::error::{Error, ErrorKind};

/// What a builder found wrong so far, one sentence each, and what it only warns of.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl Problems {
    /// Adds a sentence about the option `key`.
    pub fn add(&mut self, key: &str, problem: impl fmt::Display) {
        self.problems.push(format!("{key}: {problem}"));
    }

    /// Adds a warning about the option `key`; the configuration is good all the same.
    pub fn warn(&mut self, key: &str, warning: impl fmt::Display) {
        self.warnings.push(format!("{key}: {warning}"));
    }

    /// Treats an option that has no field as `foreign` says, or complains that nobody knows it.
    pub fn add_foreign(
        &mut self,
        key: &str,
        value: &str,
        foreign: &[ForeignOption],
        known: &[OptionReference],
    ) {
        match foreign.iter().find(|option| option.is_called(key)) {
            Some(option) if option.is_harmless(value) => {}
            Some(option) => match option.treatment {
                Treatment::Ignored => self.warn(key, format!("ignored: {}", option.reason)),
                Treatment::Refused => self.add(key, option.reason),
            },
            None => self.add_unknown(key, known),
        }
    }

    /// The properties in the text of a file; none, and a complaint, if it cannot be read.
    pub fn read_properties(&mut self, text: &str) -> Vec<(String, String)> {
        parse_properties(text).unwrap_or_else(|problem| {
            self.problems.push(format!("properties: {problem}"));
            Vec::new()
        })
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
    fn add_unknown(&mut self, key: &str, known: &[OptionReference]) {
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

    /// What is not wrong, but worth a word.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// All sentences as one error, or nothing if there are none. Then warnings are logged.
    pub fn into_result(self) -> Result<(), Error> {
        match self.problems.as_slice() {
            [] => {
                for warning in &self.warnings {
                    tracing::warn!(%warning, "the configuration");
                }
                Ok(())
            }
            [only] => Err(Error::new(ErrorKind::Configuration, only.clone())),
            many => Err(Error::new(
                ErrorKind::Configuration,
                format!("{} options are wrong:\n- {}", many.len(), many.join("\n- ")),
            )),
        }
    }

    /// Adds the sentences of another list.
    pub fn extend(&mut self, other: &Self) {
        self.problems.extend_from_slice(&other.problems);
        self.warnings.extend_from_slice(&other.warnings);
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
