//! How a consumer ends.

use std::time::Duration;

use crate::lane::MembershipOperation;

/// How to close a consumer.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct CloseOptions {
    pub(super) timeout: Duration,
    pub(super) membership: MembershipOperation,
}

impl CloseOptions {
    /// Half a minute; dynamic members leave the group, static ones stay.
    pub fn new() -> Self {
        Self {
            timeout: CLOSE_TIMEOUT,
            membership: MembershipOperation::Default,
        }
    }

    /// How long brokers may take, `request.timeout.ms` at most. Zero sends what there is to send
    /// and hardly waits for an answer. Callbacks of the user are not cut short.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Whether to leave the group: [`MembershipOperation::Default`] if the member is not static,
    /// [`MembershipOperation::LeaveGroup`] in any case, [`MembershipOperation::RemainInGroup`] in
    /// none, so that the coordinator waits for `session.timeout.ms`.
    pub fn membership(self, membership: MembershipOperation) -> Self {
        Self { membership, ..self }
    }
}

impl Default for CloseOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What closing may take unless told otherwise; Kafka's own consumer takes the same.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
