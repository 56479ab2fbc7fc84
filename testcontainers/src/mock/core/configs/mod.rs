//! Configurations: what topics and brokers are set to, what that amounts to, and which changes are
//! allowed (KIP-133, KIP-226, KIP-339).
//!
//! ```text
//!  topic  -->  this broker  -->  all brokers  -->  default     the first that is set counts
//! ```
//!
//! The brokers follow `max.message.bytes`, `message.timestamp.type` and the limits of timestamps,
//! `compression.type`, `min.insync.replicas`, and of `cleanup.policy` that a compacted topic takes
//! no record without key and lets nobody delete records. All else is kept and told and has no
//! effect: nothing is deleted for its age or size, compacted or cut into segments.

mod alter;
mod definition;
mod effective;
mod read_only;
mod table;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use weft_client::NodeId;
use weft_client::wire::ErrorCode;

pub(crate) use alter::{Change, Operation, broker as alter_broker, topic as alter_topic};
pub(crate) use effective::TopicRules;
pub(crate) use told::{Source, Told};

/// What is set, by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// What brokers are set to while they run.
#[derive(Clone, Debug, Default)]
pub(crate) struct BrokerSettings {
    all: Settings,
    each: BTreeMap<NodeId, Settings>,
    /// Who was set since [`Self::take_changed`]; nothing stands for all.
    changed: BTreeSet<Option<NodeId>>,
}

/// Why a change is not allowed, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl BrokerSettings {
    /// Everything that is set, that of all brokers first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<NodeId>, Settings)> {
        let each = self.each.iter().map(|(id, own)| (Some(*id), own));
        std::iter::once((None, &self.all))
            .chain(each)
            .filter(|(_, settings)| !settings.is_empty())
            .map(|(broker, settings)| (broker, settings.clone()))
    }

    /// What was set since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<(Option<NodeId>, Settings)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed.map(|broker| (broker, self.of(broker))).collect()
    }

    /// Those of one broker, or those that hold for all of them.
    pub(crate) fn of(&self, broker: Option<NodeId>) -> Settings {
        match broker {
            None => self.all.clone(),
            Some(id) => self.each.get(&id).cloned().unwrap_or_default(),
        }
    }

    pub(crate) fn set(&mut self, broker: Option<NodeId>, settings: Settings) {
        self.changed.insert(broker);
        match broker {
            None => self.all = settings,
            Some(id) => drop(self.each.insert(id, settings)),
        }
    }

    /// What is set for this broker under a name, and who was told so.
    fn find(&self, broker: NodeId, name: &str) -> impl Iterator<Item = (Source, &str)> {
        let own = self.each.get(&broker);
        let own = own.and_then(|settings| settings.get(name));
        let all = self.all.get(name);
        let own = own.map(|value| (Source::Broker, value.as_str()));
        let all = all.map(|value| (Source::AllBrokers, value.as_str()));
        own.into_iter().chain(all)
    }
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
