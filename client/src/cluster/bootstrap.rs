//! Where a client starts, and when it has to start again (KIP-899, KIP-1102).
//!
//! It never forgets the bootstrap addresses, and never looks up a name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::{ClientConfig, MetadataRecovery};
use crate::ids::Broker;

/// The bootstrap addresses, and how long nothing has been learnt from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bootstrap {
    brokers: Vec<Arc<Broker>>,
    recovery: MetadataRecovery,
    trigger: Duration,
    /// When the first question of the present series of failures was asked.
    asking_since: Option<Instant>,
}

impl Bootstrap {
    pub(super) fn new(config: &ClientConfig) -> Self {
        Self {
            brokers: config.bootstrap_brokers(),
            recovery: config.metadata_recovery,
            trigger: config.metadata_rebootstrap_trigger,
            asking_since: None,
        }
    }

    /// The addresses as brokers with negative ids.
    pub(super) fn brokers(&self) -> &[Arc<Broker>] {
        &self.brokers
    }

    /// Whether starting again is allowed at all.
    pub(super) fn may_start_again(&self) -> bool {
        self.recovery == MetadataRecovery::Rebootstrap
    }

    /// Whether questions have been asked in vain for too long.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        let waited = |since| now.saturating_duration_since(since) >= self.trigger;
        self.may_start_again() && self.asking_since.is_some_and(waited)
    }

    /// Takes note that a question is asked.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asking_since.get_or_insert(now);
    }

    /// Takes note of an answer, or of a fresh start: the series ends.
    pub(super) fn series_ended(&mut self) {
        self.asking_since = None;
    }
}
