//! What a configuration is: its name at topics and at brokers, its type and default, which values
//! it takes, and which releases have it.

use super::super::release::KafkaRelease;
use super::table::DEFINITIONS;

/// One configuration of topics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    /// What brokers call it; nothing where a change of theirs is no default for topics.
    pub(crate) broker_name: Option<&'static str>,
    pub(crate) kind: Kind,
    pub(crate) default: &'static str,
    pub(super) since: KafkaRelease,
    pub(super) until: KafkaRelease,
}

/// The type of a configuration, and the values that it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Boolean,
    /// One of these, or any text.
    Text(&'static [&'static str]),
    /// At least so much.
    Int(i32),
    Long(i64),
    /// Between 0 and 1.
    Ratio,
    /// Some of these, or anything.
    List(&'static [&'static str]),
}

impl Definition {
    pub(crate) fn is_in(&self, release: KafkaRelease) -> bool {
        (self.since..=self.until).contains(&release)
    }

    /// What brokers of a release call their default for the configurations of topics.
    pub(crate) fn of_broker(release: KafkaRelease, name: &str) -> Option<&'static Self> {
        DEFINITIONS
            .iter()
            .find(|known| known.is_in(release) && known.broker_name == Some(name))
    }

    pub(crate) fn of_topic(release: KafkaRelease, name: &str) -> Option<&'static Self> {
        DEFINITIONS
            .iter()
            .find(|known| known.is_in(release) && known.name == name)
    }
}

impl Kind {
    /// The number of the type on the wire.
    pub(crate) fn on_wire(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::Text(_) => 2,
            Self::Int(_) => 3,
            Self::Long(_) => 5,
            Self::Ratio => 6,
            Self::List(_) => 7,
        }
    }

    pub(crate) fn takes(self, value: &str) -> bool {
        match self {
            Self::Boolean => {
                value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
            }
            Self::Text(allowed) => allowed.is_empty() || allowed.contains(&value),
            Self::Int(least) => value.trim().parse().is_ok_and(|value: i32| value >= least),
            Self::Long(least) => value.trim().parse().is_ok_and(|value: i64| value >= least),
            Self::Ratio => {
                let ratio = value.trim().parse();
                ratio.is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio))
            }
            Self::List(allowed) => {
                let mut parts = value.split(',').map(str::trim);
                allowed.is_empty() || parts.all(|part| allowed.contains(&part))
            }
        }
    }
}
