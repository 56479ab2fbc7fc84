//! What a configuration belongs to, by the names on the wire. One broker answers for itself and for
//! what holds for all, not for another.

use weft_client::NodeId;
use weft_client::wire::{ErrorCode, StrBytes};

use super::super::cluster::Cluster;
use super::super::configs::{Change, Refusal, alter_broker, alter_topic};
use super::super::reply::{Ask, message, text};

/// A topic, a broker, or all brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource<'a> {
    Topic(&'a str),
    Broker(Option<NodeId>),
}

/// Which changes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alteration {
    /// Everything that is not named is no longer set.
    Replace,
    Incremental,
}

pub(super) fn resource<'a>(ask: &Ask, kind: i8, name: &'a str) -> Result<Resource<'a>, Refusal> {
    match kind {
        TOPIC => Ok(Resource::Topic(name)),
        BROKER if name.is_empty() => Ok(Resource::Broker(None)),
        BROKER => match name.parse() {
            Ok(id) if NodeId::new(id) == ask.broker => Ok(Resource::Broker(Some(ask.broker))),
            Ok(_) => Err(invalid(format!(
                "Unexpected broker id, expected {} or empty string, but received {name}",
                ask.broker
            ))),
            Err(_) => Err(invalid(format!(
                "Broker id must be an integer, but it is: {name}"
            ))),
        },
        kind => Err(invalid(format!("Unsupported resource type: {kind}"))),
    }
}

/// Changes what a resource is set to, unless it is only asked whether that could be done.
pub(super) fn alter(
    cluster: &mut Cluster,
    resource: Resource<'_>,
    changes: &[Change],
    alteration: Alteration,
    validate_only: bool,
) -> Result<(), Refusal> {
    let release = cluster.options.release;
    match resource {
        Resource::Broker(id) => {
            let before = match alteration {
                Alteration::Replace => Default::default(),
                Alteration::Incremental => cluster.broker_settings.of(id),
            };
            let after = alter_broker(release, &before, changes)?;
            if !validate_only {
                cluster.broker_settings.set(id, after);
            }
        }
        Resource::Topic("") => {
            return Err(invalid("Default topic resources are not allowed."));
        }
        Resource::Topic(name) => {
            let topic = cluster.topics.by_name(name);
            let before = match (alteration, topic) {
                (Alteration::Incremental, Some(topic)) => topic.settings.clone(),
                _ => Default::default(),
            };
            let after = alter_topic(release, &before, changes)?;
            let unknown = || Refusal::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "");
            let id = topic.ok_or_else(unknown)?.id;
            if !validate_only {
                cluster.topics.set(id, after);
            }
        }
    }
    Ok(())
}

/// Refuses whatever is named more than once.
pub(super) fn check_once<'a>(
    all: impl Iterator<Item = (i8, &'a str)>,
    one: (i8, &str),
) -> Result<(), Refusal> {
    if all.filter(|(kind, name)| (*kind, *name) == one).count() > 1 {
        return Err(invalid("Each resource must appear at most once."));
    }
    Ok(())
}

/// What a refusal says to people: what its code means if there is nothing more to say.
pub(super) fn words(refusal: &Refusal) -> Option<StrBytes> {
    match refusal.message.as_str() {
        "" => message(refusal.code),
        words => Some(text(words)),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::INVALID_REQUEST, message)
}

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
