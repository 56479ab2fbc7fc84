//! Options of Kafka's own clients that have no field here, and what becomes of them.
//!
//! A configuration that was written for Java shall work, or say why it does not. So an option is
//! ignored with a warning where leaving it out changes neither what is read nor what is committed,
//! and refused where it does.

/// An option of Kafka's own clients that means nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignOption {
    /// Kafka's name of it. A star at its end stands for any ending.
    pub key: &'static str,
    /// What becomes of it.
    pub treatment: Treatment,
    /// Values that ask for what happens here anyway. They are taken without a word, and so is an
    /// empty text.
    pub harmless: &'static [&'static str],
    /// Why it means nothing here.
    pub reason: &'static str,
}

/// What becomes of an option that means nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is ignored, and a warning is logged.
    Ignored,
    /// It is refused.
    Refused,
}

impl ForeignOption {
    /// An option that is ignored with a warning.
    pub const fn ignored(key: &'static str, reason: &'static str) -> Self {
        Self {
            key,
            treatment: Treatment::Ignored,
            harmless: &[],
            reason,
        }
    }

    /// An option that is refused.
    pub const fn refused(key: &'static str, reason: &'static str) -> Self {
        Self {
            key,
            treatment: Treatment::Refused,
            harmless: &[],
            reason,
        }
    }

    /// The same, but for these values.
    #[must_use]
    pub const fn unless(self, harmless: &'static [&'static str]) -> Self {
        Self { harmless, ..self }
    }

    /// Whether the option has this name.
    pub fn is_called(&self, key: &str) -> bool {
        match self.key.strip_suffix('*') {
            Some(start) => key.starts_with(start),
            None => key == self.key,
        }
    }

    /// Whether this value of it asks for what happens here anyway.
    pub fn is_harmless(&self, value: &str) -> bool {
        let mut harmless = self.harmless.iter();
        value.is_empty() || harmless.any(|word| value.eq_ignore_ascii_case(word))
    }
}

/// What no client has a field for.
pub const CLIENT_FOREIGN_OPTIONS: &[ForeignOption] = &[
    ForeignOption::ignored(
        "ssl.*",
        "TLS is not supported so far, and without it this means nothing",
    ),
    ForeignOption::ignored(
        "sasl.*",
        "SASL is not supported so far, and without it this means nothing",
    ),
    ForeignOption::ignored("security.providers", "it names classes of Java"),
    ForeignOption::refused(
        "config.providers*",
        "values are taken as they are written: look them up before",
    ),
    ForeignOption::ignored("metric.reporters", "it names classes of Java"),
    ForeignOption::ignored("auto.include.jmx.reporter", "there is no JMX"),
    ForeignOption::ignored(
        "enable.metrics.push",
        "metrics are not sent to brokers (KIP-714)",
    )
    .unless(&["false"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_ending_and_nothing_else() {
        let all = ForeignOption::ignored("ssl.*", "r");
        assert!(all.is_called("ssl.key.password") && !all.is_called("sasl.mechanism"));
        let one = ForeignOption::refused("a.b", "r").unless(&["false"]);
        assert!(one.is_called("a.b") && !one.is_called("a.b.c"));
        assert!(one.is_harmless("FALSE") && one.is_harmless("") && !one.is_harmless("true"));
    }
}
