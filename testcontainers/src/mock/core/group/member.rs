//! One member of a group: who it is, what it offers, and what it waits for.

use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::wire::StrBytes;
use weft_client::{GroupInstanceId, MemberId};

use super::super::reply::Ask;

/// How a request names the member that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Empty if the coordinator gave it none yet.
    pub(crate) member_id: MemberId,
    /// Set by static members (KIP-345).
    pub(crate) instance_id: Option<GroupInstanceId>,
}

/// A protocol that a member offers, and what it says about itself in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) name: StrBytes,
    pub(crate) metadata: Bytes,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: MemberId,
    pub(crate) instance_id: Option<GroupInstanceId>,
    pub(crate) client_id: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    /// In the order of its preference.
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) assignment: Bytes,
    pub(super) awaiting: Awaiting,
    /// Whether it has never finished a join; its first join has a deadline of its own.
    pub(super) is_new: bool,
    /// Whether it has asked for its assignment in this generation.
    pub(super) has_synced: bool,
    pub(super) expires_at: Instant,
}

/// What a member waits for. Its connection may be gone meanwhile; it counts as waiting anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Awaiting {
    Nothing,
    Join(Option<Ask>),
    Sync(Option<Ask>),
}

impl Member {
    pub(super) fn is_joining(&self) -> bool {
        matches!(self.awaiting, Awaiting::Join(_))
    }

    /// When it is thrown out. A member that waits for the group need not prove that it lives.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (self.is_new || self.awaiting == Awaiting::Nothing).then_some(self.expires_at)
    }

    pub(super) fn prove_alive(&mut self, now: Instant) {
        self.expires_at = now + self.session_timeout;
    }

    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|offered| offered.name.as_str() == protocol)
            .map(|offered| offered.metadata.clone())
            .unwrap_or_default()
    }

    pub(super) fn offers(&self, protocol: &str) -> bool {
        self.protocols
            .iter()
            .any(|offered| offered.name.as_str() == protocol)
    }
}
