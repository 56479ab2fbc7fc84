//! Changes of configurations: each is applied to what was set before, and checked as a whole before
//! anything is set.

use weft_client::wire::ErrorCode;

use super::super::release::KafkaRelease;
use super::definition::{Definition, Kind};
use super::read_only;
use super::{Refusal, Settings};

/// What is to be done with one configuration (KIP-339).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Set,
    Delete,
    /// Adds to a list what is not in it.
    Append,
    /// Takes out of a list.
    Subtract,
}

/// A change of one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) value: Option<String>,
}

impl Change {
    pub(crate) fn set(name: &str, value: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            operation: Operation::Set,
            value: value.map(ToOwned::to_owned),
        }
    }
}

/// What a topic is set to after these changes.
pub(crate) fn topic(
    release: KafkaRelease,
    settings: &Settings,
    changes: &[Change],
) -> Result<Settings, Refusal> {
    let find = |name: &str| Definition::of_topic(release, name);
    // The controllers that replaced ZooKeeper have a code of their own for this.
    let code = if release >= KafkaRelease::V3_3 {
        ErrorCode::INVALID_CONFIG
    } else {
        ErrorCode::INVALID_REQUEST
    };
    let changed = applied(settings, changes, code, find)?;
    for (name, value) in &changed {
        let Some(known) = find(name) else {
            let message = format!("Unknown topic config name: {name}");
            return Err(Refusal::new(ErrorCode::INVALID_CONFIG, message));
        };
        if !known.kind.takes(value) {
            return Err(invalid(code, name, value));
        }
    }
    Ok(changed)
}

/// What a broker is set to after these changes. As in Kafka it may be set to things that nobody
/// knows, which may be meant for a plug-in.
pub(crate) fn broker(
    release: KafkaRelease,
    settings: &Settings,
    changes: &[Change],
) -> Result<Settings, Refusal> {
    let find = |name: &str| Definition::of_broker(release, name);
    let changed = applied(settings, changes, ErrorCode::INVALID_REQUEST, find)?;
    if changed.len() > SETTINGS_MAX {
        let message = format!("The mock keeps {SETTINGS_MAX} configurations of a broker.");
        return Err(Refusal::new(ErrorCode::POLICY_VIOLATION, message));
    }
    for (name, value) in &changed {
        if read_only::is_known(name) {
            let message = format!("Cannot update these configs dynamically: Set({name})");
            return Err(Refusal::new(ErrorCode::INVALID_REQUEST, message));
        }
        if find(name).is_some_and(|known| !known.kind.takes(value)) {
            return Err(invalid(ErrorCode::INVALID_REQUEST, name, value));
        }
    }
    Ok(changed)
}

fn applied(
    settings: &Settings,
    changes: &[Change],
    no_list: ErrorCode,
    find: impl Fn(&str) -> Option<&'static Definition>,
) -> Result<Settings, Refusal> {
    let mut changed = settings.clone();
    for (index, change) in changes.iter().enumerate() {
        let Change {
            name,
            operation,
            value,
        } = change;
        if changes[..index].iter().any(|earlier| earlier.name == *name) {
            let message = "Error due to duplicate config keys";
            return Err(Refusal::new(ErrorCode::INVALID_REQUEST, message));
        }
        if *operation == Operation::Delete {
            changed.remove(name);
            continue;
        }
        let Some(value) = value else {
            let message = format!("Null value not supported for : {name}");
            return Err(Refusal::new(ErrorCode::INVALID_REQUEST, message));
        };
        let value = match operation {
            Operation::Set | Operation::Delete => value.clone(),
            Operation::Append | Operation::Subtract => {
                let known = find(name).filter(|known| matches!(known.kind, Kind::List(_)));
                let Some(known) = known else {
                    let message =
                        format!("Can't {operation:?} to key {name} because its type is not LIST.");
                    return Err(Refusal::new(no_list, message));
                };
                let before = changed.get(name).map_or(known.default, String::as_str);
                merged(before, value, *operation)
            }
        };
        changed.insert(name.clone(), value);
    }
    Ok(changed)
}

fn merged(before: &str, value: &str, operation: Operation) -> String {
    let mut parts: Vec<&str> = before.split(',').filter(|part| !part.is_empty()).collect();
    for part in value.split(',') {
        let at = parts.iter().position(|known| *known == part);
        match (operation, at) {
            (Operation::Append, None) => parts.push(part),
            (Operation::Subtract, Some(at)) => drop(parts.remove(at)),
            _ => {}
        }
    }
    parts.join(",")
}

fn invalid(code: ErrorCode, name: &str, value: &str) -> Refusal {
    Refusal::new(
        code,
        format!("Invalid value {value} for configuration {name}"),
    )
}

/// How many configurations a broker may be set to.
const SETTINGS_MAX: usize = 1_000;
