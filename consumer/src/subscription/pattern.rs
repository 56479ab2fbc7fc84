//! A pattern that names of topics match as a whole.

use regex::bytes::{Regex, RegexBuilder};
use weft_client::{Error, ErrorKind, TopicName};

/// A regular expression for whole names of topics.
#[derive(Clone, Debug)]
pub(crate) struct TopicPattern {
    text: String,
    regex: Regex,
}

/// Two are equal if they are written alike.
impl PartialEq for TopicPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TopicPattern {}

impl TopicPattern {
    /// Reads a pattern in the syntax of the `regex` crate, in which classes of letters and their
    /// cases are those of ASCII, as names of topics are and as Java's are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalArgument`] if it is empty, cannot be read, or is too large.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let text = format!("{text:?} is no pattern of topics: {why}");
            Err(Error::new(ErrorKind::IllegalArgument, text))
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        // On its own first, so that a bracket too many cannot end the brackets around it.
        let read = |text: &str| RegexBuilder::new(text).unicode(false).build();
        let whole = read(text).and_then(|_| read(&format!("^(?:{text})$")));
        match whole {
            Ok(regex) => Ok(Self {
                text: text.to_owned(),
                regex,
            }),
            Err(error) => refuse(&error.to_string()),
        }
    }

    /// Whether the whole name matches.
    pub(crate) fn matches(&self, topic: &TopicName) -> bool {
        self.regex.is_match(topic.as_str().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_match() {
        for (pattern, name, is_match) in [
            ("order", "order", true),
            ("order", "orders", false),
            ("order", "reorder", false),
            ("a|ab", "ab", true),
            ("a|ab", "abc", false),
            ("orders-.*", "orders-eu", true),
            ("^orders$", "orders", true),
            ("(?i)ORDERS", "orders", true),
            (r"[a-z]+\.\d{2}", "log.07", true),
            ("orders", "orders\n", false),
        ] {
            let pattern = TopicPattern::parse(pattern).unwrap();
            assert_eq!(
                pattern.matches(&name.into()),
                is_match,
                "{pattern:?} {name}"
            );
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for (text, part) in [
            ("", "empty"),
            ("(", "unclosed"),
            ("a)|(b", "unopened"),
            ("(?=a)", "look-around"),
            (r"(a)\1", "backreferences"),
            ("((a{100}){100}){100}", "size"),
        ] {
            let error = TopicPattern::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::IllegalArgument);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
