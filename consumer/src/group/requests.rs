//! Which requests are on their way, and what each was for. It never decides what an answer means.

use std::collections::BTreeMap;

use weft_client::net::RequestToken;

use super::membership::Identity;

/// What a request was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Metadata,
    FindCoordinator,
    Join,
    Sync,
    Heartbeat,
    Commit,
    Committed,
    Leave,
}

/// One request without answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outstanding {
    pub(super) purpose: Purpose,
    /// The coordinator's tenure when it was sent. A failure under an earlier one says nothing about
    /// the coordinator of today.
    pub(super) tenure: u64,
    /// Who the member was when it was sent. An answer that disowns a member counts only if it still
    /// is the same.
    pub(super) sent_as: Identity,
}

/// All requests without answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Requests {
    last: u64,
    outstanding: BTreeMap<RequestToken, Outstanding>,
}

impl Requests {
    pub(super) fn add(&mut self, request: Outstanding) -> RequestToken {
        self.last += 1;
        let token = RequestToken::new(self.last);
        self.outstanding.insert(token, request);
        token
    }

    /// The request that was answered; `None` if it is no longer of interest.
    pub(super) fn take(&mut self, token: RequestToken) -> Option<Outstanding> {
        self.outstanding.remove(&token)
    }

    pub(super) fn has(&self, purpose: Purpose) -> bool {
        self.outstanding
            .values()
            .any(|request| request.purpose == purpose)
    }
}
