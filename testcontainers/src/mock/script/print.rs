//! Orders and faults as the text that reads the same.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::super::core::{Fault, FaultAction, Hits, Order, RequestFilter};

/// A time in the largest unit that says it exactly.
pub(super) struct Time(pub(super) Duration);

/// A name, in quotes if it needs them.
struct Name<'a>(&'a str);

/// The name of an API as scripts have it: from `OffsetCommit` comes `offset-commit`.
pub(super) fn api_name(name: &str) -> String {
    let mut spelt = String::new();
    for next in name.chars() {
        if next.is_uppercase() && !spelt.is_empty() && !spelt.ends_with('-') {
            spelt.push('-');
        }
        spelt.extend(next.to_lowercase());
    }
    spelt
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(broker) => write!(f, "kill {broker}"),
            Self::Restart(broker) => write!(f, "restart {broker}"),
            Self::Freeze(broker) => write!(f, "freeze {broker}"),
            Self::Thaw(broker) => write!(f, "thaw {broker}"),
            Self::Isolate { broker, client_id } => {
                write!(f, "isolate {broker} client={}", Name(client_id))
            }
            Self::Heal { broker, client_id } => {
                write!(f, "heal {broker} client={}", Name(client_id))
            }
            Self::MoveLeader {
                topic,
                partition,
                to,
            } => write!(f, "move-leader {}/{partition} {to}", Name(topic.as_str())),
            Self::Truncate {
                topic,
                partition,
                offset,
            } => write!(f, "truncate {}/{partition} {offset}", Name(topic.as_str())),
            Self::MoveCoordinator { group, to } => {
                write!(f, "move-coordinator group={} {to}", Name(group.as_str()))
            }
            Self::MoveTransactionCoordinator {
                transactional_id,
                to,
            } => {
                let id = Name(transactional_id);
                write!(f, "move-coordinator transaction={id} {to}")
            }
            Self::LoadCoordinator { group, time } => {
                let (group, time) = (Name(group.as_str()), Time(*time));
                write!(f, "load-coordinator group={group} {time}")
            }
            Self::ExpireMember { group, member } => {
                let (group, member) = (Name(group.as_str()), Name(member.as_str()));
                write!(f, "expire group={group} member={member}")
            }
            Self::EvictStatic { group, instance } => {
                let (group, instance) = (Name(group.as_str()), Name(instance.as_str()));
                write!(f, "evict group={group} instance={instance}")
            }
            Self::Rebalance { group } => write!(f, "rebalance group={}", Name(group.as_str())),
            Self::SetFault(fault) => fault.fmt(f),
            Self::LiftFault(id) => write!(f, "lift {id}"),
        }
    }
}

impl fmt::Display for Fault {
    /// The fault as a line of a script.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on {}", self.filter)?;
        match self.hits {
            Hits::All => {}
            Hits::Nth(nth) => write!(f, " nth={nth}")?,
            Hits::First(count) => write!(f, " first={count}")?,
            Hits::Every(step) => write!(f, " every={step}")?,
            Hits::Chance { percent, seed } => write!(f, " chance={percent}% seed={seed}")?,
        }
        write!(f, " {}", self.action)
    }
}

impl fmt::Display for RequestFilter {
    /// The filter as it stands in a line of a script.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.api_key {
            Some(api_key) => f.write_str(&api_name(&format!("{api_key:?}")))?,
            None => f.write_str("any")?,
        }
        if let Some(versions) = &self.versions {
            write!(f, " version={}-{}", versions.start(), versions.end())?;
        }
        if let Some(broker) = self.broker {
            write!(f, " broker={broker}")?;
        }
        if let Some(topic) = &self.topic {
            write!(f, " topic={}", Name(topic.as_str()))?;
        }
        if let Some(partition) = self.partition {
            write!(f, "/{partition}")?;
        }
        if let Some(group) = &self.group {
            write!(f, " group={}", Name(group.as_str()))?;
        }
        if let Some(id) = &self.transactional_id {
            write!(f, " transaction={}", Name(id.as_str()))?;
        }
        match &self.client_id {
            Some(client_id) => write!(f, " client={}", Name(client_id)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for FaultAction {
    /// The action as it stands in a line of a script.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(code) => match code.name() {
                Some(name) => write!(f, "answer {name}"),
                None => write!(f, "answer {}", code.0),
            },
            Self::DelayBefore(time) => write!(f, "delay {}", Time(*time)),
            Self::DelayAfter(time) => write!(f, "delay-after {}", Time(*time)),
            Self::Silence => f.write_str("silence"),
            Self::LoseAnswer => f.write_str("lose-answer"),
            Self::CutBefore => f.write_str("cut"),
            Self::CutAfter => f.write_str("cut-after"),
            Self::HalfFrame => f.write_str("half-frame"),
            Self::Corrupt { bytes, seed } => write!(f, "corrupt {bytes} seed={seed}"),
            Self::Throttle(time) => write!(f, "throttle {}", Time(*time)),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_nanos();
        for (unit, size) in UNITS {
            if nanoseconds.is_multiple_of(size) {
                return write!(f, "{}{unit}", nanoseconds / size);
            }
        }
        write!(f, "{nanoseconds}ns")
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |next: char| !next.is_whitespace() && !matches!(next, '"' | '#' | '=');
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            return f.write_str(self.0);
        }
        f.write_str("\"")?;
        for next in self.0.chars() {
            let escaped: Cow<'_, str> = match next {
                '"' => r#"\""#.into(),
                '\\' => r"\\".into(),
                '\n' => r"\n".into(),
                '\r' => r"\r".into(),
                '\t' => r"\t".into(),
                other => other.to_string().into(),
            };
            f.write_str(&escaped)?;
        }
        f.write_str("\"")
    }
}

/// In nanoseconds, the largest first.
const UNITS: [(&str, u128); 5] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
];
