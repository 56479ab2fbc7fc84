//! Why a scenario failed: what happened, and the line that did not expect it.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

/// The failure of a scenario. `?` makes one of any error and keeps the place of the `?`.
pub struct Failure {
    text: String,
    at: &'static Location<'static>,
}

/// What a scenario is good for: a few words for the report, such as `312 duplicates`.
pub type Outcome = Result<String, Failure>;

impl Failure {
    /// A failure in one's own words.
    #[track_caller]
    pub fn because(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            at: Location::caller(),
        }
    }

    /// Puts what was being done before the text.
    #[must_use]
    pub fn during(mut self, what: impl fmt::Display) -> Self {
        self.text = format!("{what}: {}", self.text);
        self
    }
}

impl<E: StdError> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        Self::because(text)
    }
}

// Not an `Error`, which would make `?` on a `Failure` ambiguous.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (self.at.file(), self.at.line());
        write!(f, "{} (at {file}:{line})", self.text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Fails the scenario unless the condition holds. The rest is the failure's text, as in `format!`.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::failure::Failure::because(format!($($text)+)));
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails() -> Result<(), Failure> {
        "x".parse::<u8>()?;
        Ok(())
    }

    #[test]
    fn a_failure_names_the_line_and_what_was_being_done() {
        let line = line!() - 6;
        let failure = fails().unwrap_err().during("reading x");
        let expected = format!(
            "reading x: invalid digit found in string (at {}:{line})",
            file!()
        );
        assert_eq!(failure.to_string(), expected);
    }
}
